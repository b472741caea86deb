#include "bartizan/policy/detokenize.hpp"

#include "bartizan/policy/published.hpp"
#include "resolve_fixture.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;
using namespace resolving;

std::vector<std::string> named(const SubjectFacts& subject, const std::string& yaml) {
  const auto from = catalog(contents());
  const auto* const relation = from->relation("public", "customers");
  std::vector<std::string> out;
  for (const auto attnum : detokenized_columns(policies(yaml), subject, kDepot, *relation))
    out.push_back(relation->column(attnum)->name);
  return out;
}

const std::string kEmail = "paths: ['demo:public.customers.email']";

TEST_CASE("the right to detokenize: default deny, deny over allow, by path and by tag") {
  using Names = std::vector<std::string>;
  const auto allow = access("a", "roles:id:analyst", "detokenize", kEmail);
  CHECK(named(someone(), "{name: g, version: v1, type: group, group: {roles: [a]}}").empty());
  CHECK(named(someone(), kRead).empty());
  CHECK(named(someone(), allow) == Names{"email"});
  CHECK(named(someone({"guest"}), allow).empty());
  CHECK(named(someone(), allow + access("d", "roles:id:analyst", "detokenize", kEmail, "allow: false")).empty());
  CHECK(named(someone(), allow + access("d", "roles:id:analyst", "read", kEmail, "allow: false")) == Names{"email"});
  CHECK(named(someone(), kClassified + access("a", "roles:id:analyst", "detokenize", "tags: [[PII.Ssn]]")) ==
        Names{"ssn"});
  CHECK(named(someone(), access("a", "roles:id:analyst", "detokenize", "paths: ['other:public.customers.email']"))
            .empty());
}

TEST_CASE("a condition that can't be decided gives nothing, and takes away") {
  const auto allow = access("a", "roles:id:analyst", "detokenize", kEmail);
  const std::string unknown = ", condition: {attributes: {never_said: [x]}}";
  CHECK(named(someone(), access("a", "roles:id:analyst", "detokenize", kEmail, "allow: true" + unknown)).empty());
  CHECK(named(someone(), allow + access("d", "roles:id:analyst", "detokenize", kEmail, "allow: false" + unknown))
            .empty());
}

TEST_CASE("a policy about tokens alone raises no wall, and is in no class") {
  const auto allow = access("a", "roles:id:analyst", "detokenize", kEmail);
  const PolicyDocument only{"a.yaml", allow};
  const PolicyDocument both{"a.yaml", access("a", "roles:id:analyst", "read, detokenize", kEmail)};
  CHECK_FALSE(read_published(1, std::span(&only, 1)).protects(kDepot));
  CHECK(read_published(1, std::span(&both, 1)).protects(kDepot));
  CHECK(class_id(as(someone(), kRead + allow).outcome) == class_id(as(someone(), kRead).outcome));
  CHECK(to_string(kDetokenize) == "detokenize");
}

}  // namespace
}  // namespace bartizan::policy
