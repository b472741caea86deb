// A depot's catalog as the control plane reads it: over the superuser's socket in the embedded
// PostgreSQL, else as one of the depot's logins.
#pragma once

#include <memory>
#include <set>

#include "bartizan/postgres/wall_reconciler.hpp"
#include "services.hpp"

namespace bartizan::control {

struct DepotCatalog {
  std::shared_ptr<const sql::Catalog> catalog;
  std::set<sql::Oid> functions;  ///< reviewed ones that are what was reviewed
};

/// FailedPrecondition names the depot and why it could not be read. REQUIRES: no transaction open.
[[nodiscard]] Result<std::shared_ptr<const sql::Catalog>> read_depot_catalog(Call& call, const policy::Depot& depot);
[[nodiscard]] Result<DepotCatalog> read_depot(Call& call, const policy::Depot& depot);

/// What the control database holds at this moment.
[[nodiscard]] Result<std::shared_ptr<const policy::Snapshot>> fresh_snapshot(Call& call);

}  // namespace bartizan::control
