#include "bartizan/config/quantity.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "in_quotes.hpp"

namespace bartizan::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// Largest first: format() takes the first that divides.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 5> kSizeUnits{
    {{"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1}}};

/// Both kinds fit a signed 64-bit count of their smallest unit.
constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty() && text == "0") return 0;
  for (const Unit& unit : units) {
    if (suffix != unit.suffix) continue;
    if (count > kLargest / unit.factor) return std::nullopt;
    return count * unit.factor;
  }
  return std::nullopt;
}

std::string format(std::uint64_t value, std::span<const Unit> units) {
  if (value == 0) return "0";
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.suffix);
  }
  return "0";  // not reached: the last factor is 1
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto millis = parse(text, kDurationUnits);
  if (!millis) {
    return fail(Errc::InvalidArgument,
                in_quotes(text) + R"( is not a duration: write a whole number and ms, s, m, h or d, such as "60s")");
  }
  return Duration(static_cast<std::int64_t>(*millis));
}

Result<ByteSize> parse_byte_size(std::string_view text) {
  const auto bytes = parse(text, kSizeUnits);
  if (!bytes) {
    return fail(
        Errc::InvalidArgument,
        in_quotes(text) + R"( is not a size: write a whole number and B, KiB, MiB, GiB or TiB, such as "64KiB")");
  }
  return ByteSize{*bytes};
}

std::string format(Duration value) { return format(static_cast<std::uint64_t>(value.count()), kDurationUnits); }
std::string format(ByteSize value) { return format(value.bytes, kSizeUnits); }

}  // namespace bartizan::config
