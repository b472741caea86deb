#include "../filter_expression.hpp"

#include <doctest/doctest.h>

namespace bartizan::policy {
namespace {

TEST_CASE("an accepted filter says what it names") {
  const auto f = parse_filter(
      "region=SUBJECT.Region and orders.total > 10 AND EXISTS (select 1 from maps.region_access m "
      "where m.login = subject.identity and m.region = orders.region)");
  REQUIRE(f.has_value());
  CHECK(f->columns == std::vector<std::string>{"region", "total"});
  CHECK(f->qualifiers == std::vector<std::string>{"orders"});
  CHECK(f->attributes == std::vector<std::string>{"identity", "region"});
  const std::vector<FilterExpression::MappingColumn> mapping{
      {"maps", "region_access", ""}, {"maps", "region_access", "login"}, {"maps", "region_access", "region"}};
  CHECK(f->mapping == mapping);
  REQUIRE(f->filter.slots.size() == 2);
  for (const FilterSlot& slot : f->filter.slots) {
    CHECK(f->filter.text.substr(slot.offset, slot.length) == "subject." + slot.attribute);
  }
}

TEST_CASE("spacing and case make no two filters, and reading is stable") {
  const auto a = parse_filter("region = subject.region");
  const auto b = parse_filter("  REGION=\n subject . region ");
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  CHECK(a->filter == b->filter);
  CHECK(parse_filter(a->filter.text)->filter == a->filter);
  const auto quoted = parse_filter("x = subject.\"select\" OR y = 'subject.region'");
  REQUIRE(quoted.has_value());
  REQUIRE(quoted->filter.slots.size() == 1);
  CHECK(quoted->filter.slots[0].attribute == "select");
  CHECK(quoted->filter.render([](std::string_view) { return "f()"; }).find("subject.region") != std::string::npos);
}

TEST_CASE("the canonical text has the meaning of the written one") {
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"(a = 1 OR b = 2) AND c = 3", "(a = 1 OR b = 2) AND c = 3"},
      {"a = 1 OR (b = 2 AND c = 3)", "a = 1 OR (b = 2 AND c = 3)"},
      {"NOT (a = 1 AND b = 2)", "NOT (a = 1 AND b = 2)"},
      {"(x - (y - z)) > 0", "(x - (y - z)) > 0"},
      {"(NOT a) = b", "(NOT a) = b"},
      {"a = 'it''s'", "a = 'it''s'"},
  };
  for (const auto& [written, expected] : pairs) {
    CAPTURE(written);
    const auto f = parse_filter(written);
    if (f) CHECK(f->filter.text == expected);  // or refused, but never another meaning
  }
}

TEST_CASE("what a row filter may say") {
  for (const char* text : {
           "true",
           "a IS NULL",
           "a IS NOT TRUE",
           "NOT a",
           "a = 1 OR b <> 'x'",
           "a IN ('x', 'y')",
           "a = ANY (subject.regions)",
           "a BETWEEN 1 AND 2",
           "a LIKE 'x%'",
           "a ~ '^x'",
           "lower(a) = lower(subject.region)",
           "coalesce(a, b) = 1",
           "greatest(a, 1) > 2",
           "a::text = subject.region",
           "born > current_date - interval '18 years'",
           "created_at > now() - interval '30 days'",
           "extract(year from born) > 1990",
           "CASE WHEN a THEN b ELSE c END",
           "a IS DISTINCT FROM subject.region",
           "profile ->> 'team' = subject.team",
           "tags @> ARRAY['x']",
           "a IN (SELECT m.region FROM maps.region_access m WHERE m.login = subject.identity)",
           "EXISTS (SELECT 1 FROM maps.a x JOIN maps.b y ON x.id = y.id WHERE x.login = subject.identity)",
           "a = (SELECT m.region FROM maps.m WHERE m.login = subject.identity)",
           "a OPERATOR(pg_catalog.=) 1",
           "substring(a from 1 for 2) = 'ab'",
           "position('x' in a) = 0",
           "trim(a) = 'x'",
           "a % 2 = 0",
       }) {
    CAPTURE(text);
    const auto f = parse_filter(text);
    CHECK_MESSAGE(f.has_value(), (f ? "" : f.error().detail));
  }
}

TEST_CASE("what a row filter may not say") {
  for (const char* text : {
           "",
           "a =",
           "a = 1; DROP TABLE t",
           "a = 1;",
           "a = 1 -- x",
           "a /* x */ = 1",
           "a, b",
           "a AS b",
           "a b",
           "a FROM t",
           "a = 1 WHERE true",
           "a = 1 UNION SELECT 1",
           "* ",
           "t.*",
           "count(*) = 1",
           "sum(a) > 1",
           "random() < 0.5",
           "pg_sleep(1) IS NULL",
           "nextval('s') = 1",
           "set_config('a','b',true) = 'b'",
           "public.lower(a) = 'x'",
           "my_function(a)",
           "a OPERATOR(public.=) 1",
           "a = $1",
           "current_user = a",
           "session_user = a",
           "a::regclass = 1",
           "a::public.mood = 'x'",
           "a IN (SELECT region FROM maps.m)",
           "EXISTS (SELECT 1 FROM m)",
           "EXISTS (SELECT 1 FROM maps.m LIMIT 1)",
           "EXISTS (SELECT 1 FROM maps.m GROUP BY m.a)",
           "EXISTS (WITH x AS (SELECT 1) SELECT 1 FROM maps.m)",
           "EXISTS (SELECT 1 FROM maps.m FOR UPDATE)",
           "EXISTS (SELECT 1 FROM (SELECT 1) x)",
           "EXISTS (SELECT 1)",
           "EXISTS (SELECT 1 FROM maps.m subject)",
           "EXISTS (SELECT 1 FROM generate_series(1,2) g)",
           "a = ALL (SELECT m.a FROM maps.m)",
           "ARRAY(SELECT m.a FROM maps.m) = a",
           "EXISTS (SELECT 1 FROM maps.m UNION SELECT 1 FROM maps.n)",
           "EXISTS (SELECT DISTINCT m.a FROM maps.m)",
           "EXISTS (SELECT 1 FROM other.maps.m)",
           "(a, b) = (1, 2)",
           "a = subject.Region2.x",
           "x = subject.\"Region\"",
           "(subject).region = a",
           "a COLLATE \"C\" = 'x'",
           "a SIMILAR TO 'x'",
           "row_number() OVER () = 1",
           "a = 'unterminated",
           "ctid = '(0,1)' AND a[1] = 2",
           "xmlparse(document a) IS NULL",
       }) {
    CAPTURE(text);
    CHECK_FALSE(parse_filter(text).has_value());
  }
  CHECK(parse_filter(std::string(kMaxFilterBytes + 1, ' ')).error().code == Errc::TooLarge);
  std::string many = "a = 1";
  while (many.size() < 3000) many += " OR a=1";
  CHECK(parse_filter(many).error().code == Errc::TooLarge);
}

TEST_CASE("the tenant's own filter and the guard of authored ones") {
  const FilterTemplate own = tenant_filter("tenant_id");
  CHECK(own.text == "\"tenant_id\" = subject.tenant");
  CHECK(own.render([](std::string_view) { return "t()"; }) == "\"tenant_id\" = t()");
  CHECK(tenant_filter("a\"b").text == "\"a\"\"b\" = subject.tenant");

  // With "no tenant" this would be true for shared rows and, without the guard, opens them.
  const auto loose = parse_filter("tenant_id IS NOT DISTINCT FROM subject.tenant OR shared");
  REQUIRE(loose.has_value());
  const FilterTemplate guarded = with_tenant_guard(loose->filter);
  CHECK(guarded.text == "(" + loose->filter.text + ") AND subject.tenant IS NOT NULL");
  CHECK(parse_filter(guarded.text).has_value());
  for (const FilterSlot& slot : guarded.slots) CHECK(guarded.text.substr(slot.offset, slot.length) == "subject.tenant");
  const auto other = parse_filter("region = subject.region");
  CHECK(with_tenant_guard(other->filter) == other->filter);
}

}  // namespace
}  // namespace bartizan::policy
