#include <doctest/doctest.h>

#include <type_traits>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/log.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/strong.hpp"
#include "bartizan/base/uuid.hpp"

namespace bartizan {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>);
template <class T>
concept EqualityComparable = requires(const T& a, const T& b) { a == b; };
static_assert(!EqualityComparable<SecretBytes>);
static_assert(!std::is_constructible_v<log::Field, std::string_view, const SecretBytes&>);

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Errc::InvalidArgument, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  BZ_TRY(const int once, half(n));
  return half(once);
}

TEST_CASE("BZ_TRY hands on the value or the error") {
  CHECK(quarter(8).value() == 2);
  const auto failed = quarter(6);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == Errc::InvalidArgument);
}

TEST_CASE("a reader never reads past its bytes, and a failed read moves nothing") {
  const auto bytes =
      to_bytes(std::string_view("\x00\x01\x02\x03"
                                "ab\0c",
                                8));
  ByteReaderView reader(bytes);
  CHECK(reader.be16() == 1);
  CHECK(reader.be16() == 0x0203);
  CHECK_FALSE(reader.bytes(5).has_value());
  CHECK(reader.cstring() == "ab");
  CHECK_FALSE(reader.cstring().has_value());
  CHECK_FALSE(reader.be32().has_value());
  CHECK(reader.u8() == 'c');
  CHECK(reader.at_end());
}

TEST_CASE("hexadecimal round trip and refusals") {
  CHECK(hex_encode(as_bytes("\x01\xff")) == "01ff");
  CHECK(hex_decode("00fF10").value() == Bytes{std::byte{0}, std::byte{0xff}, std::byte{0x10}});
  CHECK_FALSE(hex_decode("0").has_value());
  CHECK_FALSE(hex_decode("0g").has_value());
}

TEST_CASE("a uuid keeps its text, and nothing but the canonical form is read") {
  const auto id = Uuid::random(system_random());
  CHECK(Uuid::parse(id.to_string()) == id);
  CHECK((id.octets[6] >> 4) == 4);
  CHECK_FALSE(Uuid::parse("00000000000000000000000000000000").has_value());
  CHECK_FALSE(Uuid::parse("0000000000000-0000-0000-000000000000").has_value());
}

TEST_CASE("log lines escape what could forge another line") {
  const auto line =
      log::render(log::Format::Json, log::Level::Warn, "T", "x.y", {{"a", "q\"\n\x1b"}, {"n", 3}, {"b", true}});
  CHECK(line == R"({"time":"T","level":"warn","event":"x.y","a":"q\"\u000a\u001b","n":3,"b":true})");
  CHECK(log::render(log::Format::Text, log::Level::Info, "T", "x", {{"a", "b c"}, {"d", "e"}}) ==
        "T info  x a=\"b c\" d=e");
}

}  // namespace
}  // namespace bartizan
