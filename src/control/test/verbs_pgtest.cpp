#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "bartizan/control/verbs.hpp"
#include "bartizan/crypto/x509.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/identities.hpp"
#include "control_fixture.hpp"

namespace bartizan::control {
namespace {

using test::ControlFixture;
using test::text_of;

/// Is answer what the page says? "*" stands for any string, a number for any number, but the
/// numbers 0 of versions are meant.
bool matches(const Document& page, const Document& answer) {
  if (const auto* text = page.as<std::string>(); text != nullptr && *text == "*")
    return answer.as<std::string>() != nullptr;
  if (page.value().index() != answer.value().index()) return false;
  if (page.as<std::int64_t>() != nullptr) return true;
  if (const auto* members = page.as<Members>()) {
    const auto& others = *answer.as<Members>();
    if (members->size() != others.size()) return false;
    for (std::size_t i = 0; i < others.size(); ++i) {
      if ((*members)[i].first != others[i].first || !matches((*members)[i].second, others[i].second)) return false;
    }
    return true;
  }
  if (const auto* items = page.as<Items>()) {
    const auto& others = *answer.as<Items>();
    if (items->size() != others.size()) return false;
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (!matches((*items)[i], others[i])) return false;
    }
    return true;
  }
  return page.to_json() == answer.to_json();
}

std::string page() {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/admin-socket.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE_FIXTURE(ControlFixture, "the example of docs/formats/admin-socket.md holds") {
  const auto text = page();
  const auto start = text.find("```admin-socket\n");
  REQUIRE(start != std::string::npos);
  std::istringstream lines(text.substr(start + 16, text.find("```", start + 16) - start - 16));
  std::string line;
  Document last;
  int exchanges = 0;
  while (std::getline(lines, line)) {
    CAPTURE(line);
    if (line.starts_with("> ")) {
      last = answer(line.substr(2));
    } else {
      REQUIRE(line.starts_with("< "));
      const auto expected = Document::parse(line.substr(2));
      REQUIRE(expected.has_value());
      INFO(last.to_json());
      CHECK(matches(*expected, last));
      ++exchanges;
    }
  }
  CHECK(exchanges == 9);
}

TEST_CASE("the page lists exactly the verbs that there are") {
  const auto text = page();
  const auto table = text.substr(text.find("## Verbs"));
  for (const auto verb : Verbs::names()) {
    CAPTURE(verb);
    CHECK(table.find("`" + std::string(verb) + "`") != std::string::npos);
  }
  for (std::size_t at = table.find("\n| `"); at != std::string::npos; at = table.find("\n| `", at + 1)) {
    const auto verb = table.substr(at + 4, table.find('`', at + 4) - at - 4);
    CAPTURE(verb);
    const auto names = Verbs::names();
    CHECK(std::find(names.begin(), names.end(), verb) != names.end());
  }
}

TEST_CASE_FIXTURE(ControlFixture, "hostile and clumsy requests: the right error for each, and nothing happens") {
  const auto code_of = [&](const std::string& line) { return text_of(*answer(line).find("error"), "code"); };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "malformed"},
      {"\x01\x02\xff", "malformed"},
      {"[]", "malformed"},
      {"{}", "malformed"},
      {R"({"v":1})", "malformed"},
      {R"({"v":1,"verb":7})", "malformed"},
      {R"({"v":"1","verb":"status"})", "malformed"},
      {R"({"verb":"status"})", "malformed"},
      {R"({"v":1,"verb":"status","more":1})", "malformed"},
      {R"({"v":1,"verb":"status","verb":"shutdown"})", "malformed"},
      {R"({"v":1,"verb":"status"} {"v":1,"verb":"shutdown"})", "malformed"},
      {R"({"v":2,"verb":"status"})", "unsupported"},
      {R"({"v":1,"verb":"no.such"})", "unsupported"},
      {R"({"v":1,"verb":"SHUTDOWN"})", "unsupported"},
      {R"({"v":1,"verb":"status","args":[]})", "invalid_argument"},
      {R"({"v":1,"verb":"status","args":{"x":1}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create"})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"a b"}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","operator":true,"tenant":"x"}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","password":""}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","password":"x","scram_verifier":"y"}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","scram_verifier":"md5abc"}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","valid_until":"2001-01-01T00:00:00Z"}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"identity.create","args":{"name":"ana","tenant":"nowhere"}})", "not_found"},
      {R"({"v":1,"verb":"identity.set-password","args":{"name":"ana"}})", "invalid_argument"},
      {R"({"v":1,"verb":"identity.set-password","args":{"name":"ana","password":"x"}})", "not_found"},
      {R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"db.example.org\n","database":"x"}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"/run/pg","database":"x","tls_ca_pem":""}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"db","database":"x","tls_ca_pem":"rubbish"}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"db","port":0,"database":"x"}})", "invalid_argument"},
      {R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"db","database":"x","logins":[{"login":"a","x":1}]}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"depot.login","args":{"name":"d","login":"a","password":"x","delete":true}})",
       "invalid_argument"},
      {R"({"v":1,"verb":"grant.add","args":{"depot":"d","login":"x"}})", "invalid_argument"},
      {R"({"v":1,"verb":"grant.add","args":{"identity":"a","role":"b","depot":"d","login":"x"}})", "invalid_argument"},
      {R"({"v":1,"verb":"grant.remove","args":{"id":"7"}})", "invalid_argument"},
      {R"({"v":1,"verb":"grant.remove","args":{"id":"00000000-0000-0000-0000-000000000000"}})", "not_found"},
      {R"({"v":1,"verb":"session.kill","args":{"id":"8"}})", "not_found"},
      {R"({"v":1,"verb":"setting.set","args":{"name":"no.such","value":"1"}})", "not_found"},
      {R"({"v":1,"verb":"setting.set","args":{"name":"scram.iterations","value":"1"}})", "invalid_argument"},
      {R"({"v":1,"verb":"setting.set","args":{"name":"scram.iterations","value":"5000x"}})", "invalid_argument"},
      {R"({"v":1,"verb":"changes.list","args":{"limit":1001}})", "invalid_argument"},
      {R"({"v":1,"verb":"import.roles","args":{"host":"db"}})", "invalid_argument"},
  };
  for (const auto& [line, code] : cases) {
    CAPTURE(line);
    CHECK(code_of(line) == code);
  }
  CHECK(sql("SELECT count(*) FROM bartizan.changes") == "0");
  CHECK(runtime.shutdowns == 0);
}

TEST_CASE_FIXTURE(ControlFixture, "strangers get nothing, and members of the group no shutdown") {
  const Peer stranger{1000, {1000}, 1};
  const Peer member{1000, {1000, 777}, 1};
  const auto as = [&](const Peer& peer, const char* line) { return verbs.answer(policy, peer, line); };
  CHECK(as(stranger, R"({"v":1,"verb":"status"})").find("permission_denied") != std::string::npos);
  CHECK(as(stranger, "garbage").find("permission_denied") != std::string::npos);
  CHECK(as(member, R"({"v":1,"verb":"status"})").starts_with(R"({"ok":true)"));
  CHECK(as(member, R"({"v":1,"verb":"shutdown"})").find("permission_denied") != std::string::npos);
  CHECK(runtime.shutdowns == 0);
  CHECK(as(root, R"({"v":1,"verb":"shutdown"})") == R"({"ok":true,"result":null})");
  CHECK(runtime.shutdowns == 1);
  CHECK(
      ok("reload").to_json() ==
      R"({"taken_over":["log.level"],"needs_restart":["listen.port"],"certificate_not_after":"1970-01-01T00:00:00Z"})");
  CHECK(runtime.reloads == 1);
  CHECK(ok("session.list").as<Items>()->size() == 1);
  CHECK(*ok("session.kill", R"({"id":"7"})").find("killed")->as<bool>());
}

TEST_CASE_FIXTURE(ControlFixture, "an identity's life; its password is never kept in clear") {
  ok("identity.create", R"({"name":"ana","password":"hunter2 hunter2","attributes":{"region":"eu"}})");
  CHECK(code("identity.create", R"({"name":"ana"})") == "already_exists");
  {
    auto transaction = database->begin_read();
    const auto identity = store::Identities(*transaction).find("ana");
    const auto verifier = identity::ScramVerifier::parse(identity->value.scram_verifier.reveal_chars());
    REQUIRE(verifier.has_value());
    CHECK(verifier->iterations() == 4096);
    const auto same = identity::ScramVerifier::from_password("hunter2 hunter2", verifier->salt(), 4096);
    CHECK(same->to_string().reveal_chars() == identity->value.scram_verifier.reveal_chars());
  }
  auto shown = ok("identity.disable", R"({"name":"ana","version":0})");
  CHECK_FALSE(*shown.find("enabled")->as<bool>());
  CHECK(code("identity.enable", R"({"name":"ana","version":0})") == "conflict");
  shown = ok("identity.enable", R"({"name":"ana","version":1})");
  CHECK(*shown.find("enabled")->as<bool>());
  shown = ok("identity.set-password", R"({"name":"ana","password":"another one"})");
  CHECK(*shown.find("version")->as<std::int64_t>() == 3);
  CHECK(text_of(*shown.find("attributes"), "region") == "eu");
  CHECK(text_of(shown, "updated_by") == "os:root");
  CHECK(
      sql("SELECT count(*) FROM bartizan.changes WHERE (before::text || coalesce(after::text, '')) ~ 'hunter2|another one|SCRAM'") ==
      "0");
  CHECK(ok("identity.delete", R"({"name":"ana"})").to_json() == "null");
  CHECK(code("identity.show", R"({"name":"ana"})") == "not_found");
}

TEST_CASE_FIXTURE(ControlFixture, "no answer holds a secret") {
  ok("tenant.create", R"({"name":"n"})");
  std::string all;
  const auto keep = [&](const Document& document) { all += document.to_json(); };
  keep(ok("identity.create", R"({"name":"ana","tenant":"n","password":"hunter2hunter2"})"));
  keep(ok("depot.create",
          R"({"name":"d","host":"/run/pg","database":"x","logins":[{"login":"r","password":"hunter2hunter2"}]})"));
  keep(ok("depot.login", R"({"name":"d","login":"s","password":"hunter2hunter2"})"));
  for (const char* verb : {"identity.list", "depot.list", "tenant.list", "role.list", "grant.list", "setting.list",
                           "changes.list", "status", "doctor"})
    keep(ok(verb));
  CHECK(all.find("hunter2") == std::string::npos);
  CHECK(all.find("SCRAM-SHA-256$") == std::string::npos);
  CHECK(all.find("\\\\x01") == std::string::npos);  // a sealed value's beginning
}

TEST_CASE_FIXTURE(ControlFixture, "depots, logins and grants") {
  ok("depot.create", R"({"name":"d","host":"db.example.org","database":"app"})");
  CHECK(text_of(ok("depot.show", R"({"name":"d"})"), "tls") == "verify-full");
  ok("identity.create", R"({"name":"ana"})");
  ok("role.create", R"({"name":"analysts"})");
  CHECK(code("grant.add", R"({"identity":"ana","depot":"d","login":"r"})") == "failed_precondition");
  ok("depot.login", R"({"name":"d","login":"r"})");
  const auto grant = ok("grant.add", R"({"identity":"ana","depot":"d","login":"r"})");
  CHECK(code("grant.add", R"({"identity":"ana","depot":"d","login":"r"})") == "already_exists");
  const auto by_role = ok("grant.add", R"({"role":"analysts","depot":"d","login":"r"})");
  CHECK(text_of(by_role, "role") == "analysts");
  CHECK(ok("grant.list").as<Items>()->size() == 2);
  CHECK(ok("grant.list", R"({"identity":"ana"})").as<Items>()->size() == 1);
  CHECK(ok("grant.list", R"({"role":"analysts","depot":"d"})").as<Items>()->size() == 1);
  CHECK(code("grant.list", R"({"depot":"e"})") == "not_found");
  CHECK(code("depot.login", R"({"name":"d","login":"r","delete":true})") == "failed_precondition");
  ok("grant.remove", R"({"id":")" + text_of(grant, "id") + "\"}");
  ok("grant.remove", R"({"id":")" + text_of(by_role, "id") + R"(","version":0})");
  CHECK(ok("depot.login", R"({"name":"d","login":"r","delete":true})").find("logins")->as<Items>()->empty());
  CHECK(code("depot.login", R"({"name":"d","login":"r","delete":true})") == "not_found");
  CHECK(code("depot.delete", R"({"name":"d","version":5})") == "conflict");
  ok("depot.delete", R"({"name":"d","version":0})");
}

TEST_CASE_FIXTURE(ControlFixture, "pause, drain and resume are written once, and tell what still runs here") {
  ok("depot.create", R"({"name":"d","host":"db.example.org","database":"app"})");
  CHECK(text_of(ok("depot.show", R"({"name":"d"})"), "traffic") == "open");
  runtime.activity = {true, 0, 2, 5};
  CHECK(ok("depot.pause", R"({"name":"d"})").to_json() ==
        R"({"name":"d","traffic":"paused","ok":true,"running":0,"waiting":2,"server_connections":5})");
  const auto before = sql("SELECT max(seq) FROM bartizan.changes");
  ok("depot.pause", R"({"name":"d"})");
  CHECK(sql("SELECT max(seq) FROM bartizan.changes") == before);
  CHECK(text_of(ok("depot.show", R"({"name":"d"})"), "traffic") == "paused");
  // Connections that stand matter to drain alone; what does not follow or still runs, to all.
  const auto done = [&](const char* verb, DepotActivity activity) {
    runtime.activity = activity;
    return ok(verb, R"({"name":"d","wait":0})").find("ok")->to_json();
  };
  CHECK(done("depot.drain", {true, 0, 2, 5}) == "false");
  CHECK(done("depot.drain", {true, 0, 2, 0}) == "true");
  CHECK(done("depot.pause", {true, 1, 2, 5}) == "false");
  CHECK(done("depot.pause", {false, 0, 0, 0}) == "false");
  CHECK(done("depot.resume", {true, 9, 0, 5}) == "true");
  runtime.activity_asked = 0;
  CHECK(done("depot.pause", {true, 1, 0, 1}) == "false");
  CHECK(runtime.activity_asked == 1);
  CHECK(code("depot.pause", R"({"name":"e"})") == "not_found");
  CHECK(code("depot.pause", R"({"name":"d","wait":51})") == "invalid_argument");
  CHECK(code("depot.resume", R"({"name":"d","version":1})") == "conflict");
}

TEST_CASE_FIXTURE(ControlFixture, "a login's certificate is checked when it is set, and shown without its key") {
  const auto now = system_clock().wall();
  const auto ca = crypto::make_ca("test", now, std::chrono::days(9), system_random());
  REQUIRE(ca);
  const auto mine = crypto::issue_client_certificate(*ca, "r", now, std::chrono::days(2), system_random());
  const auto other = crypto::issue_client_certificate(*ca, "r", now, std::chrono::days(2), system_random());
  REQUIRE(mine);
  REQUIRE(other);
  ok("depot.create", R"({"name":"d","host":"db.example.org","database":"app"})");
  ok("depot.create", R"({"name":"s","host":"/run/pg","database":"app"})");
  const auto with = [](const char* depot, std::string_view certificate, std::string_view key) {
    return Document(
               Members{{"name", depot}, {"login", "r"}, {"certificate_pem", certificate}, {"private_key_pem", key}})
        .to_json();
  };
  const auto key = mine->private_key_pem.reveal_chars();
  CHECK(code("depot.login", with("d", mine->certificate_pem, other->private_key_pem.reveal_chars())) ==
        "invalid_argument");
  CHECK(code("depot.login", with("d", "none", key)) == "invalid_argument");
  CHECK(code("depot.login", with("s", mine->certificate_pem, key)) == "invalid_argument");
  CHECK(code("depot.login", R"({"name":"d","login":"r","certificate_pem":"x"})") == "invalid_argument");
  const auto shown = ok("depot.login", with("d", mine->certificate_pem, key)).to_json();
  CHECK(shown.find(R"("secret":"none","certificate":{"subject":"CN=r","not_after":")") != std::string::npos);
  const auto changes = ok("changes.list").to_json();
  CHECK((shown + changes).find("PRIVATE KEY") == std::string::npos);
  // Another password leaves it; taking it away is said.
  CHECK(ok("depot.login", R"({"name":"d","login":"r","password":"x"})").to_json().find("CN=r") != std::string::npos);
  CHECK(ok("depot.login", R"({"name":"d","login":"r","no_certificate":true})").to_json().find("CN=r") ==
        std::string::npos);
}

TEST_CASE_FIXTURE(ControlFixture, "roles and their members, settings, changes") {
  ok("role.create", R"({"name":"analysts"})");
  ok("identity.create", R"({"name":"ana"})");
  CHECK(ok("role.assign", R"({"role":"analysts","identity":"ana"})").find("members")->to_json() == R"(["ana"])");
  CHECK(code("role.assign", R"({"role":"analysts","identity":"ana"})") == "already_exists");
  CHECK(ok("identity.show", R"({"name":"ana"})").find("roles")->to_json() == R"(["analysts"])");
  CHECK(ok("role.unassign", R"({"role":"analysts","identity":"ana"})").find("members")->to_json() == "[]");
  CHECK(code("role.unassign", R"({"role":"analysts","identity":"ana"})") == "not_found");
  ok("role.delete", R"({"name":"analysts"})");

  CHECK(text_of(ok("setting.get", R"({"name":"scram.iterations"})"), "value") == "4096");
  CHECK(text_of(ok("setting.set", R"({"name":"scram.iterations","value":"5000"})"), "value") == "5000");
  CHECK(text_of(ok("setting.set", R"({"name":"scram.iterations","value":null})"), "value") == "4096");

  const auto changes = ok("changes.list", R"({"limit":2})");
  REQUIRE(changes.as<Items>()->size() == 2);
  const auto& first = changes.as<Items>()->front();
  CHECK(text_of(first, "kind") == "roles");
  CHECK(text_of(first, "actor") == "os:root");
  CHECK(first.find("before")->as<std::nullptr_t>() != nullptr);
  CHECK(text_of(*first.find("after"), "name") == "analysts");
}

TEST_CASE_FIXTURE(ControlFixture, "the iteration count of the environment is used for new passwords") {
  auto feed = store::ChangeFeed::start(*database, snapshots, system_clock(), {});
  REQUIRE(feed.has_value());
  ok("setting.set", R"({"name":"scram.iterations","value":"5000"})");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (snapshots.current()->find_setting("scram.iterations") == nullptr && std::chrono::steady_clock::now() < until)
    (*feed)->look_now();
  ok("identity.create", R"({"name":"ana","password":"x"})");
  auto transaction = database->begin_read();
  const auto identity = store::Identities(*transaction).find("ana");
  CHECK(identity::ScramVerifier::parse(identity->value.scram_verifier.reveal_chars())->iterations() == 5000);
}

TEST_CASE_FIXTURE(ControlFixture, "doctor tries each login, and finds the door that is open without a password") {
  auto feed = store::ChangeFeed::start(*database, snapshots, system_clock(), {});
  REQUIRE(feed.has_value());
  CHECK(*ok("doctor").find("ok")->as<bool>());
  const auto folder = test::ThrowawayPostgres::instance().socket_folder();
  ok("depot.create",
     R"({"name":"d","host":")" + folder + R"(","database":"postgres","logins":[{"login":"bartizan","password":"x"}]})");
  ok("depot.create", R"({"name":"bare","host":"/nowhere","database":"postgres"})");
  const auto report = ok("doctor");
  CHECK_FALSE(*report.find("ok")->as<bool>());
  std::map<std::string, bool> found;
  for (const auto& check : *report.find("checks")->as<Items>())
    found[text_of(check, "name")] = *check.find("ok")->as<bool>();
  CHECK(found.at("control.database"));
  CHECK(found.at("control.snapshot"));
  CHECK(found.at("depot.d.bartizan"));
  CHECK_FALSE(found.at("depot.d.bartizan.direct"));  // this server trusts everyone on its socket
  CHECK_FALSE(found.at("depot.bare"));
}

}  // namespace
}  // namespace bartizan::control
