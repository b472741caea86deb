#include "resolve_fixture.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;
using namespace resolving;

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

}  // namespace
}  // namespace bartizan::policy
