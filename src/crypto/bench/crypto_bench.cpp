#include <benchmark/benchmark.h>

#include "bartizan/crypto/aead.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/hmac_key.hpp"
#include "bartizan/crypto/pbkdf2.hpp"
#include "bartizan/crypto/xaes_256_gcm.hpp"

namespace {

using namespace bartizan;

void hmac_sha256_64_bytes(benchmark::State& state) {
  const Bytes key(32);
  const Bytes data(64);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::hmac_sha256(key, data));
}
BENCHMARK(hmac_sha256_64_bytes);

void hmac_key_64_bytes(benchmark::State& state) {
  crypto::HmacSha256Key key(Bytes(32));
  const Bytes data(64);
  for (auto _ : state) benchmark::DoNotOptimize(key.mac({data}));
}
BENCHMARK(hmac_key_64_bytes);

void xaes_seal_16_bytes(benchmark::State& state) {
  auto cipher = crypto::Xaes256Gcm::from_key(Bytes(32));
  const Bytes nonce(24), aad(64), plaintext(16);
  Bytes sealed(32);
  for (auto _ : state) {
    cipher->seal(crypto::Xaes256Gcm::NonceView(nonce), aad, plaintext, sealed);
    benchmark::DoNotOptimize(sealed.data());
  }
}
BENCHMARK(xaes_seal_16_bytes);

void xaes_open_16_bytes(benchmark::State& state) {
  auto cipher = crypto::Xaes256Gcm::from_key(Bytes(32));
  const Bytes nonce(24), aad(64), plaintext(16);
  Bytes sealed(32), opened(16);
  cipher->seal(crypto::Xaes256Gcm::NonceView(nonce), aad, plaintext, sealed);
  for (auto _ : state)
    benchmark::DoNotOptimize(cipher->open(crypto::Xaes256Gcm::NonceView(nonce), aad, sealed, opened));
}
BENCHMARK(xaes_open_16_bytes);

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
