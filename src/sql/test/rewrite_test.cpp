// Two tables stand beside this file: what must be refused and how, and what must come out as which
// text. Every text that comes out is held against the second check as well.
#include "bartizan/sql/rewrite.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

struct Attack {
  std::string_view text;
  std::string_view sqlstate;
  std::string_view message;
};

constexpr Attack kAttacks[] = {
#include "rewrite_attacks.inc"
};

struct Shape {
  std::string_view text;
  std::string_view server_text;
};

constexpr Shape kShapes[] = {
#include "rewrite_shapes.inc"
};

// Words that stand for what no statement may reach.
constexpr std::string_view kForbidden[] = {"secrets", "ssn", "audit", "events_2026", "pg_read_file", "regclass"};

}  // namespace

TEST_CASE("attacks are refused, each with its own reason") {
  const Shop shop;
  CHECK(std::size(kAttacks) >= 150);
  for (const Attack& attack : kAttacks) {
    CAPTURE(attack.text);
    const RewriteOutcome outcome = shop.rewrite(attack.text);
    const auto* const refused = std::get_if<Refused>(&outcome);
    CHECK_MESSAGE(refused != nullptr, shown(outcome));
    if (refused == nullptr) continue;
    CHECK(refused->sqlstate == attack.sqlstate);
    CHECK(refused->message == attack.message);
    CHECK(refused->position <= attack.text.size());
  }
}

TEST_CASE("attacks hidden behind another statement, in a cursor, a prepared statement or COPY are refused too") {
  const Shop shop;
  for (const Attack& attack : kAttacks) {
    const std::string text(attack.text);
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(shop.rewrite("SELECT 1; " + text)));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("DECLARE x CURSOR FOR " + text)));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("PREPARE x AS " + text)));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("COPY (" + text + ") TO STDOUT")));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("EXPLAIN " + text)));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("WITH x AS (" + text + ") SELECT 1 FROM x")));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("SELECT (" + text + ")")));
    CHECK(std::holds_alternative<Refused>(shop.rewrite("SELECT 1 FROM (" + text + ") x")));
  }
}

TEST_CASE("legitimate statements come out as written down, and pass the second check") {
  const Shop shop;
  CHECK(std::size(kShapes) >= 60);
  for (const Shape& shape : kShapes) {
    CAPTURE(shape.text);
    const RewriteOutcome outcome = shop.rewrite(shape.text);
    CHECK(shown(outcome) == shape.server_text);
    const auto* const rewritten = std::get_if<Rewritten>(&outcome);
    if (rewritten == nullptr) continue;
    for (const RewrittenStatement& statement : rewritten->statements) {
      if (statement.server_text.empty()) continue;
      CHECK(mentions_only(shop.views, *shop.catalog, statement.server_text));
      for (const std::string_view word : kForbidden) CHECK(statement.server_text.find(word) == std::string::npos);
    }
  }
}

TEST_CASE("what comes out is not taken in again: views can't be named by the client") {
  const Shop shop;
  for (const Shape& shape : kShapes) {
    if (shape.server_text.find("bz_v.") == std::string_view::npos) continue;
    CAPTURE(shape.server_text);
    CHECK(std::holds_alternative<Refused>(shop.rewrite(shape.server_text)));
  }
}

TEST_CASE("operators of extensions, where the server finds them") {
  Shop shop;
  const auto text = [&](std::string_view sent) { return shown(shop.rewrite(sent)); };
  const std::string refused = "42501 operator ";
  CHECK(text("SELECT name <=> 'x' FROM customers").starts_with(refused));
  CHECK(text("SELECT name OPERATOR(ext.=) 'x' FROM customers").starts_with(refused));
  shop.views.operator_schemas = {"ext"};
  shop.views.operators = {"<=>", "="};
  CHECK(text("SELECT name <=> 'x' FROM customers") == "SELECT name <=> 'x' FROM bz_v.customers_a1 customers");
  CHECK(text("SELECT name OPERATOR(ext.=) 'x' FROM customers") ==
        "SELECT name OPERATOR(ext.=) 'x' FROM bz_v.customers_a1 customers");
  CHECK(text("SELECT name OPERATOR(ext.<) 'x' FROM customers").starts_with(refused));
  CHECK(text("SELECT name OPERATOR(far.=) 'x' FROM customers").starts_with(refused));
  CHECK(text("SELECT name OPERATOR(pg_catalog.<=>) 'x' FROM customers").starts_with(refused));
  CHECK(text("SELECT name FROM customers ORDER BY name USING OPERATOR(far.<)").starts_with(refused));

  shop.views.closed_operators = {"||", "=", "<="};
  for (const std::string_view closed :
       {"SELECT name || 'x' FROM customers", "SELECT 1 WHERE 1 = 1", "SELECT 1 WHERE 1 IN (1, 2)",
        "SELECT 1 WHERE 1 OPERATOR(ext.=) 1", "SELECT nullif(name, 'x') FROM customers",
        "SELECT count(*) FROM customers JOIN customers b USING (id)", "SELECT CASE id WHEN 1 THEN 2 END FROM customers",
        "SELECT 1 WHERE 1 = ANY (ARRAY[1])", "SELECT count(*) FROM customers NATURAL JOIN customers b",
        "SELECT 1 WHERE 1 IN (SELECT id FROM customers)", "SELECT 1 WHERE 1 BETWEEN 0 AND 2",
        "SELECT 1 WHERE 1 IS DISTINCT FROM 2"}) {
    CAPTURE(closed);
    CHECK(text(closed).starts_with(refused));
  }
  CHECK(text("SELECT CASE WHEN true THEN 2 END FROM customers").starts_with("SELECT CASE"));
  CHECK(text("SELECT 1 WHERE 1 OPERATOR(pg_catalog.=) 1") == "SELECT 1 WHERE 1 OPERATOR(pg_catalog.=) 1");
}

}  // namespace bartizan::sql::testing
