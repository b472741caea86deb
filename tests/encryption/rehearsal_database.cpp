#include "rehearsal_database.hpp"

#include <doctest/doctest.h>

#include <charconv>

namespace bartizan::rehearsal {

namespace {

struct Close {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};

// docs/formats/cell.md
constexpr const char* kDomain =
    "CREATE DOMAIN public.bz_cell AS bytea CHECK (octet_length(VALUE) >= 48 AND get_byte(VALUE, 0) = 199 AND "
    "get_byte(VALUE, 1) >> 4 = 1)";

template <class T>
T number(const Field& field) {
  T value{};
  REQUIRE(field);
  std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

std::vector<std::vector<Field>> rows_of(PGconn* connection, const std::string& text) {
  const std::unique_ptr<PGresult, Close> result(PQexec(connection, text.c_str()));
  const auto status = PQresultStatus(result.get());
  REQUIRE_MESSAGE((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK), PQresultErrorMessage(result.get()));
  std::vector<std::vector<Field>> rows;
  for (int r = 0; r < PQntuples(result.get()); ++r) {
    auto& row = rows.emplace_back();
    for (int c = 0; c < PQnfields(result.get()); ++c) {
      row.push_back(PQgetisnull(result.get(), r, c) != 0 ? Field() : Field(PQgetvalue(result.get(), r, c)));
    }
  }
  return rows;
}

std::shared_ptr<const sql::Catalog> read_catalog(PGconn* connection) {
  sql::CatalogContents contents;
  contents.epoch = 1;
  contents.server_version = 150000;
  contents.schemas = {{2200, "public"}};
  rows_of(connection, "SET search_path = pg_catalog");
  for (const auto& row :
       rows_of(connection,
               "SELECT oid, relname, relkind, CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END "
               "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')")) {
    sql::CatalogRelation relation;
    relation.oid = number<sql::Oid>(row[0]);
    relation.schema = "public";
    relation.name = *row[1];
    relation.kind = static_cast<sql::RelKind>((*row[2])[0]);
    relation.view_definition = row[3].value_or("");
    for (const auto& column : rows_of(
             connection,
             "SELECT attname, attnum, atttypid, atthasdef, attgenerated FROM pg_attribute WHERE attrelid = " + *row[0] +
                 " AND attnum > 0 AND NOT attisdropped ORDER BY attnum")) {
      sql::CatalogColumn out;
      out.name = *column[0];
      out.attnum = number<sql::AttrNumber>(column[1]);
      out.type = number<sql::Oid>(column[2]);
      out.has_default = *column[3] == "t";
      out.generated = *column[4] == "s" ? sql::Generated::Stored : sql::Generated::No;
      relation.columns.push_back(std::move(out));
    }
    for (const auto& key : rows_of(connection,
                                   "SELECT unnest(conkey), conname FROM pg_constraint WHERE contype = 'p' AND "
                                   "conrelid = " +
                                       *row[0])) {
      if (relation.keys.empty()) relation.keys.emplace_back();
      relation.keys[0].name = *key[1];
      relation.keys[0].primary = true;
      relation.keys[0].columns.push_back(number<sql::AttrNumber>(key[0]));
    }
    contents.relations.push_back(std::move(relation));
  }
  rows_of(connection, "RESET search_path");
  auto catalog = sql::Catalog::make(std::move(contents));
  REQUIRE(catalog);
  return *catalog;
}

}  // namespace

postgres::test::RunningServer& server() {
  static const postgres::test::DataFolder folder;
  static postgres::test::RunningServer running([] {
    postgres::EmbeddedOptions options;
    options.data_directory = folder.path();
    return options;
  }());
  return running;
}

PGconn* Database::connect() const {
  const postgres::Endpoint endpoint = server()->endpoint(name_);
  const std::string port = std::to_string(endpoint.port);
  const std::string password(server()->superuser_password().reveal_chars());
  const char* const names[] = {"host", "port", "dbname", "user", "password", "options", nullptr};
  // The most talkative log there is.
  const char* const options =
      "-c log_statement=all -c log_min_duration_statement=0 -c log_parameter_max_length=-1 "
      "-c log_parameter_max_length_on_error=-1 -c log_min_messages=debug1 -c log_min_error_statement=debug5 "
      "-c log_error_verbosity=verbose -c debug_print_plan=on -c debug_print_parse=on -c debug_print_rewritten=on";
  const char* const values[] = {endpoint.host.c_str(),
                                port.c_str(),
                                endpoint.database.c_str(),
                                endpoint.user.c_str(),
                                password.c_str(),
                                options,
                                nullptr};
  PGconn* const connection = PQconnectdbParams(names, values, 0);
  REQUIRE_MESSAGE(PQstatus(connection) == CONNECTION_OK, PQerrorMessage(connection));
  PQsetNoticeProcessor(connection, [](void*, const char*) {}, nullptr);
  return connection;
}

Database::Database(std::string name, const std::string& schema_sql, const std::vector<Declared>& columns)
    : name_(std::move(name)) {
  auto admin = server().connect();
  const auto made = admin.exec("CREATE DATABASE " + name_, postgres::test::in(std::chrono::seconds(60)));
  REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
  const std::unique_ptr<PGconn, Close> connection(connect());
  rows_of(connection.get(), kDomain);
  rows_of(connection.get(), schema_sql);
  declare(columns);
}

const sql::CatalogRelation& Database::table(std::string_view name) const {
  const sql::CatalogRelation* const relation = columns_->catalog().relation("public", name);
  REQUIRE(relation != nullptr);
  return *relation;
}

void Database::declare(const std::vector<Declared>& columns) {
  const std::unique_ptr<PGconn, Close> connection(connect());
  const auto catalog = read_catalog(connection.get());
  specs_.clear();
  for (const Declared& declared : columns) {
    const sql::CatalogRelation* const relation = catalog->relation("public", declared.table);
    REQUIRE(relation != nullptr);
    const sql::CatalogColumn* const column = relation->column(declared.column);
    REQUIRE(column != nullptr);
    sql::EncryptedColumnSpec spec;
    spec.column = {relation->oid, column->attnum};
    spec.number = static_cast<std::uint32_t>(specs_.size() + 1);
    spec.type = {declared.type, -1, declared.typmod};
    spec.searchable = declared.searchable;
    spec.join_domain = declared.join_domain != 0 ? declared.join_domain : 1000 + spec.number;
    if (!declared.index_column.empty()) spec.index_column = relation->column(declared.index_column)->attnum;
    specs_.push_back(spec);
  }
  auto encrypted = sql::EncryptedColumns::make(catalog, specs_);
  REQUIRE_MESSAGE(encrypted, (encrypted ? "" : encrypted.error().detail));
  columns_ = *encrypted;
}

EncryptedClient Database::client() { return EncryptedClient(connect(), columns_, specs_); }

std::vector<std::vector<Field>> Database::direct(const std::string& text) {
  const std::unique_ptr<PGconn, Close> connection(connect());
  return rows_of(connection.get(), text);
}

}  // namespace bartizan::rehearsal
