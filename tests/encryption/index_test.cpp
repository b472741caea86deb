// Equality on an encrypted column is found by an index, inside the cell and in a stored column, the
// latter below row-level security too.
#include <doctest/doctest.h>

#include "rehearsal_database.hpp"

namespace bartizan::rehearsal {

namespace {

std::string plan_of(const Answer& answer) {
  std::string text = answer.error;
  for (const auto& row : answer.rows) text += row[0].value_or("") + "\n";
  return text;
}

void fill(EncryptedClient& client, const std::string& table) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += std::to_string(i) + "\tuser" + std::to_string(i) + "@example.org\n";
  const Answer answer = client.copy_in("COPY " + table + " (id, email) FROM STDIN", rows);
  REQUIRE_MESSAGE(answer.error.empty(), answer.error);
}

}  // namespace

TEST_SUITE("index") {
  TEST_CASE("look-ups by parameter, constant, list and join use the index on the expression") {
    Database database("bz_index",
                      "CREATE TABLE people (id int PRIMARY KEY, email bz_cell); "
                      "CREATE TABLE few (id int, email bz_cell)",
                      {{"people", "email", 1043, true, 1}, {"few", "email", 25, true, 1}});
    EncryptedClient client = database.client();
    fill(client, "people");
    CHECK(client.run("INSERT INTO few VALUES (1, 'user7@example.org'), (2, 'nobody')").error.empty());
    database.direct("CREATE UNIQUE INDEX people_email ON people (pg_catalog.substr(email, 9, 16))");
    database.direct("ANALYZE people; ANALYZE few");
    struct Row {
      std::string_view text;
      std::vector<Field> values;
    };
    const Row rows[] = {
        {"SELECT id FROM people WHERE email = $1", {"user7@example.org"}},
        {"SELECT id FROM people WHERE email = 'user7@example.org'", {}},
        {"SELECT id FROM people WHERE email IN ('nobody', $1)", {"user7@example.org"}},
        {"SELECT id FROM people WHERE email = ANY (ARRAY[$1, 'nobody'])", {"user7@example.org"}},
        {"SELECT p.id FROM few f JOIN people p ON p.email = f.email", {}},
        {"SELECT id FROM people WHERE email = (SELECT email FROM few WHERE id = 1)", {}},
        {"UPDATE people SET id = id WHERE email = $1 RETURNING id", {"user7@example.org"}},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      const Answer plan = client.run("EXPLAIN " + std::string(row.text), row.values);
      CHECK_MESSAGE(plan_of(plan).find("people_email") != std::string::npos, plan_of(plan));
      const Answer answer = client.run(row.text, row.values);
      REQUIRE_MESSAGE(answer.rows.size() == 1, answer.error);
      CHECK(answer.rows[0][0] == "7");
    }
    // The same index keeps values unique and answers ON CONFLICT.
    CHECK(client.run("INSERT INTO people VALUES (9000, 'user7@example.org')").error.find("people_email") !=
          std::string::npos);
    const Answer upsert = client.run(
        "INSERT INTO people VALUES (9000, $1) ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id, email",
        {"user7@example.org"});
    REQUIRE_MESSAGE(upsert.rows.size() == 1, upsert.error);
    CHECK(upsert.rows[0] == std::vector<Field>{"7", "user7@example.org"});
  }

  TEST_CASE("a stored index is used below row-level security, and clients don't see its column") {
    Database database(
        "bz_stored",
        "CREATE TABLE people (id int PRIMARY KEY, email bz_cell, email_bz bytea GENERATED ALWAYS AS "
        "(pg_catalog.substr(email, 9, 16)) STORED, tenant int DEFAULT 1); CREATE INDEX people_bz ON people "
        "(email_bz); CREATE INDEX people_in_cell ON people (pg_catalog.substr(email, 9, 16)); "
        "ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE ROLE bz_reader; "
        "GRANT SELECT ON people TO bz_reader; CREATE POLICY p ON people USING (tenant = 1)",
        {{"people", "email", 25, true, 0, "email_bz"}});
    EncryptedClient client = database.client();
    fill(client, "people");
    database.direct("ANALYZE people");
    CHECK(client.run("SET ROLE bz_reader").error.empty());
    const Answer plan = client.run("EXPLAIN SELECT id FROM people WHERE email = $1", {"user7@example.org"});
    CHECK_MESSAGE(plan_of(plan).find("people_bz") != std::string::npos, plan_of(plan));
    const Answer answer = client.run("SELECT * FROM people WHERE email = $1", {"user7@example.org"});
    CHECK(answer.names == std::vector<std::string>{"id", "email", "tenant"});
    REQUIRE(answer.rows.size() == 1);
    CHECK(answer.rows[0] == std::vector<Field>{"7", "user7@example.org", "1"});
    CHECK(client.run("SELECT email_bz FROM people").refused);
    CHECK(client.run("RESET ROLE").error.empty());
    CHECK(client.run("INSERT INTO people VALUES (5000, 'x', 2)").error.empty());
    CHECK(client.run("SELECT tenant FROM people WHERE email = 'x'").rows.at(0).at(0) == "2");
  }
}

}  // namespace bartizan::rehearsal
