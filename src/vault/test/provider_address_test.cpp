// Addresses of customers' root keys.
#include "bartizan/vault/provider_address.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::vault {
namespace {

TEST_CASE("each kind of address") {
  const auto token =
      parse_provider("pkcs11:token=Acme%20one;object=bartizan?module-path=/usr/lib/p.so&pin-source=file:/etc/pin");
  REQUIRE(token);
  const auto& p11 = std::get<Pkcs11Address>(token->of);
  CHECK(p11.token == "Acme one");
  CHECK(p11.object == "bartizan");
  CHECK(p11.module == "/usr/lib/p.so");
  CHECK(p11.pin_file == "/etc/pin");

  const auto transit = parse_provider(
      "vault:https://vault.acme.example:8200/secret/transit/bartizan-key?token-file=/etc/t&ca-file=/etc/ca.pem&namespace=a/b");
  REQUIRE(transit);
  const auto& vault = std::get<TransitAddress>(transit->of);
  CHECK(vault.service.peer.host == "vault.acme.example");
  CHECK(vault.service.peer.port == 8200);
  CHECK(vault.service.peer.tls);
  CHECK(vault.service.peer.ca_file == "/etc/ca.pem");
  CHECK(vault.mount == "secret/transit");
  CHECK(vault.key == "bartizan-key");
  CHECK(vault.name_space == "a/b");

  const auto kms = parse_provider(
      "aws-kms:https://kms.eu-central-1.amazonaws.com/arn:aws:kms:eu-central-1:1:key/ab-cd?region=eu-central-1&credentials-file=/etc/c");
  REQUIRE(kms);
  const auto& aws = std::get<KmsAddress>(kms->of);
  CHECK(aws.key == "arn:aws:kms:eu-central-1:1:key/ab-cd");
  CHECK(aws.region == "eu-central-1");
  CHECK(aws.service.authority == "kms.eu-central-1.amazonaws.com");
}

TEST_CASE("a name stands for the key, not for how it is reached") {
  const auto one = parse_provider("vault:https://v.example/transit/k?token-file=/a");
  const auto elsewhere = parse_provider("vault:https://v.example/transit/k?token-file=/b&ca-file=/c");
  const auto other = parse_provider("vault:https://v.example/transit/k2?token-file=/a");
  REQUIRE(one);
  REQUIRE(elsewhere);
  REQUIRE(other);
  CHECK(one->name == elsewhere->name);
  CHECK(one->name != other->name);
  CHECK(one->name.starts_with("vault:"));
  CHECK(one->name.size() == 6 + 16);
}

TEST_CASE("what is not an address is refused") {
  const std::string rows[] = {
      "",
      "file:/etc/passwd",
      "vault:http://v.example/transit/k?token-file=/a",
      "vault:http://127.0.0.1/transit/k?token-file=/a",
      "vault:https://v.example/k?token-file=/a",
      "vault:https://v.example/transit/k",
      "vault:https://v.example/transit/k?token-file=a",
      "vault:https://v.example/transit/../sys/k?token-file=/a",
      "vault:https://v.example/transit/k?token-file=/a&token-file=/b",
      "vault:https://v.example/transit/k?token-file=/a&insecure=1",
      "vault:https://v.example/transit/k%22?token-file=/a",
      "vault:https://me@v.example/transit/k?token-file=/a",
      "aws-kms:https://kms.example/k?region=x",
      "aws-kms:https://kms.example/k\"?region=x&credentials-file=/c",
      "aws-kms:https://kms.example/?region=x&credentials-file=/c",
      "pkcs11:token=a;object=b",
      "pkcs11:token=a?module-path=/m&pin-source=/p",
      "pkcs11:token=a;object=b?module-path=m.so&pin-source=/p",
      "pkcs11:token=a%0;object=b?module-path=/m&pin-source=/p",
      "pkcs11:token=a;object=b?module-path=/m&pin-source=/p&pin-value=1234",
      "vault:https://v.example/transit/" + std::string(1100, 'k') + "?token-file=/a",
      "vault:https://v.example/transit/k?token-file=/a b",
  };
  for (const auto& row : rows) {
    CAPTURE(row);
    const auto parsed = parse_provider(row);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::InvalidArgument);
  }
}

}  // namespace
}  // namespace bartizan::vault
