#include "x509_read.hpp"

#include <arpa/inet.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "bartizan/crypto/x509.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kMaxCertificateBytes = std::size_t{1} << 20;

/// Without it OpenSSL asks the terminal for the passphrase of an encrypted PEM.
int refuse_passphrase(char*, int, int, void*) { return -1; }

/// A sequence in long form: no text begins so, every certificate does.
bool looks_like_der(ByteView bytes) noexcept {
  return bytes.size() > 2 && bytes[0] == std::byte{0x30} && (bytes[1] & std::byte{0x80}) != std::byte{0};
}

WallTime to_wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime{};  // a time that nothing is valid at
  const auto day = std::chrono::year(parts.tm_year + 1900) /
                   std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)) /
                   std::chrono::day(static_cast<unsigned>(parts.tm_mday));
  return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

Result<std::string> name_text(const X509_NAME* name) {
  const Bio sink(BIO_new(BIO_s_mem()));
  BZ_ASSERT(sink);
  if (X509_NAME_print_ex(sink.get(), name, 0, XN_FLAG_RFC2253) < 0) return fail(Errc::Malformed, "certificate: a name");
  return std::string(as_chars(written_to(*sink)));
}

Result<std::string> dns_name_text(const ASN1_STRING* value) {
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                   static_cast<std::size_t>(ASN1_STRING_length(value)));
  // A NUL or a control character in here has fooled programs before.
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; }))
    return fail(Errc::Malformed, "certificate: a DNS name holds characters it may not");
  return text;
}

Result<std::string> ip_address_text(const ASN1_STRING* value) {
  const int size = ASN1_STRING_length(value);
  if (size != 4 && size != 16) return fail(Errc::Malformed, "certificate: an IP address of odd length");
  char text[INET6_ADDRSTRLEN];
  BZ_ASSERT(inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text, sizeof text) != nullptr);
  return std::string(text);
}

Result<SubjectAltNames> subject_alt_names(const X509& certificate) {
  int critical = 0;
  const GeneralNames general_names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, &critical, nullptr)));
  SubjectAltNames names;
  if (!general_names) {
    if (critical != -1) return fail(Errc::Malformed, "certificate: subjectAltName");
    return names;
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(general_names.get()); ++i) {
    int type = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(general_names.get(), i), &type));
    if (type == GEN_DNS) {
      BZ_TRY(names.dns_names.emplace_back(), dns_name_text(value));
    } else if (type == GEN_IPADD) {
      BZ_TRY(names.ip_addresses.emplace_back(), ip_address_text(value));
    }
  }
  return names;
}

}  // namespace

Bio memory_source(ByteView bytes) {
  Bio source(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  BZ_ASSERT(source);
  return source;
}

ByteView written_to(BIO& sink) noexcept {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&sink, &data);
  return as_bytes({data, static_cast<std::size_t>(size)});
}

Result<Certificate> read_certificate(ByteView pem_or_der) {
  if (pem_or_der.size() > kMaxCertificateBytes) return fail(Errc::TooLarge, "certificate: too long");
  if (looks_like_der(pem_or_der)) {
    const unsigned char* position = octets(pem_or_der);
    Certificate certificate(d2i_X509(nullptr, &position, static_cast<long>(pem_or_der.size())));
    if (!certificate || position != octets(pem_or_der) + pem_or_der.size())
      return fail(Errc::Malformed, "not a DER certificate");
    return certificate;
  }
  if (pem_or_der.empty()) return fail(Errc::Malformed, "not a PEM certificate");
  const Bio source = memory_source(pem_or_der);
  Certificate certificate(PEM_read_bio_X509(source.get(), nullptr, refuse_passphrase, nullptr));
  if (!certificate) return fail(Errc::Malformed, "not a PEM certificate");
  return certificate;
}

Result<PrivateKey> read_private_key(ByteView pem) {
  if (pem.empty() || pem.size() > kMaxCertificateBytes) return fail(Errc::Malformed, "not a PEM private key");
  const Bio source = memory_source(pem);
  PrivateKey key(PEM_read_bio_PrivateKey(source.get(), nullptr, refuse_passphrase, nullptr));
  if (!key) return fail(Errc::Malformed, "not a PEM private key");
  return key;
}

WallTime not_after_of(const X509& certificate) { return to_wall_time(X509_get0_notAfter(&certificate)); }

Result<CertificateInfo> certificate_info(ByteView pem_or_der) {
  const ErrorQueueScope errors;
  BZ_TRY(const Certificate certificate, read_certificate(pem_or_der));
  CertificateInfo info;
  BZ_TRY(info.subject, name_text(X509_get_subject_name(certificate.get())));
  BZ_TRY(info.issuer, name_text(X509_get_issuer_name(certificate.get())));
  BZ_TRY(info.names, subject_alt_names(*certificate));
  info.not_before = to_wall_time(X509_get0_notBefore(certificate.get()));
  info.not_after = not_after_of(*certificate);
  unsigned size = 0;
  BZ_ASSERT(X509_digest(certificate.get(), sha256_algorithm(), writable_octets(info.sha256_fingerprint), &size) == 1 &&
            size == kSha256Size);
  return info;
}

Result<void> check_private_key(std::string_view certificate_pem, const SecretBytes& private_key_pem) {
  const ErrorQueueScope errors;
  BZ_TRY(const Certificate certificate, read_certificate(as_bytes(certificate_pem)));
  BZ_TRY(const PrivateKey key, read_private_key(private_key_pem.reveal()));
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return fail(Errc::InvalidArgument, "the private key is not that of the certificate");
  return {};
}

Result<Bytes> server_end_point_hash(ByteView pem_or_der) {
  const ErrorQueueScope errors;
  BZ_TRY(const Certificate certificate, read_certificate(pem_or_der));
  int digest_nid = NID_undef;
  if (X509_get_signature_info(certificate.get(), &digest_nid, nullptr, nullptr, nullptr) != 1 ||
      digest_nid == NID_undef)
    return fail(Errc::Unsupported, "the certificate's signature algorithm has no hash for tls-server-end-point");
  if (digest_nid == NID_md5 || digest_nid == NID_sha1) digest_nid = NID_sha256;
  const EVP_MD* digest = EVP_get_digestbynid(digest_nid);
  if (digest == nullptr)
    return fail(Errc::Unsupported, "the hash of the certificate's signature algorithm is not available");
  Bytes hash(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (X509_digest(certificate.get(), digest, writable_octets(hash), &size) != 1)
    return fail(Errc::Unsupported, "the hash of the certificate's signature algorithm is not available");
  hash.resize(size);
  return hash;
}

}  // namespace bartizan::crypto
