#include "names.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace bartizan::control {
namespace {

TEST_CASE("what may be a name, by kind") {
  struct Case {
    std::string name;
    bool resource;
    bool identity;
    bool postgresql;
  };
  const std::vector<Case> cases = {
      {"demo", true, true, true},
      {"a.b-c_d", true, true, true},
      {"9to5", true, true, true},
      {"_x", true, true, true},
      {"ana@northside", false, true, true},
      {"@northside", false, false, true},
      {"-x", false, false, true},
      {".x", false, false, true},
      {"", false, false, false},
      {std::string(63, 'x'), true, true, true},
      {std::string(64, 'x'), false, false, false},
      {"a b", false, false, true},
      {"a\"b'c;--", false, false, true},
      {"a\nb", false, false, false},
      {std::string("a\0b", 3), false, false, false},
      {"a\x7f", false, false, false},
      {"M\xc3\xbcller", false, false, true},
      {"a\xc2\x85", false, false, false},          // NEL, a C1 control
      {"a\xff", false, false, false},              // not UTF-8
      {"a\xc0\x80", false, false, false},          // overlong NUL
      {"a\xe0\x80\xaf", false, false, false},      // overlong '/'
      {"a\xed\xa0\x80", false, false, false},      // surrogate
      {"a\xf4\x90\x80\x80", false, false, false},  // above U+10FFFF
      {"a\xf0\x9f\x98\x80", false, false, true},
      {"a\xf0\x9f\x98", false, false, false},      // cut short
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(validate_name(NameKind::Resource, c.name).has_value() == c.resource);
    CHECK(validate_name(NameKind::Identity, c.name).has_value() == c.identity);
    CHECK(validate_name(NameKind::PostgreSql, c.name).has_value() == c.postgresql);
  }
}

}  // namespace
}  // namespace bartizan::control
