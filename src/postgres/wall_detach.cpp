// detach: the depot as it was found.

#include <ranges>

#include "bartizan/postgres/wall_reconciler.hpp"
#include "wall_base.hpp"
#include "wall_hardening_statements.hpp"
#include "wall_state.hpp"
#include "wall_statements.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

Result<void> check_no_sessions(WallTransaction& transaction, const wall::Names& names) {
  BZ_TRY(const auto rows, transaction.exec("SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, " +
                                           quote_literal(names.prefix() + "c_") + ")"));
  if (rows.at(0, 0) != "0") return fail(Errc::FailedPrecondition, "classes of this depot still have sessions");
  return {};
}

Result<void> drop_objects(WallTransaction& transaction, const wall::Names& names) {
  BZ_TRY(const auto state, load_state(transaction, names));
  for (const auto& [key, ignored] : std::views::reverse(state.actual)) {
    if (key.kind == wall::ObjectKind::RowSecurity && !state.recorded.contains(key)) continue;
    BZ_CHECK(transaction.exec(drop_statement(names, key)));
  }
  return {};
}

/// Rights back to PUBLIC, and from those who held them in its place. What was dropped meanwhile is
/// left out, one savepoint each.
Result<void> undo_hardening(WallTransaction& transaction) {
  BZ_TRY(const auto rows, transaction.exec("SELECT class, target, privilege, grantee FROM bartizan.hardened "
                                           "ORDER BY grantee = 'PUBLIC' DESC, class, target, privilege, grantee"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PublicRight right{rows.at(i, 0).value_or(""), rows.at(i, 1).value_or(""), rows.at(i, 2).value_or("")};
    const auto grantee = rows.at(i, 3).value_or("");
    BZ_CHECK(transaction.exec("SAVEPOINT one_right"));
    const auto undone = transaction.exec(grantee == "PUBLIC" ? grant_sql(right, grantee) : revoke_sql(right, grantee));
    if (!undone && !transaction.connection().open()) return tl::unexpected(undone.error());
    BZ_CHECK(transaction.exec(undone ? "RELEASE one_right" : "ROLLBACK TO one_right"));
  }
  return {};
}

}  // namespace

Result<void> detach(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_CHECK(check_login(connection, deadline));
  BZ_CHECK(ensure_base(connection, names, deadline));  // and so the tables that tell what to undo
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  BZ_CHECK(check_no_sessions(transaction, names));
  BZ_CHECK(drop_objects(transaction, names));
  BZ_CHECK(undo_hardening(transaction));
  BZ_CHECK(transaction.exec("DROP SCHEMA bartizan_views, bartizan CASCADE"));
  BZ_CHECK(transaction.exec(drop_role(names.everyone_else())));
  BZ_CHECK(transaction.exec(drop_role(names.wall_owner())));
  return transaction.commit();
}

}  // namespace bartizan::postgres
