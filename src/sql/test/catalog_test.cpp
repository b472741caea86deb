#include "bartizan/sql/catalog.hpp"

#include <doctest/doctest.h>

#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

TEST_CASE("objects are found by oid and by name") {
  const auto catalog = shop_catalog();
  REQUIRE(catalog != nullptr);
  CHECK(catalog->epoch() == 7);
  CHECK(catalog->has_schema("app"));
  CHECK_FALSE(catalog->has_schema("App"));
  const CatalogRelation* const orders = catalog->relation("public", "orders");
  REQUIRE(orders != nullptr);
  CHECK(orders == catalog->relation(101));
  CHECK(catalog->relation("app", "orders")->oid == 105);
  CHECK(catalog->relation("public", "Orders") == nullptr);
  CHECK(orders->column("total")->attnum == 3);
  CHECK(orders->column(AttrNumber{3})->name == "total");
  CHECK(orders->column(AttrNumber{99}) == nullptr);
  CHECK(orders->primary_key()->columns == std::vector<AttrNumber>{1});
  CHECK(catalog->relation(105)->primary_key() == nullptr);
  CHECK(catalog->type("app", "mood")->oid == kMood);
  CHECK(catalog->functions("app", "mixed").size() == 2);
  CHECK(catalog->functions("public", "mixed").empty());
  CHECK(catalog->function(6001)->name == "score");
}

TEST_CASE("contents that contradict themselves are not taken") {
  const auto made = [](auto change) {
    CatalogContents contents;
    contents.relations = {relation(1, "s", "a", {{"x"}, {"y"}}), relation(2, "s", "b", {{"x"}})};
    change(contents);
    return Catalog::make(std::move(contents)).has_value();
  };
  CHECK(made([](CatalogContents&) {}));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[1].oid = 1; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[1].oid = 0; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[1].name = "a"; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[0].columns[1].attnum = 1; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[0].columns[0].attnum = -1; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.relations[0].keys = {key("k", {3}, true)}; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.schemas = {{1, "s"}, {2, "s"}}; }));
  CHECK_FALSE(made(
      [](CatalogContents& c) { c.types = {type(1, "s", "t", TypeKind::Enum), type(1, "s", "u", TypeKind::Enum)}; }));
  CHECK_FALSE(made([](CatalogContents& c) { c.functions = {function(0, "f", {})}; }));
}

}  // namespace bartizan::sql::testing
