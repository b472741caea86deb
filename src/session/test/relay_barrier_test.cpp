// A log that becomes durable on command, and both peers' bytes: nothing that takes effect is forwarded,
// and nothing that was read leaves, before its intent is durable.
#include <doctest/doctest.h>

#include "script.hpp"

namespace bartizan::session::test {
namespace {

/// Nothing is durable until flush().
struct Gated : World {
  explicit Gated(policy::BarrierMode mode = policy::BarrierMode::Strict, bool pooled = false)
      : World({}, {}, pooled, mode) {
    log.durable_through = 0;
  }
  void flush(std::uint64_t through) { log.durable_through = through; }
  /// What a further step gives the server.
  std::string client_gives(std::string_view bytes) {
    to_server.clear();
    client(bytes);
    return to_server;
  }
  /// Of what a step of the server gives, what may leave now and what is held.
  struct Given {
    std::string leaves;
    std::string held;
  };
  Given server_gives(std::string_view bytes) {
    to_client.clear();
    server(bytes);
    const auto& hold = relay.hold();
    const auto from = hold ? std::min(hold->from, to_client.size()) : to_client.size();
    if (from < to_client.size()) CHECK_FALSE(log.durable(hold->until));
    return {to_client.substr(0, from), to_client.substr(from)};
  }
};

const std::string kInsert = query("insert into t values (1)");
const std::string kSelect = query("select a from t");

struct Effect {
  std::string what;
  std::string bytes;
  std::uint64_t tickets = 1;
};

TEST_CASE("what takes effect is forwarded once its intent is durable, and not a byte before") {
  for (const Effect& each : {
           Effect{"INSERT", kInsert},
           Effect{"COMMIT", query("commit")},
           Effect{"PREPARE TRANSACTION", query("prepare transaction 'a'")},
           Effect{"DDL", query("create table t (a int)")},
           Effect{"a call that is not known", query("select app.f()")},
           Effect{"a volatile call", query("select nextval('s')")},
           Effect{"COPY FROM", query("copy t from stdin")},
           Effect{"a text that is not understood", query("select 'open")},
           Effect{"FunctionCall", function_call(7)},
           Effect{"several, one of which writes", query("select 1; delete from t; select 2"), 3},
           Effect{"Execute", parse("", "delete from t") + bind_portal("", "") + execute("")},
           Effect{"a portal that is not known", execute("cursor_of_sql")},
       }) {
    CAPTURE(each.what);
    Gated world;
    const std::string first =
        each.bytes.front() == 'P' ? each.bytes.substr(0, each.bytes.size() - execute("").size()) : std::string();
    CHECK(shown(world.client_gives(each.bytes)) == shown(first));
    CHECK(world.client_verdict == Verdict::AwaitDurable);
    CHECK(world.relay.awaited() == audit::Ticket(each.tickets));
    CHECK_FALSE(world.relay.idle());
    // Asked again, with or without more of the client's bytes.
    CHECK(world.client_gives("").empty());
    world.flush(each.tickets - 1);
    CHECK(world.client_gives(sync()).empty());
    CHECK(world.client_verdict == Verdict::AwaitDurable);
    world.flush(each.tickets);
    CHECK(shown(world.client_gives("")) == shown(each.bytes.substr(first.size()) + sync()));
    CHECK(world.client_verdict == Verdict::Continue);
  }
}

TEST_CASE("what takes effect and is durable at once passes untouched") {
  Gated world;
  world.flush(1);
  CHECK(shown(world.client_gives(kInsert)) == shown(kInsert));
  CHECK(world.client_verdict == Verdict::Continue);
  const auto given = world.server_gives(complete("INSERT 0 1") + ready());
  CHECK(shown(given.leaves) == shown(complete("INSERT 0 1") + ready()));
  CHECK(given.held.empty());
}

TEST_CASE("not a byte of a read's reply leaves before its intent is durable") {
  const std::string reply = row_description() + data_row("1") + complete("SELECT 1") + ready();
  for (const std::string& statement :
       {kSelect, query("show all"), query("begin"), query("rollback"), query("set timezone = 'UTC'"), query("")}) {
    CAPTURE(shown(statement));
    Gated world;
    CHECK(shown(world.client_gives(statement)) == shown(statement));
    CHECK(world.client_verdict == Verdict::Continue);
    const std::string answer = statement == query("") ? empty_query() + ready() : reply;
    const auto given = world.server_gives(answer);
    CHECK(given.leaves.empty());
    CHECK(shown(given.held) == shown(answer));
    REQUIRE(world.relay.hold());
    CHECK(world.relay.hold()->until == audit::Ticket(1));
  }
}

TEST_CASE("an error of the server is held as any reply") {
  Gated world;
  world.client(kSelect);
  const auto given = world.server_gives(error("42P01") + ready());
  CHECK(given.leaves.empty());
  CHECK(shown(given.held) == shown(error("42P01") + ready()));
}

TEST_CASE("a reply in pieces is held in each of them until the intent is durable") {
  Gated world;
  world.client(kSelect);
  const std::string rows = row_description() + data_row(std::string(100, 'x'));
  for (const char byte : rows) CHECK(world.server_gives(std::string(1, byte)).leaves.empty());
  world.flush(1);
  const auto given = world.server_gives(data_row("2") + complete("SELECT 2") + ready());
  CHECK(given.held.empty());
  CHECK_FALSE(given.leaves.empty());
}

TEST_CASE("what is owed for what is durable leaves ahead of what is held") {
  Gated world;
  world.client(kSelect + kSelect);
  world.flush(1);
  const std::string one = row_description() + data_row("1") + complete("SELECT 1") + ready();
  const auto given = world.server_gives(one + one);
  CHECK(shown(given.leaves) == shown(one));
  CHECK(shown(given.held) == shown(one));
  REQUIRE(world.relay.hold());
  CHECK(world.relay.hold()->until == audit::Ticket(2));
}

TEST_CASE("of several statements in one Query each reply waits for its own intent") {
  Gated world;
  world.client(query("select 1; select 2"));
  world.flush(1);
  const std::string first = row_description() + data_row("1") + complete("SELECT 1");
  const std::string second = row_description() + data_row("2") + complete("SELECT 1") + ready();
  const auto given = world.server_gives(first + second);
  CHECK(shown(given.leaves) == shown(first));
  CHECK(shown(given.held) == shown(second));
}

TEST_CASE("what has no intent of its own is not held") {
  Gated world;
  CHECK(world.client_gives(parse("s", "select 1") + describe('S', "s") + sync()) ==
        parse("s", "select 1") + describe('S', "s") + sync());
  const std::string reply = parse_complete() + parameter_description() + row_description() + ready();
  CHECK(shown(world.server_gives(reply).leaves) == shown(reply));
}

TEST_CASE("results of reads don't wait where the configuration says so, effects do") {
  Gated world(policy::BarrierMode::EffectsAlone);
  CHECK(world.client_gives(kSelect) == kSelect);
  const std::string reply = row_description() + complete("SELECT 0") + ready();
  CHECK(shown(world.server_gives(reply).leaves) == shown(reply));
  CHECK(world.client_gives(kInsert).empty());
  CHECK(world.client_verdict == Verdict::AwaitDurable);
}

TEST_CASE("nothing waits with the basic log") {
  Gated world(policy::BarrierMode::None);
  CHECK(world.client_gives(kInsert + kSelect) == kInsert + kSelect);
  const std::string reply = complete("INSERT 0 1") + ready() + row_description() + complete("SELECT 0") + ready();
  CHECK(shown(world.server_gives(reply).leaves) == shown(reply));
}

TEST_CASE("a batch that came in one piece waits for one flush") {
  Gated world;
  std::string batch = parse("", "insert into t values ($1)");
  for (int i = 0; i < 5; ++i) batch += bind_portal("", "") + execute("");
  batch += sync();
  const auto ahead = parse("", "insert into t values ($1)") + bind_portal("", "");
  CHECK(shown(world.client_gives(batch)) == shown(ahead));
  CHECK(world.relay.awaited() == audit::Ticket(5));
  world.flush(4);
  CHECK(world.client_gives("").empty());
  world.flush(5);
  CHECK(shown(world.client_gives("")) == shown(batch.substr(ahead.size())));
}

TEST_CASE("reads behind a write that waits keep their place") {
  Gated world;
  world.client(kInsert + kSelect + kInsert);
  CHECK(world.to_server.empty());
  CHECK(world.relay.awaited() == audit::Ticket(3));
  world.flush(3);
  CHECK(shown(world.client_gives("")) == shown(kInsert + kSelect + kInsert));
}

TEST_CASE("a message that streams begins behind the barrier") {
  Gated world;
  const std::string big = header('d', 1'000'000) + std::string(1000, 'x');
  world.client(query("copy t from stdin") + big);
  CHECK(world.to_server.empty());
  CHECK(world.client_gives("more").empty());
  world.flush(1);
  CHECK(shown(world.client_gives("and more")) == shown(query("copy t from stdin") + big + "moreand more"));
}

TEST_CASE("Terminate behind a write that waits does not overtake it") {
  Gated world;
  world.client(kInsert + terminate());
  CHECK(world.to_server.empty());
  CHECK(world.client_verdict == Verdict::AwaitDurable);
  world.flush(1);
  CHECK(shown(world.client_gives("")) == shown(kInsert + terminate()));
  CHECK(world.client_verdict == Verdict::Finished);
}

TEST_CASE("a fault of the client behind a write that waits ends the session after it") {
  Gated world;
  world.client(kInsert + message('?', ""));
  CHECK(world.client_verdict == Verdict::AwaitDurable);
  world.flush(1);
  CHECK(shown(world.client_gives("")) == shown(kInsert));
  CHECK(world.client_verdict == Verdict::Fatal);
}

TEST_CASE("a server that answers what it has not been sent breaks the protocol") {
  for (const auto& answer : {complete("INSERT 0 1"), data_row("1"), row_description(), ready()}) {
    Gated world;
    world.client(kInsert);
    world.server(answer);
    CHECK(world.server_verdict == Verdict::Fatal);
    CHECK(world.to_client.empty());
  }
  Gated world;
  world.client(kInsert);
  world.server(notice() + notification() + parameter("TimeZone", "UTC"));
  CHECK(world.server_verdict == Verdict::Continue);
}

TEST_CASE("what was never forwarded is recorded as not run") {
  Gated world;
  world.client(kSelect + kInsert + kSelect);
  world.relay.abandon();
  CHECK(as_text(world.log.lines()) == "statement SELECT unknown\nstatement INSERT not_run\nstatement SELECT not_run\n");
}

TEST_CASE("a write that waits is skipped with what failed ahead of it") {
  Gated world;
  world.client(parse("", "select 1/0") + bind_portal("", "") + execute(""));
  world.client(parse("", "delete from t") + bind_portal("", "") + execute("") + sync());
  CHECK(world.client_verdict == Verdict::AwaitDurable);
  world.flush(1);  // the read's
  world.server(parse_complete() + bind_complete() + error("22012"));
  CHECK(world.log.lines()[1] == "execute DELETE not_run");
  world.flush(2);
  CHECK(shown(world.client_gives("")) == shown(execute("") + sync()));
  world.server(ready());
  CHECK(world.relay.idle());
  CHECK(world.log.double_finishes == 0);
}

TEST_CASE("a refused statement waits for nothing") {
  Gated world;
  world.log.failing = {1, 2};
  CHECK(shown(world.client_gives(kInsert)) == shown(poison_query()));
  CHECK(world.client_verdict == Verdict::Continue);
  const auto given = world.server_gives(error("42601") + ready());
  CHECK(shown(given.leaves) == shown(unaudited() + ready()));
}

TEST_CASE("an outcome that may be lost is told, and the session is to end") {
  Gated world;
  world.flush(9);
  world.client(kSelect);
  world.log.fails = true;
  world.server(row_description() + complete("SELECT 0") + ready());
  CHECK_FALSE(world.relay.outcome_in_doubt());  // nothing has taken effect
  world.log.fails = false;
  world.client(kInsert);
  world.log.fails = true;
  const auto given = world.server_gives(complete("INSERT 0 1") + ready());
  CHECK(shown(given.leaves) == shown(complete("INSERT 0 1") + ready()));
  CHECK(world.relay.outcome_in_doubt());
}

TEST_CASE("on a lent server connection what goes ahead of a statement waits with it") {
  Gated world(policy::BarrierMode::Strict, true);
  world.attach(world.first);
  world.client_gives(parse("s", "delete from t") + sync());
  world.server(close_complete() + parse_complete() + ready());
  REQUIRE(world.relay.releasable());
  world.relay.detach();
  world.attach(world.second);
  const auto given = world.client_gives(query("execute s"));
  CHECK(given.empty());
  CHECK_FALSE(world.relay.releasable());
  world.flush(1);
  const auto sent = world.client_gives("");
  CHECK(sent.ends_with(query("execute s")));
  CHECK(sent.size() > query("execute s").size());
}

}  // namespace
}  // namespace bartizan::session::test
