// Statements without a name that stand on a server connection for several sessions: when they are read again, and
// what becomes of "cached plan must not change result type".
#include <doctest/doctest.h>

#include "pool_script.hpp"

namespace bartizan::session::test {
namespace {

const std::string kText = "select * from t where a = $1";
const std::string kStale = error("0A000");

std::string once() { return parse("", kText) + bind_portal("", "") + describe('P', "") + execute("") + sync(); }
std::string asked() { return bind_portal("", shared_name(kText)) + describe('P', "") + execute("") + sync(); }
std::string answer(const std::string& column) {
  return bind_complete() + row_description() + data_row(column) + complete("SELECT 1") + ready();
}

/// A session whose statement stands on `first` under a shared name.
struct Shared : World {
  explicit Shared(policy::BarrierMode barriers = policy::BarrierMode::None) : World({}, {}, true, barriers) {
    attach(first);
    for (int i = 0; i < 2; ++i) {
      client(once());
      server(parse_complete() + answer("1"));
    }
    client(once());
    server(close_complete() + parse_complete() + answer("1"));
    forget();
  }
  void forget() {
    to_server.clear();
    to_client.clear();
  }
  std::string sends(const std::string& bytes) {
    forget();
    client(bytes);
    CHECK(client_verdict == Verdict::Continue);
    return shown(to_server);
  }
  std::string tells(const std::string& bytes) {
    forget();
    server(bytes);
    CHECK(server_verdict == Verdict::Continue);
    return shown(to_client);
  }
};

TEST_CASE("what stands there is not prepared again, until something has been defined or time has passed") {
  Shared world;
  const auto anew = shown(prepare_shared(kText) + asked());
  const auto stands = shown(none() + asked());
  const auto serve = [&](const std::string& first) { world.tells(first + answer("1")); };
  CHECK(world.sends(once()) == stands);
  serve(close_complete());
  SUBCASE("a definition") {
    world.traits.begin_definition();
    CHECK(world.sends(once()) == anew);
    serve(close_complete() + parse_complete());
    CHECK(world.sends(once()) == anew);  // it may be in force since
    serve(close_complete() + parse_complete());
    world.traits.end_definition();
    CHECK(world.sends(once()) == anew);
    serve(close_complete() + parse_complete());
  }
  SUBCASE("time") {
    world.clock.moved = std::chrono::seconds(11);
    CHECK(world.sends(once()) == anew);
    serve(close_complete() + parse_complete());
  }
  CHECK(world.sends(once()) == stands);
}

TEST_CASE("a result that changed: the statement is prepared anew and run, and nobody hears of it") {
  Shared world;
  CHECK(world.sends(once()) == shown(none() + asked()));
  std::string told;
  SUBCASE("in one piece") { told = world.tells(close_complete() + kStale + ready()); }
  SUBCASE("in two") {
    told = world.tells(close_complete() + kStale);
    CHECK_FALSE(world.relay.releasable());
    const auto again = world.to_server;
    told += world.tells(ready());
    CHECK(world.to_server.empty());
    world.to_server = again;
  }
  CHECK(told == shown(parse_complete()));
  CHECK(shown(world.to_server) == shown(prepare_shared(kText) + asked()));
  CHECK_FALSE(world.relay.releasable());
  CHECK(world.tells(close_complete() + parse_complete() + answer("2")) == shown(answer("2")));
  CHECK(world.relay.releasable());
  CHECK(world.log.lines().back() == "execute SELECT ok 1");
  CHECK(world.log.double_finishes == 0);
  CHECK(world.relay.figures().failed == 0);
  CHECK(world.sends(once()) == shown(none() + asked()));  // it stands there again
}

TEST_CASE("what the client sends before the repetition has left goes behind it") {
  Shared world;
  world.sends(once());
  ByteRuns told;
  CHECK(world.relay.on_server(as_bytes(close_complete() + kStale), told).verdict == Verdict::Continue);
  CHECK(world.sends(query("select 2")) == shown(prepare_shared(kText) + asked() + query("select 2")));
}

TEST_CASE("what waits for the audit log goes ahead, to be skipped, and is repeated behind that") {
  Shared world(policy::BarrierMode::Strict);
  const std::string text = "insert into t values ($1)";
  const auto insert = parse("", text) + bind_portal("", "") + execute("") + sync();
  const auto use = bind_portal("", shared_name(text)) + execute("") + sync();
  for (int i = 0; i < 3; ++i) {
    world.sends(insert);
    world.tells((i == 2 ? close_complete() : "") + parse_complete() + bind_complete() + complete("INSERT 0 1") +
                ready());
  }
  world.log.durable_through = world.log.records.size();
  world.forget();
  world.client(insert);
  CHECK(world.client_verdict == Verdict::AwaitDurable);
  CHECK(shown(world.to_server) == shown(none() + bind_portal("", shared_name(text))));
  CHECK(world.tells(close_complete() + kStale) == shown(parse_complete()));
  CHECK(world.to_server.empty());
  world.log.durable_through = world.log.records.size();
  CHECK(world.sends("") == shown(execute("") + sync() + prepare_shared(text) + use));
  const auto answered = bind_complete() + complete("INSERT 0 1") + ready();
  CHECK(world.tells(ready() + close_complete() + parse_complete() + answered) == shown(answered));
  CHECK(world.log.lines().back() == "execute INSERT ok 1");
  CHECK(world.relay.releasable());
}

TEST_CASE("it is repeated once, and what else is wrong with it is told") {
  for (const std::string& answers : {close_complete() + parse_complete() + kStale, close_complete() + error("42P01")}) {
    Shared world;
    world.sends(once());
    world.tells(close_complete() + kStale + ready());
    CHECK(world.tells(answers + ready()) == shown(answers.substr(answers.find('E')) + ready()));
    CHECK(world.relay.releasable());
  }
}

TEST_CASE("where something would be run or told twice, or in another order, the error is the client's") {
  struct Row {
    std::string what;
    std::string sent;
    std::string before;  ///< answered ahead of the error
  };
  const auto use = bind_portal("", "") + execute("") + sync();
  for (const Row& row : {
           Row{"the client has gone on", once() + query("select 2"), close_complete()},
           Row{"something of its group has run", parse("", "select 2") + bind_portal("", "") + execute("") + once(),
               parse_complete() + bind_complete() + complete("SELECT 1") + close_complete()},
           Row{"the group is not at its end", parse("", kText) + bind_portal("", "") + flush(), close_complete()},
           Row{"some of it has been answered", parse("", kText) + bind_portal("a", "") + bind_portal("", "") + sync(),
               close_complete() + bind_complete()},
           Row{"its parameters have been told", parse("", kText) + describe('S', "") + sync(),
               close_complete() + parameter_description()},
       }) {
    CAPTURE(row.what);
    Shared world;
    world.sends(row.sent);
    const auto told = world.tells(row.before + kStale);
    CHECK(told.ends_with(shown(kStale)));
    CHECK(world.to_server.empty());
  }
  SUBCASE("in a transaction") {
    Shared world;
    world.sends(query("begin"));
    world.tells(complete("BEGIN") + ready('T'));
    CHECK(world.sends(once()) == shown(none() + asked()));
    CHECK(world.tells(close_complete() + kStale + ready('E')).ends_with(shown(kStale + ready('E'))));
    CHECK(world.to_server.empty());
  }
  SUBCASE("another error") {
    Shared world;
    world.sends(once());
    CHECK(world.tells(close_complete() + error("22P02") + ready()).ends_with(shown(error("22P02") + ready())));
    CHECK(world.to_server.empty());
  }
}

}  // namespace
}  // namespace bartizan::session::test
