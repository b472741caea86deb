#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "bartizan/store/migrations.hpp"
#include "connection.hpp"
#include "store_fixture.hpp"

namespace bartizan::store {
namespace {

using test::ThrowawayPostgres;

struct Empty {
  std::string name = ThrowawayPostgres::instance().fresh_database();
  DatabaseOptions options = [this] {
    DatabaseOptions out;
    out.conninfo = ThrowawayPostgres::instance().conninfo(name);
    return out;
  }();
  std::unique_ptr<Connection> connect() const {
    auto made = Connection::connect(options, -1);
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  std::string sql(const std::string& text) const { return ThrowawayPostgres::instance().sql(name, text); }
};

const Migration kFirst{1, "0001_a", "-- bartizan: needs-program 0.1\nCREATE TABLE bartizan.a (x int);"};
const Migration kSecond{2, "0002_b", "-- bartizan: needs-program 0.1\nCREATE TABLE bartizan.b (x int);"};
const Migration kBroken{3, "0003_c", "-- bartizan: needs-program 0.1\nCREATE TABLE bartizan.c (x int); SELECT 1/0;"};
constexpr ProgramVersion kProgram{0, 1};

TEST_CASE("applied once, and only what is missing") {
  const Empty db;
  const auto connection = db.connect();
  const std::vector<Migration> one = {kFirst};
  const std::vector<Migration> two = {kFirst, kSecond};
  CHECK(migrate(*connection, one, kProgram) == 1);
  CHECK(migrate(*connection, one, kProgram) == 0);
  CHECK(migrate(*connection, two, kProgram) == 1);
  CHECK(db.sql("SELECT count(*) FROM bartizan.schema_migrations") == "2");
  CHECK(migrate(*connection, one, kProgram) == 0);  // an older program, the newer schema
}

TEST_CASE("a later range first, an earlier one afterwards") {
  const Empty db;
  const auto connection = db.connect();
  CHECK(migrate(*connection, std::vector<Migration>{kSecond}, kProgram) == 1);
  CHECK(migrate(*connection, std::vector<Migration>{kFirst, kSecond}, kProgram) == 1);
}

TEST_CASE("one that fails leaves nothing of its batch") {
  const Empty db;
  const auto connection = db.connect();
  const auto failed = migrate(*connection, std::vector<Migration>{kFirst, kBroken}, kProgram);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().detail.find("0003_c") != std::string::npos);
  CHECK(db.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'bartizan'") == "0");
  CHECK(migrate(*connection, std::vector<Migration>{kFirst}, kProgram) == 1);  // the connection still serves
}

TEST_CASE("a file changed after it was applied is refused") {
  const Empty db;
  const auto connection = db.connect();
  REQUIRE(migrate(*connection, std::vector<Migration>{kFirst}, kProgram) == 1);
  auto edited = kFirst;
  edited.text = "-- bartizan: needs-program 0.1\nCREATE TABLE bartizan.a (x int );";
  const auto refused = migrate(*connection, std::vector<Migration>{edited, kSecond}, kProgram);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::FailedPrecondition);
  CHECK(db.sql("SELECT count(*) FROM bartizan.schema_migrations") == "1");

  const auto renamed = Migration{1, "0001_other", kFirst.text};
  CHECK(migrate(*connection, std::vector<Migration>{renamed}, kProgram).error().code == Errc::FailedPrecondition);

  REQUIRE(ThrowawayPostgres::instance().try_sql(db.name,
                                                "UPDATE bartizan.schema_migrations SET checksum = repeat('0', 64)"));
  CHECK(migrate(*connection, std::vector<Migration>{kFirst}, kProgram).error().code == Errc::FailedPrecondition);
}

TEST_CASE("expand is accepted by an older program, contract is not") {
  const Empty db;
  const auto connection = db.connect();
  const Migration expand{90, "0090_expand", "-- bartizan: needs-program 0.1\nSELECT 1;"};
  const Migration contract{91, "0091_contract", "-- bartizan: needs-program 0.3\nSELECT 1;"};
  REQUIRE(migrate(*connection, std::vector<Migration>{kFirst, expand}, {0, 2}) == 2);
  CHECK(migrate(*connection, std::vector<Migration>{kFirst}, {0, 1}) == 0);
  REQUIRE(migrate(*connection, std::vector<Migration>{kFirst, expand, contract}, {0, 3}) == 1);
  CHECK(migrate(*connection, std::vector<Migration>{kFirst}, {0, 3}) == 0);
  const auto refused = migrate(*connection, std::vector<Migration>{kFirst}, {0, 2});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::FailedPrecondition);
  CHECK(refused.error().detail.find("0.3") != std::string::npos);
}

TEST_CASE("a file without its first line is refused") {
  const Empty db;
  const auto connection = db.connect();
  CHECK(migrate(*connection, std::vector<Migration>{{1, "0001_a", "SELECT 1;"}}, kProgram).error().code ==
        Errc::Malformed);
}

TEST_CASE("many gateways starting at once migrate once") {
  const Empty db;
  constexpr int kGateways = 6;
  std::vector<Result<int>> results(kGateways, Result<int>(-1));
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&db, &result] {
      auto connection = Connection::connect(db.options, -1);
      if (connection) result = migrate(**connection, embedded_migrations(), program_version());
    });
  }
  for (auto& thread : threads) thread.join();
  int applied = 0;
  for (const auto& result : results) {
    REQUIRE(result.has_value());
    CHECK(*result >= 0);
    applied += *result;
  }
  CHECK(applied == static_cast<int>(embedded_migrations().size()));
}

}  // namespace
}  // namespace bartizan::store
