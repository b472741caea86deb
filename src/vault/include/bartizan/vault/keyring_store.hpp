// Keyring records as files of a folder, one an owner (docs/formats/keyring.md): outside of every
// database, so that no backup of one brings a destroyed key back. Tombstones are never taken away.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/keys/keyring.hpp"

namespace bartizan::vault {

/// Thread-safe, and safe among processes: changes are made under a lock file.
class KeyringStore {
 public:
  /// The folder is made, mode 0700, if it is missing. Io.
  [[nodiscard]] static Result<std::unique_ptr<KeyringStore>> open(std::filesystem::path folder);

  /// An empty one at revision 0 where there is none. Malformed, PermissionDenied (others may read it).
  [[nodiscard]] Result<keys::Keyring> load(const keys::KeyringOwner& owner) const;
  [[nodiscard]] Result<std::vector<keys::Keyring>> list() const;
  /// Conflict unless what is stored has the revision before changed's. Durable when it returns.
  [[nodiscard]] Result<void> put(const keys::Keyring& changed, Random& random);
  /// An id that no keyring has or ever had, tombstones included.
  [[nodiscard]] Result<keys::KeyId> fresh_id(Random& random) const;

 private:
  explicit KeyringStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::filesystem::path file_of(const keys::KeyringOwner& owner) const;
  std::filesystem::path folder_;
};

}  // namespace bartizan::vault
