// Prepared statements under shared names, beside SQL's own PREPARE, EXECUTE and DEALLOCATE.
#include <doctest/doctest.h>

#include "pool_script.hpp"

namespace bartizan::session::test {
namespace {

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

TEST_CASE("a name that is given twice goes by how its statement is read now") {
  const std::string text = "select '2024-01-01'::timestamptz";
  pool()
      .client(parse("s", text) + sync(), prepare_shared(text) + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("set timezone = 'Asia/Tokyo'"))
      .server(complete("SET") + parameter("TimeZone", "Asia/Tokyo") + ready())
      .then([&](World& world) {
        ReportedSettings tokyo;
        tokyo.put("timezone", "Asia/Tokyo");
        const auto other =
            world.shares.get(text, as_bytes(std::string_view("\0\0", 2)), tokyo.meaning()).statement->server_name;
        world.client(parse("s", "select 2") + sync());
        CHECK(shown(world.to_server) ==
              shown(close('S', other) + parse(other, text) + parse(other, "select 2") + sync()));
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

}  // namespace
}  // namespace bartizan::session::test
