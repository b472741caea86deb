#include <doctest/doctest.h>

#include "bartizan/store/depots.hpp"
#include "bartizan/store/policies.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "bartizan/store/wall_accounts.hpp"
#include "bartizan/store/wall_secrets.hpp"
#include "connection.hpp"
#include "store_fixture.hpp"

namespace bartizan::store {
namespace {

using test::must;
using test::StoreFixture;

constexpr const char* kPolicy = R"(name: readers
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["**"]}
    predicates: [read]
    objects: {paths: ["demo:public.*"]}
    allow: true
)";

PolicyVersion publication(std::string reason, std::string text = kPolicy) {
  PolicyVersion out;
  out.reason = std::move(reason);
  out.documents = {{"a \"b\".yaml", std::move(text)}};
  return out;
}

TEST_CASE_FIXTURE(StoreFixture, "publications are numbered, kept as they were given, and never changed") {
  CHECK_FALSE(must(read([](Transaction& t) { return PolicyVersions(t).in_force(); })));
  auto first = publication("the first");
  first.acknowledged = {"mask_on_key"};
  const auto one = must(write([&](Transaction& t) { return PolicyVersions(t).publish(first); }));
  CHECK(one.value.number == 1);
  CHECK(one.meta.created_by == "test");
  auto second = publication("back again");
  second.restored_from = 1;
  CHECK(must(write([&](Transaction& t) { return PolicyVersions(t).publish(second); })).value.number == 2);
  const auto in_force = must(read([](Transaction& t) { return PolicyVersions(t).in_force(); }));
  REQUIRE(in_force);
  CHECK(in_force->value.number == 2);
  CHECK(in_force->value.restored_from == 1);
  const auto found = must(read([](Transaction& t) { return PolicyVersions(t).find(1); }));
  CHECK(found.value.documents == first.documents);
  CHECK(found.value.acknowledged == first.acknowledged);
  const auto all = must(read([](Transaction& t) { return PolicyVersions(t).list(); }));
  REQUIRE(all.size() == 2);
  CHECK(all[0].value.number == 2);
  CHECK(all[1].value.documents.empty());
  CHECK(read([](Transaction& t) { return PolicyVersions(t).find(3); }).error().code == Errc::NotFound);

  for (const char* text :
       {"UPDATE bartizan.policy_versions SET reason = 'x'", "DELETE FROM bartizan.policy_versions"}) {
    auto transaction = must(database->begin_write(actor));
    CHECK_FALSE(transaction.query(text, {}));
  }
  CHECK(write([&](Transaction& t) {
          return PolicyVersions(t).publish(publication("x", std::string(kMaxPolicyBytes, 'x')));
        })
            .error()
            .code == Errc::TooLarge);
  CHECK_FALSE(write([&](Transaction& t) { return PolicyVersions(t).publish(publication("")); }));
}

TEST_CASE_FIXTURE(StoreFixture, "a snapshot carries the policies in force; unreadable ones protect everything") {
  CHECK_FALSE(must(read([](Transaction& t) { return read_snapshot(t); }))->policies().protects("demo"));
  (void)must(write([&](Transaction& t) { return PolicyVersions(t).publish(publication("one")); }));
  auto snapshot = must(read([](Transaction& t) { return read_snapshot(t); }));
  CHECK(snapshot->policies().number == 1);
  CHECK(snapshot->policies().protects("demo"));
  CHECK_FALSE(snapshot->policies().protects("other"));
  (void)must(write([&](Transaction& t) { return PolicyVersions(t).publish(publication("two", "type: novelty\n")); }));
  snapshot = must(read([](Transaction& t) { return read_snapshot(t); }));
  CHECK_FALSE(snapshot->policies().readable);
  CHECK(snapshot->policies().protects("other"));
}

TEST_CASE_FIXTURE(StoreFixture, "a wall's secrets are sealed for their very rows and go with the depot") {
  policy::Depot depot;
  depot.name = "demo";
  depot.endpoint = policy::UnixEndpoint{"/run/pg", 5433};
  depot.database = "app";
  depot.tls = policy::TlsDisabled{};
  const auto made = must(write([&](Transaction& t) { return Depots(t).create(depot); }));
  const auto id = made.value.id;
  CHECK(read([&](Transaction& t) { return WallSecrets(t).context_key(id); }).error().code == Errc::NotFound);
  const SecretBytes key(std::string(32, 'c'));
  REQUIRE(write([&](Transaction& t) { return WallSecrets(t).put_context_key(id, key); }));
  CHECK(must(read([&](Transaction& t) { return WallSecrets(t).context_key(id); })).reveal_chars() ==
        key.reveal_chars());
  for (const char* role : {"bz_1_c_a", "bz_1_c_b", "bz_1_c_a"}) {
    const WallLogin login{role, SecretBytes(std::string_view("swordfish")),
                          SecretBytes(std::string_view("verifier-text"))};
    REQUIRE(write([&](Transaction& t) { return WallSecrets(t).put_login(id, login); }));
  }
  auto logins = must(read([&](Transaction& t) { return WallSecrets(t).logins(id); }));
  REQUIRE(logins.size() == 2);
  CHECK(logins[1].password.reveal_chars() == "swordfish");
  CHECK(logins[1].verifier.reveal_chars() == "verifier-text");
  REQUIRE(write([&](Transaction& t) { return WallSecrets(t).keep_only(id, {"bz_1_c_b"}); }));
  CHECK(must(read([&](Transaction& t) { return WallSecrets(t).logins(id); })).size() == 1);

  const auto log =
      sql("SELECT string_agg(coalesce(after::text, '') || coalesce(before::text, ''), '') FROM bartizan.changes");
  for (const char* secret : {"swordfish", "verifier-text", "\\\\x01"}) CHECK(log.find(secret) == std::string::npos);

  // A value from another row does not open: it is left out, and the door stays shut.
  sql("SET bartizan.actor = 'thief'; UPDATE bartizan.wall_logins SET password = verifier");
  CHECK(must(read([&](Transaction& t) { return WallSecrets(t).logins(id); })).empty());
  REQUIRE(write([&](Transaction& t) { return Depots(t).remove(id, made.meta.version); }));
  CHECK(read([&](Transaction& t) { return WallSecrets(t).context_key(id); }).error().code == Errc::NotFound);
}

TEST_CASE_FIXTURE(StoreFixture, "the account of a wall is the depot's only one, sealed, and no login of it") {
  policy::Depot depot;
  depot.name = "demo";
  depot.endpoint = policy::TcpEndpoint{"db", 5432};
  depot.database = "app";
  depot.tls = policy::TlsVerifyFull{};
  const auto made = must(write([&](Transaction& t) { return Depots(t).create(depot); }));
  const auto id = made.value.id;
  CHECK(read([&](Transaction& t) { return WallAccounts(t).open(id); }).error().code == Errc::NotFound);
  policy::DepotLogin login{{}, id, "keeper", SecretBytes(std::string_view("swordfish"))};
  REQUIRE(write([&](Transaction& t) { return WallAccounts(t).put(login, "managed", 150020); }));
  login.role_name = "other";
  login.secret = SecretBytes(std::string_view("mackerel"));
  login.certificate = policy::ClientCertificate{"PEM", SecretBytes(std::string_view("key-text"))};
  REQUIRE(write([&](Transaction& t) { return WallAccounts(t).put(login, "full", 160004); }));
  const auto found = must(read([&](Transaction& t) { return WallAccounts(t).find(id); }));
  CHECK(found.value.role_name == "other");
  CHECK(found.value.grade == "full");
  CHECK(found.value.server_version == 160004);
  auto opened = must(read([&](Transaction& t) { return WallAccounts(t).open(id); }));
  CHECK(std::get<SecretBytes>(opened.secret).reveal_chars() == "mackerel");
  CHECK(opened.certificate->key_pem.reveal_chars() == "key-text");
  CHECK(must(read([&](Transaction& t) { return DepotLogins(t).list(id); })).empty());
  const auto log =
      sql("SELECT string_agg(coalesce(after::text, '') || coalesce(before::text, ''), '') FROM bartizan.changes");
  for (const char* secret : {"swordfish", "mackerel", "key-text", "\\\\x01"})
    CHECK(log.find(secret) == std::string::npos);
  REQUIRE(write([&](Transaction& t) { return WallAccounts(t).note_grade(id, "managed", 160004); }));
  CHECK(must(read([&](Transaction& t) { return WallAccounts(t).find(id); })).value.grade == "managed");
  // A value from elsewhere does not open: the door stays shut.
  sql("SET bartizan.actor = 'thief'; UPDATE bartizan.wall_accounts SET password = private_key");
  CHECK_FALSE(read([&](Transaction& t) { return WallAccounts(t).open(id); }));
  REQUIRE(write([&](Transaction& t) { return WallAccounts(t).remove(id); }));
  CHECK(read([&](Transaction& t) { return WallAccounts(t).find(id); }).error().code == Errc::NotFound);
}

}  // namespace
}  // namespace bartizan::store
