// FF1, format-preserving encryption (NIST SP 800-38G rev. 1 draft): a string of numerals becomes another of the same
// length and radix, under a key and a tweak. It hides less than an AEAD does: equal inputs under one tweak have equal
// outputs, and nothing is authenticated. For systems that take no other shape, and domains of at least a million.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::crypto {

inline constexpr std::uint32_t kFf1MaxRadix = 256;
inline constexpr std::size_t kFf1MaxNumerals = 4096;
inline constexpr std::size_t kFf1MaxTweak = 1024;
/// radix ^ length at least: fewer could be guessed.
inline constexpr std::uint32_t kFf1SmallestDomain = 1'000'000;

/// Not thread-safe: one for each thread. Holds a key; wiped at its end. Move-only.
class Ff1 {
 public:
  /// InvalidArgument unless the key has 16, 24 or 32 bytes.
  [[nodiscard]] static Result<Ff1> from_key(ByteView key);
  Ff1(Ff1&&) noexcept;
  Ff1& operator=(Ff1&&) noexcept;
  ~Ff1();

  using Numerals = std::vector<std::uint8_t>;
  /// InvalidArgument: a radix that is not 2 to kFf1MaxRadix, a numeral that is not below it, a domain that is too
  /// small, more numerals or a longer tweak than permitted.
  [[nodiscard]] Result<Numerals> encrypt(std::uint32_t radix, ByteView tweak, std::span<const std::uint8_t> numerals);
  [[nodiscard]] Result<Numerals> decrypt(std::uint32_t radix, ByteView tweak, std::span<const std::uint8_t> numerals);

 private:
  struct State;
  explicit Ff1(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::crypto
