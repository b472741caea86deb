// What goes along with a session, and what pins it: settings, sequences, what is temporary.
#include <doctest/doctest.h>

#include "pool_script.hpp"

namespace bartizan::session::test {
namespace {

std::string question(std::string_view name) {
  return query("SELECT pg_catalog.current_setting('" + std::string(name) + "')");
}
std::string answer(std::string_view value, char status = 'I') {
  return row_description() + data_row(value) + complete("SELECT 1") + ready(status);
}

TEST_CASE("a setting that drivers set goes with the session, as the server tells it") {
  pool()
      .client(query("set extra_float_digits = 3"), query("set extra_float_digits = 3") + question("extra_float_digits"))
      .server(complete("SET") + ready() + answer("3"), complete("SET") + ready())
      .then(release)
      .then([](World& world) {
        world.attach(world.second);
        CHECK(shown(world.to_server) == shown(query("SET extra_float_digits = E'3'")));
      })
      .client(query("select 1"))
      .server(complete("SET") + ready() + complete("SELECT 0") + ready(), complete("SELECT 0") + ready())
      .then(release)
      .then([](World& world) {
        world.second.last_session = 8;  // another session was there, and RESET ALL goes before this one's
        world.second.carried = {};
        world.attach(world.second);
        CHECK(world.to_server.find("SET extra_float_digits = E'3'") != std::string::npos);
      })
      .run();
}

TEST_CASE("what a session brought along is gone for the next one") {
  pool()
      .client(query("set lock_timeout = 5"), query("set lock_timeout = 5") + question("lock_timeout"))
      .server(complete("SET") + ready() + answer("5ms"), complete("SET") + ready())
      .then(release)
      .then([](World& world) {
        Relay other({}, "\"session\":2", {world.analyses, world.log, world.clock, world.stale}, {},
                    Pooling{9, 78, &world.shares, true, &world.sequences_matter, false});
        ServerRuns runs;
        other.attach(world.first, runs);
        const std::string sent(as_chars(runs.runs().joined()));
        CHECK(sent.find("RESET ALL") != std::string::npos);
        CHECK(sent.find("lock_timeout") == std::string::npos);
        CHECK(world.first.carried.set() == 0);
      })
      .run();
}

TEST_CASE("a setting that newer servers report is told when the client sets it, not when it is brought along") {
  const std::string name = "default_transaction_read_only";
  pool()
      .client(query("set " + name + " = on"), query("set " + name + " = on") + question(name))
      .server(complete("SET") + parameter(name, "on") + ready() + answer("on"),
              complete("SET") + parameter(name, "on") + ready())
      .then(release)
      .then(to_second)
      .client(query("select 1"))
      .server(complete("SET") + parameter(name, "on") + ready() + complete("SELECT 0") + ready(),
              complete("SELECT 0") + ready())
      .run();
}

TEST_CASE("within a transaction the server is asked until it has ended") {
  const auto ask = question("lock_timeout");
  pool()
      .client(query("begin"))
      .server(complete("BEGIN") + ready('T'))
      .client(query("set lock_timeout = 5"), query("set lock_timeout = 5") + ask)
      .server(complete("SET") + ready('T') + answer("5ms", 'T'), complete("SET") + ready('T'))
      .client(query("select 1/0"), query("select 1/0") + ask)
      .server(error("22012") + ready('E') + error("25P02") + ready('E'), error("22012") + ready('E'))
      .client(query("rollback"), query("rollback") + ask)
      .server(complete("ROLLBACK") + ready() + answer("0"), complete("ROLLBACK") + ready())
      .then(release)
      .then([](World& world) {
        world.attach(world.second);
        CHECK(shown(world.to_server) == shown(query("SET lock_timeout = E'0'")));
      })
      .run();
}

TEST_CASE("a session whose settings were not told at a transaction's end keeps its server connection") {
  const auto ask = question("lock_timeout");
  pool()
      .client(query("begin") + query("set lock_timeout = 5") + query("commit"),
              query("begin") + query("set lock_timeout = 5") + ask + query("commit"))
      .server(complete("BEGIN") + ready('T') + complete("SET") + ready('T') + answer("5ms", 'T') + complete("COMMIT") +
                  ready(),
              complete("BEGIN") + ready('T') + complete("SET") + ready('T') + complete("COMMIT") + ready())
      .then(pinned)
      .run();
  // It would end what the gateway sends for itself.
  pool()
      .client(query("set statement_timeout = 5"), query("set statement_timeout = 5") + question("statement_timeout"))
      .server(complete("SET") + ready() + answer("5ms"), complete("SET") + ready())
      .then(pinned)
      .run();
  pool()
      .client(query("set statement_timeout = 5000"),
              query("set statement_timeout = 5000") + question("statement_timeout"))
      .server(complete("SET") + ready() + answer("5s"), complete("SET") + ready())
      .then(release)
      .run();
}

TEST_CASE("RESET leads to the application_name that the client started with") {
  const auto greet = [](World& world) {
    world.relay.follow_greeting(as_bytes(parameter("application_name", "it's mine")));
    world.first.defaults.put("application_name", "");
    world.first.settings.put("application_name", "it's mine");
  };
  for (const std::string text :
       {"reset application_name", "reset all", "discard all", "set application_name to default"}) {
    CAPTURE(text);
    pool()
        .then(greet)
        .client(query("set application_name = 'other'"))
        .server(complete("SET") + parameter("application_name", "other") + ready())
        .client(query(text), query(text) + query("SET application_name = E'it''s mine'"))
        .server(complete("RESET") + parameter("application_name", "") + ready() + complete("SET") +
                    parameter("application_name", "it's mine") + ready(),
                complete("RESET") + parameter("application_name", "it's mine") + ready())
        .then([](World& world) { CHECK(world.first.settings.find("application_name") == "it's mine"); })
        .then(release)
        .run();
  }
  pool()
      .then(greet)
      .client(query("discard plans"))
      .server(complete("DISCARD") + ready())
      .client(parse("", "reset all") + bind_portal("", "") + execute("") + sync(),
              parse("", "reset all") + bind_portal("", "") + execute("") +
                  own_command("SET application_name = E'it''s mine'") + sync())
      .server(parse_complete() + bind_complete() + complete("RESET") + own_command_done("SET") + ready(),
              parse_complete() + bind_complete() + complete("RESET") + ready())
      .then(release)
      .run();
}

TEST_CASE("currval finds nothing of other sessions, and from then on they keep what it may ask for") {
  pool()
      .then([](World& world) { world.first.sequences_of = 8; })
      .client(query("insert into t values (1)"))
      .server(complete("INSERT 0 1") + ready())
      .then([](World& world) { CHECK_FALSE(world.relay.pinned()); })
      .client(query("select lastval()"), own_command("DISCARD SEQUENCES") + sync() + query("select lastval()"))
      .server(own_command_done("DISCARD SEQUENCES") + ready() + error("55000") + ready(), error("55000") + ready())
      .then(pinned)
      .then([](World& world) { CHECK(world.sequences_matter); })
      .client(query("select lastval()"))
      .run();
  pool()
      .then([](World& world) { world.sequences_matter = true; })
      .client(query("insert into t values (1)"))
      .then(pinned)
      .run();
  pool()
      .client(query("insert into t values (1)"))
      .server(complete("INSERT 0 1") + ready())
      .client(query("select lastval()"))  // all that moved there were its own
      .run();
}

TEST_CASE("nextval keeps its session only where somebody asks for currval or lastval") {
  pool()
      .client(query("select nextval('s')"))
      .then([](World& world) {
        CHECK_FALSE(world.relay.pinned());
        CHECK(world.first.sequences_of != 0);  // what currval would tell is known to be this session's
      })
      .run();
  pool()
      .then([](World& world) { world.sequences_matter = true; })
      .client(query("select nextval('s')"))
      .then(pinned)
      .run();
  pool().client(query("select setval('s', 1)")).then(pinned).run();
}

TEST_CASE("without a server connection Flush and COPY's messages are passed over") {
  Script script;
  script.pooled = true;
  script.client(flush() + copy_data("x") + copy_done() + copy_fail(), "").run();
}

TEST_CASE("a message that is not whole opens no group") {
  pool().client(bind_portal("", "").substr(0, 5), "").then([](World& world) { CHECK(world.relay.releasable()); }).run();
}

TEST_CASE("settings that a reset led to are told") {
  pool()
      .then([](World& world) {
        world.first.last_session = 8;
        world.attach(world.first);
      })
      .client(query("select 1"))
      .server(complete("RESET") + parameter("TimeZone", "Asia/Tokyo") + ready() + complete("SELECT 0") + ready(),
              parameter("TimeZone", "Asia/Tokyo") + complete("SELECT 0") + ready())
      .run();
}

TEST_CASE("what is made of one reading for the server is bounded") {
  World world({}, {}, true);
  world.attach(world.first);
  const auto name = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i < 20; ++i) {
    world.client(parse(name(i), "select " + std::to_string(i) + ", '" + std::string(100'000, 'x') + "'") + sync());
    world.server(close_complete() + parse_complete() + ready());
  }
  world.relay.detach();
  world.attach(world.second);
  std::string pipeline;
  for (int i = 0; i < 20; ++i) pipeline += bind_portal("", name(i));
  world.client(pipeline);
  CHECK(world.to_server.size() < 400'000);
}

TEST_CASE("a COPY that has eaten the Sync of its group is not at its end") {
  const auto busy = [](World& world) { CHECK_FALSE(world.relay.releasable()); };
  pool()
      .client(parse("", "copy t from stdin") + bind_portal("", "") + execute("") + sync())
      .server(parse_complete() + bind_complete() + copy_in())
      .client(copy_data("x") + copy_done() + flush())
      .server(complete("COPY 1"))
      .then(busy)
      .client(sync())
      .server(ready())
      .then(release)
      .run();
}

TEST_CASE("an ErrorResponse of more than one part speaks of the client's name, too") {
  const auto name = shared_name("select $1");
  const std::string long_detail(40'000, 'd');
  const auto error_of = [&](std::string_view said) {
    return message(
        'E', std::string("SERROR\0VERROR\0C08P01\0M", 22) + long_detail + std::string(said) + std::string("\0\0", 2));
  };
  World world({}, {}, true);
  world.attach(world.first);
  world.client(parse("s", "select $1") + sync());
  world.server(close_complete() + parse_complete() + ready());
  world.client(bind_portal("", "s") + sync());
  world.to_client.clear();
  const auto told = error_of(name);
  world.server(told.substr(0, 30'000));
  world.server(told.substr(30'000) + ready());
  CHECK(world.to_client == error_of("s") + ready());
}

TEST_CASE("after a COPY that has failed with a Sync inside the server is asked whether that counted") {
  const auto fence = [](World& world) {
    CHECK_FALSE(world.relay.releasable());
    ServerRuns runs;
    REQUIRE(world.relay.settle_syncs(runs));
    CHECK(shown(as_chars(runs.runs().joined())) == shown(query(";")));
  };
  pool()
      .client(parse("", "copy t from stdin") + bind_portal("", "") + execute("") + sync())
      .server(parse_complete() + bind_complete() + copy_in())
      .client(copy_data("x") + copy_done() + sync())
      .server(error("22P04") + ready())
      .then(fence)
      .server(empty_query() + ready(), "")
      .then(release)
      .run();
}

TEST_CASE("another session's notification stays away, and its server connection is not used again") {
  pool()
      .client(query("select 1"))
      .server(notification() + complete("SELECT 0") + ready(), complete("SELECT 0") + ready())
      .then([](World& world) { CHECK(world.first.foul); })
      .run();
}

TEST_CASE("what a transaction's search_path makes temporary pins") {
  pool().client(query("begin; set local search_path = pg_temp; create table t (a int); commit")).then(pinned).run();
  pool()
      .client(query("begin; select set_config('search_path', 'pg_temp', true); create table t (a int); commit"))
      .then(pinned)
      .run();
  const auto free = [](World& world) { CHECK_FALSE(world.relay.pinned()); };
  pool().client(query("begin; set local search_path = a; select 1; commit")).then(free).run();
  pool()
      .client(query("begin; select set_config('app.x', 'pg_temp', true); create table t (a int); commit"))
      .then(free)
      .run();
}

}  // namespace
}  // namespace bartizan::session::test
