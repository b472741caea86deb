#include "bartizan/session/client_startup.hpp"

#include <doctest/doctest.h>

#include "wire.hpp"

namespace bartizan::session::test {
namespace {

using Action = ClientStartup::Action;

std::string packet(std::string_view body) {
  return i32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}
std::string ssl_request() { return packet(i32(80877103)); }
std::string gss_request() { return packet(i32(80877104)); }
std::string cancel_request(std::string_view key = "abcd") {
  return packet(i32(80877102) + i32(4711) + std::string(key));
}

using Parameters = std::vector<std::pair<std::string, std::string>>;
std::string startup(std::uint32_t version, const Parameters& parameters) {
  std::string body = i32(version);
  for (const auto& [name, value] : parameters) body += cstr(name) + cstr(value);
  return packet(body + '\0');
}
std::string startup(Parameters more = {}) {
  more.insert(more.begin(), {"user", "ada"});
  return startup(196608, more);
}

/// Byte by byte, all but the last step must want more; then what the whole gives at once.
ClientStartup::Step feed(ClientStartup& machine, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto step = machine.on_bytes(as_bytes(bytes.substr(0, i)));
    if (step.action != Action::NeedMore) return step;
    REQUIRE(step.consumed == 0);
  }
  return machine.on_bytes(as_bytes(bytes));
}

struct Answer {
  Action action;
  std::string sqlstate;
  std::string message;
};
Answer answer(bool tls, std::string_view bytes) {
  ClientStartup machine(tls);
  const auto step = feed(machine, bytes);
  return {step.action, std::string(machine.report().sqlstate.view()), machine.report().message};
}

TEST_CASE("a StartupMessage under TLS") {
  ClientStartup machine(true);
  const auto bytes = startup({{"database", "shop"},
                              {"application_name", "psql"},
                              {"options", "-c work_mem=4MB --search-path=a,b"},
                              {"DateStyle", "ISO"}});
  const auto step = feed(machine, bytes);
  CHECK(step.action == Action::SignIn);
  CHECK(step.consumed == bytes.size());
  const auto& request = machine.request();
  CHECK(request.user == "ada");
  CHECK(request.database == "shop");
  CHECK(request.application_name == "psql");
  CHECK(request.settings ==
        Parameters{{"work_mem", "4MB"}, {"search_path", "a,b"}, {"application_name", "psql"}, {"DateStyle", "ISO"}});
  CHECK_FALSE(request.newer_minor);
}

TEST_CASE("of equal names the last decides, as in PostgreSQL; the database defaults to the user") {
  ClientStartup machine(true);
  REQUIRE(feed(machine, startup({{"user", "bob"}})).action == Action::SignIn);
  CHECK(machine.request().user == "bob");
  CHECK(machine.request().database == "bob");
}

TEST_CASE("protocol versions") {
  struct Row {
    std::uint32_t version;
    Action action;
    bool newer;
  };
  const std::vector<Row> rows = {
      {0x00030000, Action::SignIn, false}, {0x00030002, Action::SignIn, true},  {0x0003270f, Action::SignIn, true},
      {0x00020000, Action::Refuse, false}, {0x00010000, Action::Refuse, false}, {0x00040000, Action::Refuse, false},
      {0x00000000, Action::Refuse, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.version);
    ClientStartup machine(true);
    const auto step = feed(machine, startup(row.version, {{"user", "ada"}, {"_pq_.future", "1"}}));
    CHECK(step.action == row.action);
    if (row.action == Action::Refuse) {
      CHECK(machine.report().sqlstate == pgwire::sqlstate::kFeatureNotSupported);
    } else {
      CHECK(machine.request().newer_minor == row.newer);
      CHECK(machine.request().protocol_options == std::vector<std::string>{"_pq_.future"});
      CHECK(machine.request().settings.empty());
    }
  }
}

TEST_CASE("nothing but TLS is accepted, and that is said before who it is matters") {
  const auto refused = answer(false, startup());
  CHECK(refused.action == Action::Refuse);
  CHECK(refused.sqlstate == "28000");
  CHECK(refused.message.find("ada") == std::string::npos);
}

TEST_CASE("SSLRequest, then TLS, then the StartupMessage") {
  ClientStartup machine(false);
  const auto ssl = feed(machine, ssl_request());
  CHECK(ssl.action == Action::StartTls);
  CHECK(ssl.consumed == 8);
  machine.tls_established();
  CHECK(feed(machine, startup()).action == Action::SignIn);
}

TEST_CASE("bytes behind an SSLRequest are refused before TLS starts") {
  ClientStartup machine(false);
  const auto both = ssl_request() + startup();
  const auto step = machine.on_bytes(as_bytes(both));
  CHECK(step.action == Action::Refuse);
  CHECK(machine.report().sqlstate == pgwire::sqlstate::kProtocolViolation);
  ClientStartup one(false);
  CHECK(one.on_bytes(as_bytes(ssl_request() + 'x')).action == Action::Refuse);
}

TEST_CASE("encryption is asked for once, and not under TLS") {
  ClientStartup again(false);
  REQUIRE(feed(again, ssl_request()).action == Action::StartTls);
  CHECK(feed(again, ssl_request()).action == Action::Refuse);  // whatever became of the handshake
  ClientStartup within(false);
  REQUIRE(feed(within, ssl_request()).action == Action::StartTls);
  within.tls_established();
  CHECK(feed(within, ssl_request()).action == Action::Refuse);
  CHECK(answer(true, ssl_request()).action == Action::Refuse);
  CHECK(answer(true, gss_request()).action == Action::Refuse);
  ClientStartup gss(false);
  REQUIRE(feed(gss, gss_request()).action == Action::AnswerNo);
  CHECK(feed(gss, gss_request()).action == Action::Refuse);
  ClientStartup libpq(false);
  REQUIRE(feed(libpq, gss_request()).action == Action::AnswerNo);
  REQUIRE(feed(libpq, ssl_request()).action == Action::StartTls);
  libpq.tls_established();
  CHECK(feed(libpq, startup()).action == Action::SignIn);
}

TEST_CASE("CancelRequest, in the clear or not") {
  for (const bool tls : {false, true}) {
    ClientStartup machine(tls);
    CHECK(feed(machine, cancel_request()).action == Action::Cancel);
    CHECK(machine.cancel_key() == CancelKey{4711, 0x61626364});
  }
  CHECK(answer(true, cancel_request("abcdefgh")).action == Action::Close);  // no key of ours
  CHECK(answer(true, cancel_request("abc")).action == Action::Refuse);
  CHECK(answer(true, cancel_request(std::string(300, 'k'))).action == Action::Refuse);
}

TEST_CASE("packets that are none get no answer, and nothing is waited for") {
  for (const std::uint32_t length : {0u, 4u, 7u, 10'005u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0x16030100u}) {
    CAPTURE(length);
    CHECK(answer(false, i32(length) + std::string(8, 'x')).action == Action::Close);
  }
  CHECK(answer(false, "GET / HTTP/1.1\r\n").action == Action::Close);
}

TEST_CASE("how much is wanted before a packet can be judged") {
  const auto wanted = [](std::string_view so_far) { return ClientStartup::wanted(as_bytes(so_far)); };
  CHECK(wanted("") == 4);
  CHECK(wanted(std::string_view("\0\0\0", 3)) == 4);
  CHECK(wanted(ssl_request().substr(0, 4)) == 8);
  CHECK(wanted(startup().substr(0, 5)) == startup().size());
  CHECK(wanted(i32(0xffffffff)) == 4);
}

TEST_CASE("malformed StartupMessages") {
  CHECK(answer(true, packet(i32(196608) + cstr("user") + cstr("ada"))).sqlstate == "08P01");
  CHECK(answer(true, packet(i32(196608) + cstr("user") + "ada")).sqlstate == "08P01");
  CHECK(answer(true, packet(i32(196608) + cstr("user") + cstr("ada") + '\0' + "x" + '\0')).action == Action::Refuse);
  CHECK(answer(true, packet(i32(196608))).action == Action::Refuse);
  CHECK(answer(true, startup(196608, {{"database", "d"}})).sqlstate == "28000");
  CHECK(answer(true, startup(196608, {{"user", ""}})).sqlstate == "28000");
}

TEST_CASE("settings that nobody may start a session with, by every spelling") {
  const std::vector<Parameters> rows = {
      {{"role", "postgres"}},
      {{"ROLE", "postgres"}},
      {{"options", "-c role=postgres"}},
      {{"options", "-crole=postgres"}},
      {{"options", "--role=postgres"}},
      {{"options", "--Role=postgres"}},
      {{"options", "-c work_mem=1MB -c ROLE=postgres"}},
      {{"options", "-c r\\ole=postgres"}},
      {{"options", "-ec role=postgres"}},
      {{"session_authorization", "postgres"}},
      {{"options", "--session-authorization=postgres"}},
      {{"options", "-c session-authorization=postgres"}},
      {{"local_preload_libraries", "x"}},
      {{"session_preload_libraries", "x"}},
      {{"is_superuser", "on"}},
      {{"bartizan.ctx", "other"}},
      {{"Bartizan.tenant", "other"}},
      {{"options", "-c Bartizan.tenant=other"}},
      {{"options", "-c bartizan.ctx=other"}},
      {{"options", "--bartizan.any-thing=other"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.front().first + " " + row.front().second);
    const auto refused = answer(true, startup(row));
    CHECK(refused.action == Action::Refuse);
    // Where PostgreSQL would not read it as the setting, that is fine too.
    const bool as_spelt = refused.sqlstate == "42501" || refused.sqlstate == "42601";
    CHECK(as_spelt);
  }
  CHECK(answer(true, startup({{"options", "-c role=postgres"}})).sqlstate == "42501");
  CHECK(answer(true, startup({{"options", "-c rolex=1 -c my.role=1"}})).action == Action::SignIn);
}

TEST_CASE("purpose and tenant are for the gateway and go to no server") {
  ClientStartup direct(true);
  const auto packet =
      startup({{"options", "-c bartizan.purpose=care -c work_mem=1MB"}, {"bartizan.tenant", "lakeview"}});
  REQUIRE(direct.on_bytes(as_bytes(packet)).action == Action::SignIn);
  CHECK(direct.request().purpose == "care");
  CHECK(direct.request().tenant == "lakeview");
  REQUIRE(direct.request().settings.size() == 1);
  CHECK(direct.request().settings[0].first == "work_mem");
}

// A switch names a setting; the parameter of that name is something else. Written on into the
// server's StartupMessage it would choose login, database, or switches that nobody has looked at.
TEST_CASE("options can't smuggle parameters") {
  for (const char* options :
       {"-c user=postgres", "--user=postgres", "-c database=other", "--database=other", "-c options=-crole=postgres",
        "--options=-crole=postgres", "-c replication=database", "--replication=true", "-c _pq_.x=1", "---pq-.x=1"}) {
    CAPTURE(options);
    const auto refused = answer(true, startup({{"options", options}}));
    CHECK(refused.action == Action::Refuse);
    CHECK(refused.sqlstate == "42704");
  }
}

TEST_CASE("options that are none") {
  for (const char* options : {"-c=", "-c =x", "-c", "-c role", "--", "--=", "-", "x", "-Z", "-c =", "--=x --=y"}) {
    CAPTURE(options);
    const auto got = answer(true, startup({{"options", options}}));
    if (std::string_view(options) == "--") continue;  // PostgreSQL reads it as the end of the switches
    CHECK(got.action == Action::Refuse);
    CHECK(got.sqlstate == "42601");
  }
}

TEST_CASE("replication connections") {
  for (const char* on : {"true", "on", "1", "yes", "database", "TRUE"})
    CHECK(answer(true, startup({{"replication", on}})).sqlstate == "0A000");
  CHECK(answer(true, startup({{"replication", "perhaps"}})).sqlstate == "22023");
  CHECK(answer(true, startup({{"replication", "database"}, {"replication", "off"}})).action == Action::SignIn);
  CHECK(answer(true, startup({{"replication", "off"}, {"replication", "database"}})).action == Action::Refuse);
}

TEST_CASE("short switches can't grow beyond what a server's packet holds") {
  std::string options;
  for (int i = 0; i < 250; ++i) options += "-s ";
  CHECK(answer(true, startup({{"options", options}, {"application_name", std::string(8'000, 'a')}})).sqlstate ==
        "54000");
  CHECK(answer(true, startup({{"options", options}})).action == Action::SignIn);
  options += options;
  CHECK(answer(true, startup({{"options", options}})).action == Action::Refuse);
}

}  // namespace
}  // namespace bartizan::session::test
