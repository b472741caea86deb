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
constexpr std::string_view kOwn = "bartizan_00000000000000000000000000000000";
std::string own_command(std::string_view text) {
  return close('S', kOwn) + parse(kOwn, text) + bind_portal(kOwn, kOwn) + execute(kOwn) + close('P', kOwn) +
         close('S', kOwn);
}
std::string own_command_done(std::string_view tag) {
  return close_complete() + parse_complete() + bind_complete() + complete(tag) + close_complete() + close_complete();
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

TEST_CASE("a session that lists prepared statements sees its own under its own names") {
  const std::string list = "select name from pg_prepared_statements";
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query(list), own_command("DEALLOCATE ALL") + parse("s", "select 1") + sync() + query(list))
      .server(own_command_done("DEALLOCATE ALL") + parse_complete() + ready() + complete("SELECT 0") + ready(),
              complete("SELECT 0") + ready())
      .then(pinned)
      .client(bind_portal("", "s") + sync())
      .run();
}

TEST_CASE("before a function that is not known runs, what others have prepared goes") {
  const auto first = [](Script script) {
    return script.client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
        .server(close_complete() + parse_complete() + ready(), parse_complete() + ready());
  };
  first(pool())
      .client(query("select f()"), own_command("DEALLOCATE ALL") + sync() + query("select f()"))
      .server(own_command_done("DEALLOCATE ALL") + ready() + complete("SELECT 0") + ready(),
              complete("SELECT 0") + ready())
      .then(pinned)
      .client(bind_portal("", "s") + sync(),
              prepare_shared("select 1") + bind_portal("", shared_name("select 1")) + sync())
      .run();
  // Planning may run it already.
  pool().client(parse("", "select f()") + bind_portal("", "") + sync()).then(pinned).run();
}

TEST_CASE("what stands under shared names is not for SQL") {
  const auto name = shared_name("select 1");
  const std::pair<std::string, std::string> rows[] = {{"execute " + name, "EXECUTE"},
                                                      {"deallocate " + name, "DEALLOCATE"},
                                                      {"prepare " + name + " as select 2", "PREPARE"},
                                                      {"create table t as execute " + name, "CREATE TABLE AS"},
                                                      {"explain execute " + name, "EXPLAIN"}};
  for (const auto& [text, tag] : rows) {
    CAPTURE(text);
    pool()
        .client(query(text), poison_query())
        .server(error("42601") + ready(),
                gateway_error("26000", "prepared statement names that begin with \"bartizan_\" are the gateway's own",
                              "Name the statement as you have prepared it.") +
                    ready())
        .then([](World& world) { CHECK_FALSE(world.relay.pinned()); })
        .audit({"statement " + tag + " refused 26000"})
        .run();
  }
}

TEST_CASE("DEALLOCATE behind the gateway's own commands does not pin") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .then(release)
      .then([](World& world) {
        world.second.last_session = 8;
        world.attach(world.second);
      })
      .client(query("deallocate s"), close('S', "s") + parse("s", "") + sync() + query("deallocate s"))
      .then([](World& world) { CHECK_FALSE(world.relay.pinned()); })
      .run();
}

TEST_CASE("a text that reads otherwise once a SET under way has taken effect is not known") {
  // Two bytes are one character in SJIS, and the string ends in front of LISTEN; elsewhere it does not.
  const std::string text = "select E'\x95\\'; listen c; --'";
  for (const std::string set : {"set client_encoding = 'SJIS'", "set standard_conforming_strings = off"}) {
    CAPTURE(set);
    const bool by_encoding = set.find("client_encoding") != std::string::npos;
    const std::string asked = by_encoding ? text : "select 'a\\'; listen c; --'";
    pool()
        .client(query(set), query(set))
        .then([&](World& world) {
          CHECK_FALSE(world.relay.pinned());
          world.client(query(asked));
          CHECK(world.relay.pinned());
        })
        .run();
  }
}

TEST_CASE("a prepared statement is known behind DECLARE in its pipeline") {
  const auto run = [](std::string_view text) { return parse("", text) + bind_portal("", "") + execute(""); };
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(run("begin") + run("declare k cursor for select 1") + bind_portal("", "s") + sync(),
              run("begin") + run("declare k cursor for select 1") + bind_portal("", shared_name("select 1")) + sync())
      .run();
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

TEST_CASE("SQL's EXECUTE waits for what stands behind its name") {
  pool()
      .client(parse("s", "select 1") + sync() + query("execute s"), prepare_shared("select 1") + sync(),
              Verdict::Stalled)
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client("", close('S', "s") + parse("s", "select 1") + sync() + query("execute s"))
      .run();
}

TEST_CASE("a statement that is read by other settings now is another") {
  const auto name_in = [](World& world, std::string_view text, const ReportedSettings& by) {
    return world.shares.get(text, as_bytes(std::string_view("\0\0", 2)), by.meaning()).statement->server_name;
  };
  const std::string text = "select '2024-01-01'::timestamptz";
  pool()
      .client(parse("s", text) + sync(), prepare_shared(text) + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("set timezone = 'Asia/Tokyo'"))
      .server(complete("SET") + parameter("TimeZone", "Asia/Tokyo") + ready())
      .then([&](World& world) {
        ReportedSettings tokyo;
        tokyo.put("timezone", "Asia/Tokyo");
        const auto other = name_in(world, text, tokyo);
        REQUIRE(other != shared_name(text));
        world.client(bind_portal("", "s") + sync());
        CHECK(shown(world.to_server) ==
              shown(close('S', other) + parse(other, text) + bind_portal("", other) + sync()));
      })
      .run();
  // While it is not known by which: under a name that nobody else will use.
  pool()
      .client(parse("s", text) + sync(), prepare_shared(text) + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("begin; set local timezone = 'Asia/Tokyo'"))
      .server(complete("BEGIN") + complete("SET") + ready('T'))
      .then([&](World& world) {
        world.client(bind_portal("", "s") + sync());
        CHECK(world.to_server.find(shared_name(text)) == std::string::npos);
      })
      .run();
}

TEST_CASE("a statement that would be another to the gateway is not prepared again") {
  const std::string text = "select 'a\\' as x, ' , pg_advisory_lock(1) --'";
  pool()
      .client(parse("s", text) + sync(), prepare_shared(text) + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("set standard_conforming_strings = off"))
      .server(complete("SET") + parameter("standard_conforming_strings", "off") + ready())
      .client(bind_portal("", "s") + sync(), bind_portal("", kNoStatement) + sync())
      .server(error("26000") + ready())
      .client(describe('S', "s") + sync(), describe('S', kNoStatement) + sync())
      .server(error("26000") + ready())
      .run();
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

TEST_CASE("a name that a refused DEALLOCATE has left on a server connection stays with it") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .then([](World& world) { world.stale = true; })
      .client(query("deallocate s"), close('S', "s") + parse("s", "") + sync() + poison_query())
      .then(pinned)
      .run();
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("deallocate s"), close('S', "s") + parse("s", "") + sync() + query("deallocate s"))
      .server(close_complete() + parse_complete() + ready() + error("57014") + ready(), error("57014") + ready())
      .then(pinned)
      .run();
}

TEST_CASE("CREATE TABLE AS EXECUTE finds the protocol's statement") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("create table t as execute s"),
              close('S', "s") + parse("s", "select 1") + sync() + query("create table t as execute s"))
      .run();
}

TEST_CASE("a Close that was skipped is sent again") {
  ServerStatements statements(1);
  StatementShares shares(sql::DigestKey{}, std::size_t{1} << 20);
  const auto get = [&](std::string_view text) { return shares.get(text, {}, "").statement; };
  CHECK(statements.announce(get("a"), 1, 1) == nullptr);
  auto given_up = statements.announce(get("b"), 1, 2);
  REQUIRE(given_up);
  statements.owe_close(given_up);
  statements.owe_close(get("b"));  // which is in use again
  const auto owed = statements.take_owed();
  REQUIRE(owed);
  CHECK(owed->text == "a");
  CHECK(statements.take_owed() == nullptr);
}

TEST_CASE("another session's notification stays away, and its server connection is not used again") {
  pool()
      .client(query("select 1"))
      .server(notification() + complete("SELECT 0") + ready(), complete("SELECT 0") + ready())
      .then([](World& world) { CHECK(world.first.foul); })
      .run();
}

TEST_CASE("texts of statements that SQL deallocates are not kept count of") {
  World world({}, {}, true);
  world.attach(world.first);
  const std::string text = "select '" + std::string(250'000, 'x') + "'";
  for (int i = 0; i < 40; ++i) {
    world.client(parse("s", text) + sync());
    world.server(close_complete() + parse_complete() + ready());
    world.client(query("deallocate s"));
    world.server(close_complete() + parse_complete() + ready() + complete("DEALLOCATE") + ready());
  }
  CHECK_FALSE(world.relay.pinned());
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
