// Grants in the control database: who may use which depot, as which login, until when.
#pragma once

#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it.
class Grants {
 public:
  explicit Grants(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one. FailedPrecondition: the depot has no such login.
  /// AlreadyExists: the same grantee, depot and login.
  [[nodiscard]] Result<Record<policy::Grant>> add(policy::Grant grant);
  [[nodiscard]] Result<Record<policy::Grant>> find(policy::GrantId id);
  [[nodiscard]] Result<std::vector<Record<policy::Grant>>> list();
  /// Conflict: another version.
  [[nodiscard]] Result<void> remove(policy::GrantId id, std::int64_t version);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
