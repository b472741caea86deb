// HashiCorp Vault's and OpenBao's transit engine, HTTP interface version 1: POST /v1/MOUNT/encrypt/KEY and
// decrypt/KEY with the wrap context as associated data. The key is one for AEAD (aes256-gcm96).
#pragma once

#include <memory>
#include <string>

#include "bartizan/keys/key_provider.hpp"
#include "bartizan/vault/provider_address.hpp"
#include "key_service.hpp"

namespace bartizan::vault {

/// Thread-safe.
class TransitProvider final : public keys::KeyProvider {
 public:
  [[nodiscard]] static Result<std::unique_ptr<keys::KeyProvider>> open(const TransitAddress& address, std::string name);
  [[nodiscard]] Result<keys::RootRef> active_root() override;
  [[nodiscard]] Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext& context) override;
  [[nodiscard]] Result<SecretBytes> unwrap(const keys::WrappedSecret& wrapped,
                                           const keys::WrapContext& context) override;

 private:
  TransitProvider(TransitAddress address, std::string name, std::unique_ptr<KeyService> service)
      : address_(std::move(address)), name_(std::move(name)), service_(std::move(service)) {}
  Result<KeyService::Answer> ask(std::string_view what, const SecretBytes& body) const;

  TransitAddress address_;
  std::string name_;
  std::unique_ptr<KeyService> service_;
};

}  // namespace bartizan::vault
