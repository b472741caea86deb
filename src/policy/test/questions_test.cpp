#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/policy_test.hpp"
#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

const std::string kPolicies = std::string(kReaders) + R"(
{name: c, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {id:, tenant_id:, name:, email: [PII.Email], ssn:, born:, income:, profile:, region:}}}
---
name: mask-email
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 99
    selector: {user: {tags: ["**"]}, column: {tags: [PII.Email]}}
    mask: {operator: email}
---
name: dpo-sees
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 10
    selector: {user: {tags: ["roles:id:dpo"]}, column: {tags: [PII.Email]}}
    mask: {operator: pass_through}
---
{name: t, version: v1, type: tenancy, tenancy: {tables: ["demo:public.customers"]}}
---
)";

TEST_CASE("who can see a column") {
  SubjectFacts guest = someone({"guest"});
  guest.identity = "gil";
  SubjectFacts dpo = someone({"analyst", "dpo"});
  dpo.identity = "dora";
  const std::vector<SubjectFacts> subjects{someone(), guest, dpo};
  const auto c = catalog();
  const auto seen = who_can_see(policies(kPolicies), subjects, kDepot, *c, {"demo", "public", "customers", "email"});
  REQUIRE(seen.has_value());
  REQUIRE(seen->size() == 2);
  CHECK((*seen)[0].identity == "ana");
  CHECK(describe((*seen)[0].visibility) == "email {first: 0, keep_domain: true}");
  CHECK((*seen)[0].filters == std::vector<std::string>{"\"tenant_id\" = subject.tenant"});
  CHECK((*seen)[1].identity == "dora");
  CHECK(describe((*seen)[1].visibility) == "clear");
  CHECK_FALSE((*seen)[1].reasons.empty());
  CHECK(who_can_see(policies(kPolicies), subjects, kDepot, *c, {"demo", "public", "customers", "emial"}).error().code ==
        Errc::NotFound);
}

TEST_CASE("an explanation names rule, mask and reason, and no value of the subject") {
  const auto c = catalog();
  const Resolution r = resolve(policies(kPolicies), someone(), kDepot, *c, Explain::Yes);
  const std::vector<std::string> wanted{"public.customers", "pg_catalog.pg_class"};
  const std::string text = explain_text(r, wanted);
  for (const char* part :
       {"public.customers: read", "rows where \"tenant_id\" = subject.tenant", "readers: allows read",
        "email: email {first: 0", "mask-email: email {first: 0, keep_domain: true}, priority 99",
        "pg_catalog.pg_class: not to be seen", "context: tenant text"}) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  }
  CHECK(text.find("northside") == std::string::npos);
  CHECK(explain_text(r, {}).find("public.orders: read") != std::string::npos);
}

TEST_CASE("policy tests pass where the policies do what they say, and tell what differs") {
  const Manifest m = manifest(kPolicies + R"(
name: analysts see no address
version: v1
type: test
test:
  depot: demo
  as: {identity: ana, roles: [analyst], tenant: northside, at: 2027-01-15}
  expect:
    - table: customers
      visible: true
      verbs: [read]
      columns: {email: email, name: clear, ssn: clear}
      filters: ['"tenant_id" = subject.tenant']
    - {table: orders, filters: []}
---
name: all wrong
version: v1
type: test
test:
  depot: demo
  as: {identity: gil, roles: [analyst]}
  expect:
    - {table: customers, visible: false, verbs: [read, delete], columns: {email: hash, nmae: clear}, filters: []}
    - {table: custmers, visible: false}
---
{name: elsewhere, version: v1, type: test, test: {depot: other, as: {identity: a}, expect: [{table: t, visible: true}]}}
)");
  const auto results = run_policy_tests(m.tests, m.policies, kDepot, *catalog());
  REQUIRE(results.size() == 2);
  for (const std::string& failure : results[0].failures) MESSAGE(failure);
  CHECK(results[0].passed());
  CHECK(results[1].failures.size() == 6);
  CHECK(results[1].failures[0] == "public.customers: expected not visible, found visible");
}

}  // namespace
}  // namespace bartizan::policy
