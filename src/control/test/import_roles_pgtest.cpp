#include <doctest/doctest.h>

#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/store/identities.hpp"
#include "control_fixture.hpp"

namespace bartizan::control {
namespace {

using test::ControlFixture;
using test::text_of;
using test::ThrowawayPostgres;

struct Roles : ControlFixture {
  const ThrowawayPostgres& server = ThrowawayPostgres::instance();
  const std::string from = R"("host":")" + server.socket_folder() + R"(","user":"bartizan")";

  Roles() {
    server.sql("postgres",
               "CREATE ROLE imp_ana LOGIN PASSWORD 'correct horse' VALID UNTIL '2031-05-06 07:08:09.123456+00';"
               "CREATE ROLE imp_group NOLOGIN;"
               "CREATE ROLE imp_bare LOGIN;"
               "CREATE ROLE imp_md5 LOGIN PASSWORD 'md50123456789abcdef0123456789abcdef';"
               "CREATE ROLE \"imp spaced\" LOGIN PASSWORD 'x';"
               "CREATE ROLE imp_forever LOGIN PASSWORD 'x' VALID UNTIL 'infinity';"
               "CREATE ROLE imp_weak LOGIN PASSWORD 'x'");
  }
  ~Roles() {
    server.sql("postgres", "DROP ROLE imp_ana, imp_group, imp_bare, imp_md5, \"imp spaced\", imp_forever, imp_weak");
  }
};

TEST_CASE_FIXTURE(Roles,
                  "people keep their passwords and their ends; who can't be taken over is named with the reason") {
  ok("tenant.create", R"({"name":"n"})");
  ok("identity.create", R"({"name":"imp_weak"})");
  const auto report = ok("import.roles", "{" + from + R"(,"tenant":"n"})");
  CHECK(report.find("imported")->to_json() == R"(["imp_ana","imp_forever"])");
  std::map<std::string, std::string> skipped;
  for (const auto& one : *report.find("skipped")->as<Items>()) skipped[text_of(one, "name")] = text_of(one, "reason");
  CHECK(skipped.at("imp_group") == "it cannot log in");
  CHECK(skipped.at("imp_bare") == "it has no password");
  CHECK(skipped.at("imp_md5").find("md5") != std::string::npos);
  CHECK(skipped.at("imp spaced").find("name") != std::string::npos);
  CHECK(skipped.at("imp_weak").find("already") != std::string::npos);
  CHECK(skipped.contains("bartizan"));  // the superuser has no password here

  auto transaction = database->begin_read();
  const auto ana = store::Identities(*transaction).find("imp_ana");
  REQUIRE(ana.has_value());
  CHECK(ana->value.scram_verifier.reveal_chars() ==
        server.sql("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'imp_ana'"));
  CHECK(format_time(*ana->value.valid_until) == "2031-05-06T07:08:09.123456Z");
  CHECK(ana->value.tenant.has_value());
  CHECK_FALSE(store::Identities(*transaction).find("imp_forever")->value.valid_until.has_value());
  const auto verifier = identity::ScramVerifier::parse(ana->value.scram_verifier.reveal_chars());
  CHECK(identity::ScramVerifier::from_password("correct horse", verifier->salt(), verifier->iterations())
            ->to_string()
            .reveal_chars() == ana->value.scram_verifier.reveal_chars());
  CHECK(report.to_json().find("SCRAM-SHA-256$") == std::string::npos);
}

TEST_CASE_FIXTURE(Roles, "a dry run writes nothing, a second run takes nobody twice") {
  CHECK(ok("import.roles", "{" + from + R"(,"dry_run":true})").find("imported")->as<Items>()->size() == 3);
  CHECK(sql("SELECT count(*) FROM bartizan.identities") == "0");
  CHECK(ok("import.roles", "{" + from + "}").find("imported")->as<Items>()->size() == 3);
  CHECK(ok("import.roles", "{" + from + "}").find("imported")->as<Items>()->empty());
}

TEST_CASE_FIXTURE(Roles, "who is no superuser there, or not there, gets the reason") {
  CHECK(code("import.roles", R"({"host":")" + server.socket_folder() +
                                 R"(","user":"imp_ana","database":"postgres"})") == "permission_denied");
  CHECK(code("import.roles", R"({"host":"/nowhere","user":"x"})") == "unavailable");
}

}  // namespace
}  // namespace bartizan::control
