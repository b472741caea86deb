// A depot with a wall: two tenants' rows, each value that nobody may see beginning with LEAK, and a
// client that signs in as a class's role straight at PostgreSQL, past every gateway.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/outcome.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "bartizan/wall/context.hpp"
#include "bartizan/wall/names.hpp"
#include "test/embedded_fixture.hpp"

namespace bartizan::postgres::test {

/// The program's one server; each Depot is a database in it.
RunningServer& wall_server();

/// Everything that came back, in one text: rows, errors with all their fields, notices, COPY data,
/// notifications.
struct Answer {
  bool ok = false;
  std::string sqlstate;  ///< of the last error
  std::string text;
  std::string first;  ///< first field of the last result with rows
  std::size_t rows = 0;
};

/// A libpq connection that keeps all that it is told.
class WallClient {
 public:
  WallClient(const Endpoint& endpoint, const std::string& password);
  /// Simple protocol; several statements may stand in the text.
  Answer run(const std::string& sql);
  /// Extended protocol.
  Answer run_extended(const std::string& sql);
  [[nodiscard]] int backend_pid() const { return PQbackendPID(connection_.get()); }
  [[nodiscard]] bool connected() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  [[nodiscard]] PGconn* raw() { return connection_.get(); }

 private:
  Answer collect();
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  std::string notices_;
  std::unique_ptr<PGconn, Finish> connection_;
};

/// Removed with the program's server, not before.
class Depot {
 public:
  /// Runs the schema as its owner (a role without power).
  explicit Depot(const std::string& schema_sql);
  /// From now on the wall is kept by an ordinary role (the managed grade). Its connection.
  ControlConnection& give_to_ordinary_role();
  [[nodiscard]] std::string keeper_role() const { return database_ + "_keeper"; }
  /// Of who keeps the wall: the superuser, unless given to another.
  [[nodiscard]] ControlConnection& keeper() { return keeper_ ? *keeper_ : admin_; }
  [[nodiscard]] ControlConnection& admin() { return admin_; }
  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] std::string owner() const { return database_ + "_owner"; }
  /// As the superuser. REQUIREs success; the first field.
  std::string sql(const std::string& text);
  [[nodiscard]] std::shared_ptr<const sql::Catalog> catalog();

  /// With every class in it, all of one password. The report of the call.
  WallReport reconcile(const std::vector<policy::ClassOutcome>& classes);
  [[nodiscard]] DesiredWall desired(const std::vector<policy::ClassOutcome>& classes);

  /// Signed in as the class, its connection opened.
  struct Session {
    WallClient client;
    SecretBytes key;
    std::string role;
  };
  std::unique_ptr<Session> session(const policy::ClassOutcome& outcome);
  /// SQL that sets a context for the tenant ("" is none), valid for seconds from now.
  static std::string context(const Session& session, std::string_view tenant, int seconds = 60);
  /// The statement in a transaction of its own behind a context of the tenant.
  static Answer as_tenant(Session& session, std::string_view tenant, const std::string& sql);
  /// "schema"."view" for a table of the class.
  std::string view(const policy::ClassOutcome& outcome, const std::string& schema, const std::string& table,
                   bool write_view = false);

  wall::Names names;

 private:
  std::string database_;
  ControlConnection admin_;
  std::optional<ControlConnection> keeper_;
};

/// pg_dump of schema, rights and the database's own.
std::string dumped(const std::string& database);

/// Every column Clear, no writes, Read alone.
policy::TableOutcome readable(const sql::Catalog& catalog, const std::string& schema, const std::string& table);
policy::ColumnOutcome& column(policy::TableOutcome& table, std::string_view name);
/// "tenant = subject.tenant", the tenant column named.
policy::FilterTemplate tenant_filter(const std::string& column = "tenant");
policy::ClassOutcome class_of(std::vector<policy::TableOutcome> tables,
                              std::vector<policy::ContextAttribute> more_attributes = {});

}  // namespace bartizan::postgres::test
