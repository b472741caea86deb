// Where a customer's own root key is, as an operator writes it:
//
//   pkcs11:token=acme;object=bartizan?module-path=/usr/lib/….so&pin-source=file:/etc/bartizan/acme.pin   (RFC 7512)
//   vault:https://vault.acme.example:8200/transit/bartizan?token-file=/etc/bartizan/acme.token&ca-file=/….pem
//   aws-kms:https://kms.eu-central-1.amazonaws.com/KEY?region=eu-central-1&credentials-file=/etc/bartizan/acme.aws
//
// Secrets stand in files that it names, never in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "bartizan/base/result.hpp"
#include "bartizan/shipping/sink.hpp"

namespace bartizan::vault {

struct Pkcs11Address {
  std::filesystem::path module;
  std::string token;
  std::string object;  ///< CKA_LABEL of the root keys
  std::filesystem::path pin_file;
};

/// The transit engine of HashiCorp Vault or OpenBao.
struct TransitAddress {
  shipping::Url service;  ///< its target is unused
  std::string mount;      ///< "transit"
  std::string key;
  std::string name_space;  ///< X-Vault-Namespace; empty: none
  std::filesystem::path token_file;
};

struct KmsAddress {
  shipping::Url service;
  std::string key;  ///< id, ARN or alias
  std::string region;
  std::filesystem::path credentials_file;
};

struct ProviderAddress {
  std::variant<Pkcs11Address, TransitAddress, KmsAddress> of;
  /// "vault:" and 16 hexadecimal digits that stand for the key, not for how it is reached: as RootRef names it.
  std::string name;
};

inline constexpr std::size_t kMaxAddressBytes = 1024;
/// InvalidArgument says what is wrong with it.
[[nodiscard]] Result<ProviderAddress> parse_provider(std::string_view text);

}  // namespace bartizan::vault
