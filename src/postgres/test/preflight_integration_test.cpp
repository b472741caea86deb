// preflight against a real PostgreSQL that has something to find.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "bartizan/postgres/preflight.hpp"
#include "embedded_fixture.hpp"

using namespace bartizan;
using namespace bartizan::postgres;
using namespace bartizan::postgres::test;
using namespace std::chrono_literals;

namespace {

std::string conninfo(RunningServer& server, const std::string& user, std::string_view password) {
  return "host='" + server->socket_directory() + "' dbname=postgres user=" + user + " password='" +
         std::string(password) + "'";
}

const Finding* find(const PreflightReport& report, std::string_view id) {
  const auto found = std::ranges::find(report.findings, id, &Finding::id);
  return found == report.findings.end() ? nullptr : &*found;
}

std::string catalog_digest(ControlConnection& connection) {
  return connection
      .scalar(
          "SELECT md5(string_agg(t, '' ORDER BY t)) FROM (SELECT a::text AS t FROM pg_authid a UNION ALL "
          "SELECT c.oid::text || c.relname || coalesce(c.relacl::text, '') FROM pg_class c UNION ALL "
          "SELECT s::text FROM pg_db_role_setting s UNION ALL SELECT e::text FROM pg_extension e) AS u",
          in(10s))
      .value();
}

}  // namespace

TEST_SUITE_BEGIN("preflight");

TEST_CASE("preflight finds what stands in the way and changes nothing") {
  const DataFolder folder;
  EmbeddedOptions options;
  options.data_directory = folder.path();
  options.settings = {{"max_prepared_transactions", "5"}, {"wal_level", "logical"}};
  RunningServer server(options);
  auto connection = server.connect();
  const auto password = server->superuser_password().reveal_chars();

  const auto clean = preflight(conninfo(server, "postgres", password), in(30s));
  REQUIRE_MESSAGE(clean, (clean ? "" : clean.error().detail));
  CHECK(clean->grade == Grade::Full);
  CHECK(clean->worst() == Severity::Note);  // TLS is off, and only a local socket is open
  REQUIRE(find(*clean, "server.version") != nullptr);
  CHECK(find(*clean, "server.version")->severity == Severity::Ok);

  const char* troubles[] = {
      "CREATE ROLE old LOGIN PASSWORD 'md51a0d1b0a5d7a1c0f1e2d3c4b5a697887'",
      "CREATE ROLE other_super LOGIN SUPERUSER",
      "CREATE ROLE runner LOGIN; GRANT pg_execute_server_program TO runner",
      "SELECT pg_create_physical_replication_slot('standby_1')",
      "CREATE PUBLICATION feed FOR ALL TABLES",
      "BEGIN; CREATE TABLE held (n int); PREPARE TRANSACTION 'half'",
      "CREATE ROLE maker LOGIN CREATEROLE; CREATE ROLE nobody_much LOGIN",
  };
  for (const char* trouble : troubles) {
    const auto made = connection.exec(trouble, in(10s));
    REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
  }
  const auto before = catalog_digest(connection);
  const auto report = preflight(conninfo(server, "postgres", password), in(30s));
  REQUIRE(report);
  const std::pair<const char*, Severity> expected[] = {
      {"auth.md5_verifiers", Severity::Warning},    {"roles.unbounded", Severity::Warning},
      {"roles.server_files", Severity::Warning},    {"replication.slots", Severity::Note},
      {"replication.publications", Severity::Note}, {"transactions.prepared", Severity::Warning},
      {"auth.scram_verifiers", Severity::Ok},       {"tls.local", Severity::Note}};
  for (const auto& [id, severity] : expected) {
    CAPTURE(id);
    const auto* finding = find(*report, id);
    REQUIRE(finding != nullptr);
    CHECK(finding->severity == severity);
    CHECK(finding->what_to_do.empty() == (severity == Severity::Ok));
    const bool is_news = severity == Severity::Warning || std::string_view(id).starts_with("replication");
    CHECK((find(*clean, id) == nullptr) == is_news);
  }
  CHECK(find(*report, "roles.server_files")->what.find("runner") != std::string::npos);
  CHECK(catalog_digest(connection) == before);

  const SecretBytes plain(std::string_view("plain"));
  for (const char* role : {"maker", "nobody_much"}) REQUIRE(connection.set_role_password(role, plain, in(10s)));
  CHECK(preflight(conninfo(server, "nobody_much", "plain"), in(30s))->grade == Grade::Insufficient);
  CHECK(preflight(conninfo(server, "nobody_much", "plain"), in(30s))->worst() == Severity::Blocker);
  REQUIRE(connection.exec("ALTER DATABASE postgres OWNER TO maker", in(10s)));
  const auto managed = preflight(conninfo(server, "maker", "plain"), in(30s));
  CHECK(managed->grade == Grade::Managed);
  CHECK(find(*managed, "auth.verifiers_unseen") != nullptr);
}

TEST_CASE("a connection string's secrets stand in no error") {
  for (const char* text : {"host=/nonexistent user=u password=zqsecret", "postgresql://u:zqsecret@",
                           "password=zqsecret host", "nonsense=zqsecret"}) {
    CAPTURE(text);
    const auto report = preflight(text, in(5s));
    REQUIRE_FALSE(report);
    CHECK(report.error().detail.find("zqsecret") == std::string::npos);
  }
}

TEST_SUITE_END();
