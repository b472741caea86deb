#include "bartizan/policy/outcome.hpp"

#include <doctest/doctest.h>

#include <set>

#include "bartizan/policy/mask_registry.hpp"
#include "bartizan/policy/strictness.hpp"

namespace bartizan::policy {
namespace {

ClassOutcome sample() {
  ClassOutcome out;
  out.depot = "demo";
  out.context = {{"region", AttributeType::Text}, {"tenant", AttributeType::Uuid}};
  TableOutcome table;
  table.schema = "public";
  table.name = "customers";
  table.verbs = {Verb::Read, Verb::Update};
  table.columns = {{"id", Clear{}, {}},
                   {"email", Masked{EmailMask{1, true}}, {}},
                   {"ssn", Hidden{}, {}},
                   {"note", WriteOnly{}, {Verb::Update}}};
  table.filters = {{"region = subject.region", {{9, 14, "region"}}}};
  table.aggregate_only = AggregateOnly{5, "id"};
  out.tables = {table};
  return out;
}

TEST_CASE("every difference of an outcome is a different class") {
  const ClassOutcome base = sample();
  std::vector<ClassOutcome> others;
  const auto with = [&](auto change) {
    ClassOutcome other = base;
    change(other, other.tables[0]);
    others.push_back(other);
  };
  with([](ClassOutcome& c, TableOutcome&) { c.depot = "other"; });
  with([](ClassOutcome& c, TableOutcome&) { c.context[1].type = AttributeType::Text; });
  with([](ClassOutcome& c, TableOutcome&) { c.context.erase(c.context.begin()); });
  with([](ClassOutcome& c, TableOutcome&) { c.tables.clear(); });
  with([](ClassOutcome&, TableOutcome& t) { t.schema = "publi", t.name = "ccustomers"; });
  with([](ClassOutcome&, TableOutcome& t) { t.verbs = {Verb::Read}; });
  with([](ClassOutcome&, TableOutcome& t) { std::swap(t.columns[0], t.columns[1]); });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[0].name = "ID"; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[0].visibility = Hidden{}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[0].visibility = WriteOnly{}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{EmailMask{2, true}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{EmailMask{1, false}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{RedactMask{""}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{ConstantMask{""}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{HashMask{}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{NullMask{}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{BucketNumberMask{{"1", "23"}}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{BucketNumberMask{{"12", "3"}}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{RegexReplaceMask{"a", "bc"}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{RegexReplaceMask{"ab", "c"}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{PartialMask{1, 2, "*"}}; });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[1].visibility = Masked{PartialMask{2, 1, "*"}}; });
  with([](ClassOutcome&, TableOutcome& t) {
    t.columns[1].visibility = Masked{JsonPathMask{{{{"a", "b"}, JsonAction::Remove, ""}}}};
  });
  with([](ClassOutcome&, TableOutcome& t) {
    t.columns[1].visibility = Masked{JsonPathMask{{{{"a"}, JsonAction::Remove, ""}, {{"b"}, JsonAction::Remove, ""}}}};
  });
  with([](ClassOutcome&, TableOutcome& t) { t.columns[3].writes = {Verb::Insert}; });
  with([](ClassOutcome&, TableOutcome& t) { t.filters.clear(); });
  with([](ClassOutcome&, TableOutcome& t) { t.filters[0].slots[0].attribute = "region2"; });
  with([](ClassOutcome&, TableOutcome& t) { t.aggregate_only->k = 6; });
  with([](ClassOutcome&, TableOutcome& t) { t.aggregate_only.reset(); });

  std::set<std::uint64_t> ids{class_id(base).get()};
  for (const ClassOutcome& other : others) CHECK(ids.insert(class_id(other).get()).second);
  CHECK(class_id(sample()) == class_id(base));
}

TEST_CASE("the canonical form is what docs/adr/0041 says") {
  // Worked by hand from the record's layout: a filter without slots.
  const Bytes bytes = canonical_bytes(FilterTemplate{"true", {}});
  CHECK(hex_encode(bytes) ==
        "00000011"
        "62617274697a616e2066696c7465722031"
        "00000004"
        "74727565"
        "00000000");
  const auto digest = content_hash(sample());
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 8; ++i) first = (first << 8) | std::to_integer<std::uint64_t>(digest[i]);
  CHECK(class_id(sample()).get() == first);
}

TEST_CASE("a filter is rendered by its slots alone") {
  const FilterTemplate filter{"a = subject.x AND b = 'subject.x' AND c = subject.yy", {{4, 9, "x"}, {42, 10, "yy"}}};
  CHECK(filter.render([](std::string_view name) { return "f('" + std::string(name) + "')"; }) ==
        "a = f('x') AND b = 'subject.x' AND c = f('yy')");
}

TEST_CASE("look-ups") {
  const ClassOutcome outcome = sample();
  REQUIRE(outcome.find("public", "customers") != nullptr);
  CHECK(outcome.find("public", "customer") == nullptr);
  CHECK(outcome.find("public", "orders") == nullptr);
  CHECK(outcome.tables[0].find("email") != nullptr);
  CHECK(outcome.tables[0].find("Email") == nullptr);
  CHECK(outcome.find_attribute("tenant")->type == AttributeType::Uuid);
}

struct StrictnessCase {
  Mask a;
  Mask b;
  Strictness of_a;
};

TEST_CASE("strictness is the reference's lattice, both ways round") {
  using enum Strictness;
  const Mask regex = RegexReplaceMask{"a", "b"};
  const Mask json = JsonPathMask{{{{"a"}, JsonAction::Remove, ""}}};
  const std::vector<StrictnessCase> cases = {
      {NullMask{}, RedactMask{"x"}, Stricter},
      {RedactMask{"x"}, HashMask{}, Stricter},
      {ConstantMask{"x"}, HashMask{}, Stricter},
      {HashMask{}, BucketNumberMask{{"1"}}, Stricter},
      {BucketNumberMask{{"1"}}, PartialMask{1, 0, "*"}, Stricter},
      {PartialMask{1, 0, "*"}, PassThroughMask{}, Stricter},
      {EmailMask{}, PassThroughMask{}, Stricter},
      {NullMask{}, NullMask{}, Equal},
      {RedactMask{"x"}, RedactMask{"x"}, Equal},
      {RedactMask{"x"}, RedactMask{"y"}, Incomparable},
      {RedactMask{"x"}, ConstantMask{"x"}, Incomparable},
      {HashMask{}, RandPatternMask{"#"}, Incomparable},
      {BucketNumberMask{{"0", "100"}}, BucketNumberMask{{"0", "50", "100"}}, Stricter},
      {BucketNumberMask{{"0", "60"}}, BucketNumberMask{{"0", "50", "100"}}, Incomparable},
      {BucketDateMask{DateUnit::Year}, BucketDateMask{DateUnit::Month}, Stricter},
      {BucketDateMask{DateUnit::Week}, BucketDateMask{DateUnit::Day}, Stricter},
      {BucketDateMask{DateUnit::Month}, BucketDateMask{DateUnit::Week}, Incomparable},
      {BucketDateMask{DateUnit::Year}, BucketDateMask{DateUnit::Week}, Incomparable},
      {PartialMask{0, 2, "*"}, PartialMask{0, 4, "*"}, Stricter},
      {PartialMask{2, 0, "*"}, PartialMask{0, 2, "*"}, Incomparable},
      {PartialMask{0, 2, "*"}, PartialMask{0, 4, "#"}, Incomparable},
      {EmailMask{0, true}, EmailMask{1, true}, Stricter},
      {EmailMask{0, true}, EmailMask{1, false}, Incomparable},
      {EmailMask{}, PartialMask{1, 0, "*"}, Incomparable},
      {regex, HashMask{}, Incomparable},
      {regex, BucketNumberMask{{"1"}}, Incomparable},
      {regex, RegexReplaceMask{"a", "c"}, Incomparable},
      {regex, PassThroughMask{}, Stricter},
      {RedactMask{"x"}, regex, Stricter},
      {NullMask{}, json, Stricter},
      {json, PassThroughMask{}, Stricter},
  };
  for (const StrictnessCase& c : cases) {
    CAPTURE(describe(c.a));
    CAPTURE(describe(c.b));
    CHECK(compare(c.a, c.b) == c.of_a);
    const Strictness back = c.of_a == Stricter ? Looser : c.of_a == Looser ? Stricter : c.of_a;
    CHECK(compare(c.b, c.a) == back);
  }
}

TEST_CASE("the strictest of several must be no looser than each") {
  const Mask null = NullMask{};
  const Mask x = RedactMask{"x"};
  const Mask y = RedactMask{"y"};
  const Mask clear = PassThroughMask{};
  const std::vector<const Mask*> all{&x, &clear, &y, &null};
  CHECK(strictest(all) == &null);
  const std::vector<const Mask*> open{&x, &clear, &y};
  CHECK(strictest(open) == nullptr);
  const std::vector<const Mask*> ordered{&clear, &x};
  CHECK(strictest(ordered) == &x);
}

TEST_CASE("the registry stands in the order of the masks") {
  const std::vector<Mask> masks{HashMask{},        BucketNumberMask{}, BucketDateMask{},  RedactMask{},
                                RandPatternMask{}, RegexReplaceMask{}, PassThroughMask{}, PartialMask{},
                                EmailMask{},       NullMask{},         ConstantMask{},    JsonPathMask{}};
  REQUIRE(masks.size() == mask_registry().size());
  for (const Mask& mask : masks) {
    CHECK(registry_entry(mask).name == mask_name(mask));
    CHECK(describe(mask).starts_with(mask_name(mask)));
  }
}

}  // namespace
}  // namespace bartizan::policy
