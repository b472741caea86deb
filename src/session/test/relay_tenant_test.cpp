// Acting for a tenant: whose name stands in the signed context, through transactions, pipelines, errors and
// the end of the right. Each statement over a view must carry the context of the tenant in force, and no other.
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

#include "consumer_world.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

constexpr std::string_view kSetNothing = "SET row_security = on";
constexpr std::string_view kSetLocalNothing = "SET LOCAL row_security = on";
constexpr std::string_view kAsked = "select id from accounts";
constexpr std::string_view kSent = "SELECT id FROM bz_v.accounts_1 accounts";

struct Rights final : ActingRights {
  explicit Rights(std::set<std::string, std::less<>> names) : names_(std::move(names)) {}
  [[nodiscard]] bool may_act_for(std::string_view tenant, WallTime) const override { return names_.contains(tenant); }
  std::set<std::string, std::less<>> names_;
};

std::unique_ptr<Consumer> service(std::optional<std::string> own = std::nullopt) {
  auto made = consumer_of(std::move(own));
  made->acting =
      std::make_shared<const Rights>(std::set<std::string, std::less<>>{"red", "blue", "Odd \"one\"", "it's"});
  return made;
}

std::string no_tenant_context() {
  wall::Context signed_for;
  signed_for.expires = WallTime(std::chrono::seconds(1'800'000'000)) + wall::kContextLife;
  signed_for.values = {{"tenant", std::nullopt}, {"bz_user", "ada"}};
  return *wall::sign_context(*connection_key("own"), signed_for);
}

/// A client that speaks when all is answered.
class Session {
 public:
  explicit Session(std::unique_ptr<Consumer> consumer = service())
      : world({}, {}, false, policy::BarrierMode::None, std::move(consumer)) {}

  /// What goes out, without a context's statement.
  std::string ask(std::string_view text, std::string_view tag, char status) {
    world.to_server.clear();
    world.client(query(text));
    std::string sent = world.to_server.substr(5, world.to_server.size() - 6);
    const auto end = sent.starts_with("SELECT pg_catalog.set_config(") ? sent.find(";") + 1 : 0;
    context_ = sent.substr(0, end);
    world.server((end != 0 ? context_result() : "") + complete(tag) + ready(status));
    return sent.substr(end);
  }
  /// The SQLSTATE with which the text is refused; empty: it was not.
  std::string refused(std::string_view text, char status) {
    world.to_server.clear();
    world.client(query(text));
    if (world.to_server != poison_query()) return {};
    world.to_client.clear();
    world.server(error("42601") + ready(status));
    const auto at = world.to_client.find('C', 5);
    const auto code = world.to_client.find(std::string("\0C", 2), 5);
    return code == std::string::npos ? std::to_string(at) : world.to_client.substr(code + 2, 5);
  }
  /// The tenant by whose context a statement goes out now. "": the one before it stands.
  std::string tenant(char status = 'I') {
    CHECK(ask(kAsked, "SELECT 0", status) == kSent);
    if (context_.empty()) return {};
    if (context_ == wall::set_context_sql(no_tenant_context()) + ";") return "nobody";
    for (const std::string_view name : {"red", "blue", "north", "Odd \"one\"", "it's"})
      if (context_ == context_sql(name)) return std::string(name);
    return "another: " + context_;
  }

  World world;

 private:
  std::string context_;
};

}  // namespace

TEST_CASE("a service acts for nobody until it names a tenant") {
  Session session;
  CHECK(session.tenant() == "nobody");
  CHECK(session.ask("set bartizan.tenant = 'red'", "SET", 'I') == kSetNothing);
  CHECK(session.tenant() == "red");
  CHECK(session.ask("SET Bartizan.Tenant TO 'blue'", "SET", 'I') == kSetNothing);
  CHECK(session.tenant() == "blue");
  session.ask("reset bartizan.tenant", "RESET", 'I');
  CHECK(session.tenant() == "nobody");
  for (const std::string_view back :
       {"reset all", "discard all", "set bartizan.tenant = ''", "set bartizan.tenant to default"}) {
    CAPTURE(back);
    session.ask("set bartizan.tenant = 'red'", "SET", 'I');
    CHECK(session.tenant() == "red");
    session.ask(back, back == "discard all" ? "DISCARD ALL" : back.starts_with("set") ? "SET" : "RESET", 'I');
    CHECK(session.tenant() == "nobody");
  }
}

TEST_CASE("names are taken as they are written") {
  Session session;
  session.ask("set bartizan.tenant = 'Odd \"one\"'", "SET", 'I');
  CHECK(session.tenant() == "Odd \"one\"");
  session.ask("set bartizan.tenant = 'it''s'", "SET", 'I');
  CHECK(session.tenant() == "it's");
  session.ask("set bartizan.tenant = red", "SET", 'I');
  CHECK(session.tenant() == "red");
  for (const std::string_view text :
       {"set bartizan.tenant = 'RED'", "set bartizan.tenant = ' red'", "set bartizan.tenant = \"Red\"",
        "set bartizan.tenant = 'red', 'blue'", "set bartizan.tenant = 'green'", "set local bartizan.tenant = 'green'",
        "set session bartizan.tenant = 'green'", "set bartizan.tenant = '*'"}) {
    CAPTURE(text);
    CHECK(session.refused(text, 'I') == "42501");
    CHECK(session.tenant() == "red");
  }
}

TEST_CASE("without the right only oneself can be named") {
  Session session(consumer_of("north"));
  CHECK(session.refused("set bartizan.tenant = 'red'", 'I') == "42501");
  CHECK(session.refused("set bartizan.tenant = ''", 'I') == "42501");
  CHECK(session.tenant() == "north");
  Session acting(service("north"));
  CHECK(acting.tenant() == "north");
  acting.ask("set bartizan.tenant = 'red'", "SET", 'I');
  CHECK(acting.tenant() == "red");
  acting.ask("set bartizan.tenant = 'north'", "SET", 'I');
  CHECK(acting.tenant() == "north");
  CHECK(acting.refused("set bartizan.tenant = ''", 'I') == "42501");
}

TEST_CASE("SET LOCAL holds for its transaction") {
  Session session;
  session.ask("set bartizan.tenant = 'blue'", "SET", 'I');
  for (const std::string_view end : {"commit", "rollback"}) {
    session.ask("begin", "BEGIN", 'T');
    CHECK(session.ask("set local bartizan.tenant = 'red'", "SET", 'T') == kSetLocalNothing);
    CHECK(session.tenant('T') == "red");
    CHECK(session.tenant('T').empty());
    session.ask(end, end == "commit" ? "COMMIT" : "ROLLBACK", 'I');
    CHECK(session.tenant() == "blue");
  }
  session.ask("set local bartizan.tenant = 'red'", "SET", 'I');  // outside a transaction: a warning
  CHECK(session.tenant() == "blue");
  session.ask("begin", "BEGIN", 'T');
  session.ask("set bartizan.tenant = 'red'", "SET", 'T');
  CHECK(session.tenant('T') == "red");
  session.ask("rollback", "ROLLBACK", 'I');
  CHECK(session.tenant() == "blue");
  session.ask("begin", "BEGIN", 'T');
  session.ask("set bartizan.tenant = 'red'", "SET", 'T');
  session.ask("commit", "COMMIT", 'I');
  CHECK(session.tenant() == "red");
}

TEST_CASE("one transaction is one tenant's") {
  Session session;
  session.ask("begin", "BEGIN", 'T');
  session.ask("set local bartizan.tenant = 'red'", "SET", 'T');
  CHECK(session.tenant('T') == "red");
  for (const std::string_view text : {"set bartizan.tenant = 'blue'", "set local bartizan.tenant = 'blue'",
                                      "reset bartizan.tenant", "reset all", "set bartizan.tenant to default"}) {
    CAPTURE(text);
    Session inner;
    inner.ask("begin", "BEGIN", 'T');
    inner.ask("set local bartizan.tenant = 'red'", "SET", 'T');
    CHECK(inner.tenant('T') == "red");
    CHECK(inner.refused(text, 'E') == "25001");
    inner.ask("rollback", "ROLLBACK", 'I');
    CHECK(inner.tenant() == "nobody");
  }
  // Any statement is one, also such as touches no view, a savepoint, and one that only suspends a portal.
  for (const std::string_view first : {"select 1", "savepoint s", "show timezone", "fetch 1 from c"}) {
    CAPTURE(first);
    Session inner;
    inner.ask("begin", "BEGIN", 'T');
    inner.ask(first, "SELECT 1", 'T');
    CHECK(inner.refused("set local bartizan.tenant = 'red'", 'E') == "25001");
  }
  session.ask("commit and chain", "COMMIT", 'T');
  session.ask("set local bartizan.tenant = 'blue'", "SET", 'T');
  CHECK(session.tenant('T') == "blue");
  session.ask("rollback and chain", "ROLLBACK", 'T');
  CHECK(session.tenant('T') == "nobody");
}

TEST_CASE("a transaction's end in a text takes the tenant along") {
  Session session;
  session.ask("begin", "BEGIN", 'T');
  session.ask("set local bartizan.tenant = 'red'", "SET", 'T');
  CHECK(session.refused("commit; select id from accounts", 'E') == "0A000");
  session.ask("rollback", "ROLLBACK", 'I');
  CHECK(session.refused("begin; set local bartizan.tenant = 'red'; select id from accounts", 'I') == "0A000");
  CHECK(session.refused("set bartizan.tenant = 'red'; select id from accounts", 'I') == "0A000");
  CHECK(session.tenant() == "nobody");
}

TEST_CASE("a cursor WITH HOLD keeps its rows, so the tenant stays") {
  Session session;
  session.ask("set bartizan.tenant = 'red'", "SET", 'I');
  session.ask("declare c cursor with hold for select id from accounts", "DECLARE CURSOR", 'I');
  CHECK(session.refused("set bartizan.tenant = 'blue'", 'I') == "25001");
  session.ask("discard all", "DISCARD ALL", 'I');
}

TEST_CASE("in a pipeline what hangs on the tenant waits until it is known") {
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1");
  Script script;
  script.consumer = [] { return service(); };
  script.client(parse("a", kAsked) + sync(), parse("a", kSent) + sync())
      .server(parse_complete() + ready())
      // SET, and behind it the Bind of a statement that stands: it waits for the server's word.
      .client(parse("", "set bartizan.tenant = 'red'") + bind_portal("", "") + execute("") + bind_portal("", "a") +
                  execute("") + sync(),
              parse("", kSetNothing) + bind_portal("", "") + execute("") + flush(), Verdict::Stalled)
      .server(parse_complete() + bind_complete() + complete("SET"))
      .client("", prepare_setter() + put_context(context("red")) + bind_portal("", "a") + flush(), Verdict::Stalled)
      .server(setter_prepared() + context_put() + bind_complete(), bind_complete())
      .client("", execute("") + sync())
      .server(data_row("1") + complete("SELECT 1") + ready())
      .run();
}

TEST_CASE("a SET between a statement and its Sync comes too late") {
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1");
  Script script;
  script.consumer = [] { return service(); };
  script
      .client(parse("", kAsked) + bind_portal("", "") + execute("") + parse("", "set bartizan.tenant = 'red'"),
              parse("", kSent) + prepare_setter() + put_context(no_tenant_context()) + bind_portal("", "") +
                  execute("") + parse("", kSetNothing))
      .client(bind_portal("", "") + execute("") + sync(), bind_portal("", "") + flush(), Verdict::Stalled)
      .server(parse_complete() + setter_prepared() + context_put() + answer + parse_complete() + bind_complete(),
              parse_complete() + answer + parse_complete() + bind_complete())
      .client("", parse("bartizan refused", "BARTIZAN REFUSED THIS STATEMENT") + sync())
      .run();
}

TEST_CASE("statements say for whom they were run") {
  Session session;
  session.tenant();
  session.ask("set bartizan.tenant = 'red'", "SET", 'I');
  session.tenant();
  session.ask("reset bartizan.tenant", "RESET", 'I');
  session.tenant();
  const auto& records = session.world.log.records;
  REQUIRE(records.size() == 5);
  CHECK(records[0].who.find("tenant") == std::string::npos);
  CHECK(records[1].who.find("tenant") == std::string::npos);
  CHECK(records[2].who.find("\"tenant\":\"red\"") != std::string::npos);
  CHECK(records[4].who.find("tenant") == std::string::npos);
}

TEST_CASE("the end of the right ends what it allowed") {
  Session session;
  session.ask("set bartizan.tenant = 'red'", "SET", 'I');
  CHECK(session.tenant() == "red");
  CHECK_FALSE(session.world.relay.acts_beyond_rights());
  session.world.relay.set_acting_rights(nullptr);
  CHECK(session.world.relay.acts_beyond_rights());
  CHECK(session.refused(kAsked, 'I') == "42501");
  session.ask("reset bartizan.tenant", "RESET", 'I');
  CHECK_FALSE(session.world.relay.acts_beyond_rights());
  CHECK(session.tenant() == "nobody");

  // Also where it would come back by a ROLLBACK only.
  Session later;
  later.ask("set bartizan.tenant = 'red'", "SET", 'I');
  later.ask("begin", "BEGIN", 'T');
  later.ask("set bartizan.tenant = 'blue'", "SET", 'T');
  later.world.relay.set_acting_rights(std::make_shared<const Rights>(std::set<std::string, std::less<>>{"blue"}));
  CHECK(later.tenant('T') == "blue");
  CHECK(later.world.relay.acts_beyond_rights());
}

TEST_CASE("a session that starts for a tenant comes back to it") {
  auto consumer = service("north");
  consumer->tenant = "red";
  Session session(std::move(consumer));
  CHECK(session.tenant() == "red");
  session.ask("set bartizan.tenant = 'blue'", "SET", 'I');
  CHECK(session.tenant() == "blue");
  session.ask("reset all", "RESET", 'I');
  CHECK(session.tenant() == "red");
  session.ask("set bartizan.tenant = 'north'", "SET", 'I');
  CHECK(session.tenant() == "north");
}

}  // namespace bartizan::session::test
