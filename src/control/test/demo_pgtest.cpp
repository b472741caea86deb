#include <doctest/doctest.h>

#include "bartizan/control/bootstrap_demo.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "control_fixture.hpp"

namespace bartizan::control {
namespace {

using test::ControlFixture;

DemoDepot demo(const char* password) {
  DemoDepot out;
  out.endpoint = {"/run/pg", 5432};
  out.demo_owner = SecretBytes(std::string_view(password));
  out.demo_reader = SecretBytes(std::string_view(password));
  out.demo_app = SecretBytes(std::string_view(password));
  return out;
}

std::shared_ptr<const policy::Snapshot> snapshot_of(store::Database& database) {
  auto transaction = database.begin_read();
  REQUIRE(transaction.has_value());
  auto snapshot = store::read_snapshot(*transaction);
  REQUIRE(snapshot.has_value());
  return *snapshot;
}

TEST_CASE_FIXTURE(ControlFixture, "the demo: everyone reaches the depot as they should, with a password of their own") {
  const auto people = bootstrap_demo(context, demo("first"));
  REQUIRE(people.has_value());
  REQUIRE(people->size() == 6);
  const auto snapshot = snapshot_of(*database);
  const auto* depot = snapshot->find_depot("demo");
  REQUIRE(depot != nullptr);
  CHECK(depot->embedded);
  for (const auto& person : *people) {
    CAPTURE(person.name);
    const auto* identity = snapshot->find_identity(person.name);
    REQUIRE(identity != nullptr);
    const auto granted = snapshot->resolve_grant(identity->id, depot->id, system_clock().wall());
    REQUIRE(granted.has_value());
    CHECK(granted->login->role_name == person.login);
    CHECK(std::get<SecretBytes>(granted->login->secret).reveal_chars() == "first");
    CHECK(identity->tenant.has_value() == !person.tenant.empty());
    if (identity->tenant) CHECK(snapshot->find_tenant(*identity->tenant)->name == person.tenant);
    CHECK(identity->is_service == (person.name == "app"));
    CHECK(person.password.size() == 24);
    const auto verifier = identity::ScramVerifier::parse(identity->scram_verifier.reveal_chars());
    const auto same = identity::ScramVerifier::from_password(person.password.reveal_chars(), verifier->salt(),
                                                             verifier->iterations());
    CHECK(same->to_string().reveal_chars() == identity->scram_verifier.reveal_chars());
  }
  CHECK((*people)[0].password.reveal_chars() != (*people)[1].password.reveal_chars());
}

TEST_CASE_FIXTURE(ControlFixture,
                  "again: nothing is lost and nothing is written, but what changed is brought up to date") {
  REQUIRE(bootstrap_demo(context, demo("first")).has_value());
  const auto before = sql("SELECT max(seq) FROM bartizan.changes");
  const auto again = bootstrap_demo(context, demo("first"));
  REQUIRE(again.has_value());
  for (const auto& person : *again) CHECK(person.password.empty());
  CHECK(sql("SELECT max(seq) FROM bartizan.changes") == before);

  ok("identity.delete", R"({"name":"ana@lakeview"})");
  ok("depot.set", R"({"name":"demo","pool_size":7})");
  ok("depot.pause", R"({"name":"demo"})");
  auto moved = demo("second");
  moved.endpoint.socket_dir = "/run/elsewhere";
  const auto third = bootstrap_demo(context, moved);
  REQUIRE(third.has_value());
  for (const auto& person : *third) CHECK(person.password.empty() == (person.name != "ana@lakeview"));
  const auto snapshot = snapshot_of(*database);
  const auto* depot = snapshot->find_depot("demo");
  CHECK(std::get<policy::UnixEndpoint>(depot->endpoint).socket_dir == "/run/elsewhere");
  CHECK(depot->pool.size == 7);
  CHECK(depot->traffic == policy::Traffic::Paused);
  CHECK(std::get<SecretBytes>(snapshot->find_login(depot->id, "demo_app")->secret).reveal_chars() == "second");
}

}  // namespace
}  // namespace bartizan::control
