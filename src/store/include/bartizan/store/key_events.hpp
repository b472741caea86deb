// What was done to keys: which were destroyed and on what evidence, and whose are revoked. Keys and
// keyrings stand elsewhere (docs/formats/keyring.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/uuid.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// As in docs/formats/keyring.md; store knows no module of keys.
struct KeyOwner {
  std::int64_t kind = 0;
  std::optional<Uuid> tenant;
  Uuid id;
  friend auto operator<=>(const KeyOwner&, const KeyOwner&) = default;
};

struct KeyDestruction {
  KeyOwner owner;
  std::int64_t key = 0;
  bool ordered = false;  ///< false: by a rotation, with cells, columns and counted_at as its evidence
  std::string authority;
  std::optional<std::int64_t> columns;
  std::optional<std::int64_t> cells;
  std::optional<WallTime> counted_at;
  std::optional<std::string> certificate;
};

/// Repository over one transaction, which must outlive it.
class KeyDestructions {
 public:
  explicit KeyDestructions(Transaction& transaction) : transaction_(transaction) {}
  /// Of a key that is recorded already the later evidence counts.
  [[nodiscard]] Result<void> put(const KeyDestruction& destruction);
  [[nodiscard]] Result<std::vector<Record<KeyDestruction>>> list();

 private:
  Transaction& transaction_;
};

/// A data subject's, out of its owner's tree. Without certificate it is ordered, and not known to be done.
struct SubjectDestruction {
  KeyOwner owner;
  std::string subject;  ///< 16 hexadecimal digits: docs/formats/subject-tree.md
  std::string authority;
  std::optional<std::string> certificate;
};

/// Likewise.
class SubjectDestructions {
 public:
  explicit SubjectDestructions(Transaction& transaction) : transaction_(transaction) {}
  /// One that is recorded already keeps its authority.
  [[nodiscard]] Result<void> put(const SubjectDestruction& destruction);
  [[nodiscard]] Result<std::vector<Record<SubjectDestruction>>> list();

 private:
  Transaction& transaction_;
};

struct KeyRevocation {
  KeyOwner owner;
  std::string reason;
};

/// Likewise.
class KeyRevocations {
 public:
  explicit KeyRevocations(Transaction& transaction) : transaction_(transaction) {}
  /// AlreadyExists.
  [[nodiscard]] Result<void> add(const KeyRevocation& revocation);
  [[nodiscard]] Result<std::vector<Record<KeyRevocation>>> list();
  /// NotFound.
  [[nodiscard]] Result<void> remove(const Uuid& owner);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
