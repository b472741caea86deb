#include "bartizan/crypto/x509.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

#include "openssl_handles.hpp"
#include "vector_file.hpp"
#include "x509_read.hpp"

namespace bartizan::crypto {
namespace {

using std::chrono::days;

constexpr WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
const SubjectAltNames kNames{{"localhost", "db.example.test", "*.example.test"}, {"127.0.0.1", "::1"}};

CertificateAuthority test_ca(WallTime from = kStart, days validity = days(3650)) {
  auto ca = make_ca("Bartizan test CA", from, validity, system_random());
  REQUIRE(ca);
  return std::move(*ca);
}

/// OpenSSL's own verdict on a chain, as a TLS peer would reach it.
int verify(std::string_view chain_pem, std::string_view ca_pem, int purpose, WallTime at, const char* host,
           const char* address) {
  const auto leaf = read_certificate(as_bytes(chain_pem));
  const auto root = read_certificate(as_bytes(ca_pem));
  REQUIRE(leaf);
  REQUIRE(root);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root->get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf->get(), nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  if (host != nullptr) X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  if (address != nullptr) X509_VERIFY_PARAM_set1_ip_asc(parameters, address);
  X509_verify_cert(context);
  const int verdict = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return verdict;
}

TEST_CASE("a server certificate passes OpenSSL's strict verification, for its names and its purpose alone") {
  const auto ca = test_ca();
  const auto issued = issue_server_certificate(ca, kNames, kStart, days(397), system_random());
  REQUIRE(issued);
  const WallTime later = kStart + days(100);
  const auto server = [&](WallTime at, const char* host, const char* address) {
    return verify(issued->certificate_pem, ca.certificate_pem, X509_PURPOSE_SSL_SERVER, at, host, address);
  };
  for (const char* host : {"localhost", "db.example.test", "other.example.test"})
    CHECK(server(later, host, nullptr) == X509_V_OK);
  for (const char* address : {"127.0.0.1", "::1"}) CHECK(server(later, nullptr, address) == X509_V_OK);
  CHECK(server(later, "example.org", nullptr) == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(server(later, nullptr, "127.0.0.2") == X509_V_ERR_IP_ADDRESS_MISMATCH);
  CHECK(server(kStart, "localhost", nullptr) == X509_V_OK);
  CHECK(server(kStart - std::chrono::seconds(1), "localhost", nullptr) == X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(server(kStart + days(397) - std::chrono::seconds(2), "localhost", nullptr) == X509_V_OK);
  CHECK(server(kStart + days(397), "localhost", nullptr) == X509_V_ERR_CERT_HAS_EXPIRED);
  CHECK(verify(issued->certificate_pem, ca.certificate_pem, X509_PURPOSE_SSL_CLIENT, later, nullptr, nullptr) ==
        X509_V_ERR_INVALID_PURPOSE);
  CHECK(verify(issued->certificate_pem, test_ca().certificate_pem, X509_PURPOSE_SSL_SERVER, later, nullptr, nullptr) !=
        X509_V_OK);
}

TEST_CASE("a client certificate is for clients") {
  const auto ca = test_ca();
  const auto issued = issue_client_certificate(ca, "reporting service", kStart, days(30), system_random());
  REQUIRE(issued);
  CHECK(verify(issued->certificate_pem, ca.certificate_pem, X509_PURPOSE_SSL_CLIENT, kStart, nullptr, nullptr) ==
        X509_V_OK);
  CHECK(verify(issued->certificate_pem, ca.certificate_pem, X509_PURPOSE_SSL_SERVER, kStart, nullptr, nullptr) ==
        X509_V_ERR_INVALID_PURPOSE);
  CHECK(certificate_info(issued->certificate_pem)->subject == "CN=reporting service");
}

TEST_CASE("what is in a certificate") {
  const auto ca = test_ca();
  const auto issued = issue_server_certificate(ca, kNames, kStart, days(397), system_random());
  REQUIRE(issued);
  CHECK(std::ranges::count(issued->certificate_pem, '\n') > 20);
  CHECK(issued->certificate_pem.ends_with(ca.certificate_pem));

  const auto info = certificate_info(issued->certificate_pem);
  REQUIRE(info);
  CHECK(info->subject == "CN=localhost");
  CHECK(info->issuer == "CN=Bartizan test CA");
  CHECK(info->names.dns_names == kNames.dns_names);
  CHECK(info->names.ip_addresses == kNames.ip_addresses);
  CHECK(info->not_before == kStart);
  CHECK(info->not_after == kStart + days(397) - std::chrono::seconds(1));

  const auto certificate = read_certificate(as_bytes(issued->certificate_pem));
  const auto key = read_private_key(issued->private_key_pem.reveal());
  REQUIRE(certificate);
  REQUIRE(key);
  CHECK(X509_check_private_key(certificate->get(), key->get()) == 1);
  constexpr std::uint32_t kWanted = EXFLAG_BCONS | EXFLAG_KUSAGE | EXFLAG_XKUSAGE;
  CHECK((X509_get_extension_flags(certificate->get()) & (kWanted | EXFLAG_CA | EXFLAG_INVALID)) == kWanted);
  CHECK(X509_get_key_usage(certificate->get()) == KU_DIGITAL_SIGNATURE);
  CHECK(X509_get_extended_key_usage(certificate->get()) == XKU_SSL_SERVER);
  for (const int nid : {NID_basic_constraints, NID_key_usage}) {
    const int at = X509_get_ext_by_NID(certificate->get(), nid, -1);
    REQUIRE(at >= 0);
    CHECK(X509_EXTENSION_get_critical(X509_get_ext(certificate->get(), at)) == 1);
  }
  const auto root = read_certificate(as_bytes(ca.certificate_pem));
  REQUIRE(root);
  CHECK(X509_get_key_usage(root->get()) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  CHECK(X509_get_pathlen(root->get()) == 0);
  CHECK(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(certificate->get()), X509_get0_subject_key_id(root->get())) ==
        0);

  Bytes der;
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate->get(), &encoded);
  REQUIRE(size > 0);
  const auto view = std::span(reinterpret_cast<const std::byte*>(encoded), static_cast<std::size_t>(size));
  der.assign(view.begin(), view.end());
  OPENSSL_free(encoded);
  CHECK(info->sha256_fingerprint == sha256(der));
  CHECK(hex_encode(*server_end_point_hash(issued->certificate_pem)) == hex_encode(sha256(der)));
  CHECK(hex_encode(*server_end_point_hash(der)) == hex_encode(sha256(der)));
  CHECK(certificate_info(der)->subject == info->subject);
  der.push_back(std::byte{0});
  CHECK(certificate_info(der).error().code == Errc::Malformed);
}

TEST_CASE("serials are 128 random bits") {
  test::FixedRandom zeros(Bytes(1));
  const auto ca = make_ca("CA", kStart, days(1), zeros);
  REQUIRE(ca);
  const auto certificate = read_certificate(as_bytes(ca->certificate_pem));
  REQUIRE(certificate);
  const BigNumber serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate->get()), nullptr));
  CHECK(BN_num_bits(serial.get()) == 128);
  CHECK(BN_is_negative(serial.get()) == 0);
}

TEST_CASE("a leaf ends with its CA at the latest") {
  const auto ca = test_ca(kStart, days(10));
  const auto issued = issue_server_certificate(ca, kNames, kStart + days(5), days(397), system_random());
  REQUIRE(issued);
  CHECK(certificate_info(issued->certificate_pem)->not_after == certificate_info(ca.certificate_pem)->not_after);
  CHECK(issue_server_certificate(ca, kNames, kStart + days(10), days(1), system_random()).error().code ==
        Errc::FailedPrecondition);
}

TEST_CASE("what can't be put into a certificate is refused") {
  const auto ca = test_ca();
  const SubjectAltNames refused[] = {
      {{}, {}},
      {{""}, {}},
      {{"a..b"}, {}},
      {{"a."}, {}},
      {{"-a"}, {}},
      {{"*"}, {}},
      {{"a.*.b"}, {}},
      {{"a b"}, {}},
      {{std::string("a\0b", 3)}, {}},
      {{"caf\xc3\xa9"}, {}},
      {{std::string(64, 'a')}, {}},
      {{std::string(254, 'a')}, {}},
      {{}, {""}},
      {{}, {"127.0.0.256"}},
      {{}, {"127.0.0.1 "}},
      {{}, {"fe80::1%eth0"}},
      {std::vector<std::string>(65, "a"), {}},
  };
  for (const auto& names : refused) {
    const auto issued = issue_server_certificate(ca, names, kStart, days(1), system_random());
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == Errc::InvalidArgument);
  }
  for (const auto& name :
       {std::string(), std::string(65, 'a'), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff")})
    CHECK(make_ca(name, kStart, days(1), system_random()).error().code == Errc::InvalidArgument);
  for (const auto validity : {days(0), days(-1), days(36501)})
    CHECK(make_ca("CA", kStart, validity, system_random()).error().code == Errc::InvalidArgument);
  CHECK(make_ca("CA", kStart - days(365 * 100), days(1), system_random()).error().code == Errc::InvalidArgument);
}

TEST_CASE("only a CA with its own key issues") {
  auto ca = test_ca();
  auto leaf = issue_server_certificate(ca, kNames, kStart, days(1), system_random());
  REQUIRE(leaf);
  const CertificateAuthority not_a_ca{leaf->certificate_pem, std::move(leaf->private_key_pem)};
  CHECK(issue_server_certificate(not_a_ca, kNames, kStart, days(1), system_random()).error().code ==
        Errc::FailedPrecondition);
  ca.private_key_pem = test_ca().private_key_pem.clone();
  CHECK(issue_server_certificate(ca, kNames, kStart, days(1), system_random()).error().code ==
        Errc::FailedPrecondition);
  ca.private_key_pem = SecretBytes(std::string_view("no key"));
  CHECK(issue_server_certificate(ca, kNames, kStart, days(1), system_random()).error().code == Errc::Malformed);
}

TEST_CASE("tls-server-end-point follows the signature algorithm") {
  for (const auto& row : test::read_vectors("certificates/end_point_hashes.tsv", 2)) {
    CAPTURE(row[0]);
    const auto hash = server_end_point_hash(test::read_text("certificates/" + row[0]));
    if (row[1].empty()) {
      REQUIRE_FALSE(hash);
      CHECK(hash.error().code == Errc::Unsupported);
    } else {
      REQUIRE(hash);
      CHECK(hex_encode(*hash) == row[1]);
    }
  }
}

TEST_CASE("what is no certificate is refused, and leaves nothing in OpenSSL's error queue") {
  const std::string pem = test::read_text("certificates/ecdsa_sha256.pem");
  ERR_clear_error();
  const std::string encrypted =
      "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n" +
      pem.substr(pem.find('\n') + 1);
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("\x30\x82"), std::string(1 << 12, '\x30'),
        pem.substr(0, pem.size() / 2), pem.substr(40), encrypted}) {
    CHECK(certificate_info(text).error().code == Errc::Malformed);
    CHECK(server_end_point_hash(text).error().code == Errc::Malformed);
  }
  CHECK(certificate_info(std::string(2 << 20, 'a')).error().code == Errc::TooLarge);
  CHECK(ERR_peek_error() == 0);
  CHECK(certificate_info("some text before it\n" + pem));
}

TEST_CASE("a key belongs to its certificate alone") {
  const auto ca = test_ca();
  const auto issued = issue_client_certificate(ca, "clinic_app", kStart, days(1), system_random());
  REQUIRE(issued);
  CHECK(check_private_key(issued->certificate_pem, issued->private_key_pem));
  CHECK(check_private_key(ca.certificate_pem, issued->private_key_pem).error().code == Errc::InvalidArgument);
  CHECK(check_private_key("no certificate", issued->private_key_pem).error().code == Errc::Malformed);
  CHECK(check_private_key(issued->certificate_pem, SecretBytes(std::string_view("no key"))).error().code ==
        Errc::Malformed);
  CHECK(check_private_key(issued->certificate_pem, {}).error().code == Errc::Malformed);
}

}  // namespace
}  // namespace bartizan::crypto
