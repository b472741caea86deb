// Policies from publication to classes that stand in a real PostgreSQL with the demo's data.
#include <thread>

#include "policies_fixture.hpp"

namespace bartizan::control {
namespace {

using namespace test;

TEST_CASE_FIXTURE(PoliciesFixture, "what may not be published is refused, says why and leaves nothing behind") {
  CHECK(try_call("policy.show", "{}").error().code == Errc::NotFound);
  const auto bad =
      try_call("policy.publish", R"({"documents":[{"file":"x.yaml","text":"name: x\nversion: v2\n"}],"reason":"r"})");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == Errc::InvalidArgument);
  CHECK(bad.error().detail.find("x.yaml:2:") != std::string::npos);
  CHECK_FALSE(try_call("policy.publish", R"({"documents":)" + documents(kPolicies) + R"(,"reason":" "})"));
  CHECK_FALSE(try_call("policy.publish",
                       R"({"documents":)" + documents(kPolicies) + R"(,"reason":"r","acknowledge":"nonsense"})"));

  // A mask that does not fit its column is an error of the check.
  std::string wrong = kPolicies;
  wrong.replace(wrong.rfind("{tags: [PII.Email]}"), 19, "{names: [birth_date]}");
  const auto refused = publish(wrong);
  INFO(refused.to_json());
  CHECK_FALSE(*refused.find("ok")->as<bool>());
  CHECK(refused.find("published")->as<std::nullptr_t>() != nullptr);
  // A test that fails refuses as well.
  std::string other = kTests;
  other.replace(other.find("email: hash"), 11, "email: clear");
  const auto failed = call("policy.publish", R"({"documents":)" + documents(kPolicies, other) + R"(,"reason":"r"})");
  CHECK_FALSE(*failed.find("ok")->as<bool>());
  // And a dry run publishes nothing.
  const auto dry = publish(kPolicies, R"(,"dry_run":true)");
  INFO(dry.to_json());
  CHECK(*dry.find("ok")->as<bool>());
  CHECK(call("policy.history").as<Items>()->empty());
  CHECK(snapshots.wall()->policies() == 0);
}

TEST_CASE_FIXTURE(PoliciesFixture, "each role of two tenants gets its class, and each tenant its rows") {
  const auto published = publish(kPolicies);
  INFO(published.to_json());
  REQUIRE(*published.find("ok")->as<bool>());
  const auto north = assignment("ana@northside");
  const auto lake = assignment("ana@lakeview");
  const auto support = assignment("sam@northside");
  const auto dpo = assignment("dpo@northside");
  const auto nobody = assignment("gil");
  for (const auto* one : {&north, &lake, &support, &dpo, &nobody}) {
    INFO((*one ? "" : one->error().detail));
    REQUIRE(one->has_value());
    CHECK((*one)->wall_class->ready);
  }
  CHECK(north->wall_class == lake->wall_class);
  CHECK(north->wall_class->version.id != support->wall_class->version.id);
  CHECK(north->wall_class->version.id != dpo->wall_class->version.id);
  CHECK(support->wall_class->version.id != dpo->wall_class->version.id);
  CHECK(nobody->wall_class->views->relations.empty());
  // Past the wall there is no class.
  for (const char* past : {"olive@northside", "app"}) CHECK(assignment(past).error().code == Errc::Unavailable);

  CHECK(ask(*north, "customers", "count(*)") == "12000");
  CHECK(ask(*lake, "customers", "count(*)") == "8000");
  CHECK(ask(*north, "customers", "string_agg(DISTINCT tenant, ',')") == "northside");
  CHECK(ask(*north, "customers", "count(*) FILTER (WHERE email LIKE '%@%')") == "0");
  CHECK(ask(*support, "customers", "count(*) FILTER (WHERE email LIKE '_*%')") == "12000");
  CHECK(ask(*dpo, "customers", "count(*) FILTER (WHERE email LIKE '%@example.%')") == "12000");
  CHECK(ask(*dpo, "customers", "count(notes)").starts_with("error"));  // nobody classified it

  // A gateway that starts again finds everything in its place.
  WallKeeper again(*database, snapshots, runtime, system_clock(), system_random(), options());
  REQUIRE(again.run_now());
  const auto status = again.status();
  REQUIRE(status.size() == 1);
  CHECK(status[0].drift.empty());
  CHECK_FALSE(status[0].error);
  const auto after = assignment("ana@northside");
  REQUIRE(after);
  CHECK(after->wall_class->login_role == north->wall_class->login_role);
  CHECK(after->wall_class->password.reveal_chars() == north->wall_class->password.reveal_chars());

  // Drift is put right and told.
  auto superuser = server.connect("demo");
  REQUIRE(superuser.exec("ALTER ROLE " + support->wall_class->login_role + " BYPASSRLS", in(std::chrono::seconds(10))));
  const auto repaired = call("wall.reconcile");
  INFO(repaired.to_json());
  CHECK(*repaired.find("ok")->as<bool>());
  CHECK_FALSE(repaired.find("walls")->as<Items>()->at(0).find("drift")->as<Items>()->empty());
  // No secret in what was told or logged.
  const auto told = call("wall.status").to_json() + published.to_json() +
                    sql("SELECT string_agg(coalesce(after::text, ''), '') FROM bartizan.changes");
  CHECK(told.find(north->wall_class->password.reveal_chars()) == std::string::npos);
  CHECK(told.find("SCRAM-SHA-256$") == std::string::npos);
}

TEST_CASE_FIXTURE(PoliciesFixture, "questions, differences and the way back") {
  REQUIRE(*publish(kPolicies).find("ok")->as<bool>());
  const auto explained = call("policy.explain", R"({"as":"ana@northside","depot":"demo","table":"clinic.customers"})");
  CHECK(explained.to_json().find(R"("column":"clinic.customers.email","shown":"hash")") != std::string::npos);
  CHECK(explained.to_json().find("northside\"") == explained.to_json().find("northside\",\"depot\""));
  const auto who = call("access.who-can-see", R"({"column":"demo:clinic.customers.email"})");
  CHECK(who.as<Items>()->size() == 6);
  CHECK(
      who.to_json().find(
          R"("identity":"olive@northside","purpose":null,"acts_for":null,"shown":"clear","writes":"whatever its login may","rows":"all","why":"a grant past the wall")") !=
      std::string::npos);
  CHECK(try_call("access.who-can-see", R"({"column":"demo:clinic.customers.none"})").error().code == Errc::NotFound);
  CHECK(try_call("access.who-can-see", R"({"column":"customers"})").error().code == Errc::InvalidArgument);
  const auto what = call("access.what-can-see", R"({"identity":"sam@northside"})");
  REQUIRE(what.as<Items>()->size() == 1);
  CHECK(text_of(what.as<Items>()->at(0), "may") == "read,update");
  const auto tests = call("policy.test");
  CHECK(*tests.find("ok")->as<bool>());
  CHECK(tests.find("tests")->as<Items>()->size() == 1);

  std::string looser = kPolicies;
  looser.replace(looser.find("mask: {operator: hash}"), 22, "mask: {operator: pass_through}");
  const auto difference = call("policy.diff", R"({"documents":)" + documents(looser) + "}");
  INFO(difference.to_json());
  REQUIRE(difference.find("resources")->as<Items>()->size() == 1);
  CHECK(text_of(difference.find("resources")->as<Items>()->at(0), "name") == "emails-for-analysts");
  CHECK(difference.find("identities")->as<Items>()->size() == 2);

  // To take the protection away must be said.
  const std::string none = R"({"documents":[],"reason":"the end")";
  CHECK_FALSE(*call("policy.publish", none + "}").find("ok")->as<bool>());
  CHECK(*call("policy.publish", none + R"(,"acknowledge":"unprotects"})").find("ok")->as<bool>());
  CHECK(assignment("ana@northside").error().code == Errc::Unavailable);
  auto superuser = server.connect("demo");
  CHECK(superuser.scalar("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'bz\\_%\\_c\\_%'",
                         in(std::chrono::seconds(10))) == "0");
  const auto back = call("policy.rollback", R"({"number":1,"reason":"a mistake"})");
  CHECK(*back.find("ok")->as<bool>());
  CHECK(assignment("ana@northside"));
  const auto history = call("policy.history");
  REQUIRE(history.as<Items>()->size() == 3);
  CHECK(*history.as<Items>()->at(0).find("restored_from")->as<std::int64_t>() == 1);
  CHECK(text_of(history.as<Items>()->at(0), "author") == "os:test");
  CHECK(text_of(call("policy.show", R"({"number":1})").find("documents")->as<Items>()->at(0), "text") == kPolicies);
  CHECK(try_call("policy.rollback", R"({"number":9,"reason":"r"})").error().code == Errc::NotFound);
}

TEST_CASE_FIXTURE(PoliciesFixture, "the thread follows roles and grants") {
  REQUIRE(*publish(kPolicies).find("ok")->as<bool>());
  const auto analyst = assignment("ana@lakeview");
  REQUIRE(analyst);
  keeper->start();
  call("role.assign", R"({"role":"dpo","identity":"ana@lakeview"})");
  // Until the thread has seen it nobody gets the old class.
  CHECK(assignment("ana@lakeview").error().code == Errc::Unavailable);
  const auto now = [] { return policy::SnapshotHolder::Confirmation{system_clock().wall(), system_clock().steady()}; };
  snapshots.publish(snapshot(), now());
  const auto until = system_clock().steady() + std::chrono::seconds(20);
  while (!assignment("ana@lakeview") && system_clock().steady() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(assignment("ana@lakeview"));
  const auto grants = call("grant.list", R"({"identity":"ana@lakeview"})");
  call("grant.remove", R"({"id":")" + text_of(grants.as<Items>()->at(0), "id") + "\"}");
  snapshots.publish(snapshot(), now());
  while (assignment("ana@lakeview") && system_clock().steady() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(assignment("ana@lakeview").error().code == Errc::Unavailable);
}

}  // namespace
}  // namespace bartizan::control
