// The same statements on plaintext directly and on encrypted columns: equal results, never different ones.
#include <doctest/doctest.h>

#include <algorithm>

#include "rehearsal_database.hpp"

namespace bartizan::rehearsal {

namespace {

constexpr std::string_view kNames[] = {"ssn",   "email", "score", "amount", "born", "ok",   "doc",
                                       "ident", "raw",   "at",    "seen",   "big",  "small"};
constexpr std::string_view kTypes[] = {"text", "varchar(40)", "int4",        "numeric(12,2)", "date", "bool", "jsonb",
                                       "uuid", "bytea",       "timestamptz", "timestamp",     "int8", "int2"};
constexpr sql::Oid kOids[] = {25, 1043, 23, 1700, 1082, 16, 3802, 2950, 17, 1184, 1114, 20, 21};

std::string schema(bool encrypted) {
  std::string text = "CREATE TABLE people (id int PRIMARY KEY, name text";
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    text += ", " + std::string(kNames[i]) + " " + (encrypted ? "bz_cell" : std::string(kTypes[i]));
  }
  text += "); CREATE TABLE leads (id int, email " + std::string(encrypted ? "bz_cell" : "text") + ", source text); ";
  text += encrypted ? "CREATE UNIQUE INDEX ON people (pg_catalog.substr(email, 9, 16)); "
                    : "CREATE UNIQUE INDEX ON people (email); ";
  return text + "CREATE VIEW listed AS SELECT id, email AS mail, ssn FROM people WHERE email IS NOT NULL";
}

std::vector<Declared> columns() {
  std::vector<Declared> declared;
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    Declared one{"people", kNames[i], kOids[i], kNames[i] != "ssn", 0, {}, -1};
    if (kNames[i] == "email") one.join_domain = 1, one.typmod = 44;
    if (kNames[i] == "amount") one.typmod = ((12 << 16) | 2) + 4;
    declared.push_back(one);
  }
  declared.push_back({"leads", "email", 25, true, 1});
  return declared;
}

constexpr std::string_view kWrites[] = {
    "SET timezone = 'UTC'",
    "INSERT INTO people VALUES (1, 'Ada', '111', 'ada@x', 10, 1.50, '1815-12-10', true, '{\"a\": 1.0}', "
    "'c01d0000-0000-4000-8000-000000000001', '\\x0102', '2020-01-01 10:00:00+02', '2020-01-01 10:00', 9000000000, 7)",
    "INSERT INTO people (id, name, email, score, amount) VALUES (2, 'Bob', 'bob@x', -10, 1.5), (3, 'Cid', 'cid@x', 10, 2)",
    "INSERT INTO people (id, name, ssn, email) VALUES (4, 'Dan', '', ''), (5, 'Eve', NULL, NULL), (6, 'Fay', 'ü''\"\\', 'f')",
    "UPDATE people SET score = 11 WHERE id = 6",
    "INSERT INTO people (id, ssn) SELECT 7, 'seven' UNION ALL SELECT 8, 'eight'",
    "INSERT INTO people (id, ssn) SELECT id + 20, ssn FROM people WHERE id IN (1, 7)",
    "INSERT INTO people (id, email) VALUES (99, 'bob@x') ON CONFLICT (email) DO UPDATE SET name = 'Bobby', email = excluded.email",
    "INSERT INTO people (id, email) VALUES (1, 'new@x') ON CONFLICT (id) DO UPDATE SET ssn = 'changed', email = excluded.email "
    "WHERE people.email <> excluded.email",
    "INSERT INTO people (id, email) VALUES (1, 'none') ON CONFLICT DO NOTHING",
    "UPDATE people SET ssn = '222', doc = '{\"b\": [1, 2]}' WHERE email = 'bob@x'",
    "UPDATE people SET (name, score) = ('Cindy', 11) WHERE id = 3",
    "UPDATE people SET ssn = COALESCE(ssn, 'filled'), ok = CASE WHEN id > 3 THEN false ELSE ok END WHERE id BETWEEN 3 AND 6",
    "UPDATE people p SET ssn = q.ssn FROM people q WHERE p.id = 8 AND q.id = 7",
    "DELETE FROM people WHERE email = 'nobody'",
    "INSERT INTO leads VALUES (1, 'bob@x', 'fair'), (2, 'zed@x', 'fair'), (3, NULL, 'web'), (4, 'bob@x', 'web')",
    "PREPARE ins (int, text) AS INSERT INTO people (id, ssn) VALUES ($1, $2)",
    "EXECUTE ins(30, 'by execute')",
    "EXECUTE ins(31, NULL)",
    "WITH moved AS (DELETE FROM people WHERE id = 31 RETURNING id, ssn) INSERT INTO people (id, ssn) SELECT id + 1, ssn FROM moved",
};

constexpr std::string_view kQueries[] = {
    "SELECT * FROM people",
    "SELECT p.* FROM people p WHERE id < 5",
    "SELECT id, email AS mail FROM people WHERE email IS NULL",
    "SELECT id FROM people WHERE ssn IS NOT NULL",
    "SELECT id FROM people WHERE email = 'bob@x'",
    "SELECT id FROM people WHERE email <> 'bob@x'",
    "SELECT id FROM people WHERE email IN ('bob@x', 'cid@x', 'nobody')",
    "SELECT id FROM people WHERE email NOT IN ('bob@x', 'cid@x')",
    "SELECT count(*) FROM people WHERE email NOT IN ('bob@x', NULL)",
    "SELECT id FROM people WHERE email = ANY (ARRAY['f', ''])",
    "SELECT id FROM people WHERE email IS NOT DISTINCT FROM NULL",
    "SELECT id FROM people WHERE email IS DISTINCT FROM 'f'",
    "SELECT id FROM people WHERE score = 10",
    "SELECT id FROM people WHERE score = -10 OR score = '11'",
    "SELECT id FROM people WHERE amount = 1.5",
    "SELECT id FROM people WHERE amount = 2.00",
    "SELECT id FROM people WHERE amount = 2",
    "SELECT id FROM people WHERE born = '1815-12-10'",
    "SELECT id FROM people WHERE born = date '1815-12-10'",
    "SELECT id FROM people WHERE ok = true",
    "SELECT id FROM people WHERE ok = 'f'",
    "SELECT id FROM people WHERE doc = '{\"a\": 1}'",
    "SELECT id FROM people WHERE doc = '{\"b\":[1,2]}'::jsonb",
    "SELECT id FROM people WHERE ident = 'C01D0000-0000-4000-8000-000000000001'",
    "SELECT id FROM people WHERE raw = '\\x0102'",
    "SELECT id FROM people WHERE at = '2020-01-01 08:00:00+00'",
    "SELECT id FROM people WHERE seen = '2020-01-01 10:00:00'",
    "SELECT id FROM people WHERE big = 9000000000",
    "SELECT id FROM people WHERE small = 7",
    "SELECT count(*), count(email), count(DISTINCT email), count(DISTINCT score) FROM people",
    "SELECT score, count(*) FROM people GROUP BY score",
    "SELECT score AS s, max(id) FROM people GROUP BY s HAVING count(*) > 1",
    "SELECT score, count(*) FROM people GROUP BY 1 HAVING score IS NOT NULL",
    "SELECT amount IS NULL, count(*) FROM people GROUP BY 1",
    "SELECT id, ssn FROM people GROUP BY id",
    "SELECT DISTINCT score FROM people",
    "SELECT DISTINCT score, ok FROM people",
    "SELECT DISTINCT name, score FROM people ORDER BY name",
    "SELECT DISTINCT ON (id) id, email FROM people ORDER BY id DESC LIMIT 3",
    "SELECT p.id, l.id, p.email, l.email FROM people p JOIN leads l ON p.email = l.email",
    "SELECT p.id, l.id FROM people p LEFT JOIN leads l ON p.email = l.email AND l.source = 'web'",
    "SELECT p.id, l.id FROM people p FULL JOIN leads l ON p.email = l.email",
    "SELECT id FROM people WHERE email IN (SELECT email FROM leads)",
    "SELECT id FROM people WHERE email NOT IN (SELECT email FROM leads WHERE email IS NOT NULL)",
    "SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM leads l WHERE l.email = p.email)",
    "SELECT id, (SELECT p.email FROM people p WHERE p.email = l.email) FROM leads l",
    "SELECT a.id, b.id FROM people a JOIN people b ON a.score = b.score AND a.id < b.id",
    "WITH q (a, b) AS (SELECT id, email FROM people) SELECT b FROM q WHERE b = 'f'",
    "WITH RECURSIVE r AS (SELECT id, ssn FROM people WHERE id = 1 UNION ALL SELECT p.id, p.ssn FROM people p JOIN r ON p.id = "
    "r.id + 1) SELECT * FROM r",
    "SELECT x.s, x.id FROM (SELECT ssn AS s, id FROM people) x WHERE x.id < 4",
    "SELECT ssn FROM people UNION ALL SELECT ssn FROM people",
    "SELECT mail, ssn FROM listed WHERE mail = 'bob@x'",
    "SELECT t.id, x.email FROM leads t CROSS JOIN LATERAL (SELECT email FROM people p WHERE p.id = t.id) x",
    "SELECT id, email = 'bob@x' AS bob FROM people",
    "SELECT CASE WHEN email = 'bob@x' THEN 'b' ELSE '-' END, id FROM people",
    "SELECT count(*) FILTER (WHERE score = 10) FROM people",
    "SELECT id, email, row_number() OVER (ORDER BY id) FROM people",
    "SELECT ssn FROM people ORDER BY id LIMIT 2 OFFSET 1",
    "UPDATE people SET name = name || '!' WHERE email = 'f' RETURNING id, email, ssn",
    "DELETE FROM people WHERE id = 32 RETURNING *",
    "COPY (SELECT id, email, amount, doc, raw FROM people WHERE id < 4 ORDER BY id) TO STDOUT",
    "COPY (SELECT id, ssn, email FROM people ORDER BY id) TO STDOUT (FORMAT csv, HEADER, DELIMITER ';')",
};

std::vector<std::vector<Field>> sorted(std::vector<std::vector<Field>> rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

TEST_SUITE("differential") {
  TEST_CASE("encrypted and plaintext give the same answers") {
    Database secret("bz_secret", schema(true), columns());
    Database clear("bz_clear", schema(false), {});
    EncryptedClient ours = secret.client();
    EncryptedClient theirs = clear.client();
    for (const std::string_view text : kWrites) {
      CAPTURE(text);
      const Answer one = ours.run(text);
      const Answer other = theirs.run(text);
      CHECK_MESSAGE(other.error.empty(), other.error);
      CHECK_MESSAGE(one.error.empty(), one.error);
    }
    for (const std::string_view text : kQueries) {
      CAPTURE(text);
      const Answer one = ours.run(text);
      const Answer other = theirs.run(text);
      REQUIRE_MESSAGE(other.error.empty(), other.error);
      CHECK_MESSAGE(one.error.empty(), one.error);
      CHECK(one.names == other.names);
      CHECK(one.copied == other.copied);
      CHECK((sorted(one.rows) == sorted(other.rows)));
      CHECK((!other.rows.empty() || !other.copied.empty()));
    }
    // None of it stands in the database as it is.
    CHECK(secret.direct("SELECT 1 FROM people WHERE ssn = '222'::text::bytea").empty());
    CHECK(secret.direct("SELECT 1 FROM people WHERE email IS NOT NULL AND get_byte(email, 0) <> 199").empty());
  }
}

}  // namespace bartizan::rehearsal
