// PostgreSQL's numeric as its binary format has it: base 10000 digits, the weight of the first
// (its power of 10000), a sign and the display scale. Arithmetic is as in PostgreSQL 15.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/transform/bounded_bytes.hpp"

namespace bartizan::transform {

/// Owns plaintext: wiped at its end. Move-only.
class Numeric {
 public:
  enum class Sign : std::uint16_t {
    Positive = 0,
    Negative = 0x4000,
    NaN = 0xC000,
    PositiveInfinity = 0xD000,
    NegativeInfinity = 0xF000,
  };
  static constexpr std::int32_t kMaxScale = 0x3FFF;

  Numeric() = default;
  Numeric(const Numeric&) = delete;
  Numeric& operator=(const Numeric&) = delete;
  Numeric(Numeric&&) noexcept = default;
  Numeric& operator=(Numeric&&) noexcept = default;
  ~Numeric() { secure_wipe(digits_.data(), digits_.size() * sizeof(std::uint16_t)); }

  enum class Problem : std::uint8_t { Syntax, Range };
  /// numeric_in without a typmod, white space already trimmed.
  [[nodiscard]] static tl::expected<Numeric, Problem> parse(std::string_view text);
  /// numeric_recv without a typmod; nullopt for what is not well-formed.
  [[nodiscard]] static std::optional<Numeric> read(ByteView binary);

  [[nodiscard]] bool is_special() const noexcept { return (static_cast<std::uint16_t>(sign_) & 0x8000) != 0; }
  [[nodiscard]] bool is_infinite() const noexcept {
    return sign_ == Sign::PositiveInfinity || sign_ == Sign::NegativeInfinity;
  }
  /// Rounds half away from zero to the typmod's scale; false when it passes the precision.
  [[nodiscard]] bool apply_typmod(std::int32_t typmod);

  /// Normalised, so equal values of equal scale have one form.
  void write_binary(BoundedBytes& out) const;
  /// numeric_out.
  void write_text(BoundedBytes& out) const;

 private:
  void normalise();
  void truncate_to(std::int32_t scale);
  void round_to(std::int32_t scale);
  [[nodiscard]] bool fits_format() const noexcept;
  [[nodiscard]] std::uint16_t digit(std::int64_t weight) const noexcept;

  Sign sign_ = Sign::Positive;
  std::int64_t weight_ = 0;
  std::int64_t scale_ = 0;
  std::vector<std::uint16_t> digits_;
};

}  // namespace bartizan::transform
