#include "bartizan/audit/log.hpp"

#include <doctest/doctest.h>

namespace bartizan::audit {
namespace {

TEST_CASE("members are JSON whatever the value holds") {
  struct Row {
    std::string_view value;
    std::string_view json;
  };
  for (const Row& row :
       {Row{"plain", R"("n":"plain")"}, Row{"a\"b\\c", R"("n":"a\"b\\c")"},
        Row{"\n\x1b\x7f", R"("n":"\u000a\u001b\u007f")"}, Row{"\xc3\xa9", "\"n\":\"\xc3\xa9\""},
        Row{"\xff", "\"n\":\"\xef\xbf\xbd\""}, Row{"\xc3", "\"n\":\"\xef\xbf\xbd\""},
        Row{"\xed\xa0\x80", "\"n\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        Row{"\xf0\x9f\x98\x80", "\"n\":\"\xf0\x9f\x98\x80\""}, Row{std::string_view("\0", 1), R"("n":"\u0000")"}}) {
    std::string out;
    append_member(out, "n", row.value);
    CHECK(out == row.json);
  }
  std::string out;
  append_member(out, "a", "1");
  append_member(out, "b", "2");
  CHECK(out == R"("a":"1","b":"2")");
}

}  // namespace
}  // namespace bartizan::audit
