// The demo's policies over a real embedded PostgreSQL with its data, and a wall keeper over both.
#pragma once

#include <doctest/doctest.h>

#include "bartizan/control/bootstrap_demo.hpp"
#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/postgres/demo.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "bartizan/wall/context.hpp"
#include "control_fixture.hpp"
#include "test/embedded_fixture.hpp"

namespace bartizan::control::test {

using postgres::test::DataFolder;
using postgres::test::in;
using postgres::test::RunningServer;

inline constexpr const char* kPolicies = R"(name: analysts-read
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:analyst", "roles:id:dpo"]}
    predicates: [read]
    objects: {paths: ["demo:clinic.{customers,orders}"]}
    allow: true
---
name: support-works
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:support"]}
    predicates: [read, update]
    objects: {paths: ["demo:clinic.customers"]}
    allow: true
---
name: clinics
version: v1
type: tenancy
tenancy: {tables: ["demo:clinic.{customers,orders,invoices}"], column: tenant}
---
name: customers
version: v1
type: classification
classification:
  depot: demo
  schema: clinic
  table: customers
  columns:
    id: []
    tenant: []
    name: [PII.Name]
    email: [PII.Email]
    phone: [PII.Phone]
    national_id: [PII.NationalId]
    card_number: []
    birth_date: []
    salary: [PII.Income]
    created_at: []
---
name: emails-for-analysts
version: v1
type: policy
policy:
  data:
    type: mask
    dataset_id: demo:clinic.customers
    selector: {user: {tags: ["roles:id:analyst"]}, column: {tags: [PII.Email]}}
    mask: {operator: hash}
---
name: emails-for-support
version: v1
type: policy
policy:
  data:
    type: mask
    dataset_id: demo:clinic.customers
    selector: {user: {tags: ["roles:id:support"]}, column: {tags: [PII.Email]}}
    mask: {operator: email, email: {first: 1}}
)";

inline constexpr const char* kTests = R"(name: an analyst
version: v1
type: test
test:
  depot: demo
  as: {identity: ana, roles: [analyst], tenant: northside, at: 2027-01-15}
  expect: [{schema: clinic, table: customers, verbs: [read], columns: {email: hash, name: clear, notes: hidden}}]
)";

inline RunningServer& demo_server() {
  static DataFolder folder;
  static RunningServer server(folder.path());
  static const bool loaded = [] {
    const auto done =
        postgres::load_demo(server->endpoint(), server->superuser_password(), {}, in(std::chrono::seconds(120)));
    REQUIRE_MESSAGE(done, (done ? "" : done.error().detail));
    return true;
  }();
  CHECK(loaded);
  return server;
}

inline std::string quoted(const std::string& text) { return Document(text).to_json(); }

inline std::string documents(const std::string& text, const std::string& tests = kTests) {
  return R"([{"file":"demo.yaml","text":)" + quoted(text) + R"(},{"file":"tests.yaml","text":)" + quoted(tests) + "}]";
}

struct PoliciesFixture : ControlFixture {
  RunningServer& server = demo_server();
  std::unique_ptr<WallKeeper> keeper =
      std::make_unique<WallKeeper>(*database, snapshots, runtime, system_clock(), system_random(), options());
  Verbs walled{with(*keeper)};

  PoliciesFixture() {
    runtime.embedded = &*server;
    DemoDepot demo;
    demo.endpoint = {server->socket_directory(), server->endpoint().port};
    for (auto* secret : {&demo.demo_owner, &demo.demo_reader, &demo.demo_app})
      *secret = SecretBytes(std::string_view("unused"));
    demo.with_policies = false;
    REQUIRE(bootstrap_demo(context, demo));
    ok("identity.create", R"({"name":"gil","password":"a guest of no role"})");
    ok("grant.add", R"({"identity":"gil","depot":"demo","login":"demo_reader"})");
  }
  /// The server is one for all tests, each of which has a depot of its own in the one database.
  ~PoliciesFixture() {
    keeper.reset();
    auto superuser = server.connect("demo");
    const auto id = text_of(ok("depot.show", R"({"name":"demo"})"), "id");
    const auto gone = postgres::detach(superuser, wall::Names::for_depot(id), in(std::chrono::seconds(60)));
    CHECK_MESSAGE(gone, (gone ? "" : gone.error().detail));
  }
  PoliciesFixture(const PoliciesFixture&) = delete;
  PoliciesFixture& operator=(const PoliciesFixture&) = delete;
  static WallKeeperOptions options() {
    WallKeeperOptions out;
    out.look_interval = std::chrono::milliseconds(20);
    out.drain = std::chrono::seconds(0);
    return out;
  }
  ServiceContext with(WallKeeper& walls) {
    ServiceContext out = context;
    out.walls = &walls;
    return out;
  }
  Result<Document> try_call(const std::string& verb, const std::string& args) {
    auto parsed = Document::parse(args);
    REQUIRE(parsed);
    return walled.call("os:test", verb, std::move(*parsed));
  }
  Document call(const std::string& verb, const std::string& args = "{}") {
    auto done = try_call(verb, args);
    INFO(verb, (done ? "" : done.error().detail));
    REQUIRE(done);
    return std::move(*done);
  }
  Document publish(const std::string& text, const std::string& more = "") {
    return call("policy.publish", R"({"documents":)" + documents(text) + R"(,"reason":"a test")" + more + "}");
  }
  std::shared_ptr<const policy::Snapshot> snapshot() {
    auto transaction = database->begin_read();
    REQUIRE(transaction);
    auto read = store::read_snapshot(*transaction);
    REQUIRE(read);
    return *read;
  }
  Result<policy::WallAssignment> assignment(const std::string& who) {
    const auto now = snapshot();
    const auto wall = snapshots.wall();
    BZ_TRY(const auto* found,
           wall->find(*now, now->find_identity(who)->id, now->find_depot("demo")->id, {}, system_clock().wall()));
    return *found;
  }
  /// As the gateway would: signed in as the class, with its context in front of the statement.
  std::string ask(const policy::WallAssignment& as, const std::string& table, const std::string& what) {
    const auto& one = *as.wall_class;
    auto endpoint = server->endpoint("demo");
    endpoint.user = one.login_role;
    const auto deadline = in(std::chrono::seconds(30));
    auto connection = postgres::ControlConnection::connect(endpoint, one.password, deadline);
    REQUIRE_MESSAGE(connection, (connection ? "" : connection.error().detail));
    const auto pid = std::stoi(connection->scalar("SELECT pg_catalog.pg_backend_pid()", deadline).value());
    const auto nonce = connection->scalar(wall::kOpenConnectionSql, deadline).value();
    const auto key = wall::connection_key(*one.context_key, {one.login_role, pid, nonce});
    REQUIRE(key);
    wall::Context signed_for{system_clock().wall() + wall::kContextLife, {}};
    for (const auto& value : as.context) signed_for.values.push_back({value.name, value.value});
    const auto text = wall::sign_context(*key, signed_for);
    REQUIRE(text);
    const auto* relation = one.catalog->relation("clinic", table);
    REQUIRE(relation != nullptr);
    const auto& view = one.views->relations.at(relation->oid).view;
    REQUIRE(connection->exec("BEGIN; " + wall::set_context_sql(*text), deadline));
    const auto answer = connection->scalar("SELECT " + what + " FROM " + view.schema + "." + view.name, deadline);
    return answer ? *answer : "error: " + answer.error().detail;
  }
};

}  // namespace bartizan::control::test
