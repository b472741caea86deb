// A keyring: the versions of one owner's root secrets, wrapped, and what may be done with each.
// A value: every change gives a new one with the next revision, so that whoever stores it can
// compare and swap. Pure; stored as docs/formats/keyring.md says.
//
//   Pending ──► Active ──► Retired ──► Destroyed       and every state ──► Destroyed
//   opens       opens,     opens       a tombstone: the wrapped secret is gone for good,
//               seals                  the id stays so that it is never used again
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/keys/owner.hpp"

namespace bartizan::keys {

/// The values are part of the format.
enum class KeyState : std::uint8_t { Pending = 1, Active = 2, Retired = 3, Destroyed = 4 };
[[nodiscard]] std::string_view to_string(KeyState state) noexcept;
[[nodiscard]] std::string_view to_string(KeyPurpose purpose) noexcept;

struct KeyVersion {
  KeyId id;
  KeyPurpose purpose = KeyPurpose::Data;
  KeyState state = KeyState::Pending;
  WallTime created_at;
  WallTime changed_at;    ///< when it came into its state
  WrappedSecret wrapped;  ///< empty when Destroyed
  std::string authority;  ///< who had it destroyed, and why; empty otherwise
  friend bool operator==(const KeyVersion&, const KeyVersion&) = default;
};

inline constexpr std::size_t kMaxKeyVersions = 1024;
inline constexpr std::size_t kMaxAuthorityBytes = 1024;

/// Invariants: ids are distinct and not 0; at most one version of each purpose is Active;
/// Destroyed is final and holds no wrapped secret; every other state holds one.
/// Immutable but for assignment; const use is thread-safe.
class Keyring {
 public:
  /// Empty, at revision 0. InvalidArgument for an owner that is_valid() refuses.
  [[nodiscard]] static Result<Keyring> make(const KeyringOwner& owner);
  /// From parts that were stored: Malformed where an invariant does not hold.
  [[nodiscard]] static Result<Keyring> restore(const KeyringOwner& owner, std::uint64_t revision,
                                               std::vector<KeyVersion> versions);

  [[nodiscard]] const KeyringOwner& owner() const noexcept { return owner_; }
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  [[nodiscard]] std::span<const KeyVersion> versions() const noexcept { return versions_; }
  [[nodiscard]] const KeyVersion* find(KeyId id) const noexcept;
  [[nodiscard]] const KeyVersion* active(KeyPurpose purpose) const noexcept;
  /// The first that is.
  [[nodiscard]] const KeyVersion* pending(KeyPurpose purpose) const noexcept;
  [[nodiscard]] WrapContext context_of(const KeyVersion& version) const {
    return {owner_, version.id, version.purpose};
  }

  /// A new version, Pending. AlreadyExists for an id that was ever here, tombstones too.
  [[nodiscard]] Result<Keyring> add(KeyId id, KeyPurpose purpose, WrappedSecret wrapped, WallTime now) const;
  /// Pending becomes Active, and the one that was Active is Retired. FailedPrecondition
  /// otherwise. When every node has loaded the new version is the caller's to know.
  [[nodiscard]] Result<Keyring> activate(KeyId id, WallTime now) const;
  /// The same secret under another root: no data is touched. FailedPrecondition when Destroyed.
  [[nodiscard]] Result<Keyring> rewrap(KeyId id, WrappedSecret wrapped) const;
  /// From any state; the wrapped secret is forgotten. authority: 1 to kMaxAuthorityBytes.
  /// AlreadyExists when it is a tombstone already.
  [[nodiscard]] Result<Keyring> destroy(KeyId id, std::string authority, WallTime now) const;

  /// This keyring, which came out of a backup, with every version destroyed that known says is;
  /// tombstones that it never had are added. Conflict when the owners differ.
  [[nodiscard]] Result<Keyring> bury(const Keyring& known) const;

 private:
  Keyring(const KeyringOwner& owner, std::uint64_t revision, std::vector<KeyVersion> versions);
  [[nodiscard]] Keyring next() const;
  [[nodiscard]] KeyVersion* find_mutable(KeyId id) noexcept;

  KeyringOwner owner_;
  std::uint64_t revision_ = 0;
  std::vector<KeyVersion> versions_;  ///< in the order they were added
};

/// docs/formats/keyring.md.
[[nodiscard]] Bytes encode_keyring(const Keyring& keyring);
/// Malformed for whatever encode_keyring would not have written.
[[nodiscard]] Result<Keyring> decode_keyring(ByteView bytes);

}  // namespace bartizan::keys
