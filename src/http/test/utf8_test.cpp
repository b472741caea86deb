#include "bartizan/http/utf8.hpp"

#include <doctest/doctest.h>

using bartizan::http::to_valid_utf8;

TEST_CASE("bytes outside well-formed sequences are replaced, one by one") {
  const std::string r = "\xef\xbf\xbd";
  struct Row {
    std::string in, out;
  };
  const Row rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"},
      {"\x80", r},
      {"a\xff"
       "b",
       "a" + r + "b"},
      {"\xc3", r},
      {"\xe2\x82", r + r},
      {"\xc0\xaf", r + r},              // overlong
      {"\xe0\x9f\xbf", r + r + r},      // overlong
      {"\xf0\x8f\xbf\xbf", r + r + r + r},
      {"\xed\xa0\x80", r + r + r},      // a surrogate
      {"\xf4\x90\x80\x80", r + r + r + r},
      {"\xc3"
       "A",
       r + "A"},
  };
  for (const auto& row : rows) CHECK(to_valid_utf8(row.in) == row.out);
}
