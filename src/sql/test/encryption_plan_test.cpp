// Two tables stand beside this file: what is planned and how, and what is refused. Every plan is held
// against the second check as well, and no refusal may repeat a constant.
#include "bartizan/sql/encryption_plan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <variant>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/lexer.hpp"
#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

struct PlannedRow {
  std::string_view text;
  std::string_view plan;
};
constexpr PlannedRow kShapes[] = {
#include "encryption_shapes.inc"
};

struct RefusedRow {
  std::string_view text;
  std::string_view sqlstate;
  std::string_view message;
};
constexpr RefusedRow kRefusals[] = {
#include "encryption_refusals.inc"
};

bool is_syntax_error(const RefusedRow& row) { return row.sqlstate == "42601" && row.message.starts_with("syntax"); }

}  // namespace

TEST_CASE("statements on encrypted columns are planned as written down, and pass the second check") {
  const Clinic clinic;
  REQUIRE(clinic.columns != nullptr);
  CHECK(std::size(kShapes) >= 200);
  for (const PlannedRow& row : kShapes) {
    CAPTURE(row.text);
    const EncryptionOutcome outcome = clinic.plan(row.text);
    CHECK(shown(outcome) == row.plan);
    const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    for (std::size_t i = 0; plan != nullptr && i < plan->statements.size(); ++i) {
      const PlannedStatement& statement = plan->statements[i];
      if (statement.touched) CHECK(cells_stand_where_permitted(*clinic.columns, statement));
      for (const LiteralOp& literal : statement.literals) {
        CHECK(statement.server_text.at(literal.offset) == '\'');
        CHECK(statement.server_text.at(literal.offset + literal.length - 1) == '\'');
      }
    }
  }
}

TEST_CASE("what can't be right is refused, each with its own reason") {
  const Clinic clinic;
  CHECK(std::size(kRefusals) >= 200);
  for (const RefusedRow& row : kRefusals) {
    CAPTURE(row.text);
    const EncryptionOutcome outcome = clinic.plan(row.text);
    const auto* const refused = std::get_if<Refused>(&outcome);
    CHECK_MESSAGE(refused != nullptr, shown(outcome));
    if (refused == nullptr) continue;
    CHECK(refused->sqlstate == row.sqlstate);
    CHECK(refused->message == row.message);
    CHECK(refused->position <= row.text.size());
  }
}

TEST_CASE("a refusal stands behind another statement, in a cursor, a prepared statement and COPY too") {
  const Clinic clinic;
  for (const RefusedRow& row : kRefusals) {
    const std::string text(row.text);
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(clinic.plan("SELECT 1; " + text)));
    if (text.find(';') != std::string::npos || is_syntax_error(row)) continue;
    CHECK(std::holds_alternative<Refused>(clinic.plan("DECLARE x CURSOR FOR " + text)));
    CHECK(std::holds_alternative<Refused>(clinic.plan("PREPARE x AS " + text)));
    CHECK(std::holds_alternative<Refused>(clinic.plan("COPY (" + text + ") TO STDOUT")));
    CHECK(std::holds_alternative<Refused>(clinic.plan("EXPLAIN " + text)));
    CHECK(std::holds_alternative<Refused>(clinic.plan("WITH x AS (" + text + ") SELECT 1 FROM x")));
    CHECK(std::holds_alternative<Refused>(clinic.plan("SELECT 1 FROM (" + text + ") x")));
    CHECK(std::holds_alternative<Refused>(clinic.plan("CREATE VIEW x AS " + text)));
  }
}

TEST_CASE("no constant of a statement stands in the text for the server where a cell does") {
  const Clinic clinic;
  for (const PlannedRow& row : kShapes) {
    if (row.plan.find("<cell") == std::string_view::npos && row.plan.find("<index") == std::string_view::npos) continue;
    CAPTURE(row.text);
    const EncryptionOutcome outcome = clinic.plan(row.text);
    const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    REQUIRE(plan != nullptr);
    for (const PlannedStatement& statement : plan->statements) {
      for (const LiteralOp& literal : statement.literals) {
        const std::string quoted = "'" + std::string(literal.value.reveal_chars()) + "'";
        CHECK(statement.server_text.substr(literal.offset, literal.length) != quoted);
        if (literal.value.size() > 1 && !quoted.starts_with("'bartizan")) {
          CHECK(statement.server_text.find(quoted) == std::string::npos);
        }
      }
    }
  }
}

TEST_CASE("refusals hold no constants") {
  const Clinic clinic;
  for (const RefusedRow& row : kRefusals) {
    CAPTURE(row.text);
    const EncryptionOutcome outcome = clinic.plan(row.text);
    const auto* const refused = std::get_if<Refused>(&outcome);
    if (refused == nullptr) continue;
    Lexer lexer(row.text, LexOptions{});
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
      if (token.kind != TokenKind::String || token.length < 8) continue;
      CHECK(refused->message.find(token.in(row.text).substr(1, token.length - 2)) == std::string::npos);
    }
  }
}

TEST_CASE("types that Parse declares are held against the columns'") {
  const Clinic clinic;
  struct Row {
    std::vector<Oid> declared;
    std::string_view plan;
  };
  const Row rows[] = {
      {{23, 25},
       "INSERT INTO patients (id, email) VALUES ($1, $2::pg_catalog.bytea) | $1=pass 1 | $2=cell 2 of 2 as 25"},
      {{0, 705},
       "INSERT INTO patients (id, email) VALUES ($1, $2::pg_catalog.bytea) | $1=pass 1 | $2=cell 2 of 2 as 1043"},
      {{23, 23}, "42P08 parameter $2 is for an encrypted column of another type"},
      {{23, 17}, "42P08 parameter $2 is for an encrypted column of another type"},
  };
  for (const Row& row : rows) {
    EncryptionRequest request = clinic.request("INSERT INTO patients (id, email) VALUES ($1, $2)");
    request.parameter_types = row.declared;
    CHECK(shown(plan_encryption(request)) == row.plan);
  }
}

TEST_CASE("names follow the search_path") {
  const Clinic clinic;
  EncryptionRequest request = clinic.request("SELECT ssn FROM patients ORDER BY ssn");
  request.search_path = {"app"};
  CHECK(std::holds_alternative<Untouched>(plan_encryption(request)));
  request.search_path = {"app", "public"};  // app.patients may be gone by now
  CHECK(shown(plan_encryption(request)) == "42P09 \"patients\" also stands for a table with encrypted columns");
  request.search_path = {"public", "app"};
  CHECK(std::holds_alternative<Refused>(plan_encryption(request)));
  request.text = "SELECT * FROM leads";
  request.temporary = {"leads"};
  CHECK(shown(plan_encryption(request)) == "42P09 \"leads\" is both a temporary table and another relation");
}

TEST_CASE("what a text makes, its later statements may use") {
  const Clinic clinic;
  for (const std::string_view made :
       {"CREATE TABLE fresh (id int)", "CREATE TABLE app.fresh (id int)", "CREATE TEMP TABLE fresh (id int)",
        "CREATE TABLE fresh AS SELECT 1 AS id", "SELECT 1 AS id INTO fresh"}) {
    CAPTURE(made);
    const bool qualified = made.find("app.") != std::string_view::npos;
    const std::string use = qualified ? "INSERT INTO app.fresh VALUES (1)" : "INSERT INTO fresh VALUES (1)";
    const std::string text = std::string(made) + "; " + use;
    CHECK(std::holds_alternative<Untouched>(clinic.plan(text)));
    CHECK(shown(clinic.plan(use + "; " + std::string(made))).starts_with("42P01"));
    CHECK(shown(clinic.plan(std::string(made) + "; INSERT INTO other VALUES (1)")).starts_with("42P01"));
  }
  // A partition of a table with cells holds cells, and so does a partition of that.
  for (const std::string_view made :
       {"CREATE TABLE part PARTITION OF patients FOR VALUES IN (1)",
        "CREATE TABLE part PARTITION OF public.patients FOR VALUES IN (1); CREATE TABLE sub PARTITION OF part DEFAULT",
        "CREATE TABLE sub PARTITION OF part DEFAULT"}) {
    CAPTURE(made);
    for (const std::string_view use : {"; INSERT INTO part VALUES ('secret')", "; INSERT INTO sub VALUES ('secret')"})
      CHECK(shown(clinic.plan(std::string(made).append(use))).starts_with("42P01"));
  }
  // A name that the catalog knows keeps its meaning.
  CHECK(std::holds_alternative<Refused>(
      clinic.plan("CREATE TABLE patients (ssn text); SELECT ssn FROM patients ORDER BY ssn")));
  EncryptionRequest request = clinic.request("SELECT id FROM app.fresh");
  CHECK(shown(plan_encryption(request)).starts_with("42P01"));
  request.new_tables.note(analyse("CREATE TABLE app.fresh (id int)", {}).statements[0], *clinic.columns);
  CHECK(std::holds_alternative<Untouched>(plan_encryption(request)));
}

TEST_CASE("without encrypted columns everything is untouched, and with them what can't be read is refused") {
  const Clinic clinic;
  auto none = EncryptedColumns::make(clinic.catalog, {});
  REQUIRE(none);
  EncryptionRequest request = clinic.request("SELEC nonsense; DO 'x'");
  request.columns = none->get();
  CHECK(std::holds_alternative<Untouched>(plan_encryption(request)));
  request.columns = clinic.columns.get();
  CHECK(std::holds_alternative<Refused>(plan_encryption(request)));
  request.text = std::string_view("SELECT 1\0", 9);
  CHECK(std::holds_alternative<Refused>(plan_encryption(request)));
  request.text = "SELECT '\\' || ssn, '' FROM towns";
  request.standard_conforming_strings = false;
  CHECK(std::holds_alternative<Refused>(plan_encryption(request)));
}

TEST_CASE("columns are declared once, for tables, of types that can be encrypted") {
  const Clinic clinic;
  const auto made = [&](EncryptedColumnSpec spec) { return EncryptedColumns::make(clinic.catalog, {std::move(spec)}); };
  CHECK(made(encrypted(200, 3, 1, kText, false, 0)).has_value());
  CHECK_FALSE(made(encrypted(999, 3, 1, kText, false, 0)).has_value());
  CHECK_FALSE(made(encrypted(200, 99, 1, kText, false, 0)).has_value());
  CHECK_FALSE(made(encrypted(200, 3, 1, 114, false, 0)).has_value());   // json
  CHECK_FALSE(made(encrypted(220, 2, 1, kText, false, 0)).has_value());  // a view
  auto stored = encrypted(204, 2, 1, kText, false, 0);
  stored.index_column = 3;
  CHECK_FALSE(made(stored).has_value());  // an index of what is not searchable
  const auto one = encrypted(200, 3, 1, kText, false, 0);
  CHECK_FALSE(EncryptedColumns::make(clinic.catalog, {one, one}).has_value());
}

TEST_CASE("threads share what is encrypted") {
  const Clinic clinic;
  const auto run = [&] {
    for (int i = 0; i < 20; ++i) {
      CHECK(std::holds_alternative<EncryptionPlan>(clinic.plan("SELECT ssn FROM patients WHERE email = 'x'")));
    }
  };
  std::thread other(run);
  run();
  other.join();
}

}  // namespace bartizan::sql::testing
