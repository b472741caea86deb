// The one owner of keys in a gateway: opens the root file, makes keyrings at their first use, and
// derives the keys of columns. Only it speaks to the provider and to the keyring store.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bartizan/audit/note.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/keyring.hpp"
#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/vault/file_provider.hpp"
#include "bartizan/vault/key_custody.hpp"
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
                                                                               const Uuid& join_domain, bool searchable,
                                                                               bool by_subject = false);
  using Subjects = std::shared_ptr<const keys::SubjectTree>;
  /// The tree of the owner's data subjects, made where there was none, without those that are ordered to be
  /// destroyed. FailedPrecondition: its file is missing, or older than the keyring.
  [[nodiscard]] Result<Subjects> subjects_of(const keys::KeyringOwner& owner);
  /// Null where the owner has none.
  [[nodiscard]] Result<Subjects> find_subjects(const keys::KeyringOwner& owner);
  /// These are not in any tree that is given out from then on, whatever the file says.
  void set_destroyed_subjects(std::map<keys::KeyringOwner, std::vector<keys::SubjectId>> ordered);
  /// The stored tree without these leaves, under a new version, and the former one destroyed. Whether anything had to be
  /// done; then rewrap(). False also where there is no tree: nothing is left of them.
  [[nodiscard]] Result<bool> puncture(const keys::KeyringOwner& owner, const std::vector<keys::SubjectId>& ids,
                                      const std::string& authority);
  struct StorageKey {
    keys::KeyId id;
    SecretBytes bytes;
  };
  /// What an embedded server's files lie under: this version, or a new keyring's first. It is asked for before there is
  /// a log that could have the record: record_storage_use() makes up for that.
  [[nodiscard]] Result<StorageKey> storage_key(const Uuid& storage, std::optional<keys::KeyId> id);
  [[nodiscard]] Result<void> record_storage_use();
  [[nodiscard]] Result<std::vector<keys::Keyring>> list();
  using Keyrings = std::shared_ptr<const std::vector<keys::Keyring>>;
  /// The same as of the last change that was made here: cheap to ask again and again.
  [[nodiscard]] Result<Keyrings> known();
  /// An empty one where there is none.
  [[nodiscard]] Result<keys::Keyring> find(const keys::KeyringOwner& owner);
  /// The owner's keys under a root key of the owner's own (vault::parse_provider), or empty: under ours again. What
  /// there is is wrapped anew, and our old roots are forgotten, so that nothing of ours opens it.
  [[nodiscard]] Result<keys::Keyring> give(const keys::KeyringOwner& owner, const std::string& address);
  /// Asks customers' providers what is due, everything if at_once. version() rises when keys come or go.
  [[nodiscard]] Result<void> check_customers(bool at_once);
  [[nodiscard]] vault::KeyCustody& custody() noexcept { return custody_; }
  /// A text about destroyed keys, signed by the key that is made for that beside the keyrings; kept in the file
  /// destroyed-NAME.txt too.
  [[nodiscard]] Result<std::string> certify(const std::string& name, const std::string& text);
  /// The key that verifies it, as signed notes write it.
  [[nodiscard]] Result<std::string> certifier();
  /// A new data version seals from now on; the former one still opens.
  [[nodiscard]] Result<keys::Keyring> rotate(const keys::KeyringOwner& owner);
  /// A new index version, Pending: it is asked for besides the active one. KeyRotator does the rest.
  [[nodiscard]] Result<keys::Keyring> rotate_index(const keys::KeyringOwner& owner);
  /// Everything wrapped again under a new root, and the old roots forgotten. How many versions.
  [[nodiscard]] Result<std::size_t> rewrap();
  /// A version that a crash has left Pending.
  [[nodiscard]] Result<keys::Keyring> activate(const keys::KeyringOwner& owner, keys::KeyId id);
  /// Whether any owner ever had keys here, but for those of files at rest: cheap, and opens nothing.
  [[nodiscard]] bool in_use() const;
  /// One version of which a count has shown that nothing uses it.
  [[nodiscard]] Result<keys::Keyring> destroy_version(const keys::KeyringOwner& owner, keys::KeyId id,
                                                      const std::string& authority);
  /// The owner's data is unreadable from now on, in backups too: these versions and all others are destroyed, also
  /// where the key store has come out of an older backup. Whether anything had to be done; then rewrap(), so that an
  /// old copy of the key store does not help either.
  [[nodiscard]] Result<bool> bury(const keys::KeyringOwner& owner, const std::vector<keys::KeyId>& ids,
                                  const std::string& authority);
  /// The owners whose keys nobody gets until they are not among these any more.
  void set_revoked(std::set<keys::KeyringOwner> owners);
  [[nodiscard]] bool is_revoked(const keys::KeyringOwner& owner) const;
  /// Rises with every change.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(); }

 private:
  Result<void> open();
  Result<void> add(keys::Keyring& keyring, keys::KeyPurpose purpose, bool activated = true);
  Result<void> used(std::string_view operation, const keys::WrapContext& key, const keys::RootRef& root);
  Result<keys::Keyring> ensured(const keys::KeyringOwner& owner);
  Result<std::size_t> rewrap_all();
  Result<SecretBytes> unwrap(const keys::Keyring& keyring, const keys::KeyVersion& version);
  Result<void> rewrap_under(keys::Keyring& keyring, bool customer);
  Result<audit::NoteSigner> signer();
  // subject_keys.cpp
  struct StoredTree {
    keys::KeyId key;  ///< that its file is sealed under
    Subjects tree;
  };
  [[nodiscard]] std::filesystem::path tree_file(const keys::KeyringOwner& owner) const;
  Result<std::optional<StoredTree>> stored_tree(const keys::Keyring& keyring);
  Result<Subjects> subjects_in(keys::Keyring& keyring);
  Result<Subjects> without_ordered(const keys::KeyringOwner& owner, const StoredTree& stored);
  Result<void> replace_tree(keys::Keyring& keyring, const keys::SubjectTree& tree, const std::string& authority);
  Result<bool> settle_tree(keys::Keyring& keyring, keys::KeyId key, const std::string& authority);

  std::filesystem::path folder_;
  SecretBytes passphrase_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::unique_ptr<vault::FileProvider> provider_;
  std::unique_ptr<vault::KeyringStore> store_;
  vault::KeyCustody custody_;
  std::map<keys::KeyringOwner, StoredTree> trees_;  ///< as last read, so that an unchanged one is one object
  std::map<keys::KeyringOwner, StoredTree> given_;  ///< the same without those that are ordered to be destroyed
  std::map<keys::KeyringOwner, std::vector<keys::SubjectId>> ordered_;
  Keyrings known_;
  std::uint64_t known_at_ = 0;
  mutable std::mutex revoked_mutex_;
  std::set<keys::KeyringOwner> revoked_;
  KeyUses* uses_ = nullptr;
  struct StorageUse {
    keys::WrapContext key;
    keys::RootRef root;
  };
  std::optional<StorageUse> storage_use_;  // the last one
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace bartizan::control
