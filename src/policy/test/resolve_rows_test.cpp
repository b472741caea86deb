#include "resolve_fixture.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;
using namespace resolving;

const std::string kTenancy =
    "{name: t, version: v1, type: tenancy, tenancy: {tables: ['demo:public'], shared: ['demo:public.countries'], column: tenant_id}}\n---\n";
const std::string kAttributes =
    "{name: at, version: v1, type: attributes, attributes: {region: text, level: bigint, regions: 'text[]'}}\n---\n";

TEST_CASE("tenants: every table of the tenancy is filtered, one without the column is taken away") {
  const Resolution r = as(someone(), kRead + kTenancy);
  CHECK(filters(r, "customers") == std::vector<std::string>{"\"tenant_id\" = subject.tenant"});
  CHECK(filters(r, "countries").empty());
  CHECK(has_reason(r, Reason::Effect::TenantFilter, "orders", ""));
  const std::string strict =
      "{name: t, version: v1, type: tenancy, tenancy: {tables: ['demo:public'], column: tenant_id}}\n---\n";
  CHECK(r.outcome.find("public", "countries") != nullptr);
  CHECK(as(someone(), kRead + strict).outcome.find("public", "countries") == nullptr);

  SubjectFacts service = someone();
  service.tenant.reset();
  const Resolution none = as(service, kRead + kTenancy);
  CHECK_FALSE(none.context[0].value.has_value());
  CHECK(class_id(none.outcome) == class_id(r.outcome));  // one class serves all tenants
  SubjectFacts south = someone();
  south.tenant = "southside";
  south.identity = "sam";
  CHECK(class_id(as(south, kRead + kTenancy).outcome) == class_id(r.outcome));

  const std::string typed =
      "{name: t, version: v1, type: tenancy, tenancy: {tables: ['demo:public.customers'], type: uuid}}\n---\n";
  CHECK(as(someone(), kRead + typed).context[0].type == AttributeType::Uuid);
  CHECK_FALSE(as(someone(), kRead + typed).context[0].value.has_value());  // northside is no uuid
  const std::string other =
      "{name: u, version: v1, type: tenancy, tenancy: {tables: ['demo:public.orders'], type: text}}\n---\n";
  CHECK(as(someone(), kRead + typed + other).outcome.tables.empty());  // a contradiction shows nothing
}

struct FilterCase {
  const char* title;
  std::string body;
  bool visible;
  std::vector<std::string> filters;
};

TEST_CASE("filters: all hold, and what cannot be decided takes the table away") {
  const auto expr = [](const char* text) { return std::string("filters: [{expression: \"") + text + "\"}]"; };
  const std::vector<FilterCase> cases = {
      {"one", expr("region = subject.region"), true, {"region = subject.region"}},
      {"two",
       "filters: [{expression: 'region = subject.region'}, {column: name, operator: equals, value: x}]",
       true,
       {"name = 'x'", "region = subject.region"}},
      {"twice the same",
       "filters: [{expression: 'region = subject.region'}, {expression: 'REGION=subject.region'}]",
       true,
       {"region = subject.region"}},
      {"identity is there by itself", expr("name = subject.identity"), true, {"name = subject.identity"}},
      {"a missing attribute", expr("income > subject.level"), false, {}},
      {"a missing attribute, where NULL would open", expr("subject.level IS NULL"), false, {}},
      {"an attribute that is no bigint", expr("income > subject.level AND region = subject.region"), false, {}},
      {"an undeclared attribute", expr("region = subject.regoin"), false, {}},
      {"a column that is not there", expr("regoin = subject.region"), false, {}},
      {"another table's name", expr("orders.region = subject.region"), false, {}},
      {"its own name", expr("customers.region = subject.region"), true, {"customers.region = subject.region"}},
      {"a purpose that nobody stated", expr("name = subject.purpose"), false, {}},
      {"a table that is no mapping table", expr("region IN (SELECT c.code FROM public.countries c)"), false, {}},
      {"a mapping table",
       expr("region IN (SELECT m.region FROM maps.region_access m WHERE m.login = subject.identity)"),
       true,
       {"region IN (SELECT m.region FROM maps.region_access m WHERE m.login = subject.identity)"}},
      {"the tenant in an authored filter is guarded",
       expr("tenant_id IS NOT DISTINCT FROM subject.tenant"),
       true,
       {"(tenant_id IS NOT DISTINCT FROM subject.tenant) AND subject.tenant IS NOT NULL"}},
      {"a condition that does not hold", expr("region = 'x'") + ", condition: {attributes: {region: [us]}}", true, {}},
      {"a condition that cannot be decided restricts",
       expr("region = 'x'") + ", condition: {attributes: {clearance: [us]}}",
       true,
       {"region = 'x'"}},
  };
  const std::string mapping = "{name: mp, version: v1, type: mapping, mapping: {tables: ['demo:maps.*']}}\n---\n";
  SubjectFacts ana = someone();
  ana.attributes = {{"region", "eu"}};
  for (const FilterCase& c : cases) {
    CAPTURE(c.title);
    if (std::string_view(c.title) == "an attribute that is no bigint") ana.attributes["level"] = "high";
    const Resolution r = as(ana, kRead + kClassified + kAttributes + mapping + data("f", "filter", "", c.body));
    ana.attributes.erase("level");
    CHECK((r.outcome.find("public", "customers") != nullptr) == c.visible);
    CHECK(filters(r, "customers") == c.filters);
    CHECK(r.outcome.find("public", "orders") != nullptr);
  }
  ana.attributes["level"] = "007";
  const Resolution r = as(ana, kRead + kAttributes + data("f", "filter", "", expr("income > subject.level")));
  REQUIRE(r.context.size() == 2);
  CHECK(r.context[0] == ContextValue{"level", AttributeType::Bigint, "7"});
  CHECK(r.outcome.context[0] == ContextAttribute{"level", AttributeType::Bigint});
  ana.attributes["regions"] = "eu,\"us";
  const Resolution array =
      as(ana, kRead + kAttributes + data("f", "filter", "", expr("region = ANY (subject.regions)")));
  CHECK(array.context[0].value == "{\"eu\",\"\\\"us\"}");
}

TEST_CASE("aggregates alone: the greater k, one entity") {
  const auto rule = [](const char* name, int k, const char* entity) {
    return data(name, "aggregate", "", "aggregate: {k: " + std::to_string(k) + ", entity: " + entity + "}");
  };
  const Resolution r = as(someone(), kRead + kClassified + rule("a", 5, "id") + rule("b", 9, "id"));
  CHECK(r.outcome.find("public", "customers")->aggregate_only == AggregateOnly{9, "id"});
  CHECK(as(someone(), kRead + rule("a", 5, "id") + rule("b", 9, "email")).outcome.find("public", "customers") ==
        nullptr);
  CHECK(as(someone(), kRead + rule("a", 5, "nobody")).outcome.find("public", "customers") == nullptr);
}

TEST_CASE("aggregates alone: nothing is written, and what is counted by can be read") {
  const std::string rule = data("a", "aggregate", "", "aggregate: {k: 5, entity: id}");
  const std::string writes = R"(
name: writers
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:analyst"]}
    predicates: [insert, update, delete]
    objects: {paths: ["demo:public.customers"]}
    allow: true
---
)";
  const Resolution r = as(someone(), kRead + writes + rule);
  const TableOutcome* table = r.outcome.find("public", "customers");
  REQUIRE(table != nullptr);
  CHECK(table->verbs == VerbSet{Verb::Read});
  for (const ColumnOutcome& column : table->columns) CHECK(column.writes.empty());
  CHECK(as(someone(), writes + rule).outcome.find("public", "customers") == nullptr);
  const std::string hidden = R"(
name: no-ids
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["**"]}
    predicates: [read]
    objects: {paths: ["demo:public.customers.id"]}
    allow: false
---
)";
  CHECK(as(someone(), kRead + hidden + rule).outcome.find("public", "customers") == nullptr);
}

TEST_CASE("order of policies and values of attributes make no class") {
  std::string yaml = kRead + kClassified + kAttributes + kTenancy +
                     data("a", "mask", "names: [email]", "mask: {operator: hash}") +
                     data("f", "filter", "", "filters: [{expression: 'region = subject.region'}]");
  PolicySet set = policies(yaml);
  SubjectFacts eu = someone();
  eu.attributes = {{"region", "eu"}};
  const auto c = catalog();
  const Resolution first = resolve(set, eu, kDepot, *c, Explain::No);
  CHECK(first.reasons.empty());
  std::ranges::reverse(set.data);
  std::ranges::reverse(set.classifications);
  SubjectFacts us = eu;
  us.attributes["region"] = "us";
  us.identity = "bob";
  us.tenant = "southside";
  const Resolution second = resolve(set, us, kDepot, *c, Explain::Yes);
  CHECK(first.outcome == second.outcome);
  CHECK(class_id(first.outcome) == class_id(second.outcome));
  CHECK(first.context != second.context);
  for (const Reason& r : second.reasons) CHECK(r.text.find("southside") == std::string::npos);
}

/// What a subject gets never grows by a further deny, filter or stricter mask.
TEST_CASE("denies and filters only ever take away") {
  const std::string base = kRead + kClassified + kTenancy +
                           access("w", "roles:id:analyst", "insert, update, delete", "paths: ['demo:public.orders']");
  const Resolution before = as(someone(), base);
  for (const std::string& more :
       {access("d", "roles:id:*", "read", "paths: ['demo:public.customers.{email,ssn}']", "allow: false"),
        access("d", "'**'", "read, delete", "paths: ['demo:*.orders']", "allow: false"),
        data("f", "filter", "", "filters: [{expression: 'true'}]"),
        data("m", "mask", "names: ['*']", "mask: {operator: 'null'}")}) {
    const Resolution after = as(someone(), base + more);
    for (const TableOutcome& t : after.outcome.tables) {
      const TableOutcome* old = before.outcome.find(t.schema, t.name);
      REQUIRE(old != nullptr);
      CHECK((t.verbs - old->verbs).empty());
      CHECK(t.filters.size() >= old->filters.size());
      for (std::size_t i = 0; i < t.columns.size(); ++i) {
        CHECK((t.columns[i].writes - old->columns[i].writes).empty());
        if (std::holds_alternative<Clear>(t.columns[i].visibility))
          CHECK(std::holds_alternative<Clear>(old->columns[i].visibility));
      }
    }
  }
}

}  // namespace
}  // namespace bartizan::policy
