#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "script.hpp"

namespace bartizan::session::test {
namespace {

const auto broken_by_server = [](World& world) {
  CHECK(world.relay.report().sqlstate == pgwire::sqlstate::kConnectionFailure);
  CHECK(world.relay.report().severity == pgwire::Severity::Fatal);
};
const auto broken_by_client = [](World& world) {
  CHECK(world.relay.report().sqlstate == pgwire::sqlstate::kProtocolViolation);
};

struct Reply {
  const char* name;
  std::string bytes;
};
const std::vector<Reply> kReplies = {
    {"ParseComplete", parse_complete()},
    {"BindComplete", bind_complete()},
    {"CloseComplete", close_complete()},
    {"ParameterDescription", parameter_description()},
    {"RowDescription", row_description()},
    {"NoData", no_data()},
    {"DataRow", data_row("1")},
    {"CommandComplete", complete("SELECT 1")},
    {"EmptyQueryResponse", empty_query()},
    {"PortalSuspended", suspended()},
    {"CopyInResponse", copy_in()},
    {"CopyOutResponse", copy_out()},
    {"CopyData", copy_data("x")},
    {"CopyDone", copy_done()},
    {"FunctionCallResponse", function_result()},
    {"ReadyForQuery", ready()},
};

TEST_CASE("a reply that nobody awaits ends the session and reaches nobody") {
  struct Row {
    const char* state;
    std::string client;
    std::string server;  ///< so far
    std::vector<std::string_view> fitting;
  };
  const std::vector<Row> rows = {
      {"idle", "", "", {}},
      {"Query",
       query("x"),
       "",
       {"RowDescription", "DataRow", "CommandComplete", "EmptyQueryResponse", "CopyInResponse", "CopyOutResponse",
        "CopyData", "CopyDone"}},
      {"Query answered",
       query("x"),
       complete("X"),
       {"RowDescription", "DataRow", "CommandComplete", "EmptyQueryResponse", "CopyInResponse", "CopyOutResponse",
        "CopyData", "CopyDone", "ReadyForQuery"}},
      {"Query failed", query("x"), error("42601"), {"ReadyForQuery"}},
      {"FunctionCall", function_call(1), "", {"FunctionCallResponse"}},
      {"Parse", parse("", "x"), "", {"ParseComplete"}},
      {"Bind", bind_portal("", ""), "", {"BindComplete"}},
      {"Describe statement", describe('S', ""), "", {"ParameterDescription"}},
      {"Describe statement, parameters", describe('S', ""), parameter_description(), {"RowDescription", "NoData"}},
      {"Describe portal", describe('P', ""), "", {"RowDescription", "NoData"}},
      {"Execute",
       execute(""),
       "",
       {"DataRow", "CommandComplete", "EmptyQueryResponse", "PortalSuspended", "CopyInResponse", "CopyOutResponse",
        "CopyData", "CopyDone"}},
      {"Close", close('S', ""), "", {"CloseComplete"}},
      {"Sync", sync(), "", {"ReadyForQuery"}},
      {"Sync failed", sync(), error("23503"), {"ReadyForQuery"}},
      {"skipping", parse("", "x"), error("42601"), {}},
      {"answered without Sync", parse("", "x"), parse_complete(), {}},
  };
  for (const auto& row : rows) {
    for (const auto& reply : kReplies) {
      CAPTURE(row.state);
      CAPTURE(reply.name);
      const bool fits = std::ranges::find(row.fitting, reply.name) != row.fitting.end();
      Script script;
      script.client(row.client).server(row.server);
      if (fits)
        script.server(reply.bytes).run();
      else
        script.server(reply.bytes, "", Verdict::Fatal).then(broken_by_server).run();
    }
  }
}

TEST_CASE("messages that have no place after sign-in, and none anywhere") {
  for (const char type : {'R', 'K', 'v', 'W', 'p', '\0', '\x7f', 'Q', 'x'}) {
    CAPTURE(type);
    Script().server(message(type, std::string(4, '\0')), "", Verdict::Fatal).then(broken_by_server).run();
    Script().client(query("x")).server(message(type, std::string(4, '\0')), "", Verdict::Fatal).run();
  }
}

TEST_CASE("two errors for one message") {
  Script().client(query("x")).server(error("42601")).server(error("42601"), "", Verdict::Fatal).run();
  Script().client(sync()).server(error("23503")).server(error("23503"), "", Verdict::Fatal).run();
  // But a failing abort may end the connection after its error.
  Script().client(query("x")).server(error("08P01") + error("08P01", "FATAL")).run();
}

TEST_CASE("an error that nobody asked for and that is not the end") {
  Script().server(error("42601"), "", Verdict::Fatal).then(broken_by_server).run();
  Script().client(parse("", "x") + flush()).server(error("42601")).server(error("42601"), "", Verdict::Fatal).run();
}

TEST_CASE("bad lengths of servers") {
  const auto bad = [](char type, std::uint32_t length) { return std::string(1, type) + i32(length); };
  for (const std::uint32_t length : {0u, 3u, 0x80000000u, 0xffffffffu})
    Script().client(query("x")).server(bad('D', length), "", Verdict::Fatal).run();
  Script().client(query("x")).server(bad('C', 30'001), "", Verdict::Fatal).run();
  Script().client(query("x")).server(bad('D', 0x40000004), "", Verdict::Fatal).run();
  Script().client(sync()).server(message('Z', "II"), "", Verdict::Fatal).run();
  Script().client(sync()).server(message('Z', "?"), "", Verdict::Fatal).run();
  Script().client(query("x")).server(message('C', "no end"), "", Verdict::Fatal).run();
  Script().client(query("x")).server(message('E', "Sno end"), "", Verdict::Fatal).run();
  Script().server(message('S', cstr("name")), "", Verdict::Fatal).run();
}

TEST_CASE("an error without a SQLSTATE, or with one that is none") {
  const auto bare = message('E', std::string(1, '\0'));
  Script().client(query("select 1")).server(bare + ready()).audit({"statement SELECT failed XX000"}).run();
  const auto hostile = message('E', 'S' + cstr("ERROR") + 'C' + cstr("\"},{\"") + '\0');
  Script().client(query("select 1")).server(hostile + ready()).audit({"statement SELECT failed XX000"}).run();
}

TEST_CASE("of a long error the head is read, however it arrives") {
  const auto huge = message('E', 'S' + cstr("ERROR") + 'V' + cstr("ERROR") + 'C' + cstr("P0001") + 'M' +
                                     cstr(std::string(50'000, 'm')) + '\0');
  Script().client(query("select 1")).server(huge + ready()).audit({"statement SELECT failed P0001"}).run();
}

TEST_CASE("messages of clients that are none") {
  for (const char type : {'p', '\0', 'R', 'Z', '1', '\x80'}) {
    CAPTURE(type);
    Script().client(sync() + message(type, "x"), sync(), Verdict::Fatal).then(broken_by_client).run();
    Script()
        .client(parse("", "x") + flush())
        .server(error("42601"))
        .client(message(type, "x"), "", Verdict::Fatal)
        .run();
  }
}

TEST_CASE("bad lengths of clients") {
  const auto bad = [](char type, std::uint32_t length) { return std::string(1, type) + i32(length); };
  for (const std::uint32_t length : {0u, 3u, 0x80000000u, 0xffffffffu})
    Script().client(bad('B', length), "", Verdict::Fatal).then(broken_by_client).run();
  for (const char small : {'C', 'D', 'E', 'H', 'S', 'X', 'c', 'f'})
    Script().client(bad(small, 10'001), "", Verdict::Fatal).then(broken_by_client).run();
  Script().client(bad('B', 0x3fffffff), "", Verdict::Fatal).then(broken_by_client).run();
}

TEST_CASE("messages of clients that are not what their type says") {
  const std::vector<std::string> messages = {
      message('Q', "no end"),
      message('Q', cstr("select 1") + cstr("; delete from t")),
      message('P', cstr("") + cstr("x")),
      message('P', cstr("") + cstr("x") + i16(0) + "more"),
      message('B', "no names"),
      message('E', cstr("")),
      message('D', "X" + cstr("")),
      message('C', "X" + cstr("")),
      message('F', "oid"),
      message('S', "x"),
      message('H', "x"),
  };
  for (const auto& bytes : messages) {
    CAPTURE(shown(bytes));
    Script().client(bytes, "", Verdict::Fatal).then(broken_by_client).audit({}).run();
  }
}

TEST_CASE("a statement over the limit is refused by its header") {
  Script script;
  script.limits.statement_bytes = 100;
  const auto too_long = [](World& world) {
    CHECK(world.relay.report().sqlstate == pgwire::sqlstate::kProgramLimitExceeded);
  };
  Script(script).client(header('Q', 97), "", Verdict::Fatal).then(too_long).audit({}).run();
  Script(script).client(header('P', 97), "", Verdict::Fatal).then(too_long).run();
  Script(script).client(query(std::string(95, 'x'))).run();
}

TEST_CASE("names of a Bind have to come within bounds") {
  World world;
  world.client(header('B', 1'000'000) + std::string(70'000, 'n'));
  CHECK(world.client_verdict == Verdict::Fatal);
  CHECK(world.to_server.empty());
}

// ---- long messages pass in pieces ----

TEST_CASE("300 MB of a Bind and of a DataRow pass without being kept") {
  constexpr std::uint32_t kBytes = 300u << 20;
  const std::string piece(64 * 1024, 'v');
  World world;
  world.client(parse("", "select $1") + header('B', kBytes + 4) + cstr("") + cstr("") + i16(0));
  world.to_server.clear();
  std::uint64_t passed = 0;
  for (std::uint32_t sent = 0; sent < kBytes; sent += static_cast<std::uint32_t>(piece.size())) {
    world.client(piece);
    passed += world.to_server.size();
    world.to_server.clear();
  }
  CHECK(passed == kBytes);
  CHECK(world.relay.at_server_boundary());
  world.client(execute("") + sync());
  CHECK(shown(world.to_server) == shown(execute("") + sync()));
  world.server(parse_complete() + bind_complete() + header('D', kBytes));
  CHECK_FALSE(world.relay.at_client_boundary());
  passed = 0;
  for (std::uint32_t sent = 0; sent < kBytes; sent += static_cast<std::uint32_t>(piece.size())) {
    world.to_client.clear();
    world.server(piece);
    passed += world.to_client.size();
  }
  CHECK(passed == kBytes);
  CHECK(world.relay.at_client_boundary());
  world.server(complete("SELECT 1") + ready());
  CHECK(world.relay.idle());
  CHECK(world.kept_at_most == 0);
  CHECK(world.log.records[0].outcome->bytes > kBytes);
}

TEST_CASE("the longest lengths are followed without a byte of them there") {
  World world;
  world.client(header('B', 0x3fffffff - 1 - 4) + cstr("") + cstr(""));
  CHECK(world.client_verdict == Verdict::Continue);
  CHECK_FALSE(world.relay.at_server_boundary());
  World other;
  other.client(query("x"));
  other.server(header('D', 0x3fffffff));
  CHECK(other.server_verdict == Verdict::Continue);
  CHECK(other.kept_at_most == 0);
}

TEST_CASE("a long Query is kept until it is whole, and only then sent") {
  World world;
  const auto text = query("select '" + std::string(200'000, 'x') + "'");
  world.client(std::string_view(text).substr(0, 150'000));
  CHECK(world.to_server.empty());
  CHECK(world.log.records.empty());
  world.client(std::string_view(text).substr(150'000));
  CHECK(world.to_server == text);
}

}  // namespace
}  // namespace bartizan::session::test
