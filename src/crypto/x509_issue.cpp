#include <arpa/inet.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>

#include "bartizan/crypto/x509.hpp"
#include "x509_read.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kMaxNames = 64;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280 appendix A, ub-common-name

struct Validity {
  WallTime from;
  WallTime to;
};

/// All that is put into a certificate before it is signed.
struct Profile {
  std::string_view common_name;
  Validity validity;
  const char* basic_constraints;
  const char* key_usage;
  const char* extended_key_usage;      ///< nullptr: none
  const SubjectAltNames* names;        ///< nullptr: none
};

Result<Validity> make_validity(WallTime not_before, std::chrono::days days) {
  constexpr WallTime kEarliest{};
  constexpr WallTime kLatest = std::chrono::sys_days(std::chrono::year(9000) / 1 / 1);
  if (days < std::chrono::days(1) || days > std::chrono::days(36500))
    return fail(Errc::InvalidArgument, "a certificate is valid for 1 to 36500 days");
  if (not_before < kEarliest || not_before > kLatest)
    return fail(Errc::InvalidArgument, "a certificate's start is out of range");
  return Validity{not_before, not_before + days - std::chrono::seconds(1)};  // the end is inclusive
}

Result<void> check_common_name(std::string_view name) {
  const bool printable =
      std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kMaxCommonName || !printable)
    return fail(Errc::InvalidArgument, "a common name is 1 to 64 printable bytes");
  return {};
}

bool is_host_label(std::string_view label) {
  const auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [&](char c) { return alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  if (name.starts_with("*.")) name.remove_prefix(2);
  while (true) {
    const auto dot = name.find('.');
    if (!is_host_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

void append_name(GENERAL_NAMES& names, int type, int asn_type, ByteView value) {
  AsnString text(ASN1_STRING_type_new(asn_type));
  GeneralName name(GENERAL_NAME_new());
  BZ_ASSERT(text && name && ASN1_STRING_set(text.get(), value.data(), static_cast<int>(value.size())) == 1);
  GENERAL_NAME_set0_value(name.get(), type, text.release());
  BZ_ASSERT(sk_GENERAL_NAME_push(&names, name.get()) > 0);
  (void)name.release();  // the list owns it now
}

Result<GeneralNames> to_general_names(const SubjectAltNames& names) {
  const std::size_t count = names.dns_names.size() + names.ip_addresses.size();
  if (count == 0 || count > kMaxNames) return fail(Errc::InvalidArgument, "a server certificate has 1 to 64 names");
  GeneralNames list(GENERAL_NAMES_new());
  BZ_ASSERT(list);
  for (const auto& name : names.dns_names) {
    if (!is_dns_name(name)) return fail(Errc::InvalidArgument, "not a DNS name for a certificate");
    append_name(*list, GEN_DNS, V_ASN1_IA5STRING, as_bytes(name));
  }
  for (const auto& address : names.ip_addresses) {
    std::array<std::byte, 16> octets{};
    if (inet_pton(AF_INET, address.c_str(), octets.data()) == 1)
      append_name(*list, GEN_IPADD, V_ASN1_OCTET_STRING, ByteView(octets).first(4));
    else if (inet_pton(AF_INET6, address.c_str(), octets.data()) == 1)
      append_name(*list, GEN_IPADD, V_ASN1_OCTET_STRING, octets);
    else
      return fail(Errc::InvalidArgument, "not an IP address for a certificate");
  }
  return list;
}

void set_time(ASN1_TIME* field, WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  BZ_ASSERT(ASN1_TIME_set(field, static_cast<time_t>(seconds)) != nullptr);
}

void set_serial(X509& certificate, Random& random) {
  std::array<std::byte, 16> octets_of_serial;
  random.fill(octets_of_serial);
  octets_of_serial[0] |= std::byte{0x80};  // never zero, always of full length
  const BigNumber number(BN_bin2bn(octets(octets_of_serial), static_cast<int>(octets_of_serial.size()), nullptr));
  BZ_ASSERT(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr);
}

void add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const CertificateExtension extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
  BZ_ASSERT(extension && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

/// issuer and signer nullptr: signed by itself.
Result<Certificate> make_certificate(const Profile& profile, EVP_PKEY& key, X509* issuer, EVP_PKEY* signer,
                                     Random& random) {
  Certificate certificate(X509_new());
  BZ_ASSERT(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(*certificate, random);
  set_time(X509_getm_notBefore(certificate.get()), profile.validity.from);
  set_time(X509_getm_notAfter(certificate.get()), profile.validity.to);

  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, octets(as_bytes(profile.common_name)),
                                 static_cast<int>(profile.common_name.size()), -1, 0) != 1)
    return fail(Errc::InvalidArgument, "a common name is UTF-8");
  X509& issuing = issuer != nullptr ? *issuer : *certificate;
  BZ_ASSERT(X509_set_issuer_name(certificate.get(), X509_get_subject_name(&issuing)) == 1);
  BZ_ASSERT(X509_set_pubkey(certificate.get(), &key) == 1);

  add_extension(*certificate, issuing, NID_basic_constraints, profile.basic_constraints);
  add_extension(*certificate, issuing, NID_key_usage, profile.key_usage);
  if (profile.extended_key_usage != nullptr)
    add_extension(*certificate, issuing, NID_ext_key_usage, profile.extended_key_usage);
  add_extension(*certificate, issuing, NID_subject_key_identifier, "hash");
  add_extension(*certificate, issuing, NID_authority_key_identifier, "keyid:always");
  if (profile.names != nullptr) {
    BZ_TRY(const GeneralNames names, to_general_names(*profile.names));
    BZ_ASSERT(X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1);
  }
  if (X509_sign(certificate.get(), signer != nullptr ? signer : &key, EVP_sha256()) <= 0)
    return fail(Errc::Crypto, "the certificate could not be signed");
  return certificate;
}

std::string to_pem(X509& certificate) {
  const Bio sink(BIO_new(BIO_s_mem()));
  BZ_ASSERT(sink && PEM_write_bio_X509(sink.get(), &certificate) == 1);
  return std::string(as_chars(written_to(*sink)));
}

SecretBytes to_pem(EVP_PKEY& key) {
  const Bio sink(BIO_new(BIO_s_secmem()));  // wipes what it held
  BZ_ASSERT(sink && PEM_write_bio_PKCS8PrivateKey(sink.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return SecretBytes(written_to(*sink));
}

PrivateKey make_key() {
  char curve[] = "P-256";
  PrivateKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  BZ_ASSERT(key);
  return key;
}

Result<IssuedCertificate> issue_leaf(const CertificateAuthority& ca, Profile profile, Random& random) {
  BZ_TRY(const Certificate issuer, read_certificate(as_bytes(ca.certificate_pem)));
  BZ_TRY(const PrivateKey signer, read_private_key(ca.private_key_pem.reveal()));
  if (X509_check_private_key(issuer.get(), signer.get()) != 1)
    return fail(Errc::FailedPrecondition, "the CA's private key does not belong to its certificate");
  if (X509_check_ca(issuer.get()) != 1) return fail(Errc::FailedPrecondition, "the issuer is not a CA");
  profile.validity.to = std::min(profile.validity.to, not_after_of(*issuer));
  if (profile.validity.to <= profile.validity.from) return fail(Errc::FailedPrecondition, "the CA has expired by then");

  const PrivateKey key = make_key();
  BZ_TRY(const Certificate certificate, make_certificate(profile, *key, issuer.get(), signer.get(), random));
  return IssuedCertificate{to_pem(*certificate) + to_pem(*issuer), to_pem(*key)};
}

/// For people who look at it: programs go by subjectAltName.
std::string_view common_name_for(const SubjectAltNames& names) {
  for (const auto* list : {&names.dns_names, &names.ip_addresses})
    for (const auto& name : *list)
      if (name.size() <= kMaxCommonName && !name.empty()) return name;
  return "bartizan";
}

}  // namespace

Result<CertificateAuthority> make_ca(std::string_view common_name, WallTime not_before, std::chrono::days validity,
                                     Random& random) {
  const ErrorQueueScope errors;
  BZ_CHECK(check_common_name(common_name));
  BZ_TRY(const Validity period, make_validity(not_before, validity));
  const PrivateKey key = make_key();
  const Profile profile{common_name, period, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
                        nullptr,     nullptr};
  BZ_TRY(const Certificate certificate, make_certificate(profile, *key, nullptr, nullptr, random));
  return CertificateAuthority{to_pem(*certificate), to_pem(*key)};
}

Result<IssuedCertificate> issue_server_certificate(const CertificateAuthority& ca, const SubjectAltNames& names,
                                                   WallTime not_before, std::chrono::days validity, Random& random) {
  const ErrorQueueScope errors;
  BZ_TRY(const Validity period, make_validity(not_before, validity));
  return issue_leaf(
      ca, {common_name_for(names), period, "critical,CA:FALSE", "critical,digitalSignature", "serverAuth", &names},
      random);
}

Result<IssuedCertificate> issue_client_certificate(const CertificateAuthority& ca, std::string_view common_name,
                                                   WallTime not_before, std::chrono::days validity, Random& random) {
  const ErrorQueueScope errors;
  BZ_CHECK(check_common_name(common_name));
  BZ_TRY(const Validity period, make_validity(not_before, validity));
  return issue_leaf(ca, {common_name, period, "critical,CA:FALSE", "critical,digitalSignature", "clientAuth", nullptr},
                    random);
}

}  // namespace bartizan::crypto
