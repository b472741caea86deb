#include "depot_catalog.hpp"

#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "depot_cells.hpp"
#include "depot_connection.hpp"
#include "reviewed_functions.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kReadFor{30};

/// The first login that libpq can use.
Result<policy::DepotLogin> some_login(Call& call, const policy::Depot& depot) {
  BZ_TRY(auto transaction, call.read());
  store::DepotLogins logins(transaction);
  BZ_TRY(const auto entries, logins.list(depot.id));
  for (const auto& entry : entries) {
    if (entry.value.kind == store::SecretKind::Scram) continue;
    return logins.open(depot.id, entry.value.role_name);
  }
  return fail(Errc::FailedPrecondition, "it has no login that the gateway knows the password of");
}

Result<postgres::ControlConnection> connect(Call& call, const policy::Depot& depot, SteadyTime deadline) {
  BZ_TRY(const bool by_the_wall, can_have_wall(call.context.database, depot));
  if (by_the_wall) return connect_for_wall(call.context.database, call.context.runtime, depot, deadline);
  BZ_TRY(const auto login, some_login(call, depot));
  return connect_to_depot(depot, login, deadline);
}

}  // namespace

Result<std::shared_ptr<const sql::Catalog>> read_depot_catalog(Call& call, const policy::Depot& depot) {
  BZ_TRY(auto read, read_depot(call, depot));
  return std::move(read.catalog);
}

Result<DepotCatalog> read_depot(Call& call, const policy::Depot& depot) {
  const auto deadline = call.context.clock.steady() + kReadFor;
  auto read = [&]() -> Result<DepotCatalog> {
    BZ_TRY(const auto reviews, read_reviewed_functions(call.context.database, depot.id));
    BZ_TRY(auto connection, connect(call, depot, deadline));
    BZ_TRY(auto functions, postgres::unchanged_functions(connection, reviews, deadline));
    BZ_TRY(auto physical, postgres::read_catalog(connection, 1, deadline, functions));
    std::vector<store::EncryptedColumn> columns;
    {
      BZ_TRY(auto transaction, call.read());
      BZ_TRY(auto found, store::EncryptedColumns(transaction).list());
      for (auto& one : found) columns.push_back(std::move(one.value));
    }
    BZ_TRY(auto logical, sql::with_logical_types(std::move(physical), logical_columns(columns, depot.id)));
    return DepotCatalog{std::move(logical.catalog), std::move(functions)};
  }();
  if (read) return read;
  call.hint = "see: bartizan doctor --depot " + depot.name;
  return fail(Errc::FailedPrecondition,
              "the catalog of depot '" + depot.name + "' can't be read: " + read.error().detail);
}

Result<std::shared_ptr<const policy::Snapshot>> fresh_snapshot(Call& call) {
  BZ_TRY(auto transaction, call.read());
  return store::read_snapshot(transaction);
}

}  // namespace bartizan::control
