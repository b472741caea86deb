// What becomes of questions to the system catalogs where the wall has views and functions for them.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "bartizan/sql/rewrite.hpp"
#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

struct CatalogShop : Shop {
  CatalogShop() {
    views.catalog_views.clear();
    views.catalog_views["pg_catalog.pg_class"] = {{"bz_v", "cat_pg_class"}, {"oid", "relname", "relnamespace"}};
    views.catalog_views["pg_catalog.pg_index"] = {{"bz_v", "cat_pg_index"}, {"indexrelid", "indkey"}};
    views.catalog_views["information_schema.tables"] = {{"bz_v", "inf_tables"}, {"table_schema", "table_name"}};
    views.catalog_functions = "bz_v";
  }
};

}  // namespace

TEST_CASE("catalogs become the wall's views, functions the wall's functions") {
  struct Case {
    std::string_view text;
    std::string_view server_text;
  };
  constexpr Case kCases[] = {
      {"SELECT relname FROM pg_class", "SELECT relname FROM bz_v.cat_pg_class pg_class"},
      {"SELECT c.* FROM pg_catalog.pg_class AS c", "SELECT c.* FROM bz_v.cat_pg_class c"},
      {"SELECT table_name FROM information_schema.tables", "SELECT table_name FROM bz_v.inf_tables tables"},
      {"SELECT format_type(23, NULL)", "SELECT bz_v.format_type(23, NULL)"},
      {"SELECT pg_catalog.pg_get_indexdef(indexrelid, 0, true) FROM pg_index",
       "SELECT bz_v.pg_get_indexdef(indexrelid, 0, true) FROM bz_v.cat_pg_index pg_index"},
      {"SELECT pg_table_is_visible(oid) FROM pg_class",
       "SELECT bz_v.pg_table_is_visible(oid, '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[]) "
       "FROM bz_v.cat_pg_class pg_class"},
      {"SELECT 'secrets'::regclass",
       "SELECT bz_v.regclass('secrets', '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[])"},
      {"SELECT $1::pg_catalog.regclass::oid",
       "SELECT bz_v.regclass($1, '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[])::pg_catalog.oid AS oid"},
      {"SELECT oid::regclass FROM pg_class",
       "SELECT bz_v.regclass(oid, '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[]) AS oid "
       "FROM bz_v.cat_pg_class pg_class"},
      {"SELECT regtype 'int'", "SELECT bz_v.regtype('int', '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[])"},
      {"SELECT current_schemas(true)",
       "SELECT '{\"pg_catalog\",\"public\",\"app\"}'::pg_catalog.name[] AS current_schemas"},
      {"SELECT current_schemas(false)", "SELECT '{\"public\",\"app\"}'::pg_catalog.name[] AS current_schemas"},
      {"SELECT x, n FROM information_schema._pg_expandarray('{1}'::int2[])",
       "SELECT x, n FROM bz_v._pg_expandarray('{1}'::smallint[])"},
      {"SELECT (information_schema._pg_expandarray(indkey)).n FROM pg_index",
       "SELECT (bz_v._pg_expandarray(indkey)).n FROM bz_v.cat_pg_index pg_index"},
  };
  const CatalogShop shop;
  for (const Case& one : kCases) {
    CAPTURE(one.text);
    const auto outcome = shop.rewrite(one.text);
    CHECK(shown(outcome) == one.server_text);
    if (const auto* rewritten = std::get_if<Rewritten>(&outcome))
      CHECK(mentions_only(shop.views, *shop.catalog, rewritten->statements.front().server_text));
  }
}

TEST_CASE("what the wall has no view or function for is refused") {
  constexpr std::string_view kRefused[] = {
      "SELECT * FROM pg_stats",
      "SELECT * FROM pg_catalog.pg_statistic",
      "SELECT * FROM pg_authid",
      "SELECT * FROM information_schema.columns",
      "SELECT '{1}'::regclass[]",
      "SELECT 'x'::regrole",
      "SELECT 'f(int)'::regprocedure",
      "SELECT 'x'::regconfig",
      "SELECT current_schemas(1 = 1)",
      "SELECT information_schema.format_type(1, 2)",
      "SELECT information_schema._pg_truetypid(1, 2)",
      "SELECT regclass('secrets')",
      "SELECT regclass('secrets', '{public}')",
      "SELECT bz_v.regclass('secrets', '{public}')",
      "SELECT bz_v.open_connection()",
      "SELECT pg_get_viewdef('secrets', 80, 1)",
      "SELECT pg_get_expr(VARIADIC ARRAY['a', 'b'])",
      "SELECT pg_get_functiondef(1) OVER ()",
      "SELECT (x.y).z FROM (SELECT 1 AS y) AS x",
      "PREPARE p (regclass) AS SELECT $1",
      "CREATE TEMP TABLE t (a regclass)",
      "SELECT to_regprocedure('f(int)')",
      "SELECT pg_relation_filepath('secrets')",
  };
  const CatalogShop shop;
  for (const auto text : kRefused) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(shop.rewrite(text)));
  }
  const Shop bare;  // a depot whose wall has none of it
  for (const std::string_view text : {"SELECT format_type(23, NULL)", "SELECT 'secrets'::regclass",
                                      "SELECT pg_get_expr('x', 1)", "SELECT pg_get_userbyid(10)"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(bare.rewrite(text)));
  }
}

TEST_CASE("names in the client's search_path can't break out of the text") {
  const CatalogShop shop;
  auto request = shop.request("SELECT 'x'::regclass");
  request.search_path = {"it's", "a\"b", "c\\d", "e,f}"};
  CHECK(
      shown(rewrite(request)) ==
      "SELECT bz_v.regclass('x', E'{\"pg_catalog\",\"it''s\",\"a\\\\\"b\",\"c\\\\\\\\d\",\"e,f}\"}'::pg_catalog.name[])");
}

}  // namespace bartizan::sql::testing
