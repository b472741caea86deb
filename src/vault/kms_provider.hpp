// AWS KMS by its JSON interface (TrentService.Encrypt and Decrypt), the wrap context as its encryption
// context. Credentials are a file of the AWS tools' form: aws_access_key_id, aws_secret_access_key and, for
// temporary ones, aws_session_token; read with each request.
#pragma once

#include <memory>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/vault/provider_address.hpp"
#include "key_service.hpp"

namespace bartizan::vault {

/// Thread-safe.
class KmsProvider final : public keys::KeyProvider {
 public:
  [[nodiscard]] static Result<std::unique_ptr<keys::KeyProvider>> open(const KmsAddress& address, std::string name,
                                                                       const Clock& clock);
  /// Always version 1: KMS itself knows which material it has used.
  [[nodiscard]] Result<keys::RootRef> active_root() override { return keys::RootRef{name_, 1}; }
  [[nodiscard]] Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext& context) override;
  [[nodiscard]] Result<SecretBytes> unwrap(const keys::WrappedSecret& wrapped,
                                           const keys::WrapContext& context) override;

 private:
  KmsProvider(KmsAddress address, std::string name, std::unique_ptr<KeyService> service, const Clock& clock)
      : address_(std::move(address)), name_(std::move(name)), service_(std::move(service)), clock_(clock) {}
  Result<KeyService::Answer> ask(std::string_view operation, std::string_view name, std::string_view value,
                                 const keys::WrapContext& context) const;

  KmsAddress address_;
  std::string name_;
  std::unique_ptr<KeyService> service_;
  const Clock& clock_;
};

}  // namespace bartizan::vault
