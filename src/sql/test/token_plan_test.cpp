// Columns of tokens: what of a statement becomes a token, what is compared as it stands, and what a session without
// the right to detokenize is refused.
#include <doctest/doctest.h>

#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

/// towns.name holds tokens (number 20), towns.email others (21); the rest is the clinic.
struct Tokens {
  explicit Tokens(TokenUse use, std::string vault = {}) {
    auto specs = clinic_columns();
    specs.push_back(encrypted(211, 2, 20, kText, true, 20));
    specs.push_back(encrypted(211, 3, 21, kText, true, 21));
    specs[specs.size() - 2].tokens = specs.back().tokens = use;
    specs[specs.size() - 2].vault = std::move(vault);
    auto made = EncryptedColumns::make(clinic.catalog, std::move(specs), {6001});
    if (made) clinic.columns = *made;
  }
  std::string plan(std::string_view text) const { return shown(clinic.plan(text)); }
  Clinic clinic;
};

struct Row {
  std::string_view text;
  std::string_view plan;
};

}  // namespace

TEST_CASE("with the right, values become tokens on their way in and are known on their way out") {
  const Tokens with(TokenUse::Exchanged);
  REQUIRE(with.clinic.columns != nullptr);
  const Row rows[] = {
      {"SELECT id, name FROM towns", "SELECT id, name FROM towns | 1:20"},
      {"SELECT * FROM towns", "SELECT * FROM towns | 1:20 | 2:21"},
      {"SELECT id FROM towns WHERE name = 'x'", "SELECT id FROM towns WHERE name = <compared 20 x>::pg_catalog.text"},
      {"SELECT id FROM towns WHERE 'x' <> name", "SELECT id FROM towns WHERE name <> <compared 20 x>::pg_catalog.text"},
      {"SELECT id FROM towns WHERE name = $1",
       "SELECT id FROM towns WHERE name = $1::pg_catalog.text | $1=compared 1 of 20 as 25"},
      {"SELECT id FROM towns WHERE name IN ('a', $1)",
       "SELECT id FROM towns WHERE name IN (<compared 20 a>::pg_catalog.text, $1::pg_catalog.text) | $1=compared 1 of 20 "
       "as 25"},
      {"SELECT id FROM towns WHERE name = ANY ($1)",
       "SELECT id FROM towns WHERE name = ANY($1::pg_catalog.text[]) | $1=each token 1 of 20 as 1009"},
      {"SELECT id FROM towns WHERE name IS NULL", "untouched"},
      {"SELECT a.id FROM towns a JOIN towns b ON a.name = b.name", "untouched"},
      {"SELECT count(DISTINCT name) FROM towns", "untouched"},
      {"SELECT name, count(*) FROM towns GROUP BY name", "SELECT name, count(*) FROM towns GROUP BY name | 0:20"},
      {"SELECT DISTINCT name FROM towns", "SELECT DISTINCT name FROM towns | 0:20"},
      {"INSERT INTO towns VALUES (1, 'x', NULL)", "INSERT INTO towns VALUES (1, <token 20 x>::pg_catalog.text, NULL)"},
      {"INSERT INTO towns (id, name) VALUES ($1, $2) RETURNING name",
       "INSERT INTO towns (id, name) VALUES ($1, $2::pg_catalog.text) RETURNING name | $1=pass 1 | $2=token 2 of 20 as 25 | "
       "0:20"},
      {"UPDATE towns SET name = 'y' WHERE name = 'x'",
       "UPDATE towns SET name = <token 20 y>::pg_catalog.text WHERE name = <compared 20 x>::pg_catalog.text"},
      {"UPDATE towns SET name = name", "untouched"},
      {"INSERT INTO towns (name) SELECT name FROM towns", "untouched"},
      {"INSERT INTO towns (name) VALUES ('x') ON CONFLICT (name) DO UPDATE SET name = excluded.name",
       "INSERT INTO towns (name) VALUES (<token 20 x>::pg_catalog.text) ON CONFLICT (name) DO UPDATE SET name = "
       "excluded.name"},
      {"COPY towns (id, name) FROM STDIN", "COPY towns (id, name) FROM STDIN | 1:20 | copy in 2"},
      {"COPY (SELECT name FROM towns WHERE name = 'x') TO STDOUT",
       "COPY (SELECT name FROM towns WHERE name = <compared 20 x>::pg_catalog.text) TO STDOUT | 0:20 | copy out 1"},
      {"CREATE UNIQUE INDEX ON towns (name)", "untouched"},
      {"SELECT name FROM town_view", "SELECT name FROM town_view | 0:20"},
  };
  for (const auto& [text, plan] : rows) {
    CAPTURE(text);
    CHECK(with.plan(text) == plan);
  }
}

TEST_CASE("with the right, what would be answered of tokens is refused") {
  const Tokens with(TokenUse::Exchanged);
  for (const std::string_view text : {
           "SELECT id FROM towns WHERE name LIKE '4%'",
           "SELECT id FROM towns WHERE name > 'x'",
           "SELECT id FROM towns WHERE name BETWEEN 'a' AND 'b'",
           "SELECT id FROM towns ORDER BY name",
           "SELECT min(name) FROM towns",
           "SELECT upper(name) FROM towns",
           "SELECT name || 'x' FROM towns",
           "SELECT name::varchar FROM towns",
           "SELECT id FROM towns WHERE name = email",
           "SELECT id FROM towns WHERE name = (SELECT city FROM patients LIMIT 1)",
           "INSERT INTO towns (name) SELECT email FROM towns",
           "INSERT INTO towns (name) SELECT city FROM patients",
           "INSERT INTO patients (city) SELECT name FROM towns",
           "UPDATE towns SET name = upper('x')",
           "UPDATE towns SET name = email",
           "UPDATE towns SET id = length(name)",
           "SELECT towns FROM towns",
           "SELECT name FROM towns UNION SELECT city FROM patients",
           "SELECT name INTO copied FROM towns",
           "ALTER TABLE towns ALTER COLUMN name TYPE varchar(10)",
           "CREATE INDEX ON towns (name) WHERE name = '4111'",
           "CREATE INDEX ON towns (upper(name))",
           "COPY towns FROM '/tmp/x'",
       }) {
    CAPTURE(text);
    const auto plan = with.plan(text);
    CHECK((plan.starts_with("0A000") || plan.starts_with("42804")));
    CHECK(plan.find("4111") == std::string::npos);
  }
  CHECK(with.plan("SELECT id FROM towns ORDER BY name") ==
        "0A000 column \"name\" of \"towns\" is tokenised and can't be used in ORDER BY");
}

TEST_CASE("tokens of the vault pass through its functions, and compare as tokens in between") {
  const Tokens with(TokenUse::Exchanged, "c0");
  const Row rows[] = {
      {"SELECT id, name FROM towns", "SELECT id, bartizan_cells.sealed_for('c0', name) AS name FROM towns | 1:20"},
      {"SELECT * FROM towns",
       "SELECT towns.id, bartizan_cells.sealed_for('c0', towns.name) AS name, towns.email FROM towns | 1:20 | 2:21"},
      {"SELECT t.name AS x FROM towns t WHERE name = $1",
       "SELECT bartizan_cells.sealed_for('c0', t.name) AS x FROM towns t WHERE name = bartizan_cells.token_of('c0', "
       "$1::pg_catalog.text) | $1=compared 1 of 20 as 25 | 0:20"},
      {"SELECT id FROM towns WHERE name IN ('a', $1)",
       "SELECT id FROM towns WHERE name IN (bartizan_cells.token_of('c0', <compared 20 a>::pg_catalog.text), "
       "bartizan_cells.token_of('c0', $1::pg_catalog.text)) | $1=compared 1 of 20 as 25"},
      {"SELECT id FROM towns WHERE name = ANY ($1)",
       "SELECT id FROM towns WHERE name = ANY(bartizan_cells.tokens_of('c0', $1::pg_catalog.text[])) | $1=each token 1 of "
       "20 as 1009"},
      {"SELECT a.id FROM towns a JOIN towns b ON a.name = b.name", "untouched"},
      {"SELECT name, count(*) FROM towns GROUP BY 1",
       "SELECT bartizan_cells.sealed_for('c0', name) AS name, count(*) FROM towns GROUP BY name | 0:20"},
      {"SELECT DISTINCT name FROM towns",
       "SELECT DISTINCT bartizan_cells.sealed_for('c0', name) AS name FROM towns | 0:20"},
      {"SELECT name FROM towns UNION ALL SELECT name FROM towns",
       "SELECT bartizan_cells.sealed_for('c0', name) AS name FROM towns UNION ALL SELECT bartizan_cells.sealed_for('c0', "
       "name) AS name FROM towns | 0:20"},
      {"WITH x AS (SELECT name FROM towns) SELECT * FROM x",
       "WITH x AS (SELECT name FROM towns) SELECT bartizan_cells.sealed_for('c0', x.name) AS name FROM x | 0:20"},
      {"INSERT INTO towns (id, name) VALUES ($1, $2) RETURNING name",
       "INSERT INTO towns (id, name) VALUES ($1, bartizan_cells.token_for('c0', $2::pg_catalog.text)) RETURNING "
       "bartizan_cells.sealed_for('c0', name) AS name | $1=pass 1 | $2=token 2 of 20 as 25 | 0:20"},
      {"UPDATE towns SET name = 'y' WHERE name = 'x'",
       "UPDATE towns SET name = bartizan_cells.token_for('c0', <token 20 y>::pg_catalog.text) WHERE name = "
       "bartizan_cells.token_of('c0', <compared 20 x>::pg_catalog.text)"},
      {"UPDATE towns SET name = NULL", "untouched"},
      {"INSERT INTO towns (name) SELECT name FROM towns", "untouched"},
      {"COPY (SELECT name FROM towns) TO STDOUT",
       "COPY (SELECT bartizan_cells.sealed_for('c0', name) AS name FROM towns) TO STDOUT | 0:20 | copy out 1"},
      {"COPY towns (id) FROM STDIN", "untouched"},
      {"COPY towns FROM STDIN",
       "0A000 column \"name\" of \"towns\" holds vaulted tokens and can't be copied as a table"},
      {"COPY towns TO STDOUT",
       "0A000 column \"name\" of \"towns\" holds vaulted tokens and can't be copied as a table"},
  };
  for (const auto& [text, plan] : rows) {
    CAPTURE(text);
    CHECK(with.plan(text) == plan);
  }
  const Tokens without(TokenUse::Shown, "c0");
  CHECK(without.plan("SELECT * FROM towns WHERE name = $1") == "untouched");
  CHECK(without.plan("COPY towns TO STDOUT") == "untouched");
  CHECK(without.plan("UPDATE towns SET name = 'x'").starts_with("42501"));
}

TEST_CASE("the second check knows what the vault gives from what a client calls") {
  const Tokens with(TokenUse::Exchanged, "c0");
  PlannedStatement forged;
  for (const char* text : {"UPDATE towns SET name = bartizan_cells.token_for('c0', 'x')",
                           "UPDATE towns SET name = bartizan_cells.token_for('c0', 'x'::text)",
                           "UPDATE towns SET name = public.token_for('c0', $1::text)",
                           "UPDATE towns SET name = bartizan_cells.sealed_for('c0', $1::text)"}) {
    CAPTURE(text);
    forged.server_text = text;
    CHECK_FALSE(cells_stand_where_permitted(*with.clinic.columns, forged));
  }
}

TEST_CASE("without the right, tokens are read as any text, and nothing is written") {
  const Tokens without(TokenUse::Shown);
  for (const std::string_view text :
       {"SELECT id, name FROM towns WHERE name = 'x' ORDER BY upper(name)", "SELECT * FROM towns WHERE name LIKE '4%'",
        "COPY towns TO STDOUT", "INSERT INTO towns (id) VALUES (1)", "UPDATE towns SET id = 2 WHERE name = 'x'",
        "DELETE FROM towns WHERE name = $1", "INSERT INTO patients (city) SELECT name FROM towns"}) {
    CAPTURE(text);
    CHECK(without.plan(text) == "untouched");
  }
  for (const std::string_view text :
       {"INSERT INTO towns VALUES (1, 'x')", "INSERT INTO towns (name) VALUES ($1)",
        "INSERT INTO towns (id, name) SELECT 1, city FROM patients", "INSERT INTO towns SELECT 1, 'x', 'y'",
        "INSERT INTO towns (name) SELECT name FROM towns", "UPDATE towns SET name = 'x'",
        "UPDATE towns SET (id, name) = (1, 'x')", "COPY towns FROM STDIN", "COPY towns (name) FROM STDIN",
        "INSERT INTO towns (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x'",
        "WITH x AS (UPDATE towns SET name = 'x' RETURNING id) SELECT 1 FROM x",
        "INSERT INTO towns (name) (VALUES ('x') UNION ALL VALUES ('y'))",
        "INSERT INTO towns (name) VALUES ('x') LIMIT 1"}) {
    CAPTURE(text);
    const auto plan = without.plan(text);
    CHECK(plan.starts_with("42501 column \"name\" of \"towns\" is tokenised: to write to it"));
  }
}

TEST_CASE("the second check lets no value into a column of tokens") {
  const Tokens with(TokenUse::Exchanged);
  PlannedStatement forged;
  for (const char* text : {"INSERT INTO towns (name) VALUES ('x')", "INSERT INTO towns VALUES (1, 'x')",
                           "UPDATE towns SET name = $1", "UPDATE towns SET name = 'x'::text",
                           "INSERT INTO towns (name) VALUES (NULL) ON CONFLICT (id) DO UPDATE SET name = 'x'"}) {
    CAPTURE(text);
    forged.server_text = text;
    CHECK_FALSE(cells_stand_where_permitted(*with.clinic.columns, forged));
  }
}

}  // namespace bartizan::sql::testing
