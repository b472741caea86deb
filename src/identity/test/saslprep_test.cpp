#include "bartizan/identity/saslprep.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace bartizan::identity {
namespace {

TEST_CASE("saslprep of RFC 4013 section 3, and as PostgreSQL differs") {
  const struct {
    std::string_view what;
    std::string_view password;
    std::optional<std::string_view> prepared;
  } cases[] = {
      {"soft hyphen mapped to nothing", "I\u00ADX", "IX"},
      {"ASCII", "user", "user"},
      {"case kept", "USER", "USER"},
      {"NFKC, feminine ordinal", "\u00AA", "a"},
      {"NFKC, roman numeral", "\u2168", "IX"},
      {"bidirectional check", "\u0627\u0031", std::nullopt},
      {"right to left throughout", "\u0627\u0628", "\u0627\u0628"},
      {"PostgreSQL: ASCII is not looked at, control characters and all", "\x07", "\x07"},
      {"a control character beside others is prohibited", "\u00e9\x07", std::nullopt},
      {"other spaces become space", "a\u00a0b\u3000c\u1680d", "a b c d"},
      {"zero width space is a space first", "a\u200bb", "a b"},
      {"nothing left", "\u00ad\u2060", std::nullopt},
      {"private use", "\ue000", std::nullopt},
      {"unassigned in Unicode 3.2", "\u0221", std::nullopt},
      {"an emoji is unassigned in Unicode 3.2", "\U0001f600", std::nullopt},
      {"composition", "e\u0301", "\u00e9"},
      {"full width letters", "\uff21\uff22", "AB"},
      {"PostgreSQL: U+0340 is prohibited although NFKC would replace it", "\u0340x", std::nullopt},
      {"Unicode Corrigendum 4", "\U0002f868", "\u36fc"},
      {"empty", "", ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.what);
    const auto prepared = saslprep(c.password);
    REQUIRE(prepared.has_value() == c.prepared.has_value());
    if (prepared) CHECK(prepared->reveal_chars() == *c.prepared);
    // What cannot be prepared is used as it is, as PostgreSQL and libpq do.
    const auto used = prepare_password(c.password);
    REQUIRE(used);
    CHECK(used->reveal_chars() == c.prepared.value_or(c.password));
  }
}

TEST_CASE("what is not UTF-8 is Malformed, and used as it is") {
  const std::string_view texts[] = {"caf\xe9",          "\xed\xa0\x80",         "\xc0\xaf", "\xe0\x80\xaf",
                                    "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3",     "\x80",
                                    "a\xe2\x82"};
  for (const auto text : texts) {
    CHECK(saslprep(text).error().code == Errc::Malformed);
    CHECK(prepare_password(text)->reveal_chars() == text);
  }
  CHECK(saslprep(std::string_view("\xc3\xa9\0x", 4)).error().code == Errc::InvalidArgument);
}

TEST_CASE("the limit on length") {
  CHECK(prepare_password(std::string(kMaxPasswordBytes, 'x')));
  CHECK(prepare_password(std::string(kMaxPasswordBytes + 1, 'x')).error().code == Errc::TooLarge);
  std::string marks = "a";
  while (marks.size() + 4 <= kMaxPasswordBytes) marks += "\u0301\u0323";
  CHECK(saslprep(marks));
}

TEST_CASE("one character can grow to eighteen") {
  std::string text;
  while (text.size() + 3 <= kMaxPasswordBytes) text += "\ufdfa";
  const auto prepared = prepare_password(text);
  REQUIRE(prepared);
  CHECK(prepared->size() > kMaxPasswordBytes);
  CHECK(prepared->size() < std::size_t{1} << 20);
}

}  // namespace
}  // namespace bartizan::identity
