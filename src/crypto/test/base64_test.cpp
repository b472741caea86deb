#include "bartizan/crypto/base64.hpp"

#include <doctest/doctest.h>

namespace bartizan::crypto {
namespace {

TEST_CASE("base64 of RFC 4648 section 10") {
  const struct {
    std::string_view bytes;
    std::string_view text;
  } cases[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"},
               {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& c : cases) {
    CHECK(base64_encode(as_bytes(c.bytes)) == c.text);
    const auto decoded = base64_decode(c.text, 16);
    REQUIRE(decoded);
    CHECK(as_chars(*decoded) == c.bytes);
  }
}

TEST_CASE("every length up to 66 comes back") {
  Bytes bytes;
  for (unsigned size = 0; size <= 66; ++size) {
    const auto decoded = base64_decode(base64_encode(bytes), size);
    REQUIRE(decoded);
    CHECK(*decoded == bytes);
    bytes.push_back(static_cast<std::byte>(size * 7 + 200));
  }
}

TEST_CASE("what base64_encode would not write is refused") {
  const std::string_view texts[] = {"Z",
                                    "Zg",
                                    "Zg=",
                                    "Zg===",
                                    "Zh==",
                                    "Zm9=",
                                    "====",
                                    "=g==",
                                    "Z===",
                                    "Zg==Zg==",
                                    "Zm9v\n",
                                    " Zm9v",
                                    "Zm 9",
                                    "Zm9v====",
                                    "Zm-v",
                                    "Zm_v",
                                    "Zm9v=",
                                    "Z=9v",
                                    std::string_view("Zm\0v", 4),
                                    "Zm9\xc3",
                                    "Zm9*"};
  for (const auto text : texts) {
    CAPTURE(text);
    const auto decoded = base64_decode(text, 1024);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Errc::Malformed);
  }
}

TEST_CASE("the limit is on decoded bytes") {
  CHECK(base64_decode("Zm9vYg==", 4));
  CHECK(base64_decode("Zm9vYg==", 3).error().code == Errc::TooLarge);
  CHECK(base64_decode("", 0));
}

}  // namespace
}  // namespace bartizan::crypto
