// Row-bound columns: by which key each cell that is written or read is bound, and what is refused since its
// row can't be told. Every plan is held against the second check as well.
#include <doctest/doctest.h>

#include "bartizan/sql/encryption_plan.hpp"
#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

/// Bound: accounts.iban (searchable) and .pin by id; ledger.memo by (region, no); shadows.iban, whose key a consumer
/// does not see. Not bound: accounts.mail, people.mail.
std::shared_ptr<const Catalog> bank_catalog() {
  CatalogContents bank;
  bank.epoch = 1;
  bank.server_version = 150004;
  bank.schemas = {{2200, "public"}};
  auto accounts =
      relation(300, "public", "accounts", {{"id", kInt4}, {"owner"}, {"iban", kCell}, {"pin", kCell}, {"mail", kCell}});
  accounts.keys = {key("accounts_pkey", {1}, true)};
  auto ledger = relation(301, "public", "ledger", {{"region", 1043}, {"memo", kCell}, {"no", kInt8}, {"day"}});
  ledger.columns[0].typmod = 7;
  ledger.keys = {key("ledger_pkey", {1, 3}, true)};
  auto family = relation(305, "public", "family", {{"id", kInt4}, {"secret", kCell}});
  family.has_children = true;
  auto child = relation(306, "public", "child", {{"id", kInt4}, {"secret", kCell}});
  child.parents = {305};
  bank.relations = {
      std::move(accounts),
      std::move(ledger),
      std::move(family),
      std::move(child),
      relation(302, "public", "people", {{"id", kInt4}, {"name"}, {"mail", kCell}}),
      relation(303, "public", "shadows", {{"owner"}, {"iban", kCell}}),
      view(310, "account_list", {{"number", kInt4}, {"iban", kCell}},
           "SELECT a.id AS number, a.iban FROM public.accounts a"),
      view(311, "ibans", {{"iban", kCell}}, "SELECT accounts.iban FROM public.accounts"),
      view(312, "pairs", {{"id", kInt4}, {"iban", kCell}},
           "SELECT b.id, a.iban FROM public.accounts a JOIN public.accounts b ON b.owner = a.owner"),
  };
  CatalogType cell = type(kCell, "bartizan", "cell", TypeKind::Domain);
  cell.base = 17;
  bank.types = {std::move(cell)};
  auto catalog = Catalog::make(std::move(bank));
  return catalog ? *catalog : nullptr;
}

EncryptedColumnSpec bound(Oid relation, AttrNumber attnum, std::uint32_t number, bool searchable,
                          std::vector<AttrNumber> key) {
  auto spec = encrypted(relation, attnum, number, kText, searchable, searchable ? number : 0);
  spec.row_key = std::move(key);
  return spec;
}

struct Bank {
  std::shared_ptr<const Catalog> catalog = bank_catalog();
  std::shared_ptr<const EncryptedColumns> columns;
  PlansByName prepared, cursors;

  Bank() {
    auto made = EncryptedColumns::make(
        catalog, {bound(300, 3, 1, true, {1}), bound(300, 4, 2, false, {1}), bound(301, 2, 3, false, {1, 3}),
                  bound(303, 2, 4, false, {0}), bound(305, 2, 5, false, {1}), encrypted(300, 5, 6, kText, true, 6),
                  encrypted(302, 3, 7, kText, true, 6)});
    REQUIRE(made);
    columns = *made;
  }
  [[nodiscard]] EncryptionOutcome plan(std::string_view text, std::vector<Oid> types = {}) const {
    EncryptionRequest request;
    request.text = text;
    request.columns = columns.get();
    request.search_path = {"public"};
    request.parameter_types = std::move(types);
    request.prepared = &prepared;
    request.cursors = &cursors;
    return plan_encryption(request);
  }
};

std::string shown(const WrittenRow& row) {
  std::string text;
  for (const auto& part : row) {
    text += (text.empty() ? "" : ",") + std::to_string(part.type) + ":";
    text += part.parameter ? "$" + std::to_string(part.client + 1) + "/" + std::to_string(part.given) : part.constant;
  }
  return "(" + text + ")";
}

/// What the rows of a plan are: literals, then parameters that are bound, then outputs.
std::string rows_of(const EncryptionOutcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->sqlstate + " " + refused->message;
  const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
  if (plan == nullptr) return "untouched";
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : " ") + more; };
  for (const PlannedStatement& statement : plan->statements) {
    for (const LiteralOp& literal : statement.literals)
      if (literal.row != 0) add(std::to_string(literal.column) + shown(statement.rows.at(literal.row - 1U)));
    for (const ServerParameter& server : statement.parameters)
      if (server.row != 0) add("$" + std::to_string(server.client + 1) + shown(statement.rows.at(server.row - 1U)));
    for (const OutputOp& column : statement.columns) {
      std::string by;
      for (const RowKeyOutput& part : column.key) by += "/" + std::to_string(part.index);
      add(std::to_string(column.index) + ":" + std::to_string(column.column) + by);
    }
    if (statement.hidden != 0) add("hides " + std::to_string(statement.hidden));
  }
  return text;
}

struct Row {
  std::string_view text;
  std::string_view rows;
};

constexpr Row kPlans[] = {
    // Written.
    {"INSERT INTO accounts (id, iban) VALUES (5, 'x')", "1(23:5)"},
    {"INSERT INTO accounts (iban, id) VALUES ('x', '5'), ('y', 6::int8)", "1(23:5) 1(23:6)"},
    {"INSERT INTO accounts VALUES (5, 'o', 'x', 'p', 'm')", "1(23:5) 2(23:5)"},
    {"INSERT INTO accounts (id, iban, pin) VALUES ($1, $2, $3)", "$2(23:$1/23) $3(23:$1/23)"},
    {"INSERT INTO accounts (id, iban) VALUES ($1, $2), ($3, $2)", "$2(23:$1/23) $2(23:$3/23)"},
    {"INSERT INTO accounts (id, iban) VALUES ($1::bigint, $2)", "$2(23:$1/20)"},
    {"INSERT INTO accounts (id, iban) VALUES (7, $1)", "$1(23:7)"},
    {"INSERT INTO ledger (no, memo, region) VALUES ($2, $3, $1)", "$3(1043:$1/1043,20:$2/20)"},
    {"INSERT INTO ledger VALUES ('n', 'secret', 3000000000, now())", "3(1043:n,20:3000000000)"},
    {"INSERT INTO accounts (owner) VALUES ('o')", "untouched"},
    {"INSERT INTO accounts (iban) VALUES (NULL)", "untouched"},
    {"INSERT INTO accounts (mail) VALUES ('m')", ""},
    {"INSERT INTO accounts (id, iban) VALUES (5, 'x') RETURNING iban", "1(23:5) 0:1/1 hides 1"},
    {"INSERT INTO accounts (id, iban) VALUES (5, 'x') RETURNING *", "1(23:5) 2:1/0 3:2/0 4:6"},
    {"UPDATE accounts SET iban = 'x' WHERE id = 5", "1(23:5)"},
    {"UPDATE accounts SET iban = $1, pin = $2 WHERE id = $3", "$1(23:$3/23) $2(23:$3/23)"},
    {"UPDATE accounts a SET iban = $1 WHERE owner = 'o' AND ($2 = a.id AND true)", "$1(23:$2/23)"},
    {"UPDATE accounts SET iban = $1 WHERE id IN ($2)", "$1(23:$2/23)"},
    {"UPDATE accounts SET iban = $1 FROM people p WHERE p.id = 4 AND accounts.id = 5", "$1(23:5)"},
    {"UPDATE accounts SET iban = CASE WHEN owner = 'o' THEN $1 ELSE iban END WHERE id = 5", "$1(23:5)"},
    {"UPDATE accounts SET iban = iban WHERE owner = 'o'", "untouched"},
    {"UPDATE accounts SET iban = NULL", "untouched"},
    {"UPDATE accounts SET mail = 'm'", ""},
    {"UPDATE ledger SET memo = $1 WHERE region = 'n' AND no = $2", "$1(1043:n,20:$2/20)"},
    {"UPDATE accounts SET pin = $1 WHERE id = 5 RETURNING pin, owner", "$1(23:5) 0:2/2 hides 1"},
    {"INSERT INTO accounts (id, iban) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET iban = excluded.iban",
     "$2(23:$1/23)"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x'), (2, 'y') ON CONFLICT (id) DO UPDATE SET iban = excluded.iban",
     "1(23:1) 1(23:2)"},
    {"INSERT INTO accounts (id, iban) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET iban = $3",
     "$2(23:$1/23) $3(23:$1/23)"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT ON CONSTRAINT accounts_pkey DO UPDATE SET iban = 'y'",
     "1(23:1) 1(23:1)"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT (owner) DO UPDATE SET iban = accounts.iban",
     "1(23:1)"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT (owner) DO NOTHING", "1(23:1)"},
    {"INSERT INTO ledger (region, no, memo) VALUES ('n', 1, 'x') ON CONFLICT (no, region) DO UPDATE SET memo = "
     "excluded.memo",
     "3(1043:n,20:1)"},
    {"WITH w AS (INSERT INTO accounts (id, iban) VALUES (1, 'x') RETURNING id, iban) SELECT iban FROM w",
     "1(23:1) 0:1/1 hides 1"},
    {"DELETE FROM accounts WHERE id = 5 RETURNING iban", "0:1/1 hides 1"},
    {"COPY accounts FROM STDIN", "2:1/0 3:2/0 4:6"},
    {"COPY ledger (memo, no, region) FROM STDIN", "0:3/2/1"},
    // Read.
    {"SELECT id, iban FROM accounts", "1:1/0"},
    {"SELECT iban FROM accounts", "0:1/1 hides 1"},
    {"SELECT * FROM accounts", "2:1/0 3:2/0 4:6"},
    {"SELECT memo FROM ledger", "0:3/1/2 hides 2"},
    {"SELECT no, memo FROM ledger", "1:3/2/0 hides 1"},
    {"SELECT iban FROM accounts WHERE iban = $1 ORDER BY owner LIMIT 3", "0:1/1 hides 1"},
    {"SELECT a.iban, b.iban, b.id FROM accounts a, accounts b", "0:1/3 1:1/2 hides 1"},
    {"SELECT a.iban, b.pin FROM accounts a LEFT JOIN accounts b ON a.owner = b.owner", "0:1/2 1:2/3 hides 2"},
    {"SELECT id, iban FROM accounts JOIN people USING (id)", "1:1/2 hides 1"},
    {"SELECT j.iban FROM (accounts a JOIN people p ON p.name = a.owner) AS j (k, o, iban)", "0:1/1 hides 1"},
    {"SELECT x.iban FROM (SELECT id AS key, iban FROM accounts) x", "0:1/1 hides 1"},
    {"WITH w AS (SELECT iban, id FROM accounts) SELECT a.iban, b.iban FROM w a, w b", "0:1/2 1:1/3 hides 2"},
    {"SELECT iban FROM account_list", "0:1/1 hides 1"},
    {"SELECT DISTINCT iban FROM accounts", "0:1/1 hides 1"},
    {"SELECT iban FROM accounts GROUP BY id", "0:1/1 hides 1"},
    {"SELECT count(iban), count(*) FROM accounts", "untouched"},
    {"SELECT id, iban FROM accounts UNION ALL SELECT id, iban FROM accounts", "1:1/0"},
    {"SELECT id, iban, id FROM accounts UNION ALL SELECT 1, iban, id FROM accounts", "1:1/2"},
    {"WITH RECURSIVE w AS (SELECT id, iban, 1 AS n FROM accounts UNION ALL SELECT w.id, w.iban, n + 1 FROM w WHERE n < 3) "
     "SELECT iban FROM w",
     "0:1/1 hides 1"},
    {"SELECT id FROM accounts WHERE iban IN (SELECT iban FROM accounts)", ""},
    {"SELECT mail FROM accounts", "0:6"},
    {"DECLARE c CURSOR FOR SELECT iban FROM accounts", "0:1/1 hides 1"},
    {"COPY accounts (iban, id) TO STDOUT", "0:1/1"},
    {"COPY (SELECT id, pin FROM accounts) TO STDOUT", "1:2/0"},
    {"EXPLAIN SELECT iban FROM accounts", "untouched"},
};

constexpr Row kRefused[] = {
    {"INSERT INTO accounts (iban) VALUES ('x')", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES (DEFAULT, 'x')", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES (nextval('s'), $1)", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES (NULL, $1)", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES (1 + 1, $1)", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES ($1::text::int, $2)", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES ($1::numeric, $2)", "\"id\" must be given"},
    {"INSERT INTO accounts (id, iban) OVERRIDING USER VALUE VALUES (1, 'x')", "\"id\" must be given"},
    {"INSERT INTO ledger (no, memo) VALUES (1, 'x')", "\"region\" must be given"},
    {"INSERT INTO ledger (region, no, memo) VALUES ($1::varchar(2), 1, $2)", "\"region\" must be given"},
    {"INSERT INTO ledger (region, no, memo) VALUES (1, 1, $2)", "\"region\" must be given"},
    {"INSERT INTO accounts (id, iban) VALUES ($1, 'x')", "its value is a constant, and the row's key a parameter"},
    {"INSERT INTO accounts (id, iban) SELECT 1, 'x'", "the row's key must be given"},
    {"INSERT INTO accounts (id, iban) SELECT id, iban FROM accounts", "can't be copied into another"},
    {"INSERT INTO accounts (id, iban) VALUES (1, (SELECT iban FROM accounts LIMIT 1))", "can't be copied into another"},
    {"UPDATE accounts SET iban = 'x'", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE owner = 'o'", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id = 5 OR id = 6", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE NOT (id = 5)", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id IN (5, 6)", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id NOT IN (5)", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id > 5", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id = 5::numeric", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE id = (SELECT 5)", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' WHERE CURRENT OF c", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' FROM people p WHERE p.id = 5", "\"id\" must be given"},
    {"UPDATE accounts SET iban = 'x' FROM people p WHERE accounts.id = p.id AND p.id = 5", "\"id\" must be given"},
    {"UPDATE ledger SET memo = 'x' WHERE no = 5", "\"region\" must be given"},
    {"UPDATE accounts SET iban = b.iban FROM accounts b WHERE accounts.id = 5", "can't be copied into another"},
    {"UPDATE accounts SET id = 6 WHERE id = 5", "can't be changed"},
    {"UPDATE accounts SET (owner, id) = ('o', 6) WHERE id = 5", "can't be changed"},
    {"UPDATE ledger SET region = region", "can't be changed"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 2", "can't be changed"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT (owner) DO UPDATE SET iban = excluded.iban",
     "can't be copied into another"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x') ON CONFLICT (owner) DO UPDATE SET iban = 'y'",
     "the row's key must be given"},
    {"INSERT INTO accounts (id, iban) VALUES (1, 'x'), (2, 'y') ON CONFLICT (id) DO UPDATE SET iban = 'z'",
     "the row's key must be given"},
    {"INSERT INTO ledger (region, no, memo) VALUES ('n', 1, 'x') ON CONFLICT (region, region) DO UPDATE SET memo = "
     "excluded.memo",
     "can't be copied into another"},
    {"COPY accounts (iban) FROM STDIN", "\"id\" must stand beside it"},
    {"COPY accounts (iban) TO STDOUT", "\"id\" must stand beside it"},
    {"COPY (SELECT iban FROM accounts) TO STDOUT", "\"id\" must stand beside it"},
    {"SELECT x.iban FROM (SELECT iban FROM accounts) x", "\"id\" must stand beside it"},
    {"SELECT x.iban, x.id FROM (SELECT a.iban, b.id FROM accounts a, accounts b) x", "\"id\" must stand beside it"},
    {"SELECT x.iban FROM (SELECT id + 0 AS id, iban FROM accounts) x", "\"id\" must stand beside it"},
    {"SELECT (SELECT iban FROM accounts LIMIT 1)", "\"id\" must stand beside it"},
    {"SELECT iban FROM ibans", "\"id\" must stand beside it"},
    {"SELECT iban, id FROM pairs", "\"id\" must stand beside it"},
    {"SELECT iban FROM accounts UNION ALL SELECT iban FROM accounts", "\"id\" must stand beside it"},
    {"SELECT id, iban FROM accounts UNION ALL SELECT 1, iban FROM accounts", "\"id\" must stand beside it"},
    {"WITH RECURSIVE w AS (SELECT id, iban FROM accounts UNION ALL SELECT w.id + 1, w.iban FROM w WHERE w.id < 3) SELECT iban "
     "FROM w",
     "\"id\" must stand beside it"},
    {"SELECT iban, count(*) FROM accounts GROUP BY iban", "can't be read from a group"},
    {"SELECT iban FROM shadows", "whose key is not shown to you"},
    {"INSERT INTO shadows (owner, iban) VALUES ('o', 'x')", "must be given"},
    {"SELECT secret FROM family", "row-bound columns, and a parent or children"},
    {"SELECT secret FROM child", "its parent has row-bound columns"},
    {"ALTER TABLE accounts ALTER COLUMN id TYPE bigint", "encrypted values are bound to it"},
    {"ALTER TABLE accounts DROP COLUMN id", "encrypted values are bound to it"},
};

}  // namespace

TEST_CASE("each bound cell goes with the key of its row") {
  const Bank bank;
  for (const Row& row : kPlans) {
    CAPTURE(row.text);
    const auto outcome = bank.plan(row.text);
    CHECK(rows_of(outcome) == row.rows);
    const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    for (std::size_t i = 0; plan != nullptr && i < plan->statements.size(); ++i)
      if (plan->statements[i].touched) CHECK(cells_stand_where_permitted(*bank.columns, plan->statements[i]));
  }
}

TEST_CASE("where the row can't be told the statement is refused, and the refusal says the way out") {
  const Bank bank;
  for (const Row& row : kRefused) {
    CAPTURE(row.text);
    const auto outcome = bank.plan(row.text);
    const auto* const refused = std::get_if<Refused>(&outcome);
    CHECK(rows_of(outcome).find(row.rows) != std::string::npos);
    if (refused == nullptr) continue;
    CHECK(refused->sqlstate == "0A000");
    CHECK(refused->message.find("'x'") == std::string::npos);
  }
}

TEST_CASE("the keys that were not asked for stand last, under names of their own") {
  const Bank bank;
  const auto text_of = [&](std::string_view text) {
    const auto outcome = bank.plan(text);
    const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    return plan == nullptr ? rows_of(outcome) : plan->statements[0].server_text;
  };
  CHECK(text_of("SELECT iban FROM accounts") == "SELECT iban, accounts.id AS bartizan_key_1 FROM accounts");
  CHECK(text_of("SELECT a.iban AS id FROM accounts a ORDER BY a.owner") ==
        "SELECT a.iban AS id, a.id AS bartizan_key_1 FROM accounts a ORDER BY a.owner");
  CHECK(text_of("DELETE FROM accounts RETURNING pin") ==
        "DELETE FROM accounts RETURNING pin, accounts.id AS bartizan_key_1");
}

TEST_CASE("a parameter for a key is of the key's kind, and the server is told so") {
  const Bank bank;
  const std::string text = "UPDATE accounts SET iban = $1 WHERE id = $2";
  const auto planned = [&](std::vector<Oid> types) {
    const auto outcome = bank.plan(text, std::move(types));
    const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    return plan == nullptr ? rows_of(outcome)
                           : std::to_string(plan->statements[0].parameters.at(1).server_type) + " " + rows_of(outcome);
  };
  CHECK(planned({}) == "23 $1(23:$2/23)");
  CHECK(planned({0, 705}) == "23 $1(23:$2/23)");
  CHECK(planned({25, 20}) == "0 $1(23:$2/20)");
  for (const Oid other : {kText, kNumeric, Oid{701}, Oid{2950}}) CHECK(planned({25, other}).starts_with("42P08"));
  CHECK(rows_of(bank.plan("PREPARE p (text, int8) AS UPDATE accounts SET iban = $1 WHERE id = $2")) == "$1(23:$2/20)");
  CHECK(rows_of(bank.plan("PREPARE p AS UPDATE accounts SET iban = $1 WHERE id = $2")) == "$1(23:$2/23)");
  CHECK(
      rows_of(bank.plan("PREPARE p AS UPDATE accounts SET iban = $1, owner = $2 WHERE id = $2")).starts_with("0A000"));
  CHECK(rows_of(bank.plan("PREPARE p (text, numeric) AS UPDATE accounts SET iban = $1 WHERE id = $2"))
            .starts_with("42P08"));
}

TEST_CASE("EXECUTE binds by its own arguments") {
  Bank bank;
  const auto prepare = [&](const char* name, std::string_view text) {
    auto outcome = bank.plan(text);
    auto* const plan = std::get_if<EncryptionPlan>(&outcome);
    REQUIRE(plan != nullptr);
    bank.prepared[name] = std::make_shared<PlannedStatement>(std::move(plan->statements[0]));
  };
  prepare("put", "PREPARE put AS INSERT INTO accounts (id, iban) VALUES ($1, $2) RETURNING iban");
  prepare("two", "PREPARE two AS INSERT INTO accounts (id, iban, pin) VALUES ($1, $2, $3)");
  CHECK(rows_of(bank.plan("EXECUTE put (5, 'x')")) == "1(23:5) 0:1/1 hides 1");
  CHECK(rows_of(bank.plan("EXECUTE put ('5'::int8, NULL)")) == "0:1/1 hides 1");
  CHECK(rows_of(bank.plan("EXECUTE two (5, 'x', 'y')")) == "1(23:5) 2(23:5)");
  CHECK(rows_of(bank.plan("EXECUTE put (2 + 3, 'x')")).starts_with("0A000 an argument for a key"));
  CHECK(rows_of(bank.plan("EXECUTE put (NULL, 'x')")).starts_with("0A000 an argument for a key"));
}

TEST_CASE("a key that can't bind is not declared") {
  const auto make = [](EncryptedColumnSpec spec) {
    return EncryptedColumns::make(bank_catalog(), {std::move(spec)}).has_value();
  };
  CHECK(make(bound(300, 3, 1, false, {1})));
  CHECK_FALSE(make(bound(300, 3, 1, false, {9})));
  CHECK_FALSE(make(bound(300, 3, 1, false, {3})));  // itself
  CHECK_FALSE(make(bound(300, 3, 1, false, {4})));  // another cell
}

}  // namespace bartizan::sql::testing
