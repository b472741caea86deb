// Which identities may read their own tenant's tree of the audit log.
#pragma once

#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct AuditReader {
  policy::IdentityId identity;
  policy::TenantId tenant;  ///< when it was granted: an identity that moves to another tenant loses the right
};

/// Repository over one transaction, which must outlive it.
class AuditReaders {
 public:
  explicit AuditReaders(Transaction& transaction) : transaction_(transaction) {}
  /// AlreadyExists.
  [[nodiscard]] Result<void> add(const AuditReader& reader);
  /// NotFound.
  [[nodiscard]] Result<void> remove(policy::IdentityId identity);
  [[nodiscard]] Result<std::vector<Record<AuditReader>>> list();
  [[nodiscard]] Result<bool> holds(const AuditReader& reader);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
