// policy.explain of statements, over classes of a real PostgreSQL.
#include "policies_fixture.hpp"

namespace bartizan::control {
namespace {

using namespace test;

TEST_CASE_FIXTURE(PoliciesFixture, "a statement is explained, and not run") {
  REQUIRE(*publish(kPolicies).find("ok")->as<bool>());
  const auto asked = [&](const std::string& who, const std::string& statement) {
    return call("policy.explain", R"({"as":")" + who + R"(","statement":)" + quoted(statement) + "}");
  };
  const auto read = asked("ana@northside", "SELECT email FROM clinic.customers WHERE id = 4711");
  INFO(read.to_json());
  CHECK(text_of(read, "decision") == "permitted");
  CHECK(text_of(read, "depot") == "demo");
  const auto rewritten = text_of(read.find("statements")->as<Items>()->at(0), "rewritten");
  CHECK(rewritten.find("FROM bartizan_views.v_") != std::string::npos);
  const auto& uses = *read.find("uses")->as<Items>();
  REQUIRE(uses.size() == 3);
  CHECK(text_of(uses[0], "object") == "clinic.customers");
  CHECK(text_of(uses[0], "shown") == R"(rows where ("tenant" = subject.tenant))");
  CHECK(text_of(uses[1], "object") == "clinic.customers.id");
  CHECK(text_of(uses[2], "shown") == "hash");
  CHECK(text_of(uses[2], "why").find("emails-for-analysts") != std::string::npos);
  // As in a session: what is not granted is not there, what is not permitted is 42501.
  const auto hidden = asked("ana@northside", "SELECT notes FROM clinic.customers");
  CHECK(text_of(hidden, "decision") == "refused");
  CHECK(text_of(*hidden.find("refusal"), "sqlstate") == "42703");
  CHECK(*hidden.find("refusal")->find("position")->as<std::int64_t>() == 8);
  CHECK(hidden.find("uses")->as<Items>()->empty());
  const auto removal = asked("sam@northside", "DELETE FROM clinic.customers");
  CHECK(text_of(*removal.find("refusal"), "sqlstate") == "42501");
  auto superuser = server.connect("demo");
  CHECK(superuser.scalar("SELECT count(*) > 0 FROM clinic.customers", in(std::chrono::seconds(10))) == "t");
  CHECK(text_of(*asked("sam@northside", "DELETE FROM").find("refusal"), "sqlstate") == "42601");
  // Of policies that are not published, and of those whom none concern.
  std::string looser = kPolicies;
  looser.replace(looser.find("mask: {operator: hash}"), 22, "mask: {operator: pass_through}");
  const auto then =
      call("policy.explain",
           R"({"as":"ana@northside","statement":"TABLE clinic.customers","documents":)" + documents(looser) + "}");
  CHECK(then.to_json().find(R"("object":"clinic.customers.email","use":"read","shown":"clear")") != std::string::npos);
  CHECK(*asked("olive@northside", "SELECT 1").find("past_wall")->as<bool>());
  CHECK(try_call("policy.explain", R"({"as":"nobody","statement":"SELECT 1"})").error().code == Errc::NotFound);
  CHECK(try_call("policy.explain", R"({"as":"ana@northside","table":"s.t","statement":"SELECT 1"})").error().code ==
        Errc::InvalidArgument);
}

TEST_CASE_FIXTURE(PoliciesFixture, "who sees a column also says under which purpose, and for whom") {
  const std::string with_case = std::string(kPolicies) + R"(---
name: case-4711
version: v1
type: grant
acknowledge: [grant_without_end]
grant: {subjects: {tags: ["users:id:ana@northside"]}, purpose: fraud}
---
name: emails-for-fraud
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 10
    dataset_id: demo:clinic.customers
    selector: {user: {tags: ["**"]}, column: {tags: [PII.Email]}}
    mask: {operator: pass_through}
    condition: {purposes: [fraud]}
)";
  REQUIRE(*publish(with_case).find("ok")->as<bool>());
  const auto lines = [&](const std::string& args) {
    std::map<std::string, std::string> out;  // identity/purpose: shown
    const auto answer = call("access.who-can-see", R"({"column":"demo:clinic.customers.email")" + args + "}");
    for (const auto& one : *answer.as<Items>()) {
      const auto* purpose = one.find("purpose")->as<std::string>();
      out[text_of(one, "identity") + "/" + (purpose == nullptr ? "" : *purpose)] = text_of(one, "shown");
    }
    return out;
  };
  const auto all = lines("");
  CHECK(all.at("ana@northside/") == "hash");
  CHECK(all.at("ana@northside/fraud") == "clear");
  CHECK(all.contains("ana@lakeview/"));
  CHECK_FALSE(all.contains("ana@lakeview/fraud"));
  CHECK(lines(R"(,"purpose":"fraud")").at("ana@lakeview/fraud") == "hash");
  const auto what = call("access.what-can-see", R"({"identity":"ana@northside"})");
  INFO(what.to_json());
  REQUIRE(what.as<Items>()->size() == 3);  // customers and orders, and customers again
  CHECK(text_of(what.as<Items>()->at(2), "purpose") == "fraud");
  CHECK(text_of(what.as<Items>()->at(2), "table") == "clinic.customers");
  call("identity.create", R"({"name":"clinic-app","service":true,"password":"of an application"})");
  call("role.assign", R"({"role":"analyst","identity":"clinic-app"})");
  call("grant.add", R"({"depot":"demo","identity":"clinic-app","login":"demo_owner","act_for":"lakeview"})");
  const auto who = call("access.who-can-see", R"({"column":"demo:clinic.customers.email"})").to_json();
  CHECK(who.find(R"("identity":"clinic-app","purpose":null,"acts_for":"lakeview","shown":"hash")") !=
        std::string::npos);
}

}  // namespace
}  // namespace bartizan::control
