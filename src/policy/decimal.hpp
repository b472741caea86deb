// Decimal numbers as text, exactly: what bucket bounds and constants are compared and sized with.
// No floating point, since bounds go into SQL as they are written.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bartizan::policy {

/// [+-]digits[.digits], at most 64 digits. Canonical: no leading zeros, no trailing ones, no "-0".
struct Decimal {
  bool negative = false;
  std::string whole;     ///< empty for 0
  std::string fraction;  ///< without trailing zeros

  [[nodiscard]] static std::optional<Decimal> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  /// Within the range of a signed integer of that many bytes (2, 4, 8).
  [[nodiscard]] bool fits_integer(std::size_t bytes) const;
  friend bool operator==(const Decimal&, const Decimal&) = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
};

}  // namespace bartizan::policy
