// Root keys in a file under a passphrase: the provider of the embedded default
// (docs/formats/keyring.md, "Root file"). The passphrase goes through Argon2id (RFC 9106), which
// makes guessing it costly in memory and time; the file may lie on the same disk as the wrapped
// keyrings, the passphrase must not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/vault/argon2_cost.hpp"

namespace bartizan::vault {

/// Thread-safe; one process at a time changes the file. Takes as long as Argon2id when it is
/// opened, nearly nothing afterwards. Root keys stay in its memory until its end.
class FileProvider final : public keys::KeyProvider {
 public:
  /// A new file with root version 1, mode 0600. AlreadyExists when path does.
  [[nodiscard]] static Result<std::unique_ptr<FileProvider>> create(const std::filesystem::path& path, std::string name,
                                                                    const SecretBytes& passphrase,
                                                                    const Argon2Cost& cost, Random& random);
  /// PermissionDenied when others may read the file or the passphrase is wrong (told apart by
  /// the detail), Malformed, Io, NotFound.
  [[nodiscard]] static Result<std::unique_ptr<FileProvider>> open(const std::filesystem::path& path, std::string name,
                                                                  const SecretBytes& passphrase);
  ~FileProvider() override;

  [[nodiscard]] Result<keys::RootRef> active_root() override;
  [[nodiscard]] Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext& context) override;
  [[nodiscard]] Result<SecretBytes> unwrap(const keys::WrappedSecret& wrapped,
                                           const keys::WrapContext& context) override;

  /// A new root version, which wrap() uses from then on; the file is written first, so that a
  /// crash never loses a root that something is wrapped under.
  [[nodiscard]] Result<keys::RootRef> rotate(Random& random);
  /// Forgets a root version that is not the active one: what is wrapped under it stays shut.
  [[nodiscard]] Result<void> destroy(std::uint32_t version, Random& random);
  /// The same roots under another passphrase.
  [[nodiscard]] Result<void> change_passphrase(const SecretBytes& passphrase, const Argon2Cost& cost, Random& random);

 private:
  struct State;
  explicit FileProvider(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::vault
