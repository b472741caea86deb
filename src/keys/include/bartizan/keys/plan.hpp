// What is to be done next with a keyring, as values: when a version is due to be replaced, when
// its replacement may seal, what is to be re-encrypted, when the old one may be destroyed. The
// caller does it, one step at a time, and asks again; a crash between two steps loses nothing,
// because the keyring alone says how far it came.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/keys/keyring.hpp"

namespace bartizan::keys {

struct RotationPolicy {
  std::chrono::microseconds period = std::chrono::hours(24 * 90);  ///< an Active version's time
  /// From adding a version to its first use: until then every node must have loaded it.
  std::chrono::microseconds distribution = std::chrono::minutes(5);
  /// A Retired version is kept at least this long: the window of point-in-time recovery,
  /// within which a restored backup still holds cells under it.
  std::chrono::microseconds grace = std::chrono::hours(24 * 35);
};

/// How often a version is still used in the database, counted at a time.
struct KeyUsage {
  KeyId id;
  std::uint64_t cells = 0;
  WallTime counted_at;
};

struct CreateVersion {
  KeyPurpose purpose = KeyPurpose::Data;
  friend bool operator==(const CreateVersion&, const CreateVersion&) = default;
};
struct ActivateVersion {
  KeyId id;
  friend bool operator==(const ActivateVersion&, const ActivateVersion&) = default;
};
/// The cells under from are to be sealed again under to (a Data version), or indexed again.
struct Reencrypt {
  KeyId from;
  KeyId to;
  friend bool operator==(const Reencrypt&, const Reencrypt&) = default;
};
/// Count the cells under it, then ask again.
struct CountUsage {
  KeyId id;
  friend bool operator==(const CountUsage&, const CountUsage&) = default;
};
struct DestroyVersion {
  KeyId id;
  friend bool operator==(const DestroyVersion&, const DestroyVersion&) = default;
};
using KeyStep = std::variant<CreateVersion, ActivateVersion, Reencrypt, CountUsage, DestroyVersion>;

/// The steps that are due, in the order to do them; empty: nothing is. A Retired
/// version is destroyed only with a count of 0 that was taken after it was retired and after its
/// grace. A keyring that was shredded (it has versions, all Destroyed) has no steps ever again.
[[nodiscard]] std::vector<KeyStep> due_steps(const Keyring& keyring, const RotationPolicy& policy,
                                             std::span<const KeyUsage> usage, WallTime now);

/// Every version destroyed under one authority: the owner's data is unreadable from then on, in
/// the database, its replicas and its backups. FailedPrecondition when there is nothing left.
[[nodiscard]] Result<Keyring> shred(const Keyring& keyring, const std::string& authority, WallTime now);

}  // namespace bartizan::keys
