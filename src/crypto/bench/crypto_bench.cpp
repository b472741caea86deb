#include <benchmark/benchmark.h>

#include "bartizan/crypto/aead.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/pbkdf2.hpp"

namespace {

using namespace bartizan;

void hmac_sha256_64_bytes(benchmark::State& state) {
  const Bytes key(32);
  const Bytes data(64);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::hmac_sha256(key, data));
}
BENCHMARK(hmac_sha256_64_bytes);

void seal_64_bytes(benchmark::State& state) {
  const auto key = crypto::SealingKey::generate(system_random());
  const Bytes plaintext(64);
  for (auto _ : state) benchmark::DoNotOptimize(key.seal(plaintext, plaintext, system_random()));
}
BENCHMARK(seal_64_bytes);

void open_64_bytes(benchmark::State& state) {
  const auto key = crypto::SealingKey::generate(system_random());
  const Bytes plaintext(64);
  const auto sealed = key.seal(plaintext, plaintext, system_random());
  for (auto _ : state) benchmark::DoNotOptimize(key.open(*sealed, plaintext));
}
BENCHMARK(open_64_bytes);

void pbkdf2_4096_iterations(benchmark::State& state) {
  const Bytes password(16);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::pbkdf2_hmac_sha256(password, password, 4096, 32));
}
BENCHMARK(pbkdf2_4096_iterations);

}  // namespace
