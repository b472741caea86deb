// Root keys in a token behind PKCS #11 (OASIS, version 2.40): a hardware security module, or
// SoftHSM for trying it. The keys are made in the token, sensitive and not extractable; secrets
// are wrapped by its AES-GCM with the wrap context as associated data.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/key_provider.hpp"

namespace bartizan::vault {

struct Pkcs11Options {
  std::filesystem::path module;  ///< the vendor's shared library; loaded into this process
  std::string token_label;       ///< 1 to 32 bytes
  std::string key_label;         ///< of the root keys; their CKA_ID is the version, 4 bytes big-endian
  std::string name;              ///< as RootRef names this provider
};

/// Thread-safe: one session, one call at a time. Calls block on the device. The random source
/// (for the nonces of AES-GCM) outlives it. A module's work ends with its last provider.
/// Errors beside KeyProvider's: Unavailable where the device does not answer, PermissionDenied
/// for a wrong PIN.
class Pkcs11Provider final : public keys::KeyProvider {
 public:
  /// NotFound when the token is not there. A token without a root key is taken: rotate() makes
  /// its first.
  [[nodiscard]] static Result<std::unique_ptr<Pkcs11Provider>> open(const Pkcs11Options& options,
                                                                    const SecretBytes& pin, Random& random);
  ~Pkcs11Provider() override;

  /// The highest version that is in the token. FailedPrecondition when there is none.
  [[nodiscard]] Result<keys::RootRef> active_root() override;
  [[nodiscard]] Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext& context) override;
  [[nodiscard]] Result<SecretBytes> unwrap(const keys::WrappedSecret& wrapped,
                                           const keys::WrapContext& context) override;

  /// Has the token make the next version, a 256-bit AES key.
  [[nodiscard]] Result<keys::RootRef> rotate();
  /// Has the token forget one that is not active. NotFound.
  [[nodiscard]] Result<void> destroy(std::uint32_t version);

 private:
  struct State;
  explicit Pkcs11Provider(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::vault
