#include "bartizan/sql/column_migration.hpp"

#include <doctest/doctest.h>

#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

CatalogRelation people() {
  CatalogRelation table = relation(300, "public", "Odd \"Name", {{"id", kInt4}, {"k 2"}, {"ssn"}, {"note"}});
  table.keys = {key("pk", {1, 2}, true)};
  return table;
}

MigrationColumn ssn(const CatalogRelation& table) {
  MigrationColumn column;
  column.table = &table;
  column.column = 3;
  column.type = {kNumeric, -1, ((12 << 16) | 2) + 4};
  column.cell_domain = {"bartizan", "cell"};
  return column;
}

std::string all_of(const std::vector<MigrationStep>& steps) {
  std::string text;
  for (const MigrationStep& step : steps) text += step.sql + (step.must_be_zero ? " = 0; " : "; ");
  return text;
}

}  // namespace

TEST_CASE("a migration's texts quote every name and go by all of the key") {
  const CatalogRelation table = people();
  const auto there = plan_column_encryption(ssn(table));
  REQUIRE(there);
  CHECK(
      there->read_next ==
      R"sql(SELECT "id", "k 2", xmin::pg_catalog.text, "ssn" FROM "public"."Odd ""Name" WHERE "ssn" IS NOT NULL AND "ssn_bz_new" IS NULL AND ("id", "k 2") > ($1, $2) ORDER BY "id", "k 2" LIMIT $3)sql");
  CHECK(there->read_first.ends_with(R"sql(IS NULL ORDER BY "id", "k 2" LIMIT $1)sql"));
  CHECK(
      there->swap ==
      R"sql(UPDATE "public"."Odd ""Name" SET "ssn_bz_new" = $1 WHERE "id" = $2 AND "k 2" = $3 AND xmin = $4::pg_catalog.xid AND "ssn" IS NOT NULL AND "ssn_bz_new" IS NULL)sql");
  CHECK(all_of(there->cut_over).find(R"sql(TYPE "bartizan"."cell" USING "ssn_bz_new")sql") != std::string::npos);
  CHECK(all_of(there->cut_over).find(R"sql("ssn_bz_new" IS NULL = 0; )sql") != std::string::npos);
  CHECK(there->after.empty());
  const auto back = plan_column_decryption(ssn(table));
  REQUIRE(back);
  CHECK(all_of(back->expand).find(R"sql(ADD COLUMN "ssn_bz_new" pg_catalog.numeric(12,2))sql") != std::string::npos);
}

TEST_CASE("types come back with their modifiers") {
  struct Row {
    Oid type;
    std::int32_t typmod;
    std::string_view text;
  };
  constexpr Row kRows[] = {
      {1043, 64, "pg_catalog.varchar(60)"},
      {kText, -1, "pg_catalog.text"},
      {kNumeric, -1, "pg_catalog.numeric"},
      {kNumeric, ((5 << 16) | (-2 & 0x7ff)) + 4, "pg_catalog.numeric(5,-2)"},
      {kTimestamptz, 3, "pg_catalog.timestamptz(3)"},
      {16, -1, "pg_catalog.bool"},
  };
  const CatalogRelation table = people();
  for (const Row& row : kRows) {
    MigrationColumn column = ssn(table);
    column.type = {row.type, -1, row.typmod};
    const auto back = plan_column_decryption(column);
    REQUIRE(back);
    CHECK(back->expand[0].sql.ends_with(row.text));
  }
}

TEST_CASE("what can't be migrated is refused, and names stay within their limit") {
  const CatalogRelation good = people();
  const auto refused = [](const CatalogRelation& table, const auto& change) {
    MigrationColumn column = ssn(table);
    change(column);
    return !plan_column_encryption(column).has_value();
  };
  const auto nothing = [](MigrationColumn&) {};
  CHECK_FALSE(refused(good, nothing));
  CHECK(refused(good, [](MigrationColumn& c) { c.column = 1; }));   // of the key
  CHECK(refused(good, [](MigrationColumn& c) { c.column = 99; }));
  CHECK(refused(good, [](MigrationColumn& c) { c.type.oid = 114; }));
  CHECK(refused(good, [](MigrationColumn& c) { c.stored_index = true; }));
  CatalogRelation table = people();
  table.keys.clear();
  CHECK(refused(table, nothing));
  table = people();
  table.has_children = true;
  CHECK(refused(table, nothing));
  table = people();
  table.columns[2].generated = Generated::Stored;
  CHECK(refused(table, nothing));
  table = people();
  table.columns[3].name = "ssn_bz_new";
  CHECK(refused(table, nothing));
  table = people();
  for (std::string& name = table.columns[2].name; name.size() < 80;) name += "ü";
  const auto there = plan_column_encryption(ssn(table));
  REQUIRE(there);
  CHECK(there->expand[0].sql.find("ü_bz_new\"") != std::string::npos);
  CHECK(there->index.size() <= 63);
}

}  // namespace bartizan::sql::testing
