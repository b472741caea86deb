#include "render.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace bartizan::cli {
namespace {

std::string rendered(std::string_view text, const std::vector<Column>& columns = {}) {
  return render(boost::json::parse({text.data(), text.size()}), columns);
}

TEST_CASE("a list of objects is an aligned table of the chosen columns") {
  CHECK(rendered(R"([{"name":"ann","tenant":null,"x":1},{"name":"北京","tenant":"north","enabled":true},{"name":""}])",
                 {{"name", "IDENTITY"}, {"tenant", "TENANT"}, {"enabled", "ENABLED"}, {"gone", "GONE"}}) ==
        "IDENTITY  TENANT  ENABLED\n"
        "ann       -       -\n"
        "北京      north   yes\n"
        "-         -       -\n");
}

TEST_CASE("a table whose columns are not there shows all") {
  CHECK(rendered(R"([{"valid_until":1,"b":[1,"x"]},{"c":2.5}])", {{"name", "NAME"}}) ==
        "VALID UNTIL  B     C\n"
        "1            1, x  -\n"
        "-            -     2.5E0\n");
}

TEST_CASE("an object is a record; what is nested is set below it") {
  CHECK(
      rendered(
          R"({"version":"0.1","logins":[],"ok":false,"endpoints":[{"address":"127.0.0.1","port":6432}],"postgres":{"state":"running","pid":7},"roles":["a","b"],"attributes":{}})") ==
      "version     0.1\n"
      "logins      -\n"
      "ok          no\n"
      "endpoints\n"
      "  ADDRESS    PORT\n"
      "  127.0.0.1  6432\n"
      "postgres\n"
      "  state  running\n"
      "  pid    7\n"
      "roles       a, b\n"
      "attributes  -\n");
}

TEST_CASE("in a cell, an object of a list stands for itself by its first member") {
  CHECK(
      rendered(
          R"([{"name":"d","logins":[{"login":"a","secret":"password"},{"login":"b","secret":"none"}],"at":{"x":1,"y":2}}])") ==
      "NAME  LOGINS  AT\n"
      "d     a, b    x=1, y=2\n");
}

TEST_CASE("the rest") {
  CHECK(rendered("null") == "done\n");
  CHECK(rendered("[]") == "none\n");
  CHECK(rendered(R"(["a",1,null])") == "a\n1\n-\n");
  CHECK(rendered("18446744073709551615") == "18446744073709551615\n");
  CHECK(rendered("{}") == "");
}

TEST_CASE("no value and no name reaches the terminal raw") {
  CHECK(rendered(R"([{"a\u001b[1m":"x\u001b]0;evil\u0007\ny"}])") == "A\\X1B[1M\nx\\x1b]0;evil\\x07\\ny\n");
  CHECK(rendered(R"({"\u202e":"\r"})") == "\\u202e  \\x0d\n");
}

}  // namespace
}  // namespace bartizan::cli
