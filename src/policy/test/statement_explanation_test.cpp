#include "bartizan/policy/statement_explanation.hpp"

#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

const std::string kPolicies = std::string(kReaders) + R"(
{name: t, version: v1, type: tenancy, tenancy: {tables: ["demo:public.customers"]}}
---
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
name: few
version: v1
type: policy
policy: {data: {type: aggregate, dataset_id: demo:public.orders, selector: {user: {tags: ["**"]}}, aggregate: {k: 5, entity: customer_id}}}
)";

/// Views by hand: what `wall` would make of the outcome.
sql::ViewMap views() {
  sql::ViewMap out;
  auto& customers = out.relations[101];
  customers.view = {"views", "v_1"};
  customers.verbs = sql::Verbs::Select;
  customers.columns = {{1, true, false, false}, {4, true, false, true}};
  auto& orders = out.relations[102];
  orders.view = {"views", "v_2"};
  orders.verbs = sql::Verbs::Select;
  orders.columns = {{1, true, false, false}};
  return out;
}

StatementExplanation explain(std::string_view text) {
  const auto c = catalog();
  const auto map = views();
  sql::RewriteRequest request;
  request.text = text;
  request.catalog = c.get();
  request.views = &map;
  request.search_path = {"public"};
  return explain_statement(request, resolve(policies(kPolicies), someone(), kDepot, *c, Explain::Yes));
}

TEST_CASE("a statement's tables and columns, with rules, masks and reasons, and what the server gets") {
  const auto told = explain("SELECT email FROM customers; SELECT 1");
  REQUIRE_FALSE(told.refusal);
  REQUIRE(told.statements.size() == 2);
  const auto& first = told.statements[0];
  CHECK(first.command == "SELECT");
  CHECK(first.server_text == "SELECT email FROM views.v_1 customers");
  REQUIRE(first.uses.size() == 2);
  CHECK(first.uses[0].object == "public.customers");
  CHECK(first.uses[0].use == "read");
  CHECK(first.uses[0].shown == R"(rows where ("tenant_id" = subject.tenant))");
  CHECK(first.uses[0].why.find("readers: ") != std::string::npos);
  CHECK(first.uses[1].object == "public.customers.email");
  CHECK(first.uses[1].shown == "email {first: 0, keep_domain: true}");
  CHECK(first.uses[1].why.find("mask-email: ") != std::string::npos);
  CHECK(told.statements[1].uses.empty());
}

TEST_CASE("a refusal is told, and nothing else") {
  const auto told = explain("SELECT 1; SELECT ssn FROM customers");
  REQUIRE(told.refusal);
  CHECK(told.refusal->sqlstate == "42703");
  CHECK(told.refusal->position == 18);
  CHECK(told.statements.empty());
}

TEST_CASE("rows for aggregates alone are told with their threshold") {
  const auto c = catalog();
  const auto resolution = resolve(policies(kPolicies), someone(), kDepot, *c, Explain::Yes);
  CHECK(describe_rows(*resolution.outcome.find("public", "orders")) ==
        "all rows, in aggregates over at least 5 distinct customer_id alone");
}

}  // namespace
}  // namespace bartizan::policy
