#include "decimal.hpp"

#include <algorithm>

namespace bartizan::policy {
namespace {

constexpr std::size_t kMaxDigits = 64;

bool digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::strong_ordering magnitude(const Decimal& a, const Decimal& b) {
  if (const auto by_size = a.whole.size() <=> b.whole.size(); by_size != 0) return by_size;
  if (const auto by_whole = a.whole.compare(b.whole) <=> 0; by_whole != 0) return by_whole;
  return a.fraction.compare(b.fraction) <=> 0;  // trailing zeros are gone: text order is number order
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.size() + fraction.size() > kMaxDigits || whole.empty() || !digits(whole) || !digits(fraction))
    return std::nullopt;
  if (point != std::string_view::npos && fraction.empty()) return std::nullopt;
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  out.whole = whole;
  out.fraction = fraction;
  if (out.whole.empty() && out.fraction.empty()) out.negative = false;
  return out;
}

std::string Decimal::text() const {
  std::string out = negative ? "-" : "";
  out += whole.empty() ? "0" : whole;
  return fraction.empty() ? out : out + "." + fraction;
}

bool Decimal::fits_integer(std::size_t bytes) const {
  if (!fraction.empty()) return false;
  const std::string_view most = bytes == 2 ? "32767" : bytes == 4 ? "2147483647" : "9223372036854775807";
  const std::string_view least = bytes == 2 ? "-32768" : bytes == 4 ? "-2147483648" : "-9223372036854775808";
  return *this <= *parse(most) && *this >= *parse(least);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  return a.negative ? magnitude(b, a) : magnitude(a, b);
}

}  // namespace bartizan::policy
