// A cold rewrite: parse, bind, deparse, parse again, compare, second check. Target: 300 µs.
#include <benchmark/benchmark.h>

#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "../test/rewrite_fixture.hpp"

namespace bartizan::sql {
namespace {

struct Statement {
  std::string_view label;
  std::string_view text;
};

constexpr Statement kStatements[] = {
    {"key read", "SELECT id, name, email FROM customers WHERE id = $1"},
    {"insert", "INSERT INTO orders (customer_id, total, status) VALUES ($1, $2, $3) RETURNING id"},
    {"queue", "SELECT id FROM orders WHERE status = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"},
    {"orm join",
     "SELECT o.id, o.placed_at, c.name, c.email, sum(i.qty * i.price) AS total FROM orders o JOIN customers c ON "
     "c.id = o.customer_id JOIN order_items i ON i.order_id = o.id WHERE o.status = 'paid' AND o.placed_at >= "
     "'2026-01-01' AND c.email LIKE 'a%' GROUP BY o.id, c.id ORDER BY total DESC LIMIT 50"},
    {"report",
     "WITH recent AS (SELECT customer_id, count(*) AS n, sum(total) AS total FROM orders WHERE placed_at > now() - "
     "interval '30 days' GROUP BY customer_id), ranked AS (SELECT r.*, rank() OVER (ORDER BY total DESC) AS place FROM "
     "recent r) SELECT c.name, r.n, r.total, CASE WHEN r.place <= 10 THEN 'top' ELSE 'rest' END AS class FROM ranked r "
     "JOIN customers c ON c.id = r.customer_id WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND "
     "o.status IN ('paid', 'sent')) ORDER BY r.place, c.name LIMIT 100"},
    {"refused", "SELECT ssn FROM customers WHERE id = $1"},
};

void rewrite_cold(benchmark::State& state) {
  static const testing::Shop shop;
  const Statement& statement = kStatements[state.range(0)];
  for (auto _ : state) benchmark::DoNotOptimize(shop.rewrite(statement.text));
  state.SetLabel(std::string(statement.label));
}
BENCHMARK(rewrite_cold)->DenseRange(0, static_cast<int>(std::size(kStatements)) - 1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bartizan::sql
