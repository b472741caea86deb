// Durations and sizes as people write them in configuration: "10ms", "15s", "5m", "2h", "7d";
// "512B", "64KiB", "16MiB", "1GiB". One whole number and one unit, nothing else, so that a value
// has one reading; "0" alone stands for "off" and needs no unit.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::config {

using Duration = std::chrono::milliseconds;

struct ByteSize {
  std::uint64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

/// InvalidArgument, with the accepted units, unless text is a duration that fits.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
[[nodiscard]] Result<ByteSize> parse_byte_size(std::string_view text);

/// The largest unit that divides the value; parse(format(x)) == x. REQUIRES: value >= 0.
[[nodiscard]] std::string format(Duration value);
[[nodiscard]] std::string format(ByteSize value);

}  // namespace bartizan::config
