#include "bartizan/policy/glob.hpp"

#include <doctest/doctest.h>

#include <array>

#include "../decimal.hpp"
#include "../moment.hpp"
#include "../names.hpp"

namespace bartizan::policy {
namespace {

struct GlobCase {
  const char* pattern;
  std::vector<const char*> yes;
  std::vector<const char*> no;
};

TEST_CASE("a glob matches what DataOS's does") {
  const std::vector<GlobCase> cases = {
      {"roles:id:user", {"roles:id:user"}, {"roles:id:users", "xroles:id:user", "roles:id:User"}},
      {"roles:id:*", {"roles:id:user", "roles:id:"}, {"roles:id:a:b", "roles:idx"}},
      {"roles:**", {"roles:id:user", "roles:a:b:c", "roles:"}, {"users:id:x", "role"}},
      {"**:user", {"roles:id:user", ":user"}, {"roles:id:users"}},
      {"*:id:*", {"users:id:x"}, {"a:users:id:x", "users:id:x:y"}},
      {"?", {"a", "ü", "€"}, {"", "ab", ":"}},
      {"a?c", {"abc", "aüc"}, {"ac", "a:c", "abbc"}},
      {"[abc]x", {"ax", "cx"}, {"dx", "x", "[abc]x"}},
      {"[!abc]", {"d", "ü"}, {"a", "", ":"}},
      {"[a-cx-z]", {"b", "y"}, {"d", "-"}},
      {"[!a-c]", {"d", "-"}, {"b"}},
      {"[]a]", {"]", "a"}, {"b"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"PII.{Email,Phone*}", {"PII.Email", "PII.PhoneNumber"}, {"PII.Name", "PII.", "PII.{Email,Phone*}"}},
      {"{a,b{c,d}}e", {"ae", "bce", "bde"}, {"be", "e"}},
      {"a{,b}", {"a", "ab"}, {"b"}},
      {"\\*", {"*"}, {"a", "\\*"}},
      {"a\\{b", {"a{b"}, {"ab"}},
      {"[\\]]", {"]"}, {"\\"}},
      {"[!\\]]", {"a"}, {"]"}},
      {"*a*b*c*", {"abc", "xaxbxcx"}, {"acb", "ab"}},
      {"**a*b", {"x:y:ab", "a:axb"}, {"a:b", "ab:"}},
      {"", {""}, {"a"}},
  };
  for (const GlobCase& c : cases) {
    CAPTURE(c.pattern);
    const auto glob = Glob::parse(c.pattern, ":");
    REQUIRE(glob.has_value());
    for (const char* text : c.yes) CHECK_MESSAGE(glob->matches(text), text);
    for (const char* text : c.no) CHECK_MESSAGE(!glob->matches(text), text);
  }
}

TEST_CASE("what is no glob is refused") {
  for (const char* pattern : {"[", "[a", "{a", "a}", "{a,{b}", "a\\", "[b-a]", "[!"}) {
    CAPTURE(pattern);
    const auto glob = Glob::parse(pattern, ":");
    REQUIRE_FALSE(glob.has_value());
    CHECK(glob.error().code == Errc::Malformed);
  }
  CHECK(Glob::parse(std::string(Glob::kMaxPattern + 1, 'a'), "").error().code == Errc::TooLarge);
  CHECK(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "").has_value());
  CHECK(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "").error().code == Errc::TooLarge);
  CHECK(Glob::parse(std::string_view("a\0b", 3), "").error().code == Errc::Malformed);
}

TEST_CASE("many stars take time in proportion, not exponentially") {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(Glob::parse(pattern, ":")->matches(std::string(5000, 'a') + "b"));
}

struct PathCase {
  const char* pattern;
  ObjectName name;
  bool table;
  bool column;
};

TEST_CASE("a path names tables and columns by levels") {
  const ObjectName email{"demo", "public", "customers", "email"};
  const ObjectName total{"demo", "public", "orders", "total"};
  const ObjectName elsewhere{"other", "public", "customers", "email"};
  const std::vector<PathCase> cases = {
      {"demo:public.customers", email, true, true},
      {"demo:public.customers", total, false, false},
      {"demo:public.customers", elsewhere, false, false},
      {"demo:public.customers.email", email, true, true},
      {"demo:public.customers.e*", email, true, true},
      {"demo:public.customers.ssn", email, true, false},
      {"demo:public.*", total, true, true},
      {"demo:*.customers", email, true, true},
      {"demo:public", total, true, true},
      {"demo:", total, true, true},
      {"demo", total, true, true},
      {"**", elsewhere, true, true},
      {"demo:**", total, true, true},
      {"demo:public.{customers,orders}", total, true, true},
      {"dataos://demo:public/customers", email, true, true},
      {"dataos://demo:public/customers", total, false, false},
      {"dataos://demo:public", total, true, true},
      {"dataos://demo", total, true, true},
      {"demo:public.a\\.b", {"demo", "public", "a.b", ""}, true, true},
      {"demo:public.[a.]b", {"demo", "public", ".b", ""}, true, true},
  };
  for (const PathCase& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.name.table);
    const auto pattern = ObjectPattern::parse(c.pattern);
    REQUIRE(pattern.has_value());
    CHECK(pattern->matches_table(c.name) == c.table);
    CHECK(pattern->matches_column(c.name) == c.column);
  }
  CHECK(ObjectPattern::parse("demo:public.customers.*")->names_columns());
  CHECK_FALSE(ObjectPattern::parse("demo:public.**")->names_columns());
  CHECK(ObjectPattern::parse("demo:a.b")->matches_depot("demo"));
  CHECK_FALSE(ObjectPattern::parse("demo:a.b")->matches_depot("demos"));
}

TEST_CASE("what is no path is refused") {
  for (const char* text : {"", "/metis/api/v2", "https://x/y", "demo:a..b", ":a.b", "demo:a.b.c.d", "demo:a:b",
                           "dataos://demo:a/b/c", "dataos://demo:a/b?acl=rw", "demo:[a", "dataos://"}) {
    CAPTURE(text);
    CHECK_FALSE(ObjectPattern::parse(text).has_value());
  }
}

TEST_CASE("decimals are exact") {
  CHECK(Decimal::parse("007.50")->text() == "7.5");
  CHECK(Decimal::parse("-0.0")->text() == "0");
  CHECK(Decimal::parse("+3")->text() == "3");
  for (const char* text : {"", "-", ".5", "5.", "1e3", "1,0", " 1", "0x1", "NaN"})
    CHECK_FALSE(Decimal::parse(text).has_value());
  const std::vector<const char*> ascending = {"-10.5", "-10", "-2", "-0.1",  "0",  "0.09",
                                              "0.1",   "2",   "10", "10.25", "100"};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i)
    CHECK(*Decimal::parse(ascending[i]) < *Decimal::parse(ascending[i + 1]));
  CHECK(Decimal::parse("-9223372036854775808")->fits_integer(8));
  CHECK_FALSE(Decimal::parse("9223372036854775808")->fits_integer(8));
  CHECK_FALSE(Decimal::parse("32768")->fits_integer(2));
  CHECK_FALSE(Decimal::parse("1.5")->fits_integer(8));
}

TEST_CASE("moments are RFC 3339's") {
  using std::chrono::seconds;
  CHECK(parse_moment("1970-01-02") == WallTime(seconds(86'400)));
  CHECK(parse_moment("1970-01-01T00:00:10Z") == WallTime(seconds(10)));
  CHECK(parse_moment("1970-01-01T01:00:10+01:00") == WallTime(seconds(10)));
  for (const char* text : {"", "1970", "1970-02-30", "1970-01-01T24:00:00Z", "1970-01-01T00:00:10",
                           "1970-01-01 00:00:10Z", "1970-01-01T00:00:10z", "1970-01-01T00:00:10+1:00", "x970-01-01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_moment(text).has_value());
  }
}

TEST_CASE("names and near words") {
  const std::array<std::string_view, 3> words{"priority", "selector", "mask"};
  CHECK(nearest("prioritiy", words) == "priority");
  CHECK(nearest("msak", words) == "mask");
  CHECK_FALSE(nearest("something", words).has_value());
  CHECK(attribute_name("cost_centre2"));
  for (const char* name : {"", "2x", "Region", "a-b", "a.b", "ü"}) CHECK_FALSE(attribute_name(name));
  CHECK_FALSE(resource_name("a\nb"));
}

}  // namespace
}  // namespace bartizan::policy
