// The settings that the gateway keeps for a consumer: search_path by PostgreSQL's rules over
// transactions, bartizan.tenant and bartizan.purpose as they were at sign-in.
#include <doctest/doctest.h>

#include <array>

#include "consumer_world.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

const std::string kRow = row_description() + data_row("1") + complete("SELECT 1");
constexpr std::string_view kSetNothing = "SET row_security = on";
const std::string kRefused = poison_query();

/// A client that speaks when all is answered.
class Session {
 public:
  World world{{}, {}, false, policy::BarrierMode::None, consumer_of("north")};

  /// The text that goes out for it, without a context; the server answers with tag and status.
  std::string ask(std::string_view text, std::string_view tag, char status) {
    const auto sent = send(query(text));
    world.server((concealed_ ? context_result() : "") + complete(tag) + ready(status));
    return sent;
  }
  std::string fail(std::string_view text, char status) {
    const auto sent = send(query(text));
    world.server(error("22012") + ready(status));
    return sent;
  }
  /// The view that an unqualified "accounts" means now.
  std::string meant(char status = 'I') {
    const auto sent = ask("select id from accounts", "SELECT 0", status);
    return sent.find("bz_v.other_1") != std::string::npos ? "other"
           : sent.find("accounts_1") != std::string::npos ? "public"
                                                          : sent;
  }

 private:
  std::string send(std::string_view bytes) {
    world.to_server.clear();
    world.client(bytes);
    if (world.to_server.empty()) return {};
    std::string sent = world.to_server.substr(5, world.to_server.size() - 6);
    const auto ctx = context_sql("north");
    concealed_ = sent.starts_with(ctx);
    return concealed_ ? sent.substr(ctx.size()) : sent;
  }
  bool concealed_ = false;
};

TEST_CASE("search_path is kept by the gateway and never the server's") {
  Session session;
  CHECK(session.meant() == "public");
  CHECK(session.ask("set search_path = other, public", "SET", 'I') == kSetNothing);
  CHECK(session.meant() == "other");
  CHECK(session.ask("set search_path to default", "SET", 'I') == kSetNothing);
  CHECK(session.meant() == "public");
  session.ask("set search_path = 'other'", "SET", 'I');
  CHECK(session.ask("reset search_path", "RESET", 'I') == "RESET bartizan.nothing");
  CHECK(session.meant() == "public");
  session.ask("set search_path = other", "SET", 'I');
  session.ask("reset all", "RESET", 'I');
  CHECK(session.meant() == "public");
  session.ask("set search_path = other", "SET", 'I');
  session.ask("discard all", "DISCARD ALL", 'I');
  CHECK(session.meant() == "public");
  session.ask("set search_path = other", "SET", 'I');
  session.ask("discard plans", "DISCARD PLANS", 'I');
  CHECK(session.meant() == "other");
}

TEST_CASE("search_path follows transactions and savepoints") {
  Session session;
  session.ask("begin", "BEGIN", 'T');
  session.ask("set search_path = other", "SET", 'T');
  CHECK(session.meant('T') == "other");
  session.ask("rollback", "ROLLBACK", 'I');
  CHECK(session.meant() == "public");

  session.ask("begin", "BEGIN", 'T');
  CHECK(session.ask("set local search_path = other", "SET", 'T') == "SET LOCAL row_security = on");
  CHECK(session.meant('T') == "other");
  session.ask("commit", "COMMIT", 'I');
  CHECK(session.meant() == "public");

  session.ask("begin", "BEGIN", 'T');
  session.ask("savepoint s", "SAVEPOINT", 'T');
  session.ask("set search_path = other", "SET", 'T');
  session.ask("savepoint t", "SAVEPOINT", 'T');
  session.ask("release t", "RELEASE", 'T');
  CHECK(session.meant('T') == "other");
  session.fail("select 1 / 0", 'E');
  session.ask("rollback to s", "ROLLBACK", 'T');
  CHECK(session.meant('T') == "public");
  session.ask("set search_path = other", "SET", 'T');
  session.ask("commit", "COMMIT", 'I');
  CHECK(session.meant() == "other");

  // COMMIT of a failed transaction is a ROLLBACK, and its tag says so.
  session.ask("begin", "BEGIN", 'T');
  session.ask("set search_path = public", "SET", 'T');
  session.fail("select 1 / 0", 'E');
  session.ask("commit", "ROLLBACK", 'I');
  CHECK(session.meant() == "other");

  session.fail("set search_path = public", 'I');
  CHECK(session.meant() == "other");
}

TEST_CASE("a text whose reading hangs on an unanswered SET waits for the answer") {
  Script script;
  script.consumer = [] { return consumer_of("north"); };
  const std::string selected = "SELECT id FROM bz_v.other_1 accounts";
  script
      .client(query("set search_path = other") + query("select id from accounts"), query(kSetNothing), Verdict::Stalled)
      .server(complete("SET") + ready())
      .client("", query(context_sql("north") + selected))
      .server(context_result() + kRow + ready(), kRow + ready())
      // In one segment the server must be asked for its answer.
      .client(parse("", "set search_path = public") + bind_portal("", "") + execute("") +
                  parse("", "select id from accounts"),
              parse("", kSetNothing) + bind_portal("", "") + execute("") + flush(), Verdict::Stalled)
      .server(parse_complete() + bind_complete() + complete("SET"))
      .client(sync(), parse("", "SELECT id FROM bz_v.accounts_1 accounts") + sync())
      .server(parse_complete() + ready())
      // What fails takes the setting of its implicit transaction along.
      .client(parse("", "set search_path = other") + bind_portal("", "") + execute("") + bind_portal("", "no") + sync(),
              parse("", kSetNothing) + bind_portal("", "") + execute("") + prepare_setter() +
                  put_context(context("north")) + bind_portal("", "no") + sync())
      .server(parse_complete() + bind_complete() + complete("SET"))
      .server(setter_prepared() + context_put(), "")
      .then([](World& world) { world.server(error("26000") + ready()); })
      .client(parse("", "select id from accounts") + sync(),
              parse("", "SELECT id FROM bz_v.accounts_1 accounts") + sync())
      .run();
}

TEST_CASE("what is set along with other statements is refused, as it could not be read right") {
  Session session;
  for (const auto* text : {"set search_path = other; select id from accounts", "begin; reset all",
                           "select 1; reset search_path", "set local search_path = other; commit"}) {
    CAPTURE(text);
    session.world.to_server.clear();
    session.world.client(query(text));
    CHECK(shown(session.world.to_server) == shown(kRefused));
    session.world.to_client.clear();
    session.world.server(error("42601") + ready());
    CHECK(session.world.to_client.find("C0A000") != std::string::npos);
    CHECK(session.meant() == "public");
  }
}

TEST_CASE("SHOW tells the session's value under SHOW's tag") {
  const auto show = [](std::string text, std::string sent) {
    Script script;
    script.consumer = [] {
      auto consumer = consumer_of("it's");
      consumer->search_path = {"public", "Odd \"one\""};
      return consumer;
    };
    script.client(query(text), query(sent))
        .server(row_description() + data_row("x") + complete("SELECT 1") + ready(),
                row_description() + data_row("x") + complete("SHOW") + ready())
        .client(parse("", text) + bind_portal("", "") + execute("") + sync(),
                parse("", sent) + bind_portal("", "") + execute("") + sync())
        .server(parse_complete() + bind_complete() + data_row("x") + complete("SELECT 1") + ready(),
                parse_complete() + bind_complete() + data_row("x") + complete("SHOW") + ready())
        .run();
  };
  show("show search_path", "SELECT E'public, \"Odd \"\"one\"\"\"'::pg_catalog.text AS \"search_path\"");
  show("show bartizan.tenant", "SELECT E'it''s'::pg_catalog.text AS \"bartizan.tenant\"");
  show("show bartizan.purpose", "SELECT E'billing'::pg_catalog.text AS \"bartizan.purpose\"");
}

TEST_CASE("tenant and purpose are those of the sign-in") {
  Session session;
  CHECK(session.ask("set bartizan.tenant = 'north'", "SET", 'I') == kSetNothing);
  CHECK(session.ask("set bartizan.purpose = 'billing'", "SET", 'I') == kSetNothing);
  CHECK(session.ask("reset bartizan.tenant", "RESET", 'I') == "RESET bartizan.nothing");
  for (const auto* text : {"set bartizan.tenant = 'south'", "set local bartizan.tenant = 'south'",
                           "set bartizan.purpose = 'marketing'", "set bartizan.tenant = 'north', 'south'"}) {
    CAPTURE(text);
    session.world.to_server.clear();
    session.world.client(query(text));
    CHECK(shown(session.world.to_server) == shown(kRefused));
    session.world.to_client.clear();
    session.world.server(error("42601") + ready());
    CHECK(session.world.to_client.find("C42501") != std::string::npos);
  }
  CHECK(session.ask("select id from accounts", "SELECT 0", 'I') == "SELECT id FROM bz_v.accounts_1 accounts");
}

}  // namespace
}  // namespace bartizan::session::test
