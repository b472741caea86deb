#include "test/wall_fixture.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>

namespace bartizan::postgres::test {
namespace {

constexpr const char* kPassword = "class-password";

SteadyTime soon() { return in(std::chrono::seconds(60)); }

std::string everything(const PGresult* result) {
  std::string out;
  for (const int field : {PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT,
                          PG_DIAG_INTERNAL_QUERY, PG_DIAG_CONTEXT, PG_DIAG_SCHEMA_NAME, PG_DIAG_TABLE_NAME,
                          PG_DIAG_COLUMN_NAME, PG_DIAG_DATATYPE_NAME, PG_DIAG_CONSTRAINT_NAME})
    if (const char* text = PQresultErrorField(result, field)) out += std::string(text) + "\n";
  return out;
}

std::string verifier(ControlConnection& admin) {
  // One for all classes, made by the server itself.
  static std::string text;
  if (!text.empty()) return text;
  REQUIRE(admin.exec("DROP ROLE IF EXISTS bz_verifier_source; CREATE ROLE bz_verifier_source", soon()));
  REQUIRE(admin.set_role_password("bz_verifier_source", SecretBytes(std::string_view(kPassword)), soon()));
  text = admin.scalar("SELECT rolpassword FROM pg_authid WHERE rolname = 'bz_verifier_source'", soon()).value();
  REQUIRE(admin.exec("DROP ROLE bz_verifier_source", soon()));
  return text;
}

}  // namespace

RunningServer& wall_server() {
  static DataFolder folder;
  static RunningServer server(folder.path());
  return server;
}

WallClient::WallClient(const Endpoint& endpoint, const std::string& password) {
  const auto conninfo = fmt::format("host={} port={} dbname={} user={} password={} client_encoding=UTF8", endpoint.host,
                                    endpoint.port, endpoint.database, endpoint.user, password);
  connection_.reset(PQconnectdb(conninfo.c_str()));
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(
      connection_.get(),
      [](void* notices, const PGresult* result) { *static_cast<std::string*>(notices) += everything(result); },
      &notices_);
}

Answer WallClient::run(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1) return {};
  return collect();
}

Answer WallClient::run_extended(const std::string& sql) {
  if (PQsendQueryParams(connection_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) return {};
  return collect();
}

Answer WallClient::collect() {
  Answer answer;
  answer.ok = true;
  while (PGresult* result = PQgetResult(connection_.get())) {
    const auto status = PQresultStatus(result);
    answer.text += everything(result) + PQcmdStatus(result) + "\n";
    if (status == PGRES_FATAL_ERROR) {
      answer.ok = false;
      if (const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE)) answer.sqlstate = state;
    }
    if (PQntuples(result) > 0) answer.first = PQgetvalue(result, 0, 0);
    if (status == PGRES_TUPLES_OK) answer.rows = static_cast<std::size_t>(PQntuples(result));
    for (int row = 0; row < PQntuples(result); ++row)
      for (int field = 0; field < PQnfields(result); ++field)
        answer.text += std::string(PQgetvalue(result, row, field)) + "|";
    if (status == PGRES_TUPLES_OK)
      for (int field = 0; field < PQnfields(result); ++field) answer.text += std::string(PQfname(result, field)) + "|";
    PQclear(result);
    if (status == PGRES_COPY_OUT) {
      char* line = nullptr;
      while (PQgetCopyData(connection_.get(), &line, 0) > 0) {
        answer.text += line;
        PQfreemem(line);
      }
    }
    if (status == PGRES_COPY_IN) PQputCopyEnd(connection_.get(), "not wanted");
    if (!connected()) break;
  }
  PQconsumeInput(connection_.get());
  while (PGnotify* notify = PQnotifies(connection_.get())) {
    answer.text += std::string(notify->relname) + "|" + notify->extra + "|";
    PQfreemem(notify);
  }
  answer.text += notices_;
  notices_.clear();
  return answer;
}

Depot::Depot(const std::string& schema_sql) : names(wall::Names::for_depot("")), admin_(wall_server().connect()) {
  static int count = 0;
  database_ = "depot" + std::to_string(++count);
  names = wall::Names::for_depot(database_);
  sql("CREATE ROLE " + owner() + " LOGIN PASSWORD 'owner-password'");
  sql("CREATE DATABASE " + database_ + " OWNER " + owner());
  admin_ = wall_server().connect(database_);
  sql("SET ROLE " + owner());
  sql(schema_sql);
  sql("RESET ROLE");
}

ControlConnection& Depot::give_to_ordinary_role() {
  sql("CREATE ROLE " + keeper_role() + " LOGIN CREATEROLE PASSWORD '" + kPassword + "'; GRANT " + owner() + " TO " +
      keeper_role());
  // Up to 14 it is the superuser's, and PUBLIC may create in it.
  if (admin_.server_version() < 150000) sql("ALTER SCHEMA public OWNER TO " + owner());
  auto endpoint = wall_server()->endpoint(database_);
  endpoint.user = keeper_role();
  auto connection = ControlConnection::connect(endpoint, SecretBytes(std::string_view(kPassword)), soon());
  REQUIRE_MESSAGE(connection, (connection ? "" : connection.error().detail));
  keeper_ = std::move(*connection);
  return *keeper_;
}

std::string Depot::sql(const std::string& text) {
  const auto rows = admin_.exec(text, soon());
  REQUIRE_MESSAGE(rows, text, ": ", (rows ? "" : rows.error().detail));
  return rows->empty() ? "" : rows->at(0, 0).value_or("");
}

std::shared_ptr<const sql::Catalog> Depot::catalog() {
  auto catalog = read_catalog(admin_, 1, soon());
  REQUIRE_MESSAGE(catalog, (catalog ? "" : catalog.error().detail));
  return *catalog;
}

DesiredWall Depot::desired(const std::vector<policy::ClassOutcome>& classes) {
  DesiredWall wanted{names, SecretBytes(ByteView(Bytes(wall::kContextKeySize, std::byte{7}))), {}};
  for (const auto& outcome : classes) wanted.classes.push_back({outcome, SecretBytes(verifier(admin_))});
  return wanted;
}

WallReport Depot::reconcile(const std::vector<policy::ClassOutcome>& classes) {
  auto report = postgres::reconcile(keeper(), desired(classes), soon());
  REQUIRE_MESSAGE(report, (report ? "" : report.error().detail));
  return std::move(*report);
}

std::unique_ptr<Depot::Session> Depot::session(const policy::ClassOutcome& outcome) {
  auto endpoint = wall_server()->endpoint(database_);
  endpoint.user = names.class_role(policy::class_id(outcome));
  auto session = std::unique_ptr<Session>(new Session{WallClient(endpoint, kPassword), SecretBytes(), endpoint.user});
  REQUIRE_MESSAGE(session->client.connected(), PQerrorMessage(session->client.raw()));
  const auto opened = session->client.run(std::string(wall::kOpenConnectionSql));
  REQUIRE_MESSAGE(opened.ok, opened.text);
  auto key =
      wall::connection_key(desired({}).context_key, {session->role, session->client.backend_pid(), opened.first});
  REQUIRE(key);
  session->key = std::move(*key);
  return session;
}

std::string Depot::context(const Session& session, std::string_view tenant, int seconds) {
  wall::Context context;
  context.expires = system_clock().wall() + std::chrono::seconds(seconds);
  context.values.push_back({"tenant", tenant.empty() ? std::nullopt : std::optional(std::string(tenant))});
  context.values.push_back({"region", "north"});
  const auto signed_text = wall::sign_context(session.key, context);
  REQUIRE(signed_text);
  return wall::set_context_sql(*signed_text);
}

Answer Depot::as_tenant(Session& session, std::string_view tenant, const std::string& sql) {
  session.client.run("BEGIN");
  session.client.run(context(session, tenant));
  auto answer = session.client.run(sql);
  session.client.run("COMMIT");
  return answer;
}

std::string Depot::view(const policy::ClassOutcome& outcome, const std::string& schema, const std::string& table,
                        bool write_view) {
  const auto now = catalog();
  const auto map = wall::view_map(names, *now, outcome);
  REQUIRE_MESSAGE(map, (map ? "" : map.error().detail));
  const auto* relation = now->relation(schema, table);
  REQUIRE(relation != nullptr);
  const auto& view = map->relations.at(relation->oid);
  const auto& name = write_view ? view.write_view : view.view;
  return name.schema + "." + name.name;
}

std::string dumped(const std::string& database) {
  const auto endpoint = wall_server()->endpoint(database);
  const auto command = fmt::format(
      "PGPASSWORD='{}' {}/pg_dump -s -C -h {} -p {} -U {} {}", wall_server()->superuser_password().reveal_chars(),
      wall_server()->binaries().directory, endpoint.host, endpoint.port, endpoint.user, database);
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> block{};
  while (const auto size = std::fread(block.data(), 1, block.size(), pipe)) out.append(block.data(), size);
  CHECK(::pclose(pipe) == 0);
  std::string kept;  // without the lines that hold a random word
  for (std::size_t from = 0; from < out.size();) {
    const auto end = std::min(out.find('\n', from), out.size() - 1) + 1;
    const auto line = std::string_view(out).substr(from, end - from);
    if (!line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")) kept += line;
    from = end;
  }
  return kept;
}

policy::TableOutcome readable(const sql::Catalog& catalog, const std::string& schema, const std::string& table) {
  const auto* relation = catalog.relation(schema, table);
  REQUIRE(relation != nullptr);
  policy::TableOutcome outcome;
  outcome.schema = schema;
  outcome.name = table;
  outcome.verbs.insert(policy::Verb::Read);
  for (const auto& column : relation->columns) outcome.columns.push_back({column.name, policy::Clear{}, {}});
  return outcome;
}

policy::ColumnOutcome& column(policy::TableOutcome& table, std::string_view name) {
  const auto found = std::ranges::find(table.columns, name, &policy::ColumnOutcome::name);
  REQUIRE(found != table.columns.end());
  return *found;
}

policy::FilterTemplate tenant_filter(const std::string& column) {
  policy::FilterTemplate filter;
  filter.text = column + " = subject.tenant";
  filter.slots.push_back({column.size() + 3, std::string_view("subject.tenant").size(), "tenant"});
  return filter;
}

policy::ClassOutcome class_of(std::vector<policy::TableOutcome> tables,
                              std::vector<policy::ContextAttribute> more_attributes) {
  policy::ClassOutcome outcome;
  outcome.depot = "test";
  outcome.tables = std::move(tables);
  std::ranges::sort(outcome.tables, {}, [](const auto& table) { return std::pair(table.schema, table.name); });
  outcome.context = std::move(more_attributes);
  outcome.context.push_back({"tenant", policy::AttributeType::Text});
  std::ranges::sort(outcome.context);
  return outcome;
}

}  // namespace bartizan::postgres::test
