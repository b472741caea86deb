// X.509 (RFC 5280) as far as the gateway needs it: a private CA and certificates for the first
// run, what a certificate says about itself, and its tls-server-end-point hash (RFC 5929) for
// SCRAM-SHA-256-PLUS. Keys are ECDSA P-256, signatures ECDSA with SHA-256, serials 128 random
// bits. This does not validate chains: that is TLS's work, in `net`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::crypto {

struct CertificateAuthority {
  std::string certificate_pem;
  SecretBytes private_key_pem;  ///< PKCS #8, not encrypted: the file's mode protects it
};

struct IssuedCertificate {
  std::string certificate_pem;  ///< the leaf, then the CA's certificate
  SecretBytes private_key_pem;  ///< PKCS #8, not encrypted
};

/// Host names (a leading "*." label is permitted) and addresses in text form, either family.
struct SubjectAltNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

struct CertificateInfo {
  std::string subject;  ///< RFC 2253 form, control characters escaped
  std::string issuer;
  SubjectAltNames names;  ///< other kinds of names are left out
  WallTime not_before;
  WallTime not_after;
  Digest256 sha256_fingerprint{};  ///< of the DER certificate
};

/// A self-signed root that may sign leaves only (pathlen 0). validity: 1 to 36500 days.
/// The private key comes from OpenSSL's generator, the serial from random.
[[nodiscard]] Result<CertificateAuthority> make_ca(std::string_view common_name, WallTime not_before,
                                                   std::chrono::days validity, Random& random);

/// extKeyUsage serverAuth. At least one and at most 64 names. Ends with its CA at the latest.
[[nodiscard]] Result<IssuedCertificate> issue_server_certificate(const CertificateAuthority& ca,
                                                                 const SubjectAltNames& names, WallTime not_before,
                                                                 std::chrono::days validity, Random& random);

/// extKeyUsage clientAuth, the common name is who it is.
[[nodiscard]] Result<IssuedCertificate> issue_client_certificate(const CertificateAuthority& ca,
                                                                 std::string_view common_name, WallTime not_before,
                                                                 std::chrono::days validity, Random& random);

/// Of the first certificate of a PEM text, or of a DER certificate. Malformed otherwise.
[[nodiscard]] Result<CertificateInfo> certificate_info(ByteView pem_or_der);
[[nodiscard]] inline Result<CertificateInfo> certificate_info(std::string_view pem_or_der) {
  return certificate_info(as_bytes(pem_or_der));
}

/// That the key is that of the text's first certificate. Malformed: no certificate, or no PEM key
/// without a passphrase; InvalidArgument: they don't belong together.
[[nodiscard]] Result<void> check_private_key(std::string_view certificate_pem, const SecretBytes& private_key_pem);

/// RFC 5929 section 4.1: the DER certificate under the hash of its own signature algorithm,
/// SHA-256 in place of MD5 and SHA-1. Unsupported where that algorithm has no single hash
/// (Ed25519, Ed448): such a certificate offers no channel binding.
[[nodiscard]] Result<Bytes> server_end_point_hash(ByteView pem_or_der);
[[nodiscard]] inline Result<Bytes> server_end_point_hash(std::string_view pem_or_der) {
  return server_end_point_hash(as_bytes(pem_or_der));
}

}  // namespace bartizan::crypto
