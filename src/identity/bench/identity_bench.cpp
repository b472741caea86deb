#include <benchmark/benchmark.h>

#include "bartizan/identity/lockout.hpp"
#include "bartizan/identity/scram_client.hpp"
#include "bartizan/identity/scram_server.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::identity;

/// The server's whole share of a sign-in: both messages. The client's is worked out beforehand.
void scram_server_exchange(benchmark::State& state) {
  const Bytes salt(16);
  const auto verifier = ScramVerifier::from_password("pencil", salt, 4096);
  const auto keys = derive_scram_client_keys("pencil", salt, 4096);
  ScramClient client({}, "client-nonce-of-24-chars", {});
  const std::string first = client.client_first();
  ScramServer rehearsal(verifier->clone(), true, std::nullopt, "server-nonce-of-24-chars");
  (void)client.parse_server_first(*rehearsal.client_first(kScramSha256, first));
  const std::string final = *client.client_final(*keys);
  for (auto _ : state) {
    ScramServer server(verifier->clone(), true, std::nullopt, "server-nonce-of-24-chars");
    benchmark::DoNotOptimize(server.client_first(kScramSha256, first));
    const auto reply = server.client_final(final);
    if (!reply) state.SkipWithError("the exchange failed");
  }
}
BENCHMARK(scram_server_exchange);

void scram_client_keys_4096_iterations(benchmark::State& state) {
  const Bytes salt(16);
  for (auto _ : state) benchmark::DoNotOptimize(derive_scram_client_keys("pencil", salt, 4096));
}
BENCHMARK(scram_client_keys_4096_iterations);

void throttle_attempt_and_failure(benchmark::State& state) {
  SignInThrottle throttle({}, as_bytes("0123456789abcdef"));
  auto now = SteadyTime();
  int i = 0;
  for (auto _ : state) {
    const std::string account = "user" + std::to_string(++i % 100000);
    now += std::chrono::milliseconds(1);
    benchmark::DoNotOptimize(throttle.before_attempt(account, "192.0.2.1", now));
    throttle.failed(account, "192.0.2.1", now);
  }
}
BENCHMARK(throttle_attempt_and_failure);

}  // namespace
