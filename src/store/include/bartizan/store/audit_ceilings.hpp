// How long records of the audit log are kept at most, for one tenant's tree or for all that have no ceiling of
// their own. Without one a tree is kept for ever.
#pragma once

#include <optional>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct AuditCeiling {
  std::optional<policy::TenantId> tenant;  ///< absent: every tree without one of its own
  int days = 0;
};

/// Repository over one transaction, which must outlive it.
class AuditCeilings {
 public:
  explicit AuditCeilings(Transaction& transaction) : transaction_(transaction) {}
  /// In place of the one that there was.
  [[nodiscard]] Result<Record<AuditCeiling>> set(const AuditCeiling& ceiling);
  [[nodiscard]] Result<std::vector<Record<AuditCeiling>>> list();
  /// NotFound.
  [[nodiscard]] Result<Record<AuditCeiling>> remove(const std::optional<policy::TenantId>& tenant);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
