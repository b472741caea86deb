#include "bartizan/policy/resolve.hpp"

#include <algorithm>

#include "bartizan/policy/access_questions.hpp"
#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

Resolution as(const SubjectFacts& subject, const std::string& yaml, sql::CatalogContents from = contents()) {
  return resolve(policies(yaml), subject, kDepot, *catalog(std::move(from)), Explain::Yes);
}

/// "id: clear, …" for a column, "" for a table that is not to be seen.
std::string sight(const Resolution& r, std::string_view table, std::string_view column) {
  const TableOutcome* found = r.outcome.find("public", table);
  return found == nullptr ? "" : describe(found->find(column)->visibility);
}

VerbSet verbs(const Resolution& r, std::string_view table) {
  const TableOutcome* found = r.outcome.find("public", table);
  return found == nullptr ? VerbSet{} : found->verbs;
}

std::vector<std::string> filters(const Resolution& r, std::string_view table) {
  std::vector<std::string> out;
  if (const TableOutcome* found = r.outcome.find("public", table)) {
    for (const FilterTemplate& f : found->filters) out.push_back(f.text);
  }
  return out;
}

bool has_reason(const Resolution& r, Reason::Effect effect, std::string_view table, std::string_view column) {
  return std::ranges::any_of(
      r.reasons, [&](const Reason& x) { return x.effect == effect && x.table == table && x.column == column; });
}

/// An access policy in one line.
std::string access(std::string_view name, std::string_view subjects, std::string_view predicates,
                   std::string_view objects, std::string_view rest = "allow: true") {
  return "name: " + std::string(name) + "\nversion: v1\ntype: policy\npolicy: {access: {subjects: {tags: [" +
         std::string(subjects) + "]}, predicates: [" + std::string(predicates) + "], objects: {" +
         std::string(objects) + "}, " + std::string(rest) + "}}\n---\n";
}

/// A data policy in one line; `selector` is what stands beside `user`.
std::string data(std::string_view name, std::string_view type, std::string_view columns, std::string_view body,
                 int priority = 50, std::string_view users = "roles:id:analyst") {
  return "name: " + std::string(name) + "\nversion: v1\ntype: policy\npolicy: {data: {type: " + std::string(type) +
         ", priority: " + std::to_string(priority) +
         ", depot: demo, collection: public, dataset: customers, selector: {user: {tags: ['" + std::string(users) +
         "']}" + (columns.empty() ? "" : ", column: {" + std::string(columns) + "}") + "}, " + std::string(body) +
         "}}\n---\n";
}

const std::string kRead(kReaders);
/// All columns of customers known, so that a mask on one hides no other.
const std::string kClassified =
    "{name: cc, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {id:, tenant_id:, name: "
    "[PII.Name], email: [PII.Email], ssn: [PII.Ssn], born:, income:, profile:, region:}}}\n---\n";

TEST_CASE("default deny, and only tables and partitioned tables in their own name") {
  const Resolution nothing = as(someone(), "{name: g, version: v1, type: group, group: {roles: [a]}}");
  CHECK(nothing.outcome.tables.empty());
  CHECK(has_reason(nothing, Reason::Effect::NotAllowed, "customers", ""));
  REQUIRE(nothing.context.size() == 1);
  CHECK(nothing.context[0].name == "tenant");
  CHECK(nothing.context[0].value == "northside");

  const Resolution all = as(someone(), kRead);
  std::vector<std::string> names;
  for (const TableOutcome& t : all.outcome.tables) names.push_back(t.schema + "." + t.name);
  CHECK(names ==
        std::vector<std::string>{"maps.region_access", "public.countries", "public.customers", "public.orders"});
  CHECK(verbs(all, "customers") == VerbSet{Verb::Read});
  CHECK(as(someone({"guest"}), kRead).outcome.tables.empty());
}

struct AccessCase {
  const char* title;
  std::string yaml;
  std::vector<std::string> roles;
  VerbSet verbs;       // of customers
  std::string email;   // sight of it
  VerbSet writes;      // of email
};

TEST_CASE("access policies: deny over allow, verbs, columns") {
  using enum Verb;
  const std::string pii =
      "{name: cc, version: v1, type: classification, classification: {depot: demo, table: customers, tags: [gold], columns: "
      "{id:, tenant_id:, name:, email: [PII.Email], ssn:, born:, income:, profile:, region:}}}\n---\n";
  const std::vector<AccessCase> cases = {
      {"deny beats allow",
       kRead + access("d", "roles:id:analyst", "read", "paths: ['demo:public.customers']", "allow: false"),
       {"analyst"},
       {},
       "",
       {}},
      {"deny of another",
       kRead + access("d", "roles:id:guest", "read", "paths: ['demo:public.customers']", "allow: false"),
       {"analyst"},
       {Read},
       "clear",
       {}},
      {"deny of a column",
       kRead + access("d", "roles:id:analyst", "read", "paths: ['demo:public.customers.email']", "allow: false"),
       {"analyst"},
       {Read},
       "hidden",
       {}},
      {"deny by a tag",
       kRead + pii + access("d", "roles:id:analyst", "read", "tags: [[PII.Email]]", "allow: false"),
       {"analyst"},
       {Read},
       "hidden",
       {}},
      {"both tags of an AND are wanted",
       kRead + pii + access("d", "roles:id:analyst", "read", "tags: [[PII.Email, PII.Name]]", "allow: false"),
       {"analyst"},
       {Read},
       "clear",
       {}},
      {"the table's tag counts for its columns",
       kRead + pii + access("d", "roles:id:analyst", "read", "tags: [[PII.Email, gold]]", "allow: false"),
       {"analyst"},
       {Read},
       "hidden",
       {}},
      {"allow by tag brings that column alone",
       pii + access("a", "roles:id:analyst", "read", "tags: [[PII.*]]"),
       {"analyst"},
       {Read},
       "clear",
       {}},
      {"all tags of a subject's AND",
       access("a", "[roles:id:a, roles:id:b]", "read", "paths: [demo]"),
       {"a"},
       {},
       "",
       {}},
      {"all tags of a subject's AND are there",
       access("a", "[roles:id:a, roles:id:b]", "read", "paths: [demo]"),
       {"a", "b"},
       {Read},
       "clear",
       {}},
      {"write verbs",
       access("a", "roles:id:analyst", "read, insert, delete", "paths: ['demo:public.customers']"),
       {"analyst"},
       {Read, Insert, Delete},
       "clear",
       {Insert}},
      {"update of one column",
       kRead + access("a", "roles:id:analyst", "update", "paths: ['demo:public.customers.email']"),
       {"analyst"},
       {Read, Update},
       "clear",
       {Update}},
      {"no read, so write-only",
       access("a", "roles:id:analyst", "insert", "paths: ['demo:public.customers.email']"),
       {"analyst"},
       {Insert},
       "write_only",
       {Insert}},
      {"write_only takes the reading away",
       kRead + access("a", "roles:id:analyst", "insert, update", "paths: ['demo:public.customers.email']",
                      "allow: true, write_only: true"),
       {"analyst"},
       {Read, Insert, Update},
       "write_only",
       {Insert, Update}},
      {"delete by a column's path is none",
       kRead + access("a", "roles:id:analyst", "delete", "paths: ['demo:public.customers.email']"),
       {"analyst"},
       {Read},
       "clear",
       {}},
      {"delete denied on one column",
       access("a", "roles:id:analyst", "read, delete", "paths: [demo]") +
           access("d", "roles:id:analyst", "delete", "paths: ['demo:public.customers.ssn']", "allow: false"),
       {"analyst"},
       {Read},
       "clear",
       {}},
      {"options is no verb", access("a", "roles:id:analyst", "options", "paths: [demo]"), {"analyst"}, {}, "", {}},
      {"another depot",
       access("a", "roles:id:analyst", "read", "paths: ['other:public.customers']"),
       {"analyst"},
       {},
       "",
       {}},
  };
  for (const AccessCase& c : cases) {
    CAPTURE(c.title);
    const Resolution r = as(someone(c.roles), c.yaml);
    CHECK(verbs(r, "customers") == c.verbs);
    CHECK(sight(r, "customers", "email") == c.email);
    if (!c.email.empty()) CHECK(r.outcome.find("public", "customers")->find("email")->writes == c.writes);
  }
}

TEST_CASE("generated columns are never written") {
  const Resolution r = as(someone(), access("a", "roles:id:analyst", "read, insert, update", "paths: [demo]"));
  const TableOutcome* orders = r.outcome.find("public", "orders");
  REQUIRE(orders != nullptr);
  CHECK(orders->find("doubled")->writes.empty());
  CHECK(orders->find("total")->writes == VerbSet{Verb::Insert, Verb::Update});
}

struct ConditionCase {
  const char* title;
  std::string condition;
  bool allow_holds;  // as the condition of an allow
  bool deny_holds;   // as the condition of a deny
};

TEST_CASE("conditions: a missing attribute does not allow, and does deny") {
  const std::vector<ConditionCase> cases = {
      {"attribute agrees", "attributes: {region: [eu, us]}", true, true},
      {"attribute differs", "attributes: {region: [us]}", false, false},
      {"attribute missing", "attributes: {clearance: [high]}", false, true},
      {"missing beside one that differs", "attributes: {clearance: [high], region: [us]}", false, false},
      {"before it begins", "from: 2027-01-15T08:00:01Z", false, false},
      {"at its beginning", "from: 2027-01-15T08:00:00Z", true, true},
      {"at its end", "until: 2027-01-15T08:00:00Z", false, false},
      {"a second before its end", "until: 2027-01-15T08:00:01Z", true, true},
      {"a purpose that nobody granted", "purposes: [fraud]", false, false},
  };
  for (const ConditionCase& c : cases) {
    CAPTURE(c.title);
    SubjectFacts ana = someone();
    ana.attributes["region"] = "eu";
    ana.purpose = "fraud";
    const std::string condition = ", condition: {" + c.condition + "}";
    CHECK(as(ana, access("a", "roles:id:analyst", "read", "paths: [demo]", "allow: true" + condition))
              .outcome.tables.empty() == !c.allow_holds);
    CHECK(as(ana, kRead + access("d", "roles:id:analyst", "read", "paths: [demo]", "allow: false" + condition))
              .outcome.tables.empty() == c.deny_holds);
  }
}

TEST_CASE("grants: purpose and roles for a time, and the moment at which that changes") {
  const std::string yaml =
      access("a", "roles:id:investigator", "read", "paths: [demo]", "allow: true, condition: {purposes: [fraud]}") +
      "name: g\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [users:id:ana]}, purpose: fraud, roles: [investigator], "
      "from: 2027-01-01, until: 2027-02-01}\n";
  SubjectFacts ana = someone({});
  CHECK(as(ana, yaml).outcome.tables.empty());  // a purpose must be stated
  ana.purpose = "fraud";
  const Resolution r = as(ana, yaml);
  CHECK_FALSE(r.outcome.tables.empty());
  CHECK(r.valid_until == WallTime(std::chrono::seconds(1'801'440'000)));
  SubjectFacts sam = ana;
  sam.identity = "sam";
  CHECK(as(sam, yaml).outcome.tables.empty());
  SubjectFacts late = ana;
  late.moment = *r.valid_until;
  CHECK(as(late, yaml).outcome.tables.empty());
  CHECK_FALSE(as(late, yaml).valid_until.has_value());
  SubjectFacts early = ana;
  early.moment = WallTime(std::chrono::seconds(1'798'000'000));
  CHECK(as(early, yaml).outcome.tables.empty());
  ana.purpose = "marketing";
  CHECK(as(ana, yaml).outcome.tables.empty());

  const std::string chained =
      yaml +
      "---\nname: h\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [roles:id:investigator]}, roles: [boss]}\n---\n" +
      access("b", "roles:id:boss", "delete", "paths: [demo]");
  ana.purpose = "fraud";
  CHECK_FALSE(verbs(as(ana, chained), "customers").contains(Verb::Delete));  // a grant does not lead to another
}

TEST_CASE("groups bring their roles and their own tag") {
  const std::string yaml = "{name: data, version: v1, type: group, group: {roles: [analyst]}}\n---\n" + kRead +
                           access("b", "groups:id:data", "delete", "paths: [demo]");
  SubjectFacts ana = someone({});
  ana.groups = {"data"};
  CHECK(verbs(as(ana, yaml), "customers") == VerbSet{Verb::Read, Verb::Delete});
  ana.groups = {"other"};
  ana.tags = {"roles:id:analyst", "groups:id:data", "users:id:root"};  // free tags make nobody somebody
  CHECK(as(ana, yaml).outcome.tables.empty());
  ana.tags = {"dataos:u:x"};
  CHECK_FALSE(as(ana, access("t", "'dataos:u:*'", "read", "paths: [demo]")).outcome.tables.empty());
}

struct MaskChoiceCase {
  const char* title;
  std::string yaml;
  std::string email;
};

TEST_CASE("masks: priority, ties, what cannot be decided") {
  const char* by_name = "names: [email]";
  const std::string redact = "mask: {operator: redact}";
  const std::string hash = "mask: {operator: hash}";
  const std::string clear = "mask: {operator: pass_through}";
  const std::string partial = "mask: {operator: partial, partial: {last: 2}}";
  const std::string missing = ", condition: {attributes: {clearance: [high]}}";
  const std::vector<MaskChoiceCase> cases = {
      {"no mask", "", "clear"},
      {"one mask", data("a", "mask", by_name, hash), "hash"},
      {"by glob of names", data("a", "mask", "names: ['e*']", hash), "hash"},
      {"by tag", data("a", "mask", "tags: [PII.Email]", hash), "hash"},
      {"by glob of tags", data("a", "mask", "tags: ['PII.*']", hash), "hash"},
      {"by another tag", data("a", "mask", "tags: [PII.Name]", hash), "clear"},
      {"of other users", data("a", "mask", by_name, hash, 50, "roles:id:guest"), "clear"},
      {"the lower number wins, the looser too",
       data("a", "mask", by_name, hash, 50) + data("b", "mask", by_name, partial, 10),
       "partial {first: 0, last: 2, fill: \"***\"}"},
      {"an exception", data("a", "mask", by_name, hash, 99) + data("b", "mask", by_name, clear, 1), "clear"},
      {"tie: the stricter", data("a", "mask", by_name, partial) + data("b", "mask", by_name, hash), "hash"},
      {"tie: the stricter, the other way round", data("a", "mask", by_name, hash) + data("b", "mask", by_name, partial),
       "hash"},
      {"tie with an exception: masked", data("a", "mask", by_name, clear) + data("b", "mask", by_name, hash), "hash"},
      {"tie of equals", data("a", "mask", by_name, hash) + data("b", "mask", by_name, hash), "hash"},
      {"tie without order: hidden",
       data("a", "mask", by_name, hash) +
           data("b", "mask", by_name, "mask: {operator: rand_pattern, rand_pattern: {pattern: '##'}}"),
       "hidden"},
      {"a third that settles it",
       data("a", "mask", by_name, hash) +
           data("b", "mask", by_name, "mask: {operator: rand_pattern, rand_pattern: {pattern: '##'}}") +
           data("c", "mask", by_name, redact),
       "redact {replacement: \"REDACTED\"}"},
      {"a condition that cannot be decided: hidden",
       data("a", "mask", by_name, partial + missing, 10) + data("b", "mask", by_name, hash, 50), "hidden"},
      {"an exception that cannot be decided does not open",
       data("a", "mask", by_name, clear + missing, 10) + data("b", "mask", by_name, hash, 50), "hash"},
      {"an exception for a purpose nobody granted",
       data("a", "mask", by_name, clear + ", condition: {purposes: [fraud]}", 10) +
           data("b", "mask", by_name, hash, 50),
       "hash"},
      {"a mask that does not take the type: hidden",
       data("a", "mask", by_name, "mask: {operator: bucket_date, bucket_date: {precision: year}}"), "hidden"},
  };
  for (const MaskChoiceCase& c : cases) {
    CAPTURE(c.title);
    const Resolution r = as(someone(), kRead + kClassified + c.yaml);
    CHECK(sight(r, "customers", "email") == c.email);
    CHECK(sight(r, "customers", "born") == "clear");
  }
  const Resolution r =
      as(someone(), kRead + kClassified + data("a", "mask", by_name, partial) + data("b", "mask", by_name, hash));
  CHECK(has_reason(r, Reason::Effect::MaskApplied, "customers", "email"));
  CHECK(has_reason(r, Reason::Effect::MaskOverruled, "customers", "email"));
}

TEST_CASE("a masked column is written only where its policy says so, by all that tie") {
  const std::string rights = access("a", "roles:id:analyst", "read, update", "paths: [demo]");
  const auto writes = [&](const std::string& yaml) {
    return as(someone(), rights + kClassified + yaml).outcome.find("public", "customers")->find("email")->writes;
  };
  const char* by_name = "names: [email]";
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash}")).empty());
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash, writable: true}")) == VerbSet{Verb::Update});
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash, writable: true}") +
               data("b", "mask", by_name, "mask: {operator: hash}"))
            .empty());
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: pass_through}")) == VerbSet{Verb::Update});
}

TEST_CASE("a new column of a protected table is hidden until classified or allowed by name") {
  const std::string masked = kRead + data("a", "mask", "names: [email]", "mask: {operator: hash}");
  CHECK(sight(as(someone(), masked), "customers", "name") == "hidden");
  CHECK(has_reason(as(someone(), masked), Reason::Effect::Unclassified, "customers", "name"));
  CHECK(sight(as(someone(), masked), "orders", "total") == "clear");  // not protected
  CHECK(sight(as(someone(), masked + kClassified), "customers", "name") == "clear");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:analyst", "read", "paths: ['demo:public.customers.*']")),
              "customers", "name") == "clear");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:analyst", "read", "paths: ['demo:public.**']")), "customers",
              "name") == "hidden");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:guest", "read", "paths: ['demo:public.customers.*']")),
              "customers", "name") == "hidden");

  // By name for the verb that is asked: inserting into it does not bring its reading.
  const std::string insert = access("b", "roles:id:analyst", "insert", "paths: ['demo:public.customers.name']");
  CHECK(sight(as(someone(), masked + insert), "customers", "name") == "write_only");

  // ALTER TABLE customers ADD COLUMN passport text
  sql::CatalogContents altered = contents();
  altered.relations[0].columns.push_back(column("passport", kText));
  altered.relations[0].columns.back().attnum = 10;
  const Resolution r =
      as(someone(), kRead + kClassified + access("w", "roles:id:analyst", "insert", "paths: [demo]"), altered);
  CHECK(sight(r, "customers", "passport") == "hidden");
  CHECK(r.outcome.find("public", "customers")->find("passport")->writes.empty());
  CHECK(sight(r, "customers", "born") == "clear");
  // A mask for others covers the column: it is known.
  CHECK(sight(as(someone(),
                 kRead + kClassified +
                     data("m", "mask", "names: [passport]", "mask: {operator: 'null'}", 50, "roles:id:guest"),
                 altered),
              "customers", "passport") == "clear");
}

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
