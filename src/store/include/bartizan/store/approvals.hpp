// Changes that one administrator asks for and another one approves (ADR 0202). That the two are not one is the
// database's rule too (approvals.approved_by_another).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Who asked is Meta::created_by.
struct Approval {
  Uuid id;
  std::string change;              ///< "depot.observe"
  policy::DepotId depot;
  std::int64_t depot_version = 0;  ///< the change is of the depot as it was then
  std::string reason;
  WallTime expires_at{};
  std::string state = "waiting";   ///< or "approved", "withdrawn"
  std::optional<std::string> approved_by;
};

/// Repository over one transaction, which must outlive it.
class Approvals {
 public:
  explicit Approvals(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one.
  [[nodiscard]] Result<Record<Approval>> add(Approval approval);
  /// The newest first, decided ones too.
  [[nodiscard]] Result<std::vector<Record<Approval>>> list();
  [[nodiscard]] Result<Record<Approval>> find(const Uuid& id);
  /// FailedPrecondition: it is not waiting any more, or whoever approves has asked for it.
  [[nodiscard]] Result<Record<Approval>> approve(const Uuid& id, const std::string& by);
  /// FailedPrecondition: it is not waiting any more.
  [[nodiscard]] Result<Record<Approval>> withdraw(const Uuid& id);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
