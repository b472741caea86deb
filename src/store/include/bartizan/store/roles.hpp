// Roles and who is in them, in the control database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it.
class Roles {
 public:
  explicit Roles(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one. AlreadyExists: the name.
  [[nodiscard]] Result<Record<policy::Role>> create(policy::Role role);
  [[nodiscard]] Result<Record<policy::Role>> find(std::string_view name);
  [[nodiscard]] Result<std::vector<Record<policy::Role>>> list();
  /// Its memberships and grants go with it. Conflict: another version.
  [[nodiscard]] Result<void> remove(policy::RoleId id, std::int64_t version);

  /// AlreadyExists: is a member.
  [[nodiscard]] Result<void> assign(policy::RoleId role, policy::IdentityId identity);
  /// NotFound: is no member.
  [[nodiscard]] Result<void> unassign(policy::RoleId role, policy::IdentityId identity);
  [[nodiscard]] Result<std::vector<policy::RoleMember>> members();

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
