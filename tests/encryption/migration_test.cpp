// A column becomes encrypted and plain again while others write to it, with a run broken off halfway.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "bartizan/sql/column_migration.hpp"
#include "rehearsal_database.hpp"

namespace bartizan::rehearsal {

namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Rows = std::vector<std::vector<Field>>;
using Convert = std::function<std::string(const std::string&)>;

constexpr std::uint32_t kColumn = 1;

// "\x…" as bytea_out writes it.
std::string bytes_of(const std::string& hex) {
  const auto bytes = hex_decode(std::string_view(hex).substr(2));
  REQUIRE(bytes);
  return std::string(as_chars(*bytes));
}

/// Runs a migration's texts, as the job will.
class Runner {
 public:
  Runner(Database& database, const sql::ColumnMigration& migration, bool encrypts, Convert convert)
      : connection_(database.connect()), migration_(migration), encrypts_(encrypts), convert_(std::move(convert)) {}

  void steps(const std::vector<sql::MigrationStep>& steps, bool expect_zero = true) {
    exec("BEGIN");
    for (const sql::MigrationStep& step : steps) {
      const Rows rows = exec(step.sql);
      if (!step.must_be_zero || rows.at(0).at(0) == "0") continue;
      CHECK_FALSE(expect_zero);
      exec("ROLLBACK");
      return;
    }
    exec("COMMIT");
  }

  /// How many rows were swapped of those read; at_each is called between read and swap.
  std::pair<int, int> batches(int limit, const std::function<void()>& at_each = {}) {
    int read = 0;
    int swapped = 0;
    Field last;
    for (int batch = 0; batch < limit; ++batch) {
      const Rows rows = last ? exec(migration_.read_next, {last, "40"}) : exec(migration_.read_first, {"40"});
      if (rows.empty()) break;
      if (at_each) at_each();
      exec("BEGIN");
      for (const auto& row : rows) {
        ++read;
        const std::string value = convert_(encrypts_ ? *row[2] : bytes_of(*row[2]));
        swapped += static_cast<int>(exec(migration_.swap, {value, row[0], row[1]}, encrypts_).size());
      }
      exec("COMMIT");
      last = rows.back()[0];
    }
    return {read, swapped};
  }

  Rows exec(const std::string& text, const std::vector<Field>& values = {}, bool first_is_binary = false) {
    std::vector<const char*> pointers;
    std::vector<int> lengths;
    std::vector<int> formats;
    for (const Field& value : values) {
      pointers.push_back(value ? value->c_str() : nullptr);
      lengths.push_back(value ? static_cast<int>(value->size()) : 0);
      formats.push_back(first_is_binary && formats.empty() ? 1 : 0);
    }
    const std::unique_ptr<PGresult, Close> result(PQexecParams(connection_.get(), text.c_str(),
                                                               static_cast<int>(values.size()), nullptr,
                                                               pointers.data(), lengths.data(), formats.data(), 0));
    const auto status = PQresultStatus(result.get());
    REQUIRE_MESSAGE((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK), PQresultErrorMessage(result.get()));
    Rows rows;
    for (int r = 0; r < PQntuples(result.get()); ++r) {
      auto& row = rows.emplace_back();
      for (int c = 0; c < PQnfields(result.get()); ++c) {
        row.push_back(PQgetisnull(result.get(), r, c) != 0 ? Field() : Field(PQgetvalue(result.get(), r, c)));
      }
    }
    if (text == migration_.swap) rows.resize(std::string_view(PQcmdTuples(result.get())) == "1" ? 1 : 0);
    return rows;
  }

 private:
  std::unique_ptr<PGconn, Close> connection_;
  const sql::ColumnMigration& migration_;
  bool encrypts_;
  Convert convert_;
};

bool stands_in_heap(const std::string& value) {
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(server()->data_directory()) / "pgdata" / "base")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    if (out.str().find(value) != std::string::npos) return true;
  }
  return false;
}

sql::MigrationColumn column_of(const Database& database, bool stored) {
  sql::MigrationColumn column;
  column.table = &database.table("people");
  column.column = column.table->column("ssn")->attnum;
  column.type = {1043, -1, 64};  // varchar(60)
  column.cell_domain = {"public", "bz_cell"};
  column.searchable = true;
  column.stored_index = stored;
  return column;
}

void there_and_back(const std::string& name, bool stored) {
  const std::string word = stored ? "Reisender" : "Wanderer";
  const std::vector<Declared> declared = {{"people", "ssn", 1043, true, 0, stored ? "ssn_bz" : "", 64}};
  Database database(name,
                    "CREATE TABLE people (id int PRIMARY KEY, ssn varchar(60) NOT NULL DEFAULT 'none', note text); "
                    "INSERT INTO people SELECT g, '" +
                        word + "' || g * 7, 'n' || g FROM generate_series(1, 300) g",
                    {});
  const Rows before = database.direct("SELECT id, ssn, note FROM people ORDER BY id");
  std::optional<sql::MigrationColumn> column = column_of(database, stored);
  const auto there = sql::plan_column_encryption(*column);
  REQUIRE(there);
  REQUIRE(database.direct(there->dependents).size() == 1);  // the default, which cut_over drops
  database.declare({{"people", "ssn", 1043, true, 0, "", 64}});
  EncryptedClient keys = database.client();
  {
    Runner runner(database, *there, true, [&](const std::string& value) { return keys.seal(kColumn, value); });
    runner.steps(there->expand);
    runner.batches(3);  // then it is broken off
  }
  Runner runner(database, *there, true, [&](const std::string& value) { return keys.seal(kColumn, value); });
  runner.steps(there->cut_over, false);  // some are left: it is rolled back
  bool once = false;
  const auto meddle = [&] {
    if (std::exchange(once, true)) return;
    database.direct("UPDATE people SET ssn = 'changed meanwhile' WHERE id = 125");         // read, not yet swapped
    database.direct("UPDATE people SET ssn = 'changed after', note = 'x' WHERE id = 5");    // swapped already
    database.direct("UPDATE people SET note = 'only this' WHERE id = 6");
    database.direct("INSERT INTO people VALUES (301, 'new', 'y')");
  };
  const auto [read, swapped] = runner.batches(100, meddle);
  CHECK(read > swapped);  // the changed one was not swapped
  CHECK(runner.exec(there->remaining).at(0).at(0) == "2");
  runner.batches(100);
  CHECK(runner.exec(there->remaining).at(0).at(0) == "0");
  for (const auto& row : runner.exec(there->verify_first, {"1000"}))
    CHECK(keys.open(kColumn, bytes_of(*row[2])) == *row[1]);
  database.direct("CHECKPOINT");
  CHECK(stands_in_heap(word + "700"));
  runner.steps(there->cut_over);
  for (const std::string& text : there->after) runner.exec(text);
  database.direct("CHECKPOINT");
  CHECK_FALSE(stands_in_heap(word + "700"));

  database.declare(declared);
  EncryptedClient client = database.client();
  const Answer all = client.run("SELECT * FROM people ORDER BY id");
  CHECK(all.names == std::vector<std::string>{"id", "ssn", "note"});
  REQUIRE_MESSAGE(all.rows.size() == 301, all.error);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i == 4 || i == 5 || i == 124) continue;
    CHECK(all.rows[i] == before[i]);
  }
  CHECK(all.rows[4] == std::vector<Field>{"5", "changed after", "x"});
  CHECK(all.rows[5] == std::vector<Field>{"6", word + "42", "only this"});
  CHECK(all.rows[124][1] == "changed meanwhile");
  CHECK(client.run("SELECT id FROM people WHERE ssn = '" + word + "700'").rows.at(0).at(0) == "100");
  CHECK(client.run("INSERT INTO people (id, ssn) VALUES (302, NULL)").error.find("not-null") != std::string::npos);

  column = column_of(database, stored);
  const auto back = sql::plan_column_decryption(*column);
  REQUIRE(back);
  CHECK(back->index == there->index);
  Runner returning(database, *back, false, [&](const std::string& cell) { return keys.open(kColumn, cell); });
  returning.steps(back->expand);
  returning.batches(100);
  returning.steps(back->cut_over);
  database.declare({});
  CHECK((database.direct("SELECT * FROM people ORDER BY id") == all.rows));
  CHECK(
      database.direct("SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attname = 'ssn' AND "
                      "attrelid = 'people'::regclass") == Rows{{"character varying(60)", "t"}});
  CHECK(database.direct("SELECT 1 FROM pg_proc WHERE proname LIKE 'bz_stale%'").empty());
}

}  // namespace

TEST_SUITE("migration") {
  TEST_CASE("a column is encrypted and decrypted again, its index in the cell") { there_and_back("bz_there", false); }
  TEST_CASE("... and its index stored") { there_and_back("bz_stored_there", true); }

  TEST_CASE("it can be undone before the cut over") {
    Database database("bz_undone",
                      "CREATE TABLE people (id int PRIMARY KEY, ssn varchar(60)); INSERT INTO people VALUES (1, 'x')",
                      {});
    const Rows columns = database.direct(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND "
        "NOT attisdropped ORDER BY attnum");
    const auto there = sql::plan_column_encryption(column_of(database, false));
    REQUIRE(there);
    Runner runner(database, *there, true, {});
    runner.steps(there->expand);
    runner.steps(there->undo);
    CHECK(
        (database.direct("SELECT attname FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND NOT "
                         "attisdropped ORDER BY attnum") == columns));
    CHECK(database.direct("SELECT 1 FROM pg_trigger WHERE tgrelid = 'people'::regclass").empty());
    runner.steps(there->undo);  // once more does no harm
  }
}

}  // namespace bartizan::rehearsal
