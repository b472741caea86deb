#include "bartizan/control/document.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace bartizan::control {
namespace {

TEST_CASE("JSON that is read is written the same") {
  for (const char* text :
       {"null", "true", "-7", "9223372036854775807", "[]", "{}", R"("a\"b\\c\u0001")", R"([1,[2,{"a":null}],"x"])",
        R"({"b":1,"a":{"c":[true,false]},"":[]})", "\"\xc3\xbc\"", "1.5", "0.1", "-0.0", "1e+300", "2.0"}) {
    CAPTURE(text);
    const auto document = Document::parse(text);
    REQUIRE(document.has_value());
    CHECK(document->to_json() == text);
  }
  CHECK(Document::parse(R"({"a":[{"b":"\ud83d\ude00"}]})")->find("a")->as<Items>()->front().find("b")->to_json() ==
        "\"\xf0\x9f\x98\x80\"");
  CHECK(Document::parse("18446744073709551615")->as<double>() != nullptr);
  CHECK(Document("a\nb").to_json() == R"("a\nb")");
}

TEST_CASE("what is not one JSON value is refused") {
  const std::vector<std::string> cases = {"",
                                          " ",
                                          "{",
                                          "nul",
                                          "[1,]",
                                          "{\"a\":1,}",
                                          "{'a':1}",
                                          "[1] 2",
                                          "01",
                                          "NaN",
                                          "1e999",
                                          "[-1.5e816]",
                                          "\"a\nb\"",
                                          "\"\xff\"",
                                          "\"\\ud800\"",
                                          "// x\n1",
                                          "+1",
                                          "{\"a\":1,\"a\":2}",
                                          "{\"a\":{\"b\":1,\"b\":1}}",
                                          "\xef\xbb\xbf{}",
                                          std::string(33, '[') + std::string(33, ']'),
                                          std::string("1\0", 2)};
  for (const auto& text : cases) {
    CAPTURE(text);
    const auto document = Document::parse(text);
    REQUIRE_FALSE(document.has_value());
    CHECK(document.error().code == Errc::Malformed);
  }
  CHECK(Document::parse(std::string(32, '[') + std::string(32, ']')).has_value());
}

TEST_CASE("an error names no part of the text") {
  CHECK(Document::parse(R"({"password":"hunter2")").error().detail.find("hunter2") == std::string::npos);
}

TEST_CASE("times: RFC 3339 in UTC, to the microsecond") {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2099-01-31T12:00:00Z", "2024-02-29T23:59:59.000001Z", "9999-12-31T23:59:59.5Z"}) {
    CAPTURE(text);
    const auto time = parse_time(text);
    REQUIRE(time.has_value());
    CHECK(format_time(*time) == text);
  }
  CHECK(parse_time("2001-09-09T01:46:40Z")->time_since_epoch() == std::chrono::seconds(1'000'000'000));
  for (const char* text :
       {"", "2099-01-31", "2099-01-31T12:00:00", "2099-01-31T12:00:00+00:00", "2099-01-31 12:00:00Z",
        "2099-02-30T12:00:00Z", "2099-13-01T12:00:00Z", "2099-01-31T24:00:00Z", "2099-01-31T12:60:00Z",
        "2099-01-31T12:00:60Z", "2099-01-31T12:00:00.Z", "2099-01-31T12:00:00.1234567Z", "2099-01-31T12:00:00.1xZ",
        "1969-12-31T23:59:59Z", "x099-01-31T12:00:00Z", "infinity"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
}

}  // namespace
}  // namespace bartizan::control
