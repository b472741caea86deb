// What becomes of a text that reads the catalogs; that PostgreSQL shows logical types by it is the
// matter of tests/e2e/test_encryption_catalogs.py.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "bartizan/sql/encryption_plan.hpp"
#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

void shorten(std::string& text, std::string_view from, std::string_view to, std::string_view as) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from)) {
    const auto end = text.find(to, at);
    REQUIRE(end != std::string::npos);
    text.replace(at, end + to.size() - at, as);
  }
}

/// The server's text with <A> and <C> for the sub-selects; "as it is" for one that is left alone.
std::string planned(const Clinic& clinic, std::string_view text) {
  const auto outcome = clinic.plan(text);
  if (std::holds_alternative<Untouched>(outcome)) return "as it is";
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->sqlstate;
  std::string out;
  for (const auto& statement : std::get<EncryptionPlan>(outcome).statements) {
    if (!out.empty()) out += "; ";
    out += statement.server_text;
    CHECK(statement.columns.empty());
  }
  shorten(out, "(SELECT a.attrelid", "0::pg_catalog.oid)", "<A>");
  shorten(out, "(SELECT a.table_catalog", "0::pg_catalog.oid)", "<C>");
  return out;
}

}  // namespace

TEST_CASE("catalogs of columns are read through sub-selects, wherever one may stand") {
  const Clinic clinic;
  struct Row {
    std::string_view text;
    std::string_view server;
  };
  const Row rows[] = {
      {"SELECT * FROM pg_attribute", "SELECT * FROM <A> AS pg_attribute"},
      {"select a.attname from pg_catalog.pg_attribute a where a.attnum > 0",
       "select a.attname from <A> a where a.attnum > 0"},
      {"SELECT 1 FROM pg_class c LEFT JOIN \"pg_catalog\" . pg_attribute AS a ON a.attrelid = c.oid, pg_type",
       "SELECT 1 FROM pg_class c LEFT JOIN <A> AS a ON a.attrelid = c.oid, pg_type"},
      {"SELECT (SELECT count(*) FROM information_schema.columns) /* é */ FROM pg_attribute",
       "SELECT (SELECT count(*) FROM <C> AS columns) /* é */ FROM <A> AS pg_attribute"},
      {"SELECT pg_catalog.pg_attribute.attname, pg_attribute.attnum FROM pg_catalog.pg_attribute",
       "SELECT pg_attribute.attname, pg_attribute.attnum FROM <A> AS pg_attribute"},
      {"SELECT * FROM clinic.information_schema.columns WHERE table_name = $1",
       "SELECT * FROM <C> AS columns WHERE table_name = $1"},
      {"PREPARE p AS SELECT 1 FROM pg_attribute", "PREPARE p AS SELECT 1 FROM <A> AS pg_attribute"},
      {"DECLARE d CURSOR FOR SELECT 1 FROM pg_attribute x", "DECLARE d CURSOR FOR SELECT 1 FROM <A> x"},
      {"COPY (SELECT 1 FROM pg_attribute x) TO STDOUT", "COPY (SELECT 1 FROM <A> x) TO STDOUT"},
      {"EXPLAIN SELECT 1 FROM pg_attribute x", "EXPLAIN SELECT 1 FROM <A> x"},
      {"UPDATE towns SET name = a.attname FROM pg_attribute a", "UPDATE towns SET name = a.attname FROM <A> a"},
      {"DELETE FROM towns USING pg_attribute a WHERE a.attname = name",
       "DELETE FROM towns USING <A> a WHERE a.attname = name"},
      {"SELECT 1; SELECT 2 FROM pg_attribute; ", "SELECT 1; SELECT 2 FROM <A> AS pg_attribute"},
      {"CREATE TEMP TABLE t AS SELECT 1 FROM pg_attribute x", "CREATE TEMP TABLE t AS SELECT 1 FROM <A> x"},
      // What is of another name, or where no sub-select may stand.
      {"SELECT 'pg_attribute', pg_attribute FROM pg_class AS pg_attribute", "as it is"},
      {"SELECT 1 FROM information_schema.tables", "as it is"},
      {"WITH pg_attribute AS (SELECT 1) SELECT * FROM pg_attribute", "as it is"},
      {"WITH pg_attribute AS (SELECT 1) SELECT * FROM pg_catalog.pg_attribute",
       "WITH pg_attribute AS (SELECT 1) SELECT * FROM <A> AS pg_attribute"},
      {"TABLE pg_attribute", "as it is"},
      {"SELECT 1 FROM ONLY pg_attribute", "as it is"},
      {"SELECT 1 FROM pg_attribute *", "as it is"},
      {"SELECT 1 FROM pg_attribute TABLESAMPLE system (1)", "as it is"},
      {"CREATE VIEW v AS SELECT 1 FROM pg_attribute", "as it is"},
      {"SELECT 1 FROM other.pg_catalog.pg_attribute", "0A000"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(planned(clinic, row.text) == row.server);
  }
}

TEST_CASE("the sub-selects know columns wherever their cells are given out, and hide indexes") {
  const Clinic clinic;
  const auto outcome = clinic.plan("SELECT 1 FROM pg_attribute");
  const auto& text = std::get<EncryptionPlan>(outcome).statements[0].server_text;
  for (const std::string_view row :
       {"(200::pg_catalog.oid, 4::pg_catalog.int2, 1043::pg_catalog.oid, 84)",  // varchar(80)
        "(203::pg_catalog.oid, 4::pg_catalog.int2, 25::pg_catalog.oid, (-1))",  // a partition's
        "(220::pg_catalog.oid, 2::pg_catalog.int2, 1043::pg_catalog.oid, 84)",  // a view's
        "(204::pg_catalog.oid, 3::pg_catalog.int2, 0::pg_catalog.oid, (-1))"}) {
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
  CHECK(text.find("(200::pg_catalog.oid, 6") == std::string::npos);
}

TEST_CASE("a statement on encrypted columns and on catalogs has both done") {
  const Clinic clinic;
  const auto outcome = clinic.plan("SELECT p.ssn FROM patients p JOIN pg_attribute a ON a.attnum = p.id");
  REQUIRE(std::holds_alternative<EncryptionPlan>(outcome));
  const auto& statement = std::get<EncryptionPlan>(outcome).statements[0];
  CHECK(statement.server_text.find("LEFT JOIN (VALUES") != std::string::npos);
  REQUIRE(statement.columns.size() == 1);
  CHECK(statement.columns[0].column == 1);
  const auto refused = clinic.plan("SELECT 1 FROM pg_attribute a, patients p WHERE p.email > 'x'");
  REQUIRE(std::holds_alternative<Refused>(refused));
  CHECK(std::get<Refused>(refused).position == 0);
}

TEST_CASE("servers whose catalogs are not known are asked as they are") {
  auto contents = clinic_catalog()->contents();
  contents.server_version = 190'000;
  auto catalog = Catalog::make(std::move(contents));
  REQUIRE(catalog);
  auto columns = EncryptedColumns::make(*catalog, clinic_columns());
  REQUIRE(columns);
  Clinic clinic;
  clinic.columns = *columns;
  CHECK(planned(clinic, "SELECT 1 FROM pg_attribute") == "as it is");
}

}  // namespace bartizan::sql::testing
