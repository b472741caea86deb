// Both halves of SCRAM sign-in: the gateway as client of the gateway as server, then each against
// peers that mean harm.
#include <doctest/doctest.h>

#include "bartizan/pgwire/frame.hpp"
#include "bartizan/session/client_sign_in.hpp"
#include "bartizan/session/server_sign_in.hpp"
#include "wire.hpp"

namespace bartizan::session::test {
namespace {

using identity::ScramVerifier;

constexpr std::string_view kPassword = "correct horse";
const std::string kServerNonce = "c2VydmVyLW5vbmNlLWZvci1h";
const std::string kClientNonce = "Y2xpZW50LW5vbmNlLWZvci1h";

ScramVerifier verifier() {
  auto made = ScramVerifier::from_password(kPassword, as_bytes("0123456789abcdef"), 4096);
  REQUIRE(made);
  return std::move(*made);
}

ServerSignInRequest request() {
  ServerSignInRequest facts;
  facts.user = "login";
  facts.database = "shop";
  facts.settings = {{"work_mem", "4MB"}};
  facts.scram_nonce = kClientNonce;
  return facts;
}

std::string greeting() {
  return parameter("TimeZone", "UTC") + notice() + message('K', i32(42) + i32(0xdeadbeef)) + ready();
}
std::string auth(std::uint32_t code, std::string_view more = {}) { return message('R', i32(code) + std::string(more)); }
std::string sasl(std::initializer_list<std::string_view> mechanisms) {
  std::string list;
  for (const auto mechanism : mechanisms) list += cstr(mechanism);
  return auth(10, list + '\0');
}

/// The gateway's sign-in at a server, fed so many bytes at a time.
struct Server {
  ServerSignIn steps;
  Bytes out;
  std::string input;
  std::string password = std::string(kPassword);
  std::size_t piece = 1'000'000;

  explicit Server(ServerSignInRequest facts = request()) : steps(std::move(facts)) {}
  ServerSignIn::Action feed(std::string_view bytes) {
    ServerSignIn::Action action = ServerSignIn::Action::NeedMore;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      input += bytes.substr(at, piece);
      action = drain();
      if (action == ServerSignIn::Action::Failed || action == ServerSignIn::Action::Ready) {
        input += bytes.substr(std::min(bytes.size(), at + piece));
        return action;
      }
    }
    return action;
  }
  ServerSignIn::Action drain() {
    for (;;) {
      auto step = steps.on_bytes(as_bytes(input), out);
      input.erase(0, step.consumed);
      if (step.action != ServerSignIn::Action::DeriveKeys) return step.action;
      const auto& first = steps.server_first();
      const auto keys = identity::derive_scram_client_keys(password, first.salt, first.iterations);
      REQUIRE(keys);
      step = steps.keys_derived(*keys, out);
      if (step.action != ServerSignIn::Action::Send) return step.action;
      if (input.empty()) return step.action;
    }
  }
  std::string said() {
    std::string text(as_chars(out));
    out.clear();
    return text;
  }
};

/// The gateway's sign-in of a client.
struct Client {
  ClientSignIn steps;
  Bytes out;

  explicit Client(std::optional<Bytes> binding = {}, bool genuine = true)
      : steps("ada", verifier(), genuine, std::move(binding), kServerNonce) {
    steps.begin(out);
  }
  ClientSignIn::Action feed(std::string_view bytes) {
    pgwire::FrameHeader frame;
    REQUIRE(pgwire::peek_frame(as_bytes(bytes), frame) == pgwire::FrameStatus::Ok);
    return steps.on_message(frame, as_bytes(bytes.substr(pgwire::kFrameHeaderBytes)), out);
  }
  std::string said() {
    std::string text(as_chars(out));
    out.clear();
    return text;
  }
};

TEST_CASE("the gateway signs in at the gateway") {
  struct Row {
    const char* name;
    bool client_hash;
    bool server_hash;
    bool bound;
    bool works;
  };
  const std::vector<Row> rows = {
      {"without TLS", false, false, false, true},
      {"bound to the channel", true, true, true, true},
      {"the other side has no hash", true, false, false, true},
      {"no hash where one is offered", false, true, false, true},
  };
  for (const auto& row : rows)
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
      CAPTURE(row.name);
      CAPTURE(piece);
      auto facts = request();
      if (row.client_hash) facts.end_point_hash = to_bytes("the certificate's hash");
      Server at_server(std::move(facts));
      at_server.piece = piece;
      Client at_client(row.server_hash ? std::optional(to_bytes("the certificate's hash")) : std::nullopt);
      REQUIRE(at_server.feed(at_client.said()) == ServerSignIn::Action::Send);
      CHECK_FALSE(at_client.steps.awaiting_proof());
      REQUIRE(at_client.feed(at_server.said()) == ClientSignIn::Action::Send);
      CHECK(at_client.steps.awaiting_proof());
      REQUIRE(at_server.feed(at_client.said()) == ServerSignIn::Action::Send);
      REQUIRE(at_client.feed(at_server.said()) == ClientSignIn::Action::Proven);
      CHECK(at_client.steps.channel_bound() == row.bound);
      REQUIRE(at_server.feed(at_client.said()) == ServerSignIn::Action::NeedMore);
      REQUIRE(at_server.feed(greeting() + "next") == ServerSignIn::Action::Ready);
      CHECK(as_chars(at_server.steps.greeting()) == parameter("TimeZone", "UTC") + notice());
      CHECK(at_server.steps.process_id() == 42);
      CHECK(at_server.steps.cancel_secret() == 0xdeadbeef);
      CHECK(at_server.input == "next");  // for the session
    }
}

TEST_CASE("channels that differ are not bound") {
  auto facts = request();
  facts.end_point_hash = to_bytes("one certificate");
  Server at_server(std::move(facts));
  Client at_client(to_bytes("another certificate"));
  at_server.feed(at_client.said());
  REQUIRE(at_client.feed(at_server.said()) == ClientSignIn::Action::Send);
  at_server.feed(at_client.said());
  CHECK(at_client.feed(at_server.said()) == ClientSignIn::Action::Refuse);
}

TEST_CASE("a mechanism taken from the offer is noticed") {
  auto facts = request();
  facts.end_point_hash = to_bytes("the certificate");
  Server at_server(std::move(facts));
  Client at_client(to_bytes("the certificate"));
  at_server.feed(sasl({"SCRAM-SHA-256"}));  // in the place of the offer with -PLUS
  CHECK(at_client.feed(at_server.said()) == ClientSignIn::Action::Refuse);
  CHECK_FALSE(at_client.steps.wrong_password());
}

TEST_CASE("the StartupMessage for the server") {
  Server server;
  server.steps.begin(server.out);
  const auto said = server.said();
  CHECK(said == i32(static_cast<std::uint32_t>(said.size())) + i32(196608) + cstr("user") + cstr("login") +
                    cstr("database") + cstr("shop") + cstr("work_mem") + cstr("4MB") + '\0');
  auto facts = request();
  facts.settings = {
      {"user", "postgres"}, {"options", "-crole=postgres"}, {"database", "d"}, {"replication", "1"}, {"_pq_.x", "1"}};
  Server smuggled(std::move(facts));
  smuggled.steps.begin(smuggled.out);
  CHECK(smuggled.said().find("postgres") == std::string::npos);
}

// ---- clients that mean harm ----

TEST_CASE("a wrong password and an unknown name look the same") {
  std::string reports;
  for (const bool genuine : {true, false}) {
    Server guesser;
    guesser.password = genuine ? "wrong" : std::string(kPassword);
    Client at_client({}, genuine);
    guesser.feed(at_client.said());
    REQUIRE(at_client.feed(guesser.said()) == ClientSignIn::Action::Send);
    guesser.feed(at_client.said());
    REQUIRE(at_client.feed(guesser.said()) == ClientSignIn::Action::Refuse);
    CHECK(at_client.said().empty());
    CHECK(at_client.steps.wrong_password());
    CHECK(at_client.steps.report().sqlstate == pgwire::sqlstate::kInvalidPassword);
    reports += at_client.steps.report().message + "\n";
  }
  CHECK(reports ==
        "password authentication failed for user \"ada\"\npassword authentication failed for user \"ada\"\n");
}

TEST_CASE("a second StartupMessage, or any other message, in the middle of SCRAM") {
  const auto again = i32(40) + i32(196608) + cstr("user") + cstr("postgres") + std::string(20, '\0');
  for (const int step : {0, 1}) {
    for (const std::string& bytes :
         {again, query("select 1"), sync(), terminate(), message('R', i32(0)), message('\0', "")}) {
      Client at_client;
      Server at_server;
      at_server.feed(at_client.said());
      if (step == 1) {
        REQUIRE(at_client.feed(at_server.said()) == ClientSignIn::Action::Send);
        at_client.said();
      }
      pgwire::FrameHeader frame;
      if (pgwire::peek_frame(as_bytes(bytes), frame) != pgwire::FrameStatus::Ok) continue;  // ended by its length
      CHECK(at_client.steps.on_message(frame, as_bytes(bytes).subspan(5), at_client.out) ==
            ClientSignIn::Action::Refuse);
      CHECK(at_client.steps.report().sqlstate == pgwire::sqlstate::kProtocolViolation);
      CHECK(at_client.said().empty());
      CHECK_FALSE(at_client.steps.wrong_password());
    }
  }
}

TEST_CASE("a SASL message in the dress of another type") {
  Client at_client;
  Server at_server;
  at_server.feed(at_client.said());
  auto first = at_server.said();
  first.front() = 'Q';
  CHECK(at_client.feed(first) == ClientSignIn::Action::Refuse);
}

TEST_CASE("SASL messages that are none") {
  const auto initial = [](std::string_view mechanism, std::string_view data) {
    return message('p', cstr(mechanism) + i32(static_cast<std::uint32_t>(data.size())) + std::string(data));
  };
  const std::vector<std::string> rows = {
      message('p', ""),
      message('p', cstr("hunter2")),
      message('p', cstr("SCRAM-SHA-256") + i32(0xffffffff)),
      message('p', cstr("SCRAM-SHA-256") + i32(0x7fffffff) + "n,,n=,r=abc"),
      message('p', cstr("SCRAM-SHA-256") + i32(0xfffffffe) + "n,,n=,r=abc"),
      initial("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc"),
      initial("SCRAM-SHA-1", "n,,n=,r=abc"),
      initial("SCRAM-SHA-256", "n,a=postgres,n=,r=abc"),
      initial("SCRAM-SHA-256", "n,,n=,r="),
      initial("SCRAM-SHA-256", "n,,n=,r=" + std::string(2'000, 'x')),
  };
  for (const auto& bytes : rows) {
    Client at_client;
    at_client.said();
    CHECK(at_client.feed(bytes) == ClientSignIn::Action::Refuse);
    CHECK(at_client.said().empty());
  }
}

// ---- servers that mean harm ----

TEST_CASE("a password is answered by SCRAM only, and proof is wanted in return") {
  struct Row {
    const char* name;
    std::string bytes;
  };
  const std::vector<Row> rows = {
      {"no password asked", auth(0)},
      {"in the clear", auth(3)},
      {"md5", auth(5, "salt")},
      {"GSSAPI", auth(7)},
      {"SSPI", auth(9)},
      {"unknown", auth(99)},
      {"Kerberos", auth(2)},
      {"continue first", auth(11, "r=x,s=eA==,i=4096")},
      {"final first", auth(12, "v=eA==")},
      {"no mechanism of ours", sasl({"SCRAM-SHA-1", "OAUTHBEARER"})},
      {"no mechanism", sasl({})},
      {"-PLUS only, without TLS", sasl({"SCRAM-SHA-256-PLUS"})},
      {"a greeting first", parameter("a", "b")},
      {"ready first", ready()},
      {"a key first", message('K', i32(1) + i32(1))},
      {"a notice first", notice()},
      {"a newer protocol", message('v', i32(196608) + i32(0))},
      {"data", data_row("x")},
      {"malformed authentication", message('R', "x")},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Server server;
    CHECK(server.feed(row.bytes) == ServerSignIn::Action::Failed);
    CHECK(server.steps.report().severity == pgwire::Severity::Fatal);
    CHECK(server.steps.server_error().empty());
    CHECK(server.out.empty());
  }
}

/// As far as the gateway's SASLInitialResponse.
Server begun() {
  Server server;
  REQUIRE(server.feed(sasl({"SCRAM-SHA-256"})) == ServerSignIn::Action::Send);
  server.said();
  return server;
}

TEST_CASE("hostile challenges") {
  const std::string nonce = kClientNonce + "abc";
  const std::vector<std::string> rows = {
      "r=" + nonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=1",            // too few
      "r=" + nonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=2000000000",   // would burn the thread
      "r=" + nonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=-1",
      "r=" + nonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=99999999999999999999",
      "r=" + nonce + ",s=,i=4096",
      "r=" + nonce + ",s=!,i=4096",
      "r=other,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096",
      "r=" + kClientNonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096",  // adds nothing
      "r=" + nonce + std::string(30'000, 'n') + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096",
      "m=ext,r=" + nonce + ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096",
      "",
  };
  for (const auto& data : rows) {
    CAPTURE(data.substr(0, 80));
    auto server = begun();
    CHECK(server.feed(auth(11, data)) == ServerSignIn::Action::Failed);
    CHECK(server.out.empty());
  }
}

TEST_CASE("a server that skips its proof") {
  for (const std::string& bytes : {auth(0), auth(12, "v=eA=="), greeting(), sasl({"SCRAM-SHA-256"}), auth(3)}) {
    auto first = begun();
    CHECK(first.feed(bytes) == ServerSignIn::Action::Failed);

    auto server = begun();
    REQUIRE(server.feed(auth(11, "r=" + kClientNonce + "abc,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096")) ==
            ServerSignIn::Action::Send);
    server.said();
    CHECK(server.feed(bytes) == ServerSignIn::Action::Failed);
    CHECK(server.out.empty());
  }
  auto server = begun();
  REQUIRE(server.feed(auth(11, "r=" + kClientNonce + "abc,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096")) ==
          ServerSignIn::Action::Send);
  CHECK(server.feed(auth(12, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")) == ServerSignIn::Action::Failed);
}

TEST_CASE("a login without password: the server must not ask for one") {
  const auto open = [] {
    auto facts = request();
    facts.password_available = false;
    return Server(std::move(facts));
  };
  auto server = open();
  CHECK(server.feed(auth(0) + greeting()) == ServerSignIn::Action::Ready);
  for (const std::string& bytes : {sasl({"SCRAM-SHA-256"}), auth(3), auth(5, "salt")}) {
    auto asking = open();
    CHECK(asking.feed(bytes) == ServerSignIn::Action::Failed);
    CHECK(asking.out.empty());
  }
}

TEST_CASE("after AuthenticationOk") {
  const auto in = [] {
    auto facts = request();
    facts.password_available = false;
    Server server(std::move(facts));
    REQUIRE(server.feed(auth(0)) == ServerSignIn::Action::NeedMore);
    return server;
  };
  const std::string key = message('K', i32(1) + i32(1));
  for (const std::string& bytes :
       {ready(), key + ready('T'), key + ready('E'), key + ready('?'), message('K', i32(1) + std::string(32, 'k')),
        message('K', "x"), auth(0), auth(3), row_description(), complete("X"), notification(), copy_in()}) {
    auto server = in();
    CHECK(server.feed(bytes) == ServerSignIn::Action::Failed);
  }
  auto talker = in();
  ServerSignIn::Action action = ServerSignIn::Action::NeedMore;
  for (int i = 0; i < 3'000 && action == ServerSignIn::Action::NeedMore; ++i)
    action = talker.feed(parameter("name", std::string(100, 'v')));
  CHECK(action == ServerSignIn::Action::Failed);
  CHECK(talker.steps.greeting().size() <= ServerSignIn::kMaxGreetingBytes);
}

TEST_CASE("lengths of a server") {
  for (const std::uint32_t length : {0u, 3u, 0x10000u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(length);
    Server server;
    CHECK(server.feed('E' + i32(length)) == ServerSignIn::Action::Failed);
  }
}

TEST_CASE("errors of a server: its own before sign-in stay within") {
  struct Row {
    std::string bytes;
    std::string sqlstate;
  };
  const auto told = [](std::string_view sqlstate) {
    return message('E', 'S' + cstr("FATAL") + 'V' + cstr("FATAL") + 'C' + cstr(sqlstate) + 'M' +
                            cstr("role \"gateway-secret\" does not exist") + '\0');
  };
  const std::vector<Row> rows = {
      {told("28P01"), "08006"},
      {told("28000"), "08006"},
      {told("57P03"), "57P03"},
      {told("53300"), "53300"},
      {told("3D000"), "3D000"},
      {message('E', std::string(1, '\0')), "08006"},
      {message('E', 'C' + cstr("bad\"\n") + '\0'), "08006"},
      {message('E', "no end"), "08006"},
      {message('E', ""), "08006"},
  };
  for (const auto& row : rows) {
    Server server;
    CHECK(server.feed(row.bytes) == ServerSignIn::Action::Failed);
    const auto& report = server.steps.report();
    CHECK(report.sqlstate.view() == row.sqlstate);
    CHECK(report.message.find("gateway-secret") == std::string::npos);
    CHECK(report.message.find('"') == std::string::npos);
    CHECK(server.steps.server_error().empty());
  }
  auto facts = request();
  facts.password_available = false;
  Server server(std::move(facts));
  CHECK(server.feed(auth(0) + error("22023", "FATAL")) == ServerSignIn::Action::Failed);
  CHECK(as_chars(server.steps.server_error()) == error("22023", "FATAL"));
}

}  // namespace
}  // namespace bartizan::session::test
