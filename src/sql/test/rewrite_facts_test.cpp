// What rewrite() tells beside the text: kinds, uses, lineage, positions, settings kept here.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <variant>

#include "bartizan/sql/rewrite.hpp"
#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

RewrittenStatement only(const Shop& shop, std::string_view text) {
  CAPTURE(text);
  const RewriteOutcome outcome = shop.rewrite(text);
  REQUIRE_MESSAGE(std::holds_alternative<Rewritten>(outcome), shown(outcome));
  const auto& statements = std::get<Rewritten>(outcome).statements;
  REQUIRE(statements.size() == 1);
  return statements[0];
}

Refused refusal(const RewriteOutcome& outcome) {
  REQUIRE_MESSAGE(std::holds_alternative<Refused>(outcome), shown(outcome));
  return std::get<Refused>(outcome);
}

std::string lineage(const std::vector<ColumnId>& columns) {
  std::string text;
  for (const ColumnId& column : columns) {
    text += (text.empty() ? "" : " ") + std::to_string(column.relation) + "." + std::to_string(column.attnum);
  }
  return text;
}

/// "name=sources" of each output column, with ! behind bare ones.
std::string output(const RewrittenStatement& statement) {
  std::string text;
  for (const OutputColumn& column : statement.output) {
    text += (text.empty() ? "" : "; ") + column.name + (column.bare ? "!" : "") + "=" + lineage(column.sources);
  }
  return text;
}

}  // namespace

TEST_CASE("output columns know the base columns they come from") {
  struct Case {
    std::string_view text;
    std::string_view expected;
  };
  const Case cases[] = {
      {"SELECT id, name AS n, id + 1, 3 FROM customers", "id!=100.1; n!=100.2; ?column?=100.1; ?column?="},
      {"SELECT * FROM app.orders", "id!=105.1; label!=105.2"},
      {"SELECT lower(name || email) FROM customers", "lower=100.2 100.3"},
      {"SELECT x.n FROM (SELECT name AS n FROM customers) x", "n!=100.2"},
      {"SELECT x.n FROM (SELECT upper(name) AS n FROM customers) x", "n=100.2"},
      {"WITH w(a) AS (SELECT email FROM customers) SELECT a FROM w", "a!=100.3"},
      {"SELECT id FROM customers JOIN app.orders USING (id)", "id!=100.1"},
      {"SELECT id FROM customers RIGHT JOIN app.orders USING (id)", "id!=105.1"},
      {"SELECT id FROM customers FULL JOIN app.orders USING (id)", "id=100.1 105.1"},
      {"SELECT * FROM customers c(a, b) NATURAL JOIN app.orders",
       "a!=100.1; b!=100.2; email!=100.3; balance!=100.6; "
       "created_at!=100.7; attrs!=100.8; mood!=100.9; "
       "addr!=100.10; id!=105.1; label!=105.2"},
      {"SELECT id FROM customers UNION SELECT order_id FROM order_items", "id=100.1 102.1"},
      {"SELECT (SELECT max(total) FROM orders)", "max=101.3"},
      {"SELECT EXISTS (SELECT 1 FROM orders WHERE ref = 'x')", "exists="},
      {"SELECT o FROM app.orders o", "o=105.1 105.2"},
      {"SELECT CASE WHEN email = 'x' THEN name END FROM customers", "case=100.2 100.3"},
      {"WITH RECURSIVE t(n) AS (SELECT id FROM customers UNION ALL SELECT t.n + o.total FROM t, orders o) "
       "SELECT n FROM t",
       "n=100.1 101.3"},
      {"SELECT e.value FROM customers c, jsonb_each(c.attrs) e", "value=100.8"},
      {"INSERT INTO orders (ref) SELECT name FROM customers RETURNING ref, id", "ref!=101.5; id!=101.1"},
      {"UPDATE orders SET total = 1 RETURNING *, total * 2",
       "id!=101.1; customer_id!=101.2; total!=101.3; "
       "status!=101.4; ref!=101.5; placed_at!=101.6; "
       "tags!=101.7; ?column?=101.3"},
      {"WITH d AS (DELETE FROM orders RETURNING ref) SELECT ref FROM d", "ref!=101.5"},
      {"COPY orders (id, ref) TO STDOUT", "id!=101.1; ref!=101.5"},
      {"VALUES (1, 2)", "column1=; column2="},
      {"SELECT current_user, current_schema()", "current_user=; current_schema="},
  };
  const Shop shop;
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(output(only(shop, c.text)) == c.expected);
  }
}

TEST_CASE("columns read and written anywhere in a statement are told, predicates too") {
  struct Case {
    std::string_view text;
    std::string_view read;
    std::string_view written;
  };
  const Case cases[] = {
      {"SELECT 1 FROM customers WHERE email = 'x' ORDER BY name", "100.2 100.3", ""},
      {"SELECT count(*) FROM customers c JOIN orders o ON o.customer_id = c.id", "100.1 101.2", ""},
      {"SELECT id FROM customers JOIN app.orders USING (id)", "100.1 105.1", ""},
      {"UPDATE orders SET total = total + 1, status = 'x' WHERE ref = 'y'", "101.3 101.5", "101.3 101.4"},
      {"INSERT INTO orders (ref, total) VALUES ('a', 1)", "", "101.3 101.5"},
      {"INSERT INTO orders VALUES (1, 2)", "", "101.1 101.2"},
      {"INSERT INTO orders (ref) VALUES ('a') ON CONFLICT (ref) DO UPDATE SET total = orders.total", "101.3",
       "101.3 101.5"},
      {"DELETE FROM orders WHERE id IN (SELECT order_id FROM order_items WHERE sku = 'x')", "101.1 102.1 102.3", ""},
      {"SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE email = 'x')", "100.3", ""},
      {"UPDATE customers SET notes = 'x', balance = 1 WHERE id = 3", "100.1", "100.5 100.6"},
  };
  const Shop shop;
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const RewrittenStatement statement = only(shop, c.text);
    CHECK(lineage(statement.read) == c.read);
    CHECK(lineage(statement.written) == c.written);
  }
}

TEST_CASE("relations are told once, with all that is done to them") {
  const Shop shop;
  const auto statement = only(shop,
                              "INSERT INTO orders (ref) SELECT o.ref FROM orders o, customers c "
                              "ON CONFLICT (ref) DO UPDATE SET total = 1");
  CHECK(statement.relations ==
        std::vector<RelationUse>{{100, Verbs::Select}, {101, Verbs::Select | Verbs::Insert | Verbs::Update}});
  CHECK(statement.kind == Kind::Insert);
  CHECK(statement.effect == Effect::Write);
  CHECK(statement.needs_transaction_context);
}

TEST_CASE("statements without data need no context") {
  const Shop shop;
  CHECK_FALSE(only(shop, "SELECT 1").needs_transaction_context);
  CHECK_FALSE(only(shop, "BEGIN").needs_transaction_context);
  CHECK_FALSE(only(shop, "SET extra_float_digits = 3").needs_transaction_context);
  CHECK(only(shop, "SELECT 1 FROM orders").needs_transaction_context);
  CHECK(only(shop, "EXECUTE p").needs_transaction_context);
  CHECK(only(shop, "FETCH c").needs_transaction_context);
  CHECK(only(shop, "SELECT current_user").needs_transaction_context);
  CHECK(only(shop, "SELECT * FROM pg_class").needs_transaction_context);
}

TEST_CASE("the statements of one text are rewritten each for itself, or none") {
  const Shop shop;
  const RewriteOutcome outcome = shop.rewrite("BEGIN; SELECT id FROM orders; COMMIT AND CHAIN;;");
  REQUIRE(std::holds_alternative<Rewritten>(outcome));
  const auto& statements = std::get<Rewritten>(outcome).statements;
  REQUIRE(statements.size() == 3);
  CHECK(statements[0].kind == Kind::Begin);
  CHECK(statements[0].transaction_control);
  CHECK(statements[1].server_text == "SELECT id FROM bz_v.orders_b2 orders");
  CHECK(statements[2].chain);
  const RewriteOutcome empty = shop.rewrite(" -- nothing\n ;");
  REQUIRE(std::holds_alternative<Rewritten>(empty));
  CHECK(std::get<Rewritten>(empty).statements.at(0).kind == Kind::Empty);
}

TEST_CASE("positions count characters of the whole text") {
  const Shop shop;
  CHECK(refusal(shop.rewrite("SELECT 'ä€𝄞', ssn FROM customers")).position == 15);
  CHECK(refusal(shop.rewrite("SELECT 'ä'; SELECT 1, ssn FROM customers")).position == 23);
  CHECK(refusal(shop.rewrite("SELECT 'ä'; SELECT 1 2")).position == 22);
  CHECK(refusal(shop.rewrite("SELECT 'ä'; SELECT 1 2")).sqlstate == "42601");
  CHECK(refusal(shop.rewrite("COPY customers (ssn) TO STDOUT")).position == 0);
}

TEST_CASE("syntax errors keep PostgreSQL's wording but no literal") {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  const Case cases[] = {
      {"SELEC 1", "syntax error at or near \"SELEC\""},
      {"SELECT FROM WHERE", "syntax error at or near \"WHERE\""},
      {"SELECT * FROM orders WHERE", "syntax error at end of input"},
      {"SELECT 1 1", "syntax error"},
      {"SELECT * FROM 'marker'", "syntax error"},
      {"SELECT 'marker", "unterminated quoted string"},
      {"SELECT $$marker", "unterminated dollar-quoted string"},
      {"SELECT \"marker", "unterminated quoted identifier"},
      {"SELECT 1 /* marker", "unterminated /* comment"},
      {"SELECT E'marker\\uZZZZ'", "invalid Unicode escape"},
      {"SELECT 12marker", "trailing junk after numeric literal"},
      {"SELECT )", "syntax error at or near \")\""},
      {"MERGE INTO orders USING x ON true WHEN NOT MATCHED BY SOURCE THEN DELETE", "syntax error at or near \"BY\""},
  };
  const Shop shop;
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Refused refused = refusal(shop.rewrite(c.text));
    CHECK(refused.sqlstate == "42601");
    CHECK(refused.message == c.message);
  }
}

TEST_CASE("settings that the gateway keeps are not sent") {
  const Shop shop;
  const auto set = only(shop, "SET LOCAL search_path TO app, \"Mixed\", public");
  CHECK(set.server_text.empty());
  REQUIRE(set.virtual_setting.has_value());
  CHECK(set.virtual_setting->action == VirtualSetting::Action::Set);
  CHECK(set.virtual_setting->name == "search_path");
  CHECK(set.virtual_setting->values == std::vector<std::string>{"app", "Mixed", "public"});
  CHECK(set.virtual_setting->local);
  const auto tenant = only(shop, "SET bartizan.tenant = 'acme'");
  CHECK(tenant.server_text.empty());
  CHECK(tenant.virtual_setting->values == std::vector<std::string>{"acme"});
  CHECK(only(shop, "SET search_path TO DEFAULT").virtual_setting->action == VirtualSetting::Action::Reset);
  CHECK(only(shop, "RESET bartizan.purpose").virtual_setting->action == VirtualSetting::Action::Reset);
  CHECK(only(shop, "SHOW search_path").virtual_setting->action == VirtualSetting::Action::Show);
  const auto all = only(shop, "RESET ALL");  // both: the server's own and those kept here
  CHECK(all.server_text == "RESET ALL");
  CHECK(all.virtual_setting->name.empty());
}

TEST_CASE("the virtual search_path decides, in order, and pg_catalog comes first unless it is named") {
  const Shop shop;
  auto request = shop.request("SELECT * FROM orders");
  request.search_path = {"app", "public"};
  CHECK(shown(rewrite(request)) == "SELECT * FROM bz_v.app_orders_d4 orders");
  request.search_path = {"nowhere", "public", "app"};
  CHECK(shown(rewrite(request)) == "SELECT * FROM bz_v.orders_b2 orders");
  request.search_path = {};
  CHECK(refusal(rewrite(request)).sqlstate == "42P01");
  request.text = "SELECT current_schema()";
  CHECK(shown(rewrite(request)) == "SELECT 'pg_catalog'::pg_catalog.name AS \"current_schema\"");
  request.text = "SELECT * FROM pg_class";
  request.search_path = {"public", "pg_catalog"};
  CHECK(shown(rewrite(request)) == "SELECT * FROM bz_cat.pg_class pg_class");
}

TEST_CASE("texts that can't be read alike by both sides are refused") {
  Shop shop;
  auto request = shop.request("SELECT 'a\\'; SELECT 1 --'");
  request.standard_conforming_strings = false;
  CHECK(refusal(rewrite(request)).sqlstate == "0A000");
  request.text = "SELECT E'a\\'b', 'c'";
  CHECK(shown(rewrite(request)) == "SELECT 'a''b', 'c'");
  CHECK(refusal(shop.rewrite("SELECT '\xff'")).sqlstate == "22021");
  CHECK(refusal(shop.rewrite("SELECT '\xe4'")).sqlstate == "22021");
  CHECK(refusal(shop.rewrite(std::string_view("SELECT 1\0, 2", 12))).sqlstate == "22021");
}

TEST_CASE("length and depth are bounded") {
  const Shop shop;
  CHECK(refusal(shop.rewrite(std::string(70'000, ' '))).sqlstate == "54000");
  std::string sum = "SELECT 1";
  for (int i = 0; i < 3000; ++i) sum += "+1";
  CHECK(refusal(shop.rewrite(sum)).sqlstate == "54001");
  std::string deep(900, '(');
  CHECK(std::holds_alternative<Refused>(shop.rewrite("SELECT " + deep + "1" + std::string(900, ')'))));
  std::string fits = "SELECT id FROM orders WHERE id = 1";
  for (int i = 0; i < 2000; ++i) fits += " OR id = " + std::to_string(i);
  CHECK(std::holds_alternative<Rewritten>(shop.rewrite(fits)));
  std::string nested = "SELECT id FROM orders";
  for (int i = 0; i < 60; ++i) nested = "SELECT id FROM (" + nested + ") x";
  CHECK(std::holds_alternative<Rewritten>(shop.rewrite(nested)));
}

TEST_CASE("work does not grow faster than the text") {
  const Shop shop;
  std::string doubling = "WITH x0 AS (SELECT name AS n, id FROM customers)";
  for (int i = 1; i < 80; ++i) {
    doubling += ", x" + std::to_string(i) + " AS (SELECT n || n AS n, id FROM x" + std::to_string(i - 1) + ")";
  }
  const RewriteOutcome outcome = shop.rewrite(doubling + " SELECT n FROM x79");
  if (const auto* rewritten = std::get_if<Rewritten>(&outcome)) {
    CHECK(output(rewritten->statements.at(0)) == "n=100.2");
  } else {
    FAIL_CHECK(shown(outcome));
  }
  std::string stars = "SELECT * FROM customers";
  for (int i = 0; i < 30; ++i) stars = "SELECT x.*, x.* FROM (" + stars + ") x";
  CHECK(refusal(shop.rewrite(stars)).sqlstate == "54011");
}

TEST_CASE("parameters are counted") {
  const Shop shop;
  CHECK(only(shop, "SELECT $1::int, $3::int FROM orders WHERE id = $2").parameters == 3);
  CHECK(only(shop, "SELECT 1").parameters == 0);
}

TEST_CASE("a function in the place of a session value does not rename its column") {
  Shop shop;
  CHECK(only(shop, "SELECT u.current_user FROM (SELECT current_user) u").server_text ==
        "SELECT u.\"current_user\" FROM (SELECT bz.identity_name() AS \"current_user\") u");
  shop.views.user_function = {};
  CHECK(refusal(shop.rewrite("SELECT current_user")).sqlstate == "0A000");
}

TEST_CASE("escapes and quotes survive") {
  const Shop shop;
  CHECK(only(shop, R"(SELECT E'a\nb', 'it''s', $$do'llar$$, U&'\0061', 'a\b')").server_text ==
        "SELECT 'a\nb', 'it''s', 'do''llar', 'a', E'a\\\\b'");
}

}  // namespace bartizan::sql::testing
