#include <doctest/doctest.h>

#include <string>

#include "samples.hpp"

namespace bartizan::migrate {
namespace {

using test::Files;

Result<Plan> plan_of(std::string ini, std::string users = {}) {
  if (!users.empty()) ini += "\n[pgbouncer]\nauth_file = u\n";
  return plan_from_pgbouncer(
      "/e/p.ini",
      test::reader_of({{"/e/p.ini", ini}, {"/e/u", users}, {"/e/ca.pem", "-----BEGIN CERTIFICATE-----\n"}}));
}

TEST_CASE("a database to a depot, or why not") {
  struct Row {
    const char* line;
    const char* requests;  ///< depot.create's arguments from the host on
    const char* refusal;   ///< of any finding
  };
  for (const Row& row : {
           Row{"a = host=/run/pg", R"("host":"/run/pg","port":5432,"database":"a"}})", nullptr},
           Row{"a = host=/run/pg dbname=b port=6000", R"("host":"/run/pg","port":6000,"database":"b"}})", nullptr},
           Row{"a =", R"("host":"/tmp","port":5432,"database":"a"}})", nullptr},
           Row{"a = host=db.internal", R"("host":"db.internal","port":5432,"database":"a"}})", nullptr},
           Row{"a = host=x,y", nullptr, "several hosts"},
           Row{"a = host=@abstract", nullptr, "neither a host"},
           Row{"a = host=''", nullptr, "neither a host"},
           Row{"a = host=\xff", nullptr, "not UTF-8"},
           Row{"a =\n[pgbouncer]\nunix_socket_dir =", nullptr, "neither a host"},
           Row{"a = host=x port=99999", nullptr, "the port is none"},
           Row{"a = host", nullptr, "not a list of name=value"},
           Row{"* = host=x", nullptr, "there is no depot for names that are not listed"},
           Row{"pgbouncer = host=x", nullptr, "the name is PgBouncer's console"},
           Row{"\"a b\" = host=x", nullptr, "a depot's name is made of"},
           Row{"a = host=/x dbname='x\ty'", nullptr, "the database's name"},
           Row{"a = host=/x surprise=1", R"("host":"/x")", "not a parameter of PgBouncer"},
           Row{"a = host=/x timezone=UTC", R"("host":"/x")", "depots have no session defaults"},
       }) {
    CAPTURE(row.line);
    const auto plan = plan_of(std::string("[databases]\n") + row.line);
    REQUIRE(plan.has_value());
    const std::string created = test::lines_of(*plan, "depot.create");
    if (row.requests == nullptr) CHECK(plan->requests.empty());
    if (row.requests != nullptr) CHECK_MESSAGE(created.find(row.requests) != std::string::npos, created);
    bool refused = false;
    for (const Finding& finding : plan->findings) {
      refused = refused || (row.refusal != nullptr && finding.verdict == Verdict::Refused &&
                            finding.outcome.starts_with(row.refusal));
      CHECK((row.refusal != nullptr || finding.verdict != Verdict::Refused));
    }
    CHECK(refused == (row.refusal != nullptr));
  }
}

TEST_CASE("the server's CA travels with the depot; without one there is a chore") {
  const auto with = plan_of("[databases]\na = host=h\n[pgbouncer]\nserver_tls_ca_file = ca.pem");
  REQUIRE(with.has_value());
  CHECK(test::lines_of(*with, "depot.create").find(R"("tls_ca_pem":"-----BEGIN CERTIFICATE-----\n")") !=
        std::string::npos);
  const auto without = plan_of("[databases]\na = host=h");
  REQUIRE(without.has_value());
  CHECK(without->chores.front().text.starts_with("Depot a would trust"));
  const auto gone = plan_of("[databases]\na = host=h\n[pgbouncer]\nserver_tls_ca_file = gone.pem");
  REQUIRE(gone.has_value());
  CHECK(gone->requests.empty());
  CHECK(gone->count(Verdict::Refused) == 1);
}

TEST_CASE("a pool's budget is what its pools could have opened together") {
  struct Row {
    const char* database;
    const char* settings;
    const char* pool;
  };
  const std::string users = "\"u1\" \"p\"\n\"u2\" \"p\"\n\"u3\" \"p\"\n";
  for (const Row& row : {
           Row{"", "", R"("pool_mode":"session","pool_size":60}})"},
           Row{"user=x", "", R"("pool_mode":"session","pool_size":20}})"},
           Row{"pool_size=5", "default_pool_size=9", R"("pool_size":15}})"},
           Row{"pool_size=5 reserve_pool=2", "", R"("pool_size":21}})"},
           Row{"pool_size=5", "reserve_pool_size=1", R"("pool_size":18}})"},
           Row{"max_db_connections=7", "", R"("pool_size":7}})"},
           Row{"max_db_connections=0", "max_db_connections=7", R"("pool_size":60}})"},
           Row{"pool_size=100000", "", R"("pool_size":10000}})"},
           Row{"user=x pool_size=0", "", R"("pool_size":1}})"},
           Row{"user=x min_pool_size=50", "", R"("pool_size":20,"pool_min":20}})"},
           Row{"user=x pool_mode=transaction", "", R"("pool_mode":"transaction","pool_size":20}})"},
           Row{"user=x", "pool_mode=statement", R"("pool_mode":"transaction","pool_size":20}})"},
           Row{"user=x", "query_wait_timeout=0", R"("queue_timeout":0}})"},
           Row{"user=x", "server_lifetime=0", R"("pool_size":20}})"},
           Row{"user=x server_lifetime=60", "server_lifetime=3600\nserver_idle_timeout=600",
               R"("server_lifetime":60,"server_idle_timeout":600}})"},
       }) {
    CAPTURE(row.database);
    CAPTURE(row.settings);
    const auto plan =
        plan_of(std::string("[pgbouncer]\n") + row.settings + "\n[databases]\na = host=/s " + row.database, users);
    REQUIRE(plan.has_value());
    const std::string set = test::lines_of(*plan, "depot.set");
    CHECK_MESSAGE(set.find(row.pool) != std::string::npos, set);
  }
  const auto wrong = plan_of("[databases]\na = host=/s pool_size=many", users);
  REQUIRE(wrong.has_value());
  CHECK(wrong->count(Verdict::Refused) == 1);
}

TEST_CASE("people: verifiers and passwords are kept, MD5 hashes are not; each may use each database") {
  const std::string users =
      "\"ann\" \"SCRAM-SHA-256$4096:c2FsdA==$a:b\"\n\"bob\" \"pa55\"\n\"cem\" \"md545f2603610af569b6155c45067268c6b\"\n"
      "\"no one\" \"x\"\n";
  const auto plan = plan_of("[databases]\nown = host=/s\none = host=/s user=app password=geheim", users);
  REQUIRE(plan.has_value());
  CHECK(test::lines_of(*plan, "identity.create") ==
        R"({"v":1,"verb":"identity.create","args":{"name":"ann","scram_verifier":"SCRAM-SHA-256$4096:c2FsdA==$a:b"}})"
        "\n"
        R"({"v":1,"verb":"identity.create","args":{"name":"bob","password":"pa55"}})"
        "\n"
        R"({"v":1,"verb":"identity.create","args":{"name":"cem"}})"
        "\n");
  CHECK(test::lines_of(*plan, "depot.login") ==
        R"({"v":1,"verb":"depot.login","args":{"name":"one","login":"app","password":"geheim"}})"
        "\n"
        R"({"v":1,"verb":"depot.login","args":{"name":"own","login":"ann"}})"
        "\n"
        R"({"v":1,"verb":"depot.login","args":{"name":"own","login":"bob","password":"pa55"}})"
        "\n"
        R"({"v":1,"verb":"depot.login","args":{"name":"own","login":"cem"}})"
        "\n");
  CHECK(plan->count_requests("grant.add") == 6);
  CHECK(test::lines_of(*plan, "grant.add")
            .ends_with(R"({"v":1,"verb":"grant.add","args":{"depot":"one","identity":"cem","login":"app"}})"
                       "\n"));
  std::string commands;
  for (const Chore& chore : plan->chores) {
    for (const std::string& command : chore.commands) commands += command + "\n";
  }
  CHECK(commands == "bartizan identity set-password cem\nbartizan depot login own ann\nbartizan depot login own cem\n");
  const Finding* nobody = test::find(*plan, "", "no one");
  REQUIRE(nobody != nullptr);
  CHECK(nobody->verdict == Verdict::Refused);
  for (const Finding& finding : plan->findings) {
    for (const char* secret : {"geheim", "pa55", "SCRAM-SHA-256$", "md545"})
      CHECK((finding.value + finding.outcome).find(secret) == std::string::npos);
  }
}

TEST_CASE("auth_user is no identity, and a forced user's password may stand in auth_file") {
  const auto plan = plan_of("[pgbouncer]\nauth_user = lookup\n[databases]\na = host=/s user=app",
                            "\"lookup\" \"x\"\n\"app\" \"pw\"\n");
  REQUIRE(plan.has_value());
  CHECK(plan->count_requests("identity.create") == 1);
  CHECK(test::find(*plan, "", "lookup")->verdict == Verdict::Changed);
  CHECK(test::lines_of(*plan, "depot.login").find(R"("login":"app","password":"pw")") != std::string::npos);
  const auto unknown = plan_of("[databases]\na = host=/s user=app");
  REQUIRE(unknown.has_value());
  CHECK(unknown->chores.front().commands.front() == "bartizan depot login a app");
}

TEST_CASE("what would be too much is refused as a whole") {
  std::string users;
  for (int i = 0; i < 1001; ++i) users += "\"u" + std::to_string(i) + "\" \"p\"\n";
  std::string databases = "[databases]\n";
  for (int i = 0; i < 200; ++i) databases += "d" + std::to_string(i) + " = host=/s\n";
  CHECK(plan_of(databases, users).error().code == Errc::TooLarge);
}

TEST_CASE("[users]: what is not the depots' own setting is refused") {
  struct Row {
    const char* line;
    const char* key;
    Verdict verdict;
  };
  for (const Row& row : {
           Row{"u =", "", Verdict::Unneeded},
           Row{"u = pool_mode=session", "pool_mode", Verdict::Unneeded},
           Row{"u = pool_mode=transaction", "pool_mode", Verdict::Refused},
           Row{"u = max_user_connections=0", "max_user_connections", Verdict::Unneeded},
           Row{"u = max_user_connections=5", "max_user_connections", Verdict::Refused},
           Row{"u = query_timeout=5", "query_timeout", Verdict::Refused},
           Row{"u = x", "", Verdict::Refused},
       }) {
    CAPTURE(row.line);
    const auto plan = plan_of(std::string("[users]\n") + row.line);
    REQUIRE(plan.has_value());
    REQUIRE(test::find(*plan, row.key, "u") != nullptr);
    CHECK(to_string(test::find(*plan, row.key, "u")->verdict) == to_string(row.verdict));
  }
}

}  // namespace
}  // namespace bartizan::migrate
