// The change log of the control plane: one row a write, made by triggers in the same
// transaction, secrets already taken out (docs/formats/control-schema.md). It is the one source
// of notices, history and configuration audit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct Change {
  std::int64_t seq = 0;
  WallTime at;
  std::string actor;
  std::string kind;    ///< the table's name: "identities"
  std::string id;      ///< the resource's uuid
  std::string before;  ///< JSON object; empty for a creation
  std::string after;   ///< JSON object; empty for a deletion
};

/// Repository over one transaction, which must outlive it.
class Changes {
 public:
  explicit Changes(Transaction& transaction) : transaction_(transaction) {}
  /// Those after a seq, oldest first. REQUIRES: 0 < limit <= 1000.
  [[nodiscard]] Result<std::vector<Change>> list(std::int64_t after, int limit);
  /// 0 before the first change.
  [[nodiscard]] Result<std::int64_t> last_seq();

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
