#include "wall_transaction.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "bartizan/wall/base_objects.hpp"

namespace bartizan::postgres {
namespace {

// Keys and verifiers stand in some statements: no log may keep them. And the wall's own DDL is not the
// owner's, which its event triggers are for. Only a superuser may say so.
constexpr std::string_view kQuiet = R"sql(
DO $do$
BEGIN
  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    PERFORM pg_catalog.set_config('log_statement', 'none', true);
    PERFORM pg_catalog.set_config('log_min_duration_statement', '-1', true);
    PERFORM pg_catalog.set_config('log_min_duration_sample', '-1', true);
    PERFORM pg_catalog.set_config('log_min_error_statement', 'panic', true);
    PERFORM pg_catalog.set_config('session_replication_role', 'replica', true);
  END IF;
END
$do$)sql";

// A table that somebody holds must not stop the owner's work behind our waiting lock.
constexpr std::string_view kChange =
    "BEGIN; SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '5s'; SET LOCAL client_min_messages = warning; "
    "SET LOCAL row_security = on";
constexpr std::string_view kLock = "SELECT pg_advisory_xact_lock(-6148914691236517205)";
// Shorter than others wait before they look for a deadlock: it is the wall that gives way.
constexpr std::string_view kGiveWay = "SET LOCAL lock_timeout = '700ms'";
// Not in the queue of the lock, where the owner's next DDL would wait behind it.
constexpr std::string_view kOwnersTurn = R"sql(
DO $do$
BEGIN
  FOR i IN 1 .. 20 LOOP
    EXIT WHEN pg_catalog.pg_try_advisory_xact_lock({lock});
    PERFORM pg_catalog.pg_sleep(0.05);
  END LOOP;
END
$do$)sql";
constexpr std::string_view kSnapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '700ms'";

}  // namespace

Result<WallTransaction> WallTransaction::begin(ControlConnection& connection, Isolation isolation,
                                               SteadyTime deadline) {
  WallTransaction transaction(connection, deadline);
  if (isolation == Isolation::Snapshot) {
    BZ_CHECK(transaction.exec(kSnapshot));
    return transaction;
  }
  BZ_CHECK(transaction.exec(kChange));
  BZ_CHECK(transaction.exec(kQuiet));
  BZ_CHECK(transaction.exec(kLock));
  BZ_CHECK(transaction.exec(kGiveWay));
  return transaction;
}

Result<void> WallTransaction::after_owners_ddl() {
  std::string sql(kOwnersTurn);
  constexpr std::string_view kBlank = "{lock}";
  sql.replace(sql.find(kBlank), kBlank.size(), std::to_string(wall::kOwnerDdlLock));
  BZ_CHECK(exec(sql));
  return {};
}

WallTransaction::WallTransaction(WallTransaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), deadline_(other.deadline_) {}

WallTransaction::~WallTransaction() {
  if (connection_ == nullptr || !connection_->open()) return;
  const auto grace = std::max(deadline_, std::chrono::steady_clock::now() + std::chrono::seconds(5));
  [[maybe_unused]] const auto undone = connection_->exec("ROLLBACK", grace);
}

Result<Rows> WallTransaction::exec(std::string_view sql) { return connection_->exec(sql, deadline_); }

Result<void> WallTransaction::commit() {
  BZ_TRY(const auto rows, exec("COMMIT"));
  // COMMIT of a failed transaction succeeds as ROLLBACK.
  if (rows.command_tag() != "COMMIT") return fail(Errc::Internal, "a transaction of the wall was rolled back");
  connection_ = nullptr;
  return {};
}

}  // namespace bartizan::postgres
