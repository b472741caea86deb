// The one owner of keys in a gateway: opens the root file, makes keyrings at their first use, and
// derives the keys of columns. Only it speaks to the provider and to the keyring store.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/keyring.hpp"
#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/vault/file_provider.hpp"
#include "bartizan/vault/keyring_store.hpp"

namespace bartizan::control {

class KeyUses;

/// Thread-safe. Opening takes as long as Argon2id, at the first use alone.
class CellKeys {
 public:
  /// folder: of the root file and the keyrings, outside of every database; there already.
  CellKeys(std::filesystem::path folder, SecretBytes passphrase, const Clock& clock, Random& random);
  /// From then on no key is used without its record. Before the first use; uses outlives this.
  void record_uses(KeyUses& uses) noexcept { uses_ = &uses; }
  ~CellKeys();

  /// The owner's keyring, with an active version of each purpose. FailedPrecondition when it was
  /// destroyed: there will be no other.
  [[nodiscard]] Result<keys::Keyring> ensure(const keys::KeyringOwner& owner);
  /// What opens, seals and finds the cells of a column. FailedPrecondition as above.
  [[nodiscard]] Result<std::shared_ptr<const transform::ColumnKeySet>> keys_of(const keys::KeyringOwner& owner,
                                                                               const Uuid& column,
                                                                               const Uuid& join_domain,
                                                                               bool searchable);
  [[nodiscard]] Result<std::vector<keys::Keyring>> list();
  /// A new data version seals from now on; the former one still opens.
  [[nodiscard]] Result<keys::Keyring> rotate(const keys::KeyringOwner& owner);
  /// Everything wrapped again under a new root, and the old roots forgotten. How many versions.
  [[nodiscard]] Result<std::size_t> rewrap();
  /// The owner's data is unreadable from now on, in backups too; then rewrap(), so that an old copy of
  /// the key store does not help either.
  [[nodiscard]] Result<keys::Keyring> destroy(const keys::KeyringOwner& owner, const std::string& authority);
  /// Rises with every change.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(); }

 private:
  Result<void> open();
  Result<void> add(keys::Keyring& keyring, keys::KeyPurpose purpose);
  Result<void> used(std::string_view operation, const keys::WrapContext& key, const keys::RootRef& root);
  Result<keys::Keyring> ensured(const keys::KeyringOwner& owner);
  Result<std::size_t> rewrap_all();

  std::filesystem::path folder_;
  SecretBytes passphrase_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::unique_ptr<vault::FileProvider> provider_;
  std::unique_ptr<vault::KeyringStore> store_;
  KeyUses* uses_ = nullptr;
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace bartizan::control
