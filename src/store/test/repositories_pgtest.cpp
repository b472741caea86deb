#include <doctest/doctest.h>

#include <thread>

#include "bartizan/store/changes.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/grants.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/roles.hpp"
#include "bartizan/store/settings.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "bartizan/store/tenants.hpp"
#include "store_fixture.hpp"

namespace bartizan::store {
namespace {

using test::must;
using test::StoreFixture;
using test::ThrowawayPostgres;

policy::Depot depot(std::string name) {
  policy::Depot out;
  out.name = std::move(name);
  out.endpoint = policy::UnixEndpoint{"/run/pg", 5433};
  out.database = "app";
  out.tls = policy::TlsDisabled{};
  return out;
}

policy::Identity identity(std::string name) {
  policy::Identity out;
  out.name = std::move(name);
  out.scram_verifier = SecretBytes(std::string_view("SCRAM-SHA-256$4096:verifier-of-ana"));
  out.valid_until = WallTime(std::chrono::microseconds(4'070'908'800'123'456));
  out.attributes = {{"region", "eu \"x\""}, {"purpose", "billing"}};
  return out;
}

TEST_CASE_FIXTURE(StoreFixture, "every resource comes back as it went in") {
  const auto tenant = must(write([&](Transaction& t) { return Tenants(t).create({{}, "northside", "eu"}); }));
  CHECK(tenant.meta.version == 0);
  CHECK(tenant.meta.created_by == "test");
  CHECK(read([](Transaction& t) { return Tenants(t).find("northside"); })->value == tenant.value);
  CHECK(read([](Transaction& t) { return Tenants(t).list(); })->size() == 1);

  auto wanted = depot("db");
  wanted.endpoint = policy::TcpEndpoint{"db.example.org", 6543};
  wanted.tls = policy::TlsVerifyFull{"-----BEGIN CERTIFICATE-----"};
  wanted.tenant = tenant.value.id;
  const auto made = write([&](Transaction& t) { return Depots(t).create(wanted); });
  REQUIRE(made.has_value());
  wanted.id = made->value.id;
  CHECK(read([](Transaction& t) { return Depots(t).find("db"); })->value == wanted);

  auto ana = identity("ana@northside");
  ana.tenant = tenant.value.id;
  ana.is_service = true;
  ana.enabled = false;
  REQUIRE(write([&](Transaction& t) { return Identities(t).create(std::move(ana)); }).has_value());
  const auto found = read([](Transaction& t) { return Identities(t).find("ana@northside"); });
  REQUIRE(found.has_value());
  CHECK(found->value.tenant == tenant.value.id);
  CHECK(found->value.is_service);
  CHECK_FALSE(found->value.is_operator);
  CHECK_FALSE(found->value.enabled);
  CHECK(found->value.scram_verifier.reveal_chars() == "SCRAM-SHA-256$4096:verifier-of-ana");
  CHECK(found->value.valid_until == identity("").valid_until);  // to the microsecond
  CHECK(found->value.attributes == identity("").attributes);

  const auto role = write([](Transaction& t) { return Roles(t).create({{}, "analysts"}); });
  REQUIRE(role.has_value());
  CHECK(write([&](Transaction& t) { return Roles(t).assign(role->value.id, found->value.id); }).has_value());
  CHECK(write([&](Transaction& t) { return Roles(t).assign(role->value.id, found->value.id); }).error().code ==
        Errc::AlreadyExists);
  CHECK(read([](Transaction& t) { return Roles(t).members(); })->size() == 1);

  CHECK(write([](Transaction& t) { return Settings(t).set("a.b", "1"); }).has_value());
  CHECK(write([](Transaction& t) { return Settings(t).set("a.b", "2"); }).has_value());
  CHECK(read([](Transaction& t) { return Settings(t).list(); })->at("a.b") == "2");
  CHECK(write([](Transaction& t) { return Settings(t).reset("a.b"); }).has_value());
  CHECK(read([](Transaction& t) { return Settings(t).list(); })->empty());
}

TEST_CASE_FIXTURE(StoreFixture, "login secrets of each kind, sealed") {
  const auto d = must(write([](Transaction& t) { return Depots(t).create(depot("d")); })).value.id;
  const auto put = [&](const char* role, policy::LoginSecret secret) {
    return write([&](Transaction& t) { return DepotLogins(t).put(d, role, secret); });
  };
  const auto first = put("a", SecretBytes(std::string_view("hunter2-clear")));
  INFO((first ? "" : first.error().detail));
  REQUIRE(first.has_value());
  REQUIRE(
      put("b", policy::ScramKeys{SecretBytes(std::string(32, 'c')), SecretBytes(std::string(32, 's'))}).has_value());
  REQUIRE(put("c", policy::NoSecret{}).has_value());
  CHECK(
      put("d", policy::ScramKeys{SecretBytes(std::string(31, 'c')), SecretBytes(std::string(32, 's'))}).error().code ==
      Errc::InvalidArgument);

  const auto open = [&](const char* role) {
    return read([&](Transaction& t) { return DepotLogins(t).open(d, role); });
  };
  CHECK(std::get<SecretBytes>(open("a")->secret).reveal_chars() == "hunter2-clear");
  const auto b = open("b");
  CHECK(std::get<policy::ScramKeys>(b->secret).client_key.reveal_chars() == std::string(32, 'c'));
  CHECK(std::get<policy::ScramKeys>(b->secret).server_key.reveal_chars() == std::string(32, 's'));
  CHECK(std::holds_alternative<policy::NoSecret>(open("c")->secret));
  CHECK(open("nobody").error().code == Errc::NotFound);
  CHECK(sql("SELECT count(*) FROM bartizan.depot_logins WHERE position('hunter2-clear'::bytea in secret) > 0") == "0");

  REQUIRE(put("a", SecretBytes(std::string_view("other"))).has_value());
  CHECK(std::get<SecretBytes>(open("a")->secret).reveal_chars() == "other");
  CHECK(read([&](Transaction& t) { return DepotLogins(t).list(d); })->size() == 3);
  CHECK(write([](Transaction& t) {
          return DepotLogins(t).put(policy::DepotId(Uuid::random(system_random())), "x", policy::NoSecret{});
        })
            .error()
            .code == Errc::NotFound);
}

TEST_CASE_FIXTURE(StoreFixture, "a login's certificate stands beside its secret, its key sealed") {
  const auto d = must(write([](Transaction& t) { return Depots(t).create(depot("d")); })).value.id;
  const auto put = [&](const char* role, std::optional<policy::ClientCertificate> certificate) {
    return write([&](Transaction& t) { return DepotLogins(t).put_certificate(d, role, certificate); });
  };
  const auto open = [&](const char* role) {
    return read([&](Transaction& t) { return DepotLogins(t).open(d, role); });
  };
  CHECK(put("a", policy::ClientCertificate{"CERT", SecretBytes(std::string_view("KEY-clear"))}).error().code ==
        Errc::NotFound);
  const SecretBytes password(std::string_view("p"));
  REQUIRE(write([&](Transaction& t) { return DepotLogins(t).put(d, "a", password.clone()); }).has_value());
  CHECK_FALSE(open("a")->certificate.has_value());
  REQUIRE(put("a", policy::ClientCertificate{"CERT", SecretBytes(std::string_view("KEY-clear"))}).has_value());
  auto opened = open("a");
  REQUIRE(opened->certificate.has_value());
  CHECK(opened->certificate->chain_pem == "CERT");
  CHECK(opened->certificate->key_pem.reveal_chars() == "KEY-clear");
  CHECK(std::get<SecretBytes>(opened->secret).reveal_chars() == "p");
  CHECK(sql("SELECT count(*) FROM bartizan.depot_logins WHERE position('KEY-clear'::bytea in private_key) > 0") == "0");
  CHECK(sql("SELECT after ->> 'private_key' FROM bartizan.changes ORDER BY seq DESC LIMIT 1") == "(secret)");
  // A new password leaves the certificate.
  REQUIRE(write([&](Transaction& t) { return DepotLogins(t).put(d, "a", policy::NoSecret{}); }).has_value());
  CHECK(open("a")->certificate.has_value());
  CHECK(read([&](Transaction& t) { return DepotLogins(t).list(d); })->front().value.certificate_pem == "CERT");
  REQUIRE(put("a", std::nullopt).has_value());
  CHECK_FALSE(open("a")->certificate.has_value());
  // What is sealed as a key opens nowhere else.
  REQUIRE(put("a", policy::ClientCertificate{"CERT", SecretBytes(std::string_view("KEY"))}).has_value());
  sql("SELECT set_config('bartizan.actor', 'test', false);"
      " UPDATE bartizan.depot_logins SET secret = private_key, secret_kind = 'password'");
  CHECK(open("a").error().code == Errc::Crypto);
}

TEST_CASE_FIXTURE(StoreFixture, "a sealed value moved to another row does not open, and closes that one door only") {
  const auto d = must(write([](Transaction& t) { return Depots(t).create(depot("d")); })).value.id;
  for (const char* role : {"owner", "reader"}) {
    REQUIRE(write([&](Transaction& t) {
              return DepotLogins(t).put(d, role, SecretBytes(std::string_view(role)));
            }).has_value());
    REQUIRE(write([&](Transaction& t) { return Identities(t).create(identity(role)); }).has_value());
  }
  sql("SELECT set_config('bartizan.actor', 'attacker', false);"
      "UPDATE bartizan.depot_logins SET secret = (SELECT secret FROM bartizan.depot_logins WHERE role_name = 'owner') WHERE role_name = 'reader';"
      "UPDATE bartizan.identities SET scram_verifier = (SELECT scram_verifier FROM bartizan.identities WHERE name = 'owner') WHERE name = 'reader'");
  CHECK(read([&](Transaction& t) { return DepotLogins(t).open(d, "reader"); }).error().code == Errc::Crypto);
  const auto snapshot = read([](Transaction& t) { return read_snapshot(t); });
  REQUIRE(snapshot.has_value());
  CHECK((*snapshot)->find_login(d, "reader") == nullptr);
  CHECK((*snapshot)->find_login(d, "owner") != nullptr);
  CHECK((*snapshot)->find_identity("reader")->scram_verifier.empty());
  CHECK_FALSE((*snapshot)->find_identity("owner")->scram_verifier.empty());

  const auto stranger = open(test::test_key('z'));  // another root key opens nothing
  auto transaction = stranger->begin_read();
  CHECK(DepotLogins(*transaction).open(d, "owner").error().code == Errc::Crypto);
}

TEST_CASE_FIXTURE(StoreFixture, "of two who read the same version one writes and the other has a conflict") {
  const auto made = must(write([](Transaction& t) { return Depots(t).create(depot("d")); }));
  auto first = made.value;
  auto second = made.value;
  first.database = "one";
  second.database = "two";
  const auto written = write([&](Transaction& t) { return Depots(t).update(first, made.meta.version); });
  REQUIRE(written.has_value());
  CHECK(written->meta.version == 1);
  CHECK(write([&](Transaction& t) { return Depots(t).update(second, made.meta.version); }).error().code ==
        Errc::Conflict);
  CHECK(write([&](Transaction& t) { return Depots(t).remove(second.id, made.meta.version); }).error().code ==
        Errc::Conflict);
  CHECK(read([](Transaction& t) { return Depots(t).find("d"); })->value.database == "one");
  CHECK(write([&](Transaction& t) { return Depots(t).remove(second.id, 1); }).has_value());
  CHECK(write([&](Transaction& t) { return Depots(t).update(second, 2); }).error().code == Errc::NotFound);
}

TEST_CASE_FIXTURE(StoreFixture, "concurrent writers: exactly one of each version wins, and seq follows the commits") {
  const auto id = must(write([](Transaction& t) { return Identities(t).create(identity("ana")); })).value.id;
  constexpr int kWriters = 4;
  std::array<int, kWriters> won{};
  std::array<int, kWriters> lost{};
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < kWriters; ++n) {
    threads.emplace_back([&, n] {
      for (int i = 0; i < 10; ++i) {
        std::int64_t version = 0;
        {
          auto reader = database->begin_read();
          version = Identities(*reader).find("ana")->meta.version;
        }
        auto writer = database->begin_write(actor);
        auto result = Identities(*writer).set_verifier(id, SecretBytes(std::string_view("v")), version);
        if (result && writer->commit()) {
          ++won[n];
        } else if (!result && result.error().code == Errc::Conflict) {
          ++lost[n];
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  int wins = 0;
  int losses = 0;
  for (std::size_t n = 0; n < kWriters; ++n) {
    wins += won[n];
    losses += lost[n];
  }
  CHECK(wins + losses == kWriters * 10);
  CHECK(read([](Transaction& t) { return Identities(t).find("ana"); })->meta.version == wins);
  CHECK(sql("SELECT count(*) FROM bartizan.changes") == std::to_string(wins + 1));
  CHECK(
      sql("SELECT count(*) FROM (SELECT (after->>'version')::int AS v, lag((after->>'version')::int) OVER (ORDER BY seq) AS p"
          " FROM bartizan.changes) x WHERE v <> p + 1") == "0");
}

TEST_CASE_FIXTURE(StoreFixture, "every write leaves its change row, without secrets") {
  const auto d = must(write([](Transaction& t) { return Depots(t).create(depot("d")); })).value.id;
  REQUIRE(write([&](Transaction& t) {
            return DepotLogins(t).put(d, "reader", SecretBytes(std::string_view("hunter2")));
          }).has_value());
  REQUIRE(write([&](Transaction& t) {
            return DepotLogins(t).put(d, "reader", SecretBytes(std::string_view("hunter3")));
          }).has_value());
  const auto ana = must(write([](Transaction& t) { return Identities(t).create(identity("ana")); })).value.id;
  REQUIRE(write([&](Transaction& t) { return Grants(t).add({{}, ana, d, "reader", {}}); }).has_value());
  const auto role = must(write([](Transaction& t) { return Roles(t).create({{}, "r"}); })).value.id;
  REQUIRE(write([&](Transaction& t) { return Roles(t).assign(role, ana); }).has_value());
  REQUIRE(write([&](Transaction& t) { return Identities(t).remove(ana, 0); }).has_value());

  const auto changes = *read([](Transaction& t) { return Changes(t).list(0, 100); });
  std::string kinds;
  for (const Change& change : changes)
    kinds += change.kind + (change.before.empty() ? "+" : change.after.empty() ? "-" : "~") + " ";
  // The identity takes its grant and membership along; both are in the log.
  CHECK(kinds.starts_with("depots+ depot_logins+ depot_logins~ identities+ grants+ roles+ role_members+ "));
  CHECK(changes.size() == 10);
  CHECK(kinds.find("grants-") != std::string::npos);
  CHECK(kinds.find("role_members-") != std::string::npos);
  for (const Change& change : changes) {
    CHECK(change.actor == "test");
    CHECK(Uuid::parse(change.id).has_value());
  }
  CHECK(changes[2].before.find("\"secret\": \"(secret)\"") != std::string::npos);
  CHECK(changes[2].after.find("\"secret\": \"(secret, changed)\"") != std::string::npos);
  CHECK(changes[3].after.find("\"scram_verifier\": \"(secret)\"") != std::string::npos);
  const auto leaks =
      sql("SELECT count(*) FROM bartizan.changes c, bartizan.depot_logins l WHERE"
          " strpos(coalesce(c.before::text, '') || coalesce(c.after::text, ''), encode(l.secret, 'hex')) > 0");
  CHECK(leaks == "0");
  CHECK(
      sql("SELECT count(*) FROM bartizan.changes WHERE before::text ~ 'hunter|verifier-of' OR after::text ~ 'hunter|verifier-of'") ==
      "0");

  CHECK(read([&](Transaction& t) { return Changes(t).list(changes[7].seq, 100); })->size() == 2);
  CHECK(read([&](Transaction& t) { return Changes(t).list(0, 3); })->size() == 3);
}

TEST_CASE_FIXTURE(StoreFixture, "the log can't be gone round with plain SQL") {
  const auto& pg = ThrowawayPostgres::instance();
  REQUIRE(write([](Transaction& t) { return Tenants(t).create({{}, "a", ""}); }).has_value());
  CHECK_FALSE(pg.try_sql(name, "UPDATE bartizan.tenants SET region = 'x'"));  // no actor
  CHECK_FALSE(pg.try_sql(name, "DELETE FROM bartizan.tenants"));
  CHECK_FALSE(pg.try_sql(name, "SET bartizan.actor = 'x'; TRUNCATE bartizan.tenants CASCADE"));
  CHECK_FALSE(pg.try_sql(name, "UPDATE bartizan.changes SET actor = 'x'"));
  CHECK_FALSE(pg.try_sql(name, "DELETE FROM bartizan.changes"));
  CHECK_FALSE(pg.try_sql(name, "TRUNCATE bartizan.changes"));
  CHECK(pg.try_sql(
      name,
      "SET bartizan.actor = 'dba'; UPDATE bartizan.tenants SET region = 'x', version = 77, created_by = 'y', id = gen_random_uuid()"));
  CHECK(read([](Transaction& t) { return Tenants(t).find("a"); })->meta.version == 1);
  CHECK(read([](Transaction& t) { return Tenants(t).find("a"); })->meta.created_by == "test");
  CHECK(sql("SELECT count(*) FROM bartizan.changes WHERE actor = 'dba'") == "1");
}

TEST_CASE_FIXTURE(StoreFixture, "references: what is in use stays, what goes takes its own along") {
  const auto tenant = write([](Transaction& t) { return Tenants(t).create({{}, "n", ""}); });
  auto ana = identity("ana");
  ana.tenant = tenant->value.id;
  const auto who = must(write([&](Transaction& t) { return Identities(t).create(std::move(ana)); })).value.id;
  CHECK(write([&](Transaction& t) { return Tenants(t).remove(tenant->value.id, 0); }).error().code ==
        Errc::FailedPrecondition);

  const auto d = must(write([](Transaction& t) { return Depots(t).create(depot("d")); })).value.id;
  CHECK(write([&](Transaction& t) { return Grants(t).add({{}, who, d, "reader", {}}); }).error().code ==
        Errc::FailedPrecondition);
  REQUIRE(write([&](Transaction& t) { return DepotLogins(t).put(d, "reader", policy::NoSecret{}); }).has_value());
  const auto grant = write([&](Transaction& t) { return Grants(t).add({{}, who, d, "reader", {}}); });
  REQUIRE(grant.has_value());
  CHECK_FALSE(grant->value.past_wall);
  CHECK(write([&](Transaction& t) { return Grants(t).add({{}, who, d, "reader", {}}); }).error().code ==
        Errc::AlreadyExists);
  REQUIRE(write([&](Transaction& t) { return DepotLogins(t).put(d, "owner", policy::NoSecret{}); }).has_value());
  CHECK(write([&](Transaction& t) { return Grants(t).add({{}, who, d, "owner", {}, true}); })->value.past_wall);
  CHECK(write([&](Transaction& t) { return DepotLogins(t).remove(d, "reader"); }).error().code ==
        Errc::FailedPrecondition);
  CHECK(write([&](Transaction& t) { return Depots(t).remove(d, 0); }).has_value());  // logins and grants with it
  CHECK(read([](Transaction& t) { return Grants(t).list(); })->empty());
  CHECK(write([&](Transaction& t) { return Grants(t).remove(grant->value.id, 0); }).error().code == Errc::NotFound);
}

TEST_CASE_FIXTURE(StoreFixture,
                  "the database refuses what contradicts itself, and an abandoned transaction leaves nothing") {
  auto plaintext = depot("d");
  plaintext.endpoint = policy::TcpEndpoint{"db", 5432};
  CHECK(write([&](Transaction& t) { return Depots(t).create(plaintext); }).error().code == Errc::InvalidArgument);
  auto oper = identity("op");
  oper.is_operator = true;
  oper.tenant = must(write([](Transaction& t) { return Tenants(t).create({{}, "n", ""}); })).value.id;
  CHECK(write([&](Transaction& t) { return Identities(t).create(std::move(oper)); }).error().code ==
        Errc::InvalidArgument);
  CHECK(write([](Transaction& t) { return Tenants(t).create({{}, "n", ""}); }).error().code == Errc::AlreadyExists);
  CHECK(write([](Transaction& t) { return Tenants(t).create({{}, std::string("a\0b", 3), ""}); }).error().code ==
        Errc::InvalidArgument);
  CHECK(write([](Transaction& t) { return Tenants(t).create({{}, std::string(64, 'a'), ""}); }).error().code ==
        Errc::InvalidArgument);
  {
    auto transaction = database->begin_write(actor);
    REQUIRE(Tenants(*transaction).create({{}, "ghost", ""}).has_value());
  }
  CHECK(read([](Transaction& t) { return Tenants(t).find("ghost"); }).error().code == Errc::NotFound);
  CHECK(database->begin_write({""}).error().code == Errc::InvalidArgument);
  CHECK(read([](Transaction& t) { return Tenants(t).create({{}, "x", ""}); }).error().code ==
        Errc::Unavailable);  // READ ONLY
}

TEST_CASE_FIXTURE(StoreFixture, "errors quote neither values nor statements") {
  const auto failed = write([](Transaction& t) { return Tenants(t).create({{}, std::string(64, 'q'), "s3cr3t"}); });
  CHECK(failed.error().detail.find("qqq") == std::string::npos);
  CHECK(failed.error().detail.find("s3cr3t") == std::string::npos);
  CHECK(failed.error().detail.find("INSERT") == std::string::npos);
}

TEST_CASE_FIXTURE(StoreFixture, "names and values are data, whatever they hold") {
  const std::string awkward = "a'; DROP TABLE bartizan.tenants; --\"\\";
  REQUIRE(write([&](Transaction& t) { return Tenants(t).create({{}, awkward, "'"}); }).has_value());
  CHECK(read([&](Transaction& t) { return Tenants(t).find(awkward); })->value.name == awkward);
}

}  // namespace
}  // namespace bartizan::store
