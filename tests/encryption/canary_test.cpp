// Unique values are written to encrypted columns, asked for and refused, in every shape; then the
// server's files, its write-ahead log and its most talkative log are searched for them.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "bartizan/base/bytes.hpp"
#include "rehearsal_database.hpp"

namespace bartizan::rehearsal {

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Values that stand nowhere else, eight letters and a number each.
class Canaries {
 public:
  std::string next() {
    std::string value = "Kanarie" + std::to_string(700000 + values_.size() * 7) + "Q";
    values_.push_back(value);
    return value;
  }
  [[nodiscard]] const std::vector<std::string>& values() const { return values_; }

 private:
  std::vector<std::string> values_;
};

std::string hex_of(std::string_view value) {
  std::string text;
  for (const char c : value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

/// "value in file" for each find, as it is and in hexadecimal.
std::vector<std::string> search(const fs::path& folder, const std::vector<std::string>& values) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string text = read(entry.path());
    for (const std::string& value : values) {
      if (text.find(value) != std::string::npos || text.find(hex_of(value)) != std::string::npos) {
        found.push_back(value + " in " + entry.path().string());
      }
    }
  }
  return found;
}

}  // namespace

TEST_SUITE("canary") {
  TEST_CASE("no plaintext reaches the server's files or logs, whatever the shape and the error") {
    Database database(
        "bz_canary",
        "CREATE TABLE people (id int PRIMARY KEY, name text, ssn bz_cell, email bz_cell); "
        "CREATE UNIQUE INDEX ON people (pg_catalog.substr(email, 9, 16)); "
        "CREATE TABLE leads (id serial, email bz_cell); CREATE TABLE towns (id int, name text)",
        {{"people", "ssn", 25, false}, {"people", "email", 1043, true, 1, {}, 84}, {"leads", "email", 25, true, 1}});
    EncryptedClient client = database.client();
    Canaries canaries;
    std::map<int, std::string> ssn;  // what must be read back, by id
    int id = 0;
    const auto stored = [&](const std::function<Answer(const std::string&, const std::string&)>& write) {
      const std::string value = canaries.next();
      ssn[++id] = value;
      const Answer answer = write(std::to_string(id), value);
      CHECK_MESSAGE(answer.error.empty(), answer.error);
    };
    const auto asked = [&](const std::string& before, const std::string& after, bool refused) {
      const std::string text = before + "'" + canaries.next() + "'" + after;
      CAPTURE(text);
      const Answer answer = client.run(text);
      CHECK(answer.refused == refused);
    };

    stored(
        [&](auto& n, auto& v) { return client.run("INSERT INTO people (id, ssn) VALUES (" + n + ", '" + v + "')"); });
    stored([&](auto& n, auto& v) {
      return client.run("INSERT INTO people (id, ssn) VALUES (" + n + ", E'" + v + "'::text)");
    });
    stored([&](auto& n, auto& v) {
      return client.run("INSERT INTO people (id, ssn) VALUES (" + n + ", $q$" + v + "$q$)");
    });
    stored([&](auto& n, auto& v) { return client.run("INSERT INTO people (id, ssn) SELECT " + n + ", '" + v + "'"); });
    stored([&](auto& n, auto& v) { return client.run("INSERT INTO people (id, ssn) VALUES ($1, $2)", {n, v}); });
    stored([&](auto& n, auto& v) { return client.run("INSERT INTO people (id, ssn) VALUES ($1, $2)", {n, v}, true); });
    stored([&](auto& n, auto& v) {
      return client.run(
          "INSERT INTO people (id, ssn) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn", {n, v});
    });
    stored([&](auto& n, auto& v) {
      return client.run("WITH x AS (INSERT INTO people (id, ssn) VALUES (" + n + ", '" + v +
                        "') RETURNING ssn) SELECT ssn FROM x");
    });
    stored([&](auto& n, auto& v) {
      return client.run("SELECT 1; INSERT INTO people (id, ssn) VALUES (" + n + ", '" + v + "'); SELECT 2");
    });
    stored([&](auto& n, auto& v) {
      client.run("INSERT INTO people (id, ssn) VALUES (" + n + ", '" + canaries.next() + "')");
      return client.run("UPDATE people SET ssn = '" + v + "' WHERE id = " + n);
    });
    stored([&](auto& n, auto& v) {
      client.run("INSERT INTO people (id, ssn) VALUES (" + n + ", '" + canaries.next() + "')");
      return client.run("UPDATE people SET ssn = COALESCE($1, ssn) WHERE id = $2 RETURNING ssn", {v, n});
    });
    stored([&](auto& n, auto& v) {
      client.run("PREPARE w" + n + " (int, text) AS INSERT INTO people (id, ssn) VALUES ($1, $2)");
      return client.run("EXECUTE w" + n + "(" + n + ", '" + v + "')");
    });
    stored([&](auto& n, auto& v) { return client.copy_in("COPY people (id, ssn) FROM STDIN", n + "\t" + v + "\n"); });
    stored([&](auto& n, auto& v) {
      return client.copy_in("COPY people (ssn, id) FROM STDIN (FORMAT csv, HEADER)",
                            "ssn,id\n\"" + v + "\"," + n + "\n");
    });
    stored([&](auto& n, auto& v) {
      std::string data("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0", 28);
      data += static_cast<char>(std::stoi(n));
      data += std::string("\0\0\0", 3) + static_cast<char>(v.size()) + v + std::string("\377\377");
      return client.copy_in("COPY people (id, ssn) FROM STDIN (FORMAT binary)", data);
    });

    // What is only asked for, and what is refused, must not be seen either.
    client.run("INSERT INTO people (id, email) VALUES (900, '" + canaries.next() + "')");
    asked("SELECT id FROM people WHERE email = ", "", false);
    asked("SELECT id FROM people WHERE email IN ('x', ", ")", false);
    asked("SELECT id FROM people WHERE email IS DISTINCT FROM ", "", false);
    asked("SELECT count(*) FROM people GROUP BY email HAVING email <> ", "", false);
    asked("EXPLAIN (ANALYZE, VERBOSE) SELECT id FROM people WHERE email = ", "", false);
    asked("DECLARE c CURSOR WITH HOLD FOR SELECT ssn FROM people WHERE email = ", "", false);
    asked("COPY (SELECT ssn FROM people WHERE email = ", ") TO STDOUT", false);
    asked("DELETE FROM people WHERE email = ", "", false);
    CHECK(client.run("SELECT id FROM people WHERE email = $1", {canaries.next()}).error.empty());
    asked("SELECT id FROM people WHERE email LIKE ", "", true);
    asked("SELECT id FROM people WHERE ssn = ", "", true);
    asked("SELECT id FROM people WHERE emial = ", "", true);
    asked("INSERT INTO people (id, ssn) VALUES (1, lower(", "))", true);
    asked("INSERT INTO nosuch (ssn) VALUES (", ")", true);
    asked("INSERT INTO people (id, ssn) VALUES (1, ", "", true);  // a syntax error
    asked("DO $$ BEGIN UPDATE people SET ssn = ", "; END $$", true);
    CHECK(client.run("SELECT query_to_xml($$SELECT '" + canaries.next() + "'$$, true, true, '')").refused);

    // Errors of the server's own.
    const std::string twice = canaries.next();
    CHECK(client.run("INSERT INTO people (id, email) VALUES (901, '" + twice + "')").error.empty());
    CHECK(client.run("INSERT INTO people (id, email) VALUES (902, '" + twice + "')").error.find("duplicate key") !=
          std::string::npos);
    CHECK(client.run("INSERT INTO people (id, ssn) VALUES (1/0, '" + canaries.next() + "')").error.find("division") !=
          std::string::npos);
    CHECK(client.run("INSERT INTO people (id, ssn) VALUES ('x' || $1, $2)", {"y", canaries.next()}).error != "");
    CHECK(client.run("INSERT INTO people (id, ssn) VALUES ($1, $2)", {"no number", canaries.next()}).error != "");
    CHECK_FALSE(
        client.copy_in("COPY people (id, ssn) FROM STDIN", "no number\t" + canaries.next() + "\n").error.empty());
    CHECK_FALSE(
        client.run("INSERT INTO people (id, email) VALUES (903, '" + canaries.next() + std::string(100, 'x') + "')")
            .error.empty());  // too long for varchar(80)

    for (const auto& [number, value] : ssn) {
      CAPTURE(number);
      const Answer answer = client.run("SELECT ssn FROM people WHERE id = " + std::to_string(number));
      REQUIRE_MESSAGE(answer.rows.size() == 1, answer.error);
      CHECK(answer.rows[0][0] == value);
    }

    // The search finds what is there: values of a column that is not encrypted.
    Canaries control;
    const std::string open = "Kontrolle424242Q";
    CHECK(client.run("INSERT INTO towns VALUES (1, '" + open + "')").error.empty());
    CHECK(client.run("SELECT id FROM towns WHERE name = $1", {open}).error.empty());
    database.direct("CHECKPOINT");
    const fs::path folder = server()->data_directory();
    const auto places = search(folder, {open});
    const auto in = [&](std::string_view part) {
      return std::any_of(places.begin(), places.end(),
                         [&](const auto& p) { return p.find(part) != std::string::npos; });
    };
    CHECK(in("/base/"));
    CHECK(in("/pg_wal/"));
    CHECK(in("/log/"));
    CHECK(canaries.values().size() >= 40);
    const auto found = search(folder, canaries.values());
    CHECK_MESSAGE(found.empty(), (found.empty() ? "" : found.front()));
    for (const std::string& text : client.sent()) {
      for (const std::string& value : canaries.values()) CHECK(text.find(value) == std::string::npos);
    }
  }
}

}  // namespace bartizan::rehearsal
