#include "wall_door.hpp"

#include <string>

#include "bartizan/store/wall_accounts.hpp"
#include "depot_connection.hpp"

namespace bartizan::control {
namespace {

Result<policy::DepotLogin> login_of(store::Database& database, const policy::Depot& depot) {
  BZ_TRY(auto transaction, database.begin_read());
  auto login = store::WallAccounts(transaction).open(depot.id);
  if (!login && login.error().code == Errc::NotFound)
    return fail(Errc::FailedPrecondition,
                std::string(kNoWallLogin) + ": bartizan depot wall-login " + depot.name + " ROLE");
  return login;
}

}  // namespace

Result<postgres::ControlConnection> connect_for_wall(store::Database& database, Runtime& runtime,
                                                     const policy::Depot& depot, SteadyTime deadline) {
  if (depot.embedded) return runtime.embedded_superuser(depot.database, deadline);
  BZ_TRY(const auto login, login_of(database, depot));
  auto connection = connect_to_depot(depot, login, deadline);
  if (connection) return connection;
  return fail(connection.error().code, "the wall's login " + login.role_name + ": " + connection.error().detail);
}

Result<bool> can_have_wall(store::Transaction& transaction, const policy::Depot& depot) {
  if (depot.embedded) return true;
  const auto account = store::WallAccounts(transaction).find(depot.id);
  if (account) return true;
  if (account.error().code == Errc::NotFound) return false;
  return tl::unexpected(account.error());
}

Result<bool> can_have_wall(store::Database& database, const policy::Depot& depot) {
  if (depot.embedded) return true;
  BZ_TRY(auto transaction, database.begin_read());
  return can_have_wall(transaction, depot);
}

}  // namespace bartizan::control
