// Legal holds on the audit log: while one holds, nothing of the trees that it covers is pruned.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct AuditHold {
  std::string case_name;
  std::optional<policy::TenantId> tenant;  ///< absent: every tree
  std::string reason;
  std::optional<std::string> released;     ///< why it ended; absent: it holds
};

/// Repository over one transaction, which must outlive it.
class AuditHolds {
 public:
  explicit AuditHolds(Transaction& transaction) : transaction_(transaction) {}
  /// AlreadyExists: the case, released or not.
  [[nodiscard]] Result<Record<AuditHold>> add(const AuditHold& hold);
  /// The oldest first, released ones too.
  [[nodiscard]] Result<std::vector<Record<AuditHold>>> list();
  /// NotFound: no such case, or it was released.
  [[nodiscard]] Result<Record<AuditHold>> release(const std::string& case_name, const std::string& reason);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
