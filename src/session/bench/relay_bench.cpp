// What a statement costs the relay, there and back, passed through and as a consumer's: known text,
// a text with another constant each time (rewritten each time), and prepared.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "../test/consumer_world.hpp"

namespace bartizan::session::test {
namespace {

class NoLog : public audit::Log {
 public:
  Result<audit::Ticket> begin(const audit::Intent& intent) override {
    benchmark::DoNotOptimize(intent.statement.data());
    return audit::Ticket(1);
  }
  void finish(audit::Ticket, const audit::Outcome&) override {}
  [[nodiscard]] bool durable(audit::Ticket) const noexcept override { return true; }
};

struct Bench {
  explicit Bench(bool walled)
      : relay({}, "\"session\":1", {analyses, log, clock, stale, &rewrites}, {}, {},
              walled ? consumer_of("north") : nullptr) {}
  StandingClock clock;
  NoLog log;
  std::atomic<bool> stale{false};
  sql::AnalysisCache analyses{sql::DigestKey{}, std::size_t{1} << 20};
  RewriteCache rewrites{sql::DigestKey{}, std::size_t{1} << 20};
  Relay relay;
  ServerRuns to_server;
  ByteRuns to_client;

  void exchange(const std::string& client, const std::string& server) {
    to_server.clear();
    to_client.clear();
    benchmark::DoNotOptimize(relay.on_client(as_bytes(client), to_server));
    benchmark::DoNotOptimize(relay.on_server(as_bytes(server), to_client));
  }
};

const std::string kRows = row_description() + data_row("1") + complete("SELECT 1") + ready();

void simple_known(benchmark::State& state) {
  const bool walled = state.range(0) != 0;
  Bench bench(walled);
  const auto asked = query("SELECT id, email FROM accounts WHERE id = 7");
  const auto answer = (walled ? context_result() : std::string()) + kRows;
  for (auto _ : state) bench.exchange(asked, answer);
  state.SetLabel(walled ? "consumer" : "passed through");
}
BENCHMARK(simple_known)->Arg(0)->Arg(1);

void simple_fresh_constant(benchmark::State& state) {
  const bool walled = state.range(0) != 0;
  Bench bench(walled);
  const auto answer = (walled ? context_result() : std::string()) + kRows;
  int constant = 0;
  for (auto _ : state)
    bench.exchange(query("SELECT id, email FROM accounts WHERE id = " + std::to_string(++constant)), answer);
  state.SetLabel(walled ? "consumer" : "passed through");
}
BENCHMARK(simple_fresh_constant)->Arg(0)->Arg(1);

void prepared(benchmark::State& state) {
  const bool walled = state.range(0) != 0;
  Bench bench(walled);
  const auto run = bind_portal("", "a") + execute("") + sync();
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1") + ready();
  bench.exchange(parse("a", "SELECT id, email FROM accounts WHERE id = 7") + run,
                 parse_complete() + (walled ? setter_prepared() + context_put() : std::string()) + answer);
  const auto later = (walled ? context_put() : std::string()) + answer;
  for (auto _ : state) bench.exchange(run, later);
  state.SetLabel(walled ? "consumer" : "passed through");
}
BENCHMARK(prepared)->Arg(0)->Arg(1);

}  // namespace
}  // namespace bartizan::session::test
