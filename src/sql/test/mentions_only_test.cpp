// The second check alone, on texts that rewrite() must never give out.
#include <doctest/doctest.h>

#include "bartizan/sql/rewrite.hpp"
#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

TEST_CASE("the second check takes views and qualified names only") {
  constexpr std::string_view kGood[] = {
      "SELECT 1",
      "SELECT * FROM bz_v.orders_b2 orders",
      "SELECT * FROM bz_cat.pg_class",
      "WITH a AS (SELECT * FROM bz_v.orders_b2) SELECT * FROM a",
      "SELECT pg_catalog.lower('x'), app.score(1), bz.identity_name(), 'x'::app.mood, 1::int",
      "UPDATE bz_v.customers_a1_w customers SET notes = 'x'",
      "SELECT 'secrets', 1 AS secrets",
      "COPY (SELECT 1) TO STDOUT",
      "BEGIN",
  };
  constexpr std::string_view kBad[] = {
      "",
      "SELECT 1; SELECT 2",
      "SELEC",
      "SELECT * FROM orders",
      "SELECT * FROM public.orders",
      "SELECT * FROM public.secrets",
      "SELECT * FROM shop.bz_v.orders_b2",
      "SELECT * FROM pg_class",
      "SELECT * FROM pg_catalog.pg_class",
      "WITH a AS (SELECT * FROM secrets) SELECT * FROM a",
      "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
      "WITH a AS (SELECT 1) SELECT * FROM public.a",
      "WITH a AS (SELECT 1) DELETE FROM a",
      "SELECT (SELECT 1 FROM secrets)",
      "DELETE FROM secrets",
      "INSERT INTO public.orders VALUES (1)",
      "SELECT lower('x')",
      "SELECT pg_catalog.pg_read_file('x')",
      "SELECT pg_catalog.set_config('a', 'b', true)",
      "SELECT app.leak('x')",
      "SELECT public.identity_name()",
      "SELECT 'x'::text",
      "SELECT 'x'::pg_catalog.regclass",
      "SELECT 'x'::app.secret_kind",
      "SELECT ctid FROM bz_v.orders_b2",
      "SELECT o.tableoid FROM bz_v.orders_b2 o",
      "SELECT * INTO x FROM bz_v.orders_b2",
      "SELECT * FROM bz_v.orders_b2 TABLESAMPLE SYSTEM (1)",
      "UPDATE bz_v.orders_b2 SET total = 1 WHERE CURRENT OF c",
      "COPY bz_v.orders_b2 TO STDOUT",
      "COPY bz_v.orders_b2 FROM STDIN",
      "COPY (SELECT 1) TO '/tmp/x'",
      "COPY (SELECT 1) TO PROGRAM 'x'",
      "EXPLAIN SELECT 1",
      "DO 'x'",
      "DROP TABLE bz_v.orders_b2",
      "CREATE TABLE x AS SELECT 1",
      "TRUNCATE bz_v.orders_b2",
      "LOCK bz_v.orders_b2",
      "LISTEN x",
  };
  const Shop shop;
  for (const std::string_view text : kGood) {
    CAPTURE(text);
    CHECK(mentions_only(shop.views, *shop.catalog, text));
  }
  for (const std::string_view text : kBad) {
    CAPTURE(text);
    CHECK_FALSE(mentions_only(shop.views, *shop.catalog, text));
  }
}

}  // namespace bartizan::sql::testing
