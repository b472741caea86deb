// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein 2012, and their later 128-bit
// form), over 64-bit words: a message is always a whole number of 8-byte little-endian words.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "bartizan/sql/digest.hpp"

namespace bartizan::sql {

static_assert(std::endian::native == std::endian::little, "load_word would have to swap");

/// Up to 8 bytes as a little-endian word, zeroes above.
[[nodiscard]] inline std::uint64_t load_word(const char* bytes, std::size_t count) noexcept {
  if (count == 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    return word;
  }
  // No call of memcpy for a count that the compiler can't know.
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return word;
}

class SipHash128 {
 public:
  explicit SipHash128(const DigestKey& key) noexcept {
    std::uint64_t k[2];
    std::memcpy(k, key.bytes.data(), sizeof k);
    v0_ = k[0] ^ 0x736f6d6570736575u;
    v1_ = k[1] ^ 0x646f72616e646f6du ^ 0xee;
    v2_ = k[0] ^ 0x6c7967656e657261u;
    v3_ = k[1] ^ 0x7465646279746573u;
  }

  void word(std::uint64_t m) noexcept {
    ++words_;
    compress(m);
  }
  void bytes(const char* data, std::size_t size) noexcept {
    for (; size >= 8; data += 8, size -= 8) word(load_word(data, 8));
    if (size > 0) word(load_word(data, size));
  }

  [[nodiscard]] Digest finish() noexcept {
    compress((words_ * 8) << 56);
    v2_ ^= 0xee;
    const std::uint64_t first = finalize();
    v1_ ^= 0xdd;
    return {first, finalize()};
  }

 private:
  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  void compress(std::uint64_t m) noexcept {
    v3_ ^= m;
    round();
    round();
    v0_ ^= m;
  }
  std::uint64_t finalize() noexcept {
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t words_ = 0;
};

}  // namespace bartizan::sql
