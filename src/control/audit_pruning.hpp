// Pruning a tree of the provable log, by an administrator's order or by its ceiling: never what a hold covers, and
// never before the log holds a durable record of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/control/audit_source.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

struct PruneOrder {
  std::string tree;
  std::optional<policy::TenantId> tenant;  ///< whose tree it is; holds of others don't cover it
  WallTime before;
  std::string actor;
  std::string reason;
};

struct Pruned {
  std::uint64_t before = 0;   ///< the minimum index that there was
  std::uint64_t minimum = 0;  ///< and is
};

/// The cases that keep a tree as it is, empty when none does.
[[nodiscard]] Result<std::string> holding(store::Transaction& transaction,
                                          const std::optional<policy::TenantId>& tenant);
/// What the order would come to.
[[nodiscard]] Result<Pruned> prunable(const AuditSource& log, const std::string& tree, WallTime before);
/// REQUIRES: transaction writes, so that no hold is added meanwhile, and nothing is holding the tree.
[[nodiscard]] Result<Pruned> prune(const AuditSource& log, const Clock& clock, store::Transaction& transaction,
                                   const PruneOrder& order);

}  // namespace bartizan::control
