#include "bartizan/policy/outcome_difference.hpp"

#include <algorithm>

#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

const std::string kMasked = std::string(kReaders) + R"(
name: mask-email
version: v1
type: policy
policy:
  data:
    type: mask
    dataset_id: demo:public.customers
    selector: {user: {tags: ["**"]}, column: {names: [email]}}
    mask: {operator: email}
---
{name: all, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {id:, tenant_id:, name:, ssn:, born:, income:, profile:, region:}}}
---
)";
const std::string kTenancy =
    R"({name: t, version: v1, type: tenancy, tenancy: {tables: ["demo:public.customers"]}}
---
)";

ClassOutcome outcome(const std::string& yaml) {
  const auto c = catalog();
  return resolve(policies(yaml), someone(), kDepot, *c, Explain::No).outcome;
}

bool holds(const std::vector<OutcomeChange>& all, const OutcomeChange& one) {
  return std::ranges::find(all, one) != all.end();
}

TEST_CASE("what becomes masked, hidden, filtered or other verbs is told, and nothing else") {
  const auto before = outcome(std::string(kReaders));
  const auto after = outcome(kMasked + kTenancy);
  const auto changes = difference(&before, after);
  CHECK(changes.size() == 2);
  CHECK(holds(changes, {"public.customers", "email", "shown", "clear", "email {first: 0, keep_domain: true}"}));
  CHECK(holds(changes, {"public.customers", "", "rows", "all rows", "rows where (\"tenant_id\" = subject.tenant)"}));
  const auto back = difference(&after, before);
  CHECK(holds(back, {"public.customers", "email", "shown", "email {first: 0, keep_domain: true}", "clear"}));
  CHECK(difference(&after, after).empty());
}

TEST_CASE("tables come and go") {
  const auto none = outcome(kTenancy);
  const auto readers = outcome(std::string(kReaders));
  const auto changes = difference(&none, readers);
  CHECK(holds(changes, {"public.countries", "", "table", "not there", "read"}));
  CHECK(holds(changes, {"public.countries", "code", "shown", "not there", "clear"}));
  CHECK(holds(difference(&readers, none), {"public.countries", "", "table", "read", "not there"}));
}

TEST_CASE("what was open to a login is told as such") {
  const auto changes = difference(nullptr, outcome(kMasked));
  CHECK(changes.front().table == "*");
  CHECK(holds(changes, {"public.customers", "", "table", "as its login", "read"}));
  CHECK(holds(changes, {"public.customers", "email", "shown", "as its login", "email {first: 0, keep_domain: true}"}));
}

}  // namespace
}  // namespace bartizan::policy
