// Tenants in the control database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it.
class Tenants {
 public:
  explicit Tenants(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one. AlreadyExists: the name.
  [[nodiscard]] Result<Record<policy::Tenant>> create(policy::Tenant tenant);
  [[nodiscard]] Result<Record<policy::Tenant>> find(std::string_view name);
  [[nodiscard]] Result<std::vector<Record<policy::Tenant>>> list();
  /// Conflict: another version. FailedPrecondition: something still belongs to it.
  [[nodiscard]] Result<void> remove(policy::TenantId id, std::int64_t version);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
