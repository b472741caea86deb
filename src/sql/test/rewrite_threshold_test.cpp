// Tables of aggregates alone: which statements get the threshold, and what is refused so that none goes
// round it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <variant>

#include "bartizan/sql/rewrite.hpp"
#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

/// The shop, with orders for aggregates over at least 5 customers alone; total may not be null.
struct CountedShop : Shop {
  CountedShop() {
    auto contents = catalog->contents();
    for (const auto& [oid, name] : {std::pair<Oid, const char*>{kInt4, "int4"},
                                    {kText, "text"},
                                    {kInt8, "int8"},
                                    {kNumeric, "numeric"},
                                    {kTimestamptz, "timestamptz"},
                                    {kJsonb, "jsonb"},
                                    {kTextArray, "_text"}})
      contents.types.push_back(type(oid, "pg_catalog", name, TypeKind::Base));
    for (CatalogRelation& one : contents.relations)
      if (one.oid == 101) one.columns[2].not_null = true;
    catalog = *Catalog::make(std::move(contents));
    ClassView& orders = views.relations.at(101);
    orders.verbs = Verbs::Select;
    for (ViewColumn& column : orders.columns) column.writable = false;
    orders.threshold = Threshold{5, 2};
  }
};

struct Case {
  std::string_view text;
  std::string_view server_text;
};

constexpr Case kGuarded[] = {
    {"SELECT count(*) FROM orders",
     "SELECT pg_catalog.count(*) FROM bz_v.orders_b2 orders HAVING CASE WHEN pg_catalog.count(DISTINCT "
     "orders.customer_id) >= 5 THEN true ELSE false END OFFSET 0"},
    {"SELECT status, sum(total), avg(total)::int FROM orders WHERE placed_at >= '2026-01-01' AND status <> $1 "
     "GROUP BY status HAVING count(*) > 10 ORDER BY 2 DESC LIMIT 3",
     "SELECT status, pg_catalog.sum(total), pg_catalog.avg(total)::int FROM bz_v.orders_b2 orders WHERE placed_at >= '2026-01-01' AND status "
     "<> $1 GROUP BY status HAVING CASE WHEN pg_catalog.count(DISTINCT orders.customer_id) >= 5 THEN "
     "pg_catalog.count(*) > 10 ELSE false END ORDER BY 2 DESC LIMIT 3 OFFSET 0"},
    // A sum in which one row alone is not null is that row's.
    {"SELECT o.status, count(o.ref) FROM orders AS o GROUP BY 1",
     "SELECT o.status, pg_catalog.count(o.ref) FROM bz_v.orders_b2 o GROUP BY 1 HAVING CASE WHEN "
     "pg_catalog.count(DISTINCT o.customer_id) >= 5 AND pg_catalog.count(DISTINCT o.customer_id) FILTER (WHERE o.ref "
     "IS NOT NULL) >= 5 THEN true ELSE false END OFFSET 0"},
};

constexpr std::string_view kPermitted[] = {
    "SELECT date_trunc('month', placed_at) AS m, sum(total) FROM orders GROUP BY m ORDER BY m",
    "SELECT extract(year FROM placed_at), stddev(total), variance(total) FROM orders GROUP BY 1",
    "SELECT count(DISTINCT status) FROM orders WHERE status IN ('a', 'b') OR id BETWEEN 5 AND 9 OR ref IS NULL",
    "SELECT round(avg(total) / count(*), 2), CASE WHEN sum(total) > 5 THEN 'x' END FROM orders WHERE id = ANY ($1)",
    "SELECT x.status, c.name FROM (SELECT status, sum(total) AS s FROM orders GROUP BY status) x JOIN customers c ON c.name = x.status",
    "WITH x AS (SELECT sum(total) AS s FROM orders) SELECT 1 / s FROM x",
    "SELECT name FROM customers WHERE balance > (SELECT avg(total) FROM orders)",
    "SELECT sum(total) FROM orders WHERE status = 'a' UNION SELECT sum(total) FROM orders WHERE NOT status = 'b'",
    "SELECT status FROM orders GROUP BY status ORDER BY count(*)",
    "SELECT count(*) FROM orders WHERE 1 = 1 AND placed_at < date '2026-01-01' AND placed_at < current_date",
    "COPY (SELECT status, count(*) FROM orders GROUP BY status) TO STDOUT",
    "DECLARE c CURSOR FOR SELECT count(*) FROM orders",
    "PREPARE p (int, text) AS SELECT count(*) FROM orders WHERE id > $1 AND status = $2",
    "INSERT INTO inbox (id, body) SELECT 1, count(*)::text FROM orders",
};

constexpr std::string_view kRefused[] = {
    // single rows
    "SELECT * FROM orders",
    "TABLE orders",
    "SELECT orders FROM orders",
    "SELECT orders.* FROM orders",
    "SELECT total FROM orders",
    "SELECT total, count(*) FROM orders GROUP BY status",
    "SELECT id, customer_id FROM orders LIMIT 1",
    "SELECT total + 1 FROM orders",
    "SELECT count(*), status FROM orders",
    "SELECT DISTINCT status FROM orders",
    "SELECT DISTINCT ON (status) status, count(*) FROM orders GROUP BY status",
    "SELECT count(*) FROM orders FOR UPDATE",
    "COPY orders TO STDOUT",
    "COPY orders (id) TO STDOUT",
    "DECLARE c CURSOR FOR SELECT * FROM orders",
    // aggregates that give single values, or that can be made to
    "SELECT max(total) FROM orders",
    "SELECT min(total) FROM orders GROUP BY status",
    "SELECT array_agg(total) FROM orders",
    "SELECT string_agg(ref, ',') FROM orders",
    "SELECT json_agg(orders) FROM orders",
    "SELECT jsonb_object_agg(id, total) FROM orders",
    "SELECT bool_or(total > 5) FROM orders",
    "SELECT bit_or(id) FROM orders",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY total) FROM orders",
    "SELECT mode() WITHIN GROUP (ORDER BY total) FROM orders",
    "SELECT range_agg(int8range(id, id)) FROM orders",
    "SELECT sum(DISTINCT total) FROM orders",
    "SELECT avg(DISTINCT total) FROM orders",
    "SELECT count(orders) FROM orders",
    "SELECT count(orders.*) FROM orders",
    "SELECT regr_slope(total, id) FROM orders",
    // weights
    "SELECT sum(CASE WHEN id = 7 THEN total ELSE 0 END) FROM orders",
    "SELECT sum(total * (id = 7)::int) FROM orders",
    "SELECT sum(total ^ 50) FROM orders",
    "SELECT sum(total) FILTER (WHERE id = 7) FROM orders",
    "SELECT count(*) FILTER (WHERE id = 7 AND total > 100) FROM orders",
    "SELECT count(CASE WHEN id = 7 AND total > 100 THEN 1 END) FROM orders",
    "SELECT count(nullif(total, 100)) FROM orders",
    "SELECT avg(total::float8) FROM orders",
    "SELECT sum(length(ref)) FROM orders",
    "SELECT avg(ref) FROM orders",
    "SELECT sum(o.total) FROM orders o, generate_series(1, 1000000) g WHERE o.id = 7 OR g = 1",
    "SELECT sum(o.total) FROM orders o JOIN (VALUES (7), (7)) v (id) ON v.id = o.id",
    "SELECT sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id",
    "SELECT sum(a.total) FROM orders a, orders b",
    "SELECT sum(x.total) FROM (SELECT total FROM orders) x",
    "SELECT l.* FROM customers c, LATERAL (SELECT o.total FROM orders o WHERE o.customer_id = c.id) l",
    "SELECT count(*) FROM (orders o CROSS JOIN customers)",
    // windows
    "SELECT sum(total) OVER () FROM orders",
    "SELECT row_number() OVER (ORDER BY total) FROM orders",
    "SELECT sum(count(*)) OVER () FROM orders GROUP BY status",
    "SELECT lag(status) OVER w FROM orders GROUP BY status WINDOW w AS (ORDER BY status)",
    // an error, or none, by what one row holds
    "SELECT count(*) FROM orders WHERE 1 / (total - 100) > 0",
    "SELECT count(*) FROM orders WHERE id = 7 AND total > 100 AND 1 / ($1 - 1) = 0",
    "SELECT count(*) FROM orders WHERE id = 7 AND ref::int > 5",
    "SELECT count(*) FROM orders WHERE id = 7 AND placed_at > $1::text::timestamptz",
    "SELECT count(*) FROM orders WHERE id = 7 AND placed_at > $1::timestamptz",
    "SELECT count(*) FROM orders WHERE id = 7 AND placed_at > now() - interval '300000 years'",
    "SELECT count(*) FROM orders WHERE ref LIKE 'ab\\'",
    "SELECT count(*) FROM orders WHERE ref ~ '('",
    "SELECT count(*) FROM orders WHERE ref SIMILAR TO 'x'",
    "SELECT count(*) FROM orders WHERE lower(ref) = 'x'",
    "SELECT count(*) FROM orders WHERE status = ref",
    "SELECT count(*) FROM orders WHERE ref COLLATE \"C\" = 'x'",
    "SELECT count(*) FROM orders WHERE tags = '{}'",
    "SELECT count(*) FROM orders WHERE 'a' = ANY (tags)",
    "SELECT count(*) FROM orders WHERE id = '5'::regclass",
    "SELECT count(*) FROM orders WHERE id = '5'::oid",
    "SELECT count(*) FROM orders WHERE CASE WHEN id = 7 THEN total > 5 END",
    "SELECT count(*) FROM orders WHERE (id, total) > (7, 5)",
    "SELECT count(*) FROM orders WHERE coalesce(total, 5) = 5",
    "SELECT count(*) FROM orders WHERE greatest(total, 5) = 5",
    "SELECT count(*) FROM orders WHERE orders IS NULL",
    "SELECT count(*) FROM orders WHERE total = ANY (ARRAY[1 / $1])",
    "SELECT count(*) FROM orders WHERE id BETWEEN 5 AND 1 / $1",
    "SELECT count(*) FROM orders GROUP BY 1 / (total - 100)",
    "SELECT count(*) FROM orders WHERE id = 7 GROUP BY date_trunc('nonsense', placed_at)",
    "SELECT count(*) FROM orders WHERE id = 7 GROUP BY date_trunc($1, placed_at)",
    "SELECT count(*) FROM orders WHERE id = 7 GROUP BY date_trunc('month', placed_at, 'nowhere')",
    "SELECT count(*) FROM orders GROUP BY extract(month FROM total)",
    "SELECT 1 / (total - 5) AS x FROM orders GROUP BY x",
    "SELECT 1 / (total - 5), count(*) FROM orders GROUP BY 1",
    "SELECT count(*) FROM orders GROUP BY tags",
    // sub-queries that see single rows
    "SELECT (SELECT sum(orders.total * 2)) FROM orders",
    "SELECT count(*) FROM orders WHERE id = 7 AND (SELECT 1 / 0) = 1",
    "SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = customer_id AND 1 / c.id = 0)",
    "SELECT status, (SELECT max(o.total) FROM orders o) FROM orders GROUP BY status",
    "SELECT status FROM orders GROUP BY status HAVING (SELECT count(*) FROM customers) > 1",
    "SELECT count(*) FROM orders GROUP BY (SELECT 1)",
    "SELECT name, (SELECT o.total FROM orders o WHERE o.customer_id = customers.id) FROM customers",
    "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
    "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders)",
    // sets of groups, and other names
    "SELECT status, sum(total) FROM orders GROUP BY ROLLUP (status)",
    "SELECT status, sum(total) FROM orders GROUP BY GROUPING SETS ((status), ())",
    "SELECT count(*) FROM orders AS o (a, b, c)",
    "SELECT app.score(id) FROM orders GROUP BY id",
    // writes
    "UPDATE orders SET total = 0",
    "DELETE FROM orders WHERE id = 7 AND total > 100",
    "INSERT INTO orders (id) VALUES (1)",
    "UPDATE customers SET name = 'x' FROM orders o WHERE o.customer_id = customers.id AND o.total > 100",
    "DELETE FROM customers USING orders o WHERE o.customer_id = customers.id",
    "INSERT INTO inbox (id, body) SELECT id, ref FROM orders",
    "WITH x AS (SELECT * FROM orders) SELECT sum(total) FROM x",
    "PREPARE p (oid) AS SELECT count(*) FROM orders WHERE id = $1",
};

}  // namespace

TEST_CASE("the threshold stands before whatever is made of a group, and a fence behind it") {
  const CountedShop shop;
  for (const Case& one : kGuarded) CHECK(shown(shop.rewrite(one.text)) == one.server_text);
}

TEST_CASE("aggregates that tell of no single row are permitted") {
  const CountedShop shop;
  for (const std::string_view text : kPermitted) {
    CAPTURE(text);
    const RewriteOutcome outcome = shop.rewrite(text);
    CAPTURE(shown(outcome));
    const auto* const rewritten = std::get_if<Rewritten>(&outcome);
    REQUIRE(rewritten != nullptr);
    const RewrittenStatement& one = rewritten->statements.front();
    CHECK(one.plain_parameters);
    CHECK(one.server_text.find("count(DISTINCT ") != std::string::npos);
    CHECK(std::ranges::find(one.read, ColumnId{101, 2}) != one.read.end());
  }
  CHECK_FALSE(std::get<Rewritten>(shop.rewrite("SELECT name FROM customers")).statements.front().plain_parameters);
}

TEST_CASE("everything else on such a table is refused") {
  const CountedShop shop;
  for (const std::string_view text : kRefused) {
    CAPTURE(text);
    const RewriteOutcome outcome = shop.rewrite(text);
    CHECK_MESSAGE(std::holds_alternative<Refused>(outcome), shown(outcome));
    // Each for what it is, not for the second check.
    CHECK(shown(outcome).find("can't be rewritten") == std::string::npos);
    CHECK(std::holds_alternative<Refused>(shop.rewrite("SELECT 1 FROM (" + std::string(text) + ") x")));
  }
}

TEST_CASE("of parameters those that compare without a conversion that may fail") {
  for (const Oid permitted : {0U, 16U, 23U, 25U, 705U, 1007U, 1184U, 2950U}) CHECK(is_plain_parameter_type(permitted));
  for (const Oid other : {18U, 19U, 26U, 790U, 1186U, 2205U, 3802U}) CHECK_FALSE(is_plain_parameter_type(other));
}

}  // namespace bartizan::sql::testing
