// From a keyring's root to the keys that touch data (docs/formats/cell.md, "Keys"): HKDF-SHA-256
// with an info that names use, key version, owner and column. Derived keys live in memory only.
#pragma once

#include <utility>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/keys/owner.hpp"

namespace bartizan::keys {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kStorageKeyBytes = 64;

/// The unwrapped secret of one keyring version. Move-only, wiped at its end; const use is
/// thread-safe.
class KeyringRoot {
 public:
  /// InvalidArgument unless the id is not 0, the owner valid and the secret of kKeyBytes.
  [[nodiscard]] static Result<KeyringRoot> make(KeyId id, KeyPurpose purpose, const KeyringOwner& owner,
                                                SecretBytes secret);

  [[nodiscard]] KeyId id() const noexcept { return id_; }
  [[nodiscard]] KeyPurpose purpose() const noexcept { return purpose_; }
  [[nodiscard]] const KeyringOwner& owner() const noexcept { return owner_; }
  /// For wrapping and for deriving, nothing else.
  [[nodiscard]] const SecretBytes& secret() const noexcept { return secret_; }

 private:
  KeyringRoot(KeyId id, KeyPurpose purpose, const KeyringOwner& owner, SecretBytes secret)
      : id_(id), purpose_(purpose), owner_(owner), secret_(std::move(secret)) {}
  KeyId id_;
  KeyPurpose purpose_;
  KeyringOwner owner_;
  SecretBytes secret_;
};

/// 32 random bytes.
[[nodiscard]] SecretBytes generate_root_secret(Random& random);

/// What seals and opens the cells of one column of one owner.
struct ColumnKeys {
  KeyId id;
  SecretBytes data;   ///< the key of XAES-256-GCM
  SecretBytes nonce;  ///< the key of the hedged nonces
};

/// What makes the blind indexes of one join domain of one owner.
struct IndexKey {
  KeyId id;
  SecretBytes key;
};

/// InvalidArgument when the root is not for Data, or the column's id is nil.
[[nodiscard]] Result<ColumnKeys> derive_column_keys(const KeyringRoot& root, const Uuid& column);
/// join_domain: columns that share it can be joined on equality, and linked; by default a
/// column's own id. InvalidArgument when the root is not for Index, or the domain nil.
[[nodiscard]] Result<IndexKey> derive_index_key(const KeyringRoot& root, const Uuid& join_domain);

/// What the tree of an owner's data subjects is sealed under (docs/formats/subject-tree.md). InvalidArgument when the
/// root is not for Subjects.
[[nodiscard]] Result<SecretBytes> derive_subject_tree_key(const KeyringRoot& root);

/// What files at rest lie under (docs/formats/at-rest.md). InvalidArgument when the root is not a Data root of Storage.
[[nodiscard]] Result<SecretBytes> derive_storage_key(const KeyringRoot& root);

}  // namespace bartizan::keys
