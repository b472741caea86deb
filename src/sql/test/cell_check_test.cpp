// The second check alone, on texts that plan_encryption() must never give out.
#include <doctest/doctest.h>

#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

PlannedStatement text(std::string_view server_text) {
  PlannedStatement statement;
  statement.server_text = server_text;
  // $1 is a cell, $2 the client's own.
  statement.parameters = {{0, CellAction::Encrypt, 1, 17}, {1, CellAction::Pass, 0, 0}};
  if (const auto at = server_text.find("'literal'"); at != std::string_view::npos) {
    statement.literals.push_back({at, 9, CellAction::Encrypt, 1, SecretBytes(std::string_view("x")), kText});
  }
  return statement;
}

}  // namespace

TEST_CASE("the second check takes cells where they may stand only") {
  constexpr std::string_view kGood[] = {
      "SELECT ssn, lower(name) FROM patients ORDER BY id",
      "SELECT p.ssn AS s FROM patients p WHERE p.ssn IS NOT NULL",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 16) = $1::bytea AND name = $2",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 16) IN ('literal'::bytea, NULL)",
      "SELECT count(ssn) FROM patients",
      "SELECT (pg_catalog.array_agg(email))[1] FROM patients GROUP BY pg_catalog.substr(email, 9, 16)",
      "INSERT INTO patients (ssn, name) VALUES ($1::bytea, 'n'), (NULL, 'm')",
      "UPDATE patients SET ssn = COALESCE($1::bytea, ssn), name = $2",
      "SELECT t.email FROM towns t, patients p ORDER BY t.email",
  };
  constexpr std::string_view kBad[] = {
      "SELEC",
      "SELECT lower(ssn) FROM patients",
      "SELECT id FROM patients ORDER BY ssn",
      "SELECT ssn FROM patients ORDER BY 1",
      "SELECT s FROM (SELECT ssn AS s FROM patients) x ORDER BY s",
      "SELECT b FROM (SELECT id, ssn FROM patients) x (a, b) WHERE b > 'x'",
      "WITH q (a, b) AS (SELECT id, ssn FROM patients) SELECT 1 FROM q WHERE b > 'x'",
      "SELECT id FROM patients p (a, b, c) WHERE c > 'x'",
      "SELECT DISTINCT ssn FROM patients",
      "SELECT ssn FROM patients UNION SELECT ssn FROM patients",
      "SELECT count(DISTINCT ssn) FROM patients",
      "SELECT array_agg(ssn) FROM patients",
      "SELECT id FROM patients WHERE email = $1::bytea",
      "SELECT id FROM patients WHERE email = 'x'",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 16) = 'x'",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 16) = $1",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 17) = $1::bytea",
      "SELECT id FROM patients WHERE substr(email, 9, 16) = $1::bytea",
      "SELECT id FROM patients WHERE pg_catalog.substr(email, 9, 16) IN ('literal'::bytea, 'x')",
      "SELECT id FROM patients WHERE name = $1",
      "SELECT id FROM patients WHERE name = 'literal'",
      "SELECT row_to_json(p) FROM patients p",
      "SELECT id FROM patients p WHERE p IS NOT DISTINCT FROM NULL",
      "SELECT id FROM patients a JOIN leads b USING (email)",
      "SELECT id FROM patients GROUP BY email",
      "INSERT INTO patients (ssn) VALUES ('x')",
      "INSERT INTO patients VALUES (1, 'n', 'x')",
      "INSERT INTO patients (ssn) VALUES (lower('x'))",
      "INSERT INTO patients (id) VALUES (1) ON CONFLICT (email) DO NOTHING",
      "INSERT INTO patients (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET ssn = 'x'",
      "UPDATE patients SET ssn = 'x'",
      "UPDATE patients SET ssn = COALESCE($1::bytea, 'x')",
      "UPDATE patients SET name = COALESCE(ssn, $1::bytea) || 'x'",
      "SELECT CASE WHEN ssn > 'x' THEN 1 END FROM patients",
  };
  const Clinic clinic;
  for (const std::string_view one : kGood) {
    CAPTURE(one);
    CHECK(cells_stand_where_permitted(*clinic.columns, text(one)));
  }
  for (const std::string_view one : kBad) {
    CAPTURE(one);
    CHECK_FALSE(cells_stand_where_permitted(*clinic.columns, text(one)));
  }
}

}  // namespace bartizan::sql::testing
