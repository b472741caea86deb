#include "bartizan/transform/value.hpp"

#include "test_column.hpp"

namespace bartizan::transform {
namespace {

Result<std::string> convert(ValueType type, WireFormat from, std::string_view input, WireFormat to,
                            const ValueSettings& settings, std::size_t limit = test::kLimit) {
  Bytes canonical, field;
  BoundedBytes canonical_out(canonical, limit), field_out(field, limit);
  BZ_CHECK(to_canonical(type, kNoTypmod, from, as_bytes(input), settings, canonical_out));
  BZ_CHECK(from_canonical(type, to, canonical, settings, field_out));
  return std::string(as_chars(field));
}
Result<std::string> text(ValueType type, std::string_view input, const ValueSettings& settings = {}) {
  return convert(type, WireFormat::Text, input, WireFormat::Text, settings);
}
Errc error_of(const Result<std::string>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("types by oid, and only those") {
  for (const auto type : {ValueType::Bool, ValueType::Bytea, ValueType::Int8, ValueType::Int2, ValueType::Int4,
                          ValueType::Text, ValueType::Varchar, ValueType::Date, ValueType::Timestamp,
                          ValueType::TimestampTz, ValueType::Numeric, ValueType::Uuid, ValueType::Jsonb})
    CHECK(value_type_of(oid_of(type)) == type);
  for (const std::uint32_t oid : {0U, 19U, 114U, 700U, 701U, 1042U, 1083U, 1186U, 16384U})
    CHECK_FALSE(value_type_of(oid));
  CHECK(wire_format_of(0) == WireFormat::Text);
  CHECK(wire_format_of(1) == WireFormat::Binary);
  CHECK_FALSE(wire_format_of(2));
  CHECK_FALSE(wire_format_of(-1));
}

TEST_CASE("timestamptz as text hangs on the session's zone") {
  const FixedTimeZone east{std::chrono::hours(5) + std::chrono::minutes(30)};
  const FixedTimeZone west{-std::chrono::hours(8)};
  const FixedTimeZone odd{std::chrono::seconds(-(75 * 60 + 7))};
  const auto under = [](const TimeZone& zone, std::string_view input) {
    return text(ValueType::TimestampTz, input, {.time_zone = &zone}).value();
  };
  CHECK(under(east, "2024-02-28 20:00:00Z") == "2024-02-29 01:30:00+05:30");
  CHECK(under(west, "2024-01-01 07:59:59.5+00") == "2023-12-31 23:59:59.5-08");
  CHECK(under(odd, "2000-01-01 00:00:00+00") == "1999-12-31 22:44:53-01:15:07");
  CHECK(under(east, "2024-02-29 01:30:00") == "2024-02-29 01:30:00+05:30");  // local, without a zone
  CHECK(under(west, "0001-01-01 02:00:00+00") == "0001-12-31 18:00:00-08 BC");
  CHECK(under(east, "294276-12-31 23:59:59.999999+00") == "294277-01-01 05:29:59.999999+05:30");
  CHECK(under(west, "infinity") == "infinity");

  CHECK(error_of(text(ValueType::TimestampTz, "2024-01-01 00:00:00Z")) == Errc::Unsupported);
  CHECK(error_of(text(ValueType::TimestampTz, "2024-01-01 00:00:00")) == Errc::Unsupported);
  const auto binary =
      convert(ValueType::TimestampTz, WireFormat::Text, "2000-01-01 00:00:01+00", WireFormat::Binary, {});
  REQUIRE(binary);
  CHECK(hex_encode(as_bytes(*binary)) == "00000000000f4240");
}

TEST_CASE("a DateStyle other than ISO: no dates as text") {
  const ValueSettings german{.time_zone = nullptr, .iso_dates = false};
  CHECK(error_of(text(ValueType::Date, "2024-01-05", german)) == Errc::Unsupported);
  CHECK(error_of(text(ValueType::Timestamp, "2024-01-05 10:00:00", german)) == Errc::Unsupported);
  CHECK(convert(ValueType::Date, WireFormat::Text, "2024-01-05", WireFormat::Binary, german));
}

TEST_CASE("bytea_output = escape") {
  const ValueSettings settings{.bytea_output = ByteaOutput::Escape};
  CHECK(text(ValueType::Bytea, "\\x00415c7fff20", settings).value() == "\\000A\\\\\\177\\377 ");
}

TEST_CASE("binary of a wrong size or content is refused") {
  const auto refused = [](ValueType type, const char* hex) {
    const auto bytes = hex_decode(hex);
    REQUIRE(bytes);
    const auto result = convert(type, WireFormat::Binary, as_chars(*bytes), WireFormat::Binary, {});
    CAPTURE(hex);
    REQUIRE_FALSE(result);
    CHECK((result.error().code == Errc::Malformed || result.error().code == Errc::InvalidArgument));
  };
  for (const auto type :
       {ValueType::Bool, ValueType::Int2, ValueType::Int4, ValueType::Int8, ValueType::Date, ValueType::Timestamp,
        ValueType::TimestampTz, ValueType::Numeric, ValueType::Uuid, ValueType::Jsonb}) {
    refused(type, "");
    refused(type, "000000");
    refused(type, "0000000000000000000000000000000000");
  }
  refused(ValueType::Text, "ff");
  refused(ValueType::Text, "4100");
  refused(ValueType::Varchar, "c0af");
  refused(ValueType::Text, "eda080");
  refused(ValueType::Text, "f4908080");
  refused(ValueType::Date, "80000001");
  refused(ValueType::Date, "7ffffffe");
  refused(ValueType::Timestamp, "7ffffffffffffffe");
  refused(ValueType::Timestamp, "8000000000000001");
  refused(ValueType::Numeric, "0001000000002710");          // no digits although one is counted
  refused(ValueType::Numeric, "00010000000000002710");      // a digit of 10000
  refused(ValueType::Numeric, "0000000080000000");          // a sign that is none
  refused(ValueType::Numeric, "0000000000004000");          // a scale over 16383
  refused(ValueType::Numeric, "000000000000000000");
  refused(ValueType::Jsonb, "0231");                        // version 2
  refused(ValueType::Jsonb, "01");
  refused(ValueType::Jsonb, "0122ff22");
}

TEST_CASE("binary that is not canonical becomes so") {
  const auto binary = [](ValueType type, const char* hex) {
    const auto result = convert(type, WireFormat::Binary, as_chars(*hex_decode(hex)), WireFormat::Binary, {});
    REQUIRE(result);
    return hex_encode(as_bytes(*result));
  };
  CHECK(binary(ValueType::Bool, "07") == "01");
  // 0001.0000 with leading and trailing zero digits, then a digit below the display scale.
  CHECK(binary(ValueType::Numeric,
               "00030001000000000000"
               "0001"
               "0000") == "00010000000000000001");
  CHECK(binary(ValueType::Numeric,
               "0002000000000001"
               "0001"
               "1999") ==
        "0002000000000001"
        "0001"
        "1770");
  CHECK(binary(ValueType::Numeric,
               "0001000540000003"
               "0000") == "0000000000000003");  // minus zero
}

TEST_CASE("output is bounded, however small the input") {
  const auto number = convert(ValueType::Numeric, WireFormat::Text, "1e131071", WireFormat::Text, {}, 131072);
  REQUIRE(number);
  CHECK(number->size() == 131072);
  CHECK(error_of(convert(ValueType::Numeric, WireFormat::Text, "1e131071", WireFormat::Text, {}, 131071)) ==
        Errc::TooLarge);
  const std::string many = "[1e131071,1e131071,1e131071,1e131071,1e131071,1e131071,1e131071,1e131071,1e131071]";
  CHECK(error_of(text(ValueType::Jsonb, many)) == Errc::TooLarge);
  CHECK(error_of(convert(ValueType::Bytea, WireFormat::Text, "abcdef", WireFormat::Text, {}, 8)) == Errc::TooLarge);
  CHECK(error_of(convert(ValueType::Text, WireFormat::Text, "abcdef", WireFormat::Text, {}, 5)) == Errc::TooLarge);
}

TEST_CASE("jsonb nests to a depth and no further") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(text(ValueType::Jsonb, nested(129)).value() == nested(129));
  CHECK(error_of(text(ValueType::Jsonb, nested(130))) == Errc::Unsupported);
  CHECK(error_of(text(ValueType::Jsonb, std::string(1000000, '['))) == Errc::Unsupported);
}

TEST_CASE("what a cell holds and is not canonical is an error of that cell") {
  const auto refused = [](ValueType type, const char* hex) {
    const auto canonical = hex_decode(hex);
    for (const auto format : {WireFormat::Text, WireFormat::Binary}) {
      Bytes field;
      BoundedBytes out(field, 100);
      const auto done = from_canonical(type, format, *canonical, {}, out);
      CAPTURE(hex);
      REQUIRE_FALSE(done);
      CHECK(done.error().code == Errc::Crypto);
    }
  };
  refused(ValueType::Bool, "02");
  refused(ValueType::Bool, "");
  refused(ValueType::Int4, "00000001");
  refused(ValueType::Int2, "0000000000008000");
  refused(ValueType::Int4, "ffffffff7fffffff");
  refused(ValueType::Date, "0000");
  refused(ValueType::Timestamp, "00000000");
  refused(ValueType::Numeric, "0001");
  refused(ValueType::Uuid, "00");
}

TEST_CASE("no error repeats the value") {
  for (const auto type : {ValueType::Bool, ValueType::Int4, ValueType::Date, ValueType::Timestamp, ValueType::Numeric,
                          ValueType::Uuid, ValueType::Jsonb}) {
    const auto result = text(type, "c4n4ry");
    REQUIRE_FALSE(result);
    CHECK(result.error().detail.find("c4n4ry") == std::string::npos);
  }
}

}  // namespace
}  // namespace bartizan::transform
