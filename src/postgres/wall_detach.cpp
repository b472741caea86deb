// detach: the depot as it was found.

#include <algorithm>
#include <chrono>
#include <ranges>
#include <string>

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

Result<void> drop_objects(WallTransaction& transaction, const wall::Names& names, const wall::Installer& installer) {
  BZ_TRY(const auto state, load_state(transaction, names));
  for (const auto& [key, ignored] : std::views::reverse(state.actual)) {
    if (key.kind == wall::ObjectKind::RowSecurity && !state.recorded.contains(key)) continue;
    BZ_CHECK(transaction.exec(drop_statement(names, key, installer)));
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

constexpr std::string_view kClose = R"sql(
DO $do$
DECLARE
  one name;
BEGIN
  FOR one IN SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.starts_with(r.rolname, {classes}) LOOP
    EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN', one);
  END LOOP;
END
$do$)sql";
constexpr auto kSessionsEndWithin = std::chrono::seconds(10);

}  // namespace

Result<void> end_class_sessions(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_CHECK(check_login(connection, deadline));
  const auto classes = quote_literal(names.prefix() + "c_");
  std::string close(kClose);
  constexpr std::string_view kBlank = "{classes}";
  close.replace(close.find(kBlank), kBlank.size(), classes);
  BZ_CHECK(connection.exec(close, deadline));
  const auto until = std::min(deadline, std::chrono::steady_clock::now() + kSessionsEndWithin);
  for (;;) {
    BZ_TRY(const auto left,
           connection.exec("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                           "WHERE pg_catalog.starts_with(usename, " +
                               classes + ")",
                           deadline));
    if (left.empty()) return {};
    if (std::chrono::steady_clock::now() >= until)
      return fail(Errc::DeadlineExceeded, "sessions of this depot's classes do not end");
    BZ_CHECK(connection.exec("SELECT pg_catalog.pg_sleep(0.05)", deadline));
  }
}

Result<void> detach(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_TRY(const auto login, check_login(connection, deadline));
  BZ_CHECK(ensure_base(connection, names, login.installer(), deadline));  // and so the tables that tell what to undo
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  BZ_CHECK(check_no_sessions(transaction, names));
  BZ_CHECK(drop_objects(transaction, names, login.installer()));
  BZ_CHECK(undo_hardening(transaction));
  BZ_CHECK(transaction.exec("DROP SCHEMA bartizan_views, bartizan CASCADE"));
  BZ_CHECK(transaction.exec(drop_role(names.everyone_else())));
  BZ_CHECK(transaction.exec(drop_role(names.wall_owner())));
  return transaction.commit();
}

}  // namespace bartizan::postgres
