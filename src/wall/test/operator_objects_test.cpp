#include "../operator_objects.hpp"

#include <doctest/doctest.h>

#include "../function_objects.hpp"

namespace bartizan::wall {
namespace {

constexpr sql::Oid kInt4 = 23;
constexpr sql::Oid kCitext = 5000;
constexpr sql::Oid kHandle = 5001;       // a domain over citext
constexpr sql::Oid kHandles = 5002;      // its array
constexpr sql::Oid kOther = 5003;        // a type that the class does not see
constexpr sql::Oid kEqual = 6000;
constexpr sql::Oid kSimilar = 6001;

sql::CatalogType type(sql::Oid oid, std::string schema, std::string name, sql::Oid base = 0, sql::Oid element = 0) {
  sql::CatalogType out;
  out.oid = oid;
  out.schema = std::move(schema);
  out.name = std::move(name);
  out.base = base;
  out.element = element;
  return out;
}

std::shared_ptr<const sql::Catalog> catalog() {
  sql::CatalogContents out;
  out.schemas = {{900, "ext"}, {901, "own"}, {902, "far"}};
  out.types = {type(kInt4, "pg_catalog", "int4"), type(kCitext, "ext", "citext"),
               type(kHandle, "own", "handle", kCitext), type(kHandles, "own", "_handle", 0, kHandle),
               type(kOther, "far", "other")};
  out.operators = {{"ext", "=", kCitext, kCitext, kEqual, true}, {"ext", "<%", 25, 25, 6005, true},
                   {"far", "%%", kInt4, kInt4, kSimilar, false}, {"far", "<->", kOther, kOther, 6006, true},
                   {"ext", "||", kInt4, kInt4, 6002, false},     {"ext", "&&&", kCitext, kInt4, 6003, false},
                   {"own", "@-@", kOther, 0, 6004, false}};
  auto made = sql::Catalog::make(std::move(out));
  REQUIRE(made);
  return *made;
}

sql::ViewMap map_of(const std::set<sql::Oid>& functions, const std::set<sql::Oid>& shown) {
  sql::ViewMap out;
  add_operators(*catalog(), functions, shown, out);
  return out;
}

TEST_CASE("the server looks for operators where those of the class's types are") {
  using Schemas = std::vector<std::string>;
  CHECK(map_of({}, {kInt4}).operator_schemas.empty());
  for (const auto shown : {kCitext, kHandle, kHandles}) {
    CAPTURE(shown);
    CHECK(map_of({}, {kInt4, shown}).operator_schemas == Schemas{"ext"});
  }
  CHECK(map_of({kSimilar}, {kInt4}).operator_schemas == Schemas{"far"});
  CHECK(map_of({kSimilar}, {kHandle}).operator_schemas == Schemas{"ext", "far"});
  CHECK(operator_objects(*catalog(), {}, {kInt4}, "bz_1_c_1").empty());
  const auto made = operator_objects(*catalog(), {kSimilar}, {kHandle}, "bz_1_c_1");
  REQUIRE(made.size() == 2);
  CHECK(made[0] == schema_usage(900, "bz_1_c_1"));
  CHECK(made[1] == schema_usage(902, "bz_1_c_1"));
}

TEST_CASE("names of reviewed operators may be used, and a user's own closes one that any statement has") {
  using Names = std::unordered_set<std::string>;
  const auto none = map_of({}, {kHandle});
  CHECK(none.operators.empty());
  CHECK(none.closed_operators == Names{"||"});  // of those over citext PostgreSQL tells by the right to the function
  const auto reviewed = map_of({kEqual, kSimilar, 6002}, {kHandle});
  CHECK(reviewed.operators == Names{"=", "%%", "||"});
  CHECK(reviewed.closed_operators.empty());
}

}  // namespace
}  // namespace bartizan::wall
