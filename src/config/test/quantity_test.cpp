#include "bartizan/config/quantity.hpp"

#include <doctest/doctest.h>

#include <cstdint>

namespace bartizan::config {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations") {
  struct Row {
    const char* text;
    Duration value;
    const char* formatted;
  };
  for (const Row& row :
       {Row{"0", 0ms, "0"}, Row{"0s", 0ms, "0"}, Row{"10ms", 10ms, "10ms"}, Row{"1500ms", 1500ms, "1500ms"},
        Row{"60s", 60s, "1m"}, Row{"5m", 5min, "5m"}, Row{"36h", 36h, "36h"}, Row{"24h", 24h, "1d"},
        Row{"7d", 168h, "7d"}, Row{"007s", 7s, "7s"}, Row{"106751991167d", 106751991167 * 24h, "106751991167d"}}) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == row.value);
    CHECK(format(*parsed) == row.formatted);
  }
}

TEST_CASE("what is no duration is refused, also when it would overflow") {
  for (const char* text :
       {"", "5", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1sec", "1m30s", "0x1s", "00", "106751991168d",
        "18446744073709551615ms", "18446744073709551616ms", "99999999999999999999999d"}) {
    CAPTURE(text);
    const auto parsed = parse_duration(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Errc::InvalidArgument);
  }
}

TEST_CASE("sizes") {
  struct Row {
    const char* text;
    std::uint64_t bytes;
    const char* formatted;
  };
  for (const Row& row :
       {Row{"0", 0, "0"}, Row{"512B", 512, "512B"}, Row{"16KiB", 16384, "16KiB"}, Row{"1024KiB", 1u << 20, "1MiB"},
        Row{"1GiB", 1u << 30, "1GiB"}, Row{"3TiB", 3ull << 40, "3TiB"}, Row{"1025B", 1025, "1025B"}}) {
    CAPTURE(row.text);
    const auto parsed = parse_byte_size(row.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->bytes == row.bytes);
    CHECK(format(*parsed) == row.formatted);
  }
  for (const char* text : {"", "5", "16KB", "16kib", "1 MiB", "-1B", "1.5MiB", "8388608TiB", "18446744073709551615B"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_byte_size(text).has_value());
  }
}

}  // namespace
}  // namespace bartizan::config
