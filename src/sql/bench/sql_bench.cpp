#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/analysis_cache.hpp"
#include "bartizan/sql/digest.hpp"

namespace bartizan::sql {
namespace {

const std::string& statement(std::int64_t index) {
  static const std::string statements[] = {
      "SELECT abalance FROM pgbench_accounts WHERE aid = 123456;",
      "UPDATE pgbench_accounts SET abalance = abalance + -1234 WHERE aid = 123456;",
      "SELECT o.id, o.placed_at, c.name, c.email, sum(i.quantity * i.price) AS total FROM orders o JOIN customers c ON "
      "c.id = o.customer_id JOIN items i ON i.order_id = o.id WHERE o.tenant_id = 42 AND o.placed_at >= '2026-01-01' AND "
      "c.email LIKE 'a%' GROUP BY o.id, o.placed_at, c.name, c.email ORDER BY total DESC LIMIT 50",
      [] {
        std::string list = "SELECT * FROM t WHERE id IN (1";
        for (int i = 0; i < 1000; ++i) list += ", " + std::to_string(100000 + i);
        return list + ")";
      }(),
  };
  return statements[index];
}

void set_label(benchmark::State& state) {
  static constexpr std::string_view kLabels[] = {"pgbench select", "pgbench update", "orm join", "in list of 1000"};
  state.SetLabel(std::string(kLabels[state.range(0)]));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(statement(state.range(0)).size()));
}

void token_digest(benchmark::State& state) {
  const auto& text = statement(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(digest(text, {}, DigestKey{}));
  set_label(state);
}
void analyse_cached(benchmark::State& state) {
  const auto& text = statement(state.range(0));
  AnalysisCache cache(DigestKey{}, 1 << 20);
  for (auto _ : state) benchmark::DoNotOptimize(cache.analyse(text, {}));
  set_label(state);
}
void analyse_cold(benchmark::State& state) {
  const auto& text = statement(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(analyse(text, {}));
  set_label(state);
}

BENCHMARK(token_digest)->DenseRange(0, 3);
BENCHMARK(analyse_cached)->DenseRange(0, 3);
BENCHMARK(analyse_cold)->DenseRange(0, 3);

}  // namespace
}  // namespace bartizan::sql
