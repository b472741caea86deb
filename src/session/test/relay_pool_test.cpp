#include <doctest/doctest.h>

#include "pool_script.hpp"

namespace bartizan::session::test {
namespace {

TEST_CASE("without a server connection nothing is taken but Terminate") {
  Script script;
  script.pooled = true;
  script.client(query("select 1"), "", Verdict::NeedServer).run();
  Script end;
  end.pooled = true;
  end.client(terminate(), "", Verdict::Finished).run();
}

TEST_CASE("what is no message ends the session at once, however much of it seems to be due") {
  for (const std::string& bytes : {std::string("\0\0\0\x54\0\3\0\0", 8), std::string("p\0\0\1\0", 5)}) {
    Script script;
    script.pooled = true;
    script.client(bytes, "", Verdict::Fatal).run();
  }
}

TEST_CASE("a server connection is free after each transaction, and not before") {
  pool()
      .client(query("begin"))
      .then([](World& world) { CHECK_FALSE(world.relay.releasable()); })
      .server(complete("BEGIN") + ready('T'))
      .then([](World& world) { CHECK_FALSE(world.relay.releasable()); })
      .client(query("select 1"))
      .server(row_description() + data_row("1") + complete("SELECT 1") + ready('T'))
      .then([](World& world) { CHECK_FALSE(world.relay.releasable()); })
      .client(query("commit"))
      .server(complete("COMMIT") + ready())
      .then(release)
      .client(terminate(), "", Verdict::Finished)
      .run();
}

TEST_CASE("a server connection is not free before the Sync, though all is answered") {
  const auto busy = [](World& world) { CHECK_FALSE(world.relay.releasable()); };
  pool()
      .client(parse("", "begin") + bind_portal("", "") + execute("") + flush())
      .server(parse_complete() + bind_complete() + complete("BEGIN"))
      .then(busy)
      .client(sync())
      .server(ready('T'))
      .then(busy)
      .client(describe('S', "") + flush())
      .server(parameter_description() + no_data())
      .then(busy)
      .client(query("commit"))
      .server(complete("COMMIT") + ready())
      .then(release)
      .run();
  pool()
      .client(close('S', "x") + flush())
      .server(close_complete())
      .then(busy)
      .client(terminate(), terminate(), Verdict::Finished)
      .run();
}

TEST_CASE("Terminate keeps a server connection that is free, and ends one that is not") {
  pool()
      .client(query("select 1"))
      .server(row_description() + data_row("1") + complete("SELECT 1") + ready())
      .client(terminate(), "", Verdict::Finished)
      .run();
  pool()
      .client(query("begin"))
      .server(complete("BEGIN") + ready('T'))
      .client(terminate(), terminate(), Verdict::Finished)
      .run();
}

TEST_CASE("settings that the server reports go with the session") {
  pool()
      .client(query("set datestyle = german"))
      .server(complete("SET") + parameter("DateStyle", "German, DMY") + ready())
      .then(release)
      .then([](World& world) {
        world.second.settings.put("datestyle", "ISO, MDY");
        world.attach(world.second);
        CHECK(shown(world.to_server) == shown(query("SET DateStyle = E'German, DMY'")));
      })
      .client(query("select 1"))
      .server(complete("SET") + parameter("DateStyle", "German, DMY") + ready() + row_description() + data_row("1") +
                  complete("SELECT 1") + ready(),
              row_description() + data_row("1") + complete("SELECT 1") + ready())
      .then(release)
      .then([](World& world) {
        CHECK(world.second.settings.find("DateStyle") == "German, DMY");
        world.attach(world.second);
        CHECK(world.to_server.empty());
      })
      .audit({"statement SET ok", "statement SELECT ok 1"})
      .run();
}

TEST_CASE("a server that does not take the session's settings ends it") {
  pool()
      .client(query("set timezone = 'UTC'"))
      .server(complete("SET") + parameter("TimeZone", "UTC") + ready())
      .then(release)
      .then(to_second)
      .client(query("select 1"))
      .server(error("22023"), "", Verdict::Fatal)
      .run();
}

TEST_CASE("a named statement is found again on another server connection") {
  const auto name = shared_name("select $1");
  pool()
      .client(parse("s", "select $1") + sync(), prepare_shared("select $1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .then(release)
      .then(to_second)
      .client(bind_portal("", "s") + execute("") + sync(),
              prepare_shared("select $1") + bind_portal("", name) + execute("") + sync())
      .server(close_complete() + parse_complete() + bind_complete() + data_row("1") + complete("SELECT 1") + ready(),
              bind_complete() + data_row("1") + complete("SELECT 1") + ready())
      .then(release)
      .then(to_first)
      .client(describe('S', "s") + bind_portal("p", "s") + execute("p") + sync(),
              describe('S', name) + bind_portal("p", name) + execute("p") + sync())
      .server(parameter_description() + row_description() + bind_complete() + complete("SELECT 0") + ready())
      .then(release)
      .audit({"execute SELECT ok 1", "execute SELECT ok"})
      .run();
}

TEST_CASE("a named statement is read anew for each session that prepares it") {
  pool()
      .client(parse("a", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(parse("b", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(bind_portal("", "b") + sync(), bind_portal("", shared_name("select 1")) + sync())
      .server(bind_complete() + ready())
      .then(release)
      .run();
}

TEST_CASE("in a failed transaction Parse is sent all the same, for the server to refuse") {
  const auto once = parse("", "select 1") + sync();
  pool()
      .client(once)
      .server(parse_complete() + ready())
      .client(once)
      .server(parse_complete() + ready())
      .client(once, prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(once, none() + sync())
      .server(close_complete() + ready(), parse_complete() + ready())
      .client(query("begin; select 1/0"))
      .server(complete("BEGIN") + error("22012") + ready('E'))
      .client(once, prepare_shared("select 1") + sync())
      .server(close_complete() + error("25P02") + ready('E'), error("25P02") + ready('E'))
      .run();
}

TEST_CASE("a name is given once, and again after its Close") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(parse("s", "select 2") + sync(), parse(shared_name("select 1"), "select 2") + sync())
      .server(message('E', std::string("SERROR\0VERROR\0C42P05\0M\"", 23) + shared_name("select 1") +
                               std::string("\"\0\0", 3)) +
                  ready(),
              message('E', std::string("SERROR\0VERROR\0C42P05\0M\"s\"\0\0", 27)) + ready())
      .client(bind_portal("", "s") + sync(), bind_portal("", shared_name("select 1")) + sync())
      .server(bind_complete() + ready())
      .client(close('S', "s") + parse("s", "select 2") + sync(), close('S', "s") + prepare_shared("select 2") + sync())
      .server(close_complete() + close_complete() + parse_complete() + ready(),
              close_complete() + parse_complete() + ready())
      .client(bind_portal("", "s") + sync(), bind_portal("", shared_name("select 2")) + sync())
      .server(bind_complete() + ready())
      .run();
}

TEST_CASE("a Parse that was skipped is made good before the next use") {
  pool()
      .client(parse("bad", "selec") + parse("s", "select 1") + sync(),
              prepare_shared("selec") + prepare_shared("select 1") + sync())
      .server(close_complete() + error("42601") + ready(), error("42601") + ready())
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .run();
}

TEST_CASE("an error speaks of the client's name for a statement") {
  const auto name = shared_name("select $1");
  pool()
      .client(parse("s", "select $1") + sync(), prepare_shared("select $1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(bind_portal("", "s") + sync(), bind_portal("", name) + sync())
      .server(message('E', std::string("SERROR\0VERROR\0C08P01\0M\"", 23) + name + std::string("\" wants 1\0\0", 11)) +
                  ready(),
              message('E', std::string("SERROR\0VERROR\0C08P01\0M\"s\" wants 1\0\0", 35)) + ready())
      .run();
}

TEST_CASE("a client can't name what is shared") {
  const auto name = shared_name("select 1");
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(bind_portal("", name) + sync(), bind_portal("", kNoStatement) + sync())
      .server(error("26000") + ready())
      .client(close('S', name) + describe('S', name) + sync(), none() + describe('S', kNoStatement) + sync())
      .server(close_complete() + error("26000") + ready())
      .run();
}

TEST_CASE("the statement without a name goes with its session") {
  pool()
      .client(parse("", "select 1") + sync())
      .server(parse_complete() + ready())
      .then(release)
      .then(to_second)
      .client(bind_portal("", "") + sync(), parse("", "select 1") + bind_portal("", "") + sync())
      .server(parse_complete() + bind_complete() + ready(), bind_complete() + ready())
      .then(release)
      .then([](World& world) {
        world.second.unnamed_of = 8;  // another session's
        world.attach(world.second);
      })
      .client(query("select 2"))  // drops it
      .server(row_description() + complete("SELECT 0") + ready())
      .then([](World& world) { world.second.unnamed_of = 8; })
      .client(bind_portal("", "") + sync(), close('S', "") + bind_portal("", "") + sync())
      .server(close_complete() + error("26000") + ready(), error("26000") + ready())
      .run();
}

TEST_CASE("a statement without a name that failed leaves none on any server connection") {
  pool()
      .client(parse("", "select 1") + sync())
      .server(parse_complete() + ready())
      .then(release)
      .then(to_second)
      .client(parse("", "selec") + sync())
      .server(error("42601") + ready())
      .then(release)
      .then(to_first)
      .client(bind_portal("", "") + sync(), close('S', "") + bind_portal("", "") + sync())
      .server(close_complete() + error("26000") + ready(), error("26000") + ready())
      .run();
}

TEST_CASE("what runs under a name of which nothing is known pins") {
  pool()
      .client(bind_portal("", "nope") + execute("") + sync(), bind_portal("", kNoStatement) + execute("") + sync())
      .server(error("26000") + ready())
      .then([](World& world) { CHECK_FALSE(world.relay.pinned()); })  // nothing can run
      .client(execute("nope") + sync())
      .then([](World& world) { CHECK_FALSE(world.relay.pinned()); })
      .run();
  pool()
      .client(query("begin; declare k cursor for select 1"))
      .server(complete("BEGIN") + complete("DECLARE CURSOR") + ready('T'))
      .client(execute("k") + sync())
      .then(pinned)
      .run();
  const std::string portal(63, 'p');  // longer names are not kept: PostgreSQL cuts them
  pool().client(parse("", "listen c") + bind_portal(portal, "") + execute(portal) + sync()).then(pinned).run();
}

TEST_CASE("a statement without a name that comes again is prepared once") {
  const auto once = parse("", "select 1") + bind_portal("", "") + sync();
  const auto name = shared_name("select 1");
  pool()
      .client(once)
      .server(parse_complete() + bind_complete() + ready())
      .client(once)
      .server(parse_complete() + bind_complete() + ready())
      .client(once, prepare_shared("select 1") + bind_portal("", name) + sync())
      .server(close_complete() + parse_complete() + bind_complete() + ready(),
              parse_complete() + bind_complete() + ready())
      .client(once, none() + bind_portal("", name) + sync())
      .server(close_complete() + bind_complete() + ready(), parse_complete() + bind_complete() + ready())
      .client(close('S', "") + bind_portal("", "") + sync(),
              close('S', "") + close('S', "") + bind_portal("", "") + sync())
      .server(close_complete() + close_complete() + error("26000") + ready(),
              close_complete() + error("26000") + ready())
      .then(release)
      .run();
}

TEST_CASE("what needs a session pins it") {
  struct Row {
    const char* text;
    const char* tag;
    sql::PinReason reason;
  };
  for (const Row& row : {Row{"set work_mem = '1MB'", "SET", sql::PinReason::SetUntracked},
                         Row{"create temp table t (a int)", "CREATE TABLE", sql::PinReason::TempTable},
                         Row{"listen c", "LISTEN", sql::PinReason::Listen},
                         Row{"select pg_advisory_lock(1)", "SELECT 1", sql::PinReason::AdvisoryLock},
                         Row{"prepare p as select 1", "PREPARE", sql::PinReason::SqlPrepare},
                         Row{"select my_function()", "SELECT 1", sql::PinReason::SessionFunction},
                         Row{"call my_procedure()", "CALL", sql::PinReason::SessionFunction},
                         Row{"select lastval()", "SELECT 1", sql::PinReason::SequenceValue}}) {
    CAPTURE(row.text);
    pool()
        .client(query(row.text))
        .server(complete(row.tag) + ready())
        .then(pinned)
        .then([&](World& world) { CHECK(world.relay.pin_reason() == row.reason); })
        .client(parse("s", "select 1") + sync())  // from here on names are its own
        .server(parse_complete() + ready())
        .client(terminate(), terminate(), Verdict::Finished)
        .run();
  }
}

TEST_CASE("SQL's DEALLOCATE and EXECUTE find the protocol's statements") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("deallocate s"), close('S', "s") + parse("s", "") + sync() + query("deallocate s"))
      .server(close_complete() + parse_complete() + ready() + complete("DEALLOCATE") + ready(),
              complete("DEALLOCATE") + ready())
      .then(release)
      .then(to_first)
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("execute s"), close('S', "s") + parse("s", "select 1") + sync() + query("execute s"))
      .server(close_complete() + parse_complete() + ready() + data_row("1") + complete("SELECT 1") + ready(),
              data_row("1") + complete("SELECT 1") + ready())
      .then(pinned)
      .run();
}

TEST_CASE("DEALLOCATE in a failed transaction says so, does not hang, and pins what it may have left") {
  pool()
      .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
      .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
      .client(query("begin; select 1/0"))
      .server(complete("BEGIN") + error("22012") + ready('E'))
      .client(query("deallocate s"), close('S', "s") + parse("s", "") + sync() + query("deallocate s"))
      .server(close_complete() + parse_complete() + ready('E') + error("25P02") + ready('E'),
              error("25P02") + ready('E'))
      .then(pinned)
      .run();
}

TEST_CASE("after DISCARD ALL and DEALLOCATE ALL everything is prepared anew") {
  for (const std::string text : {"discard all", "deallocate all"}) {
    pool()
        .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
        .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
        .client(query(text))
        .server(complete(text == "discard all" ? "DISCARD ALL" : "DEALLOCATE ALL") + ready())
        .client(parse("s", "select 1") + sync(), prepare_shared("select 1") + sync())
        .server(close_complete() + parse_complete() + ready(), parse_complete() + ready())
        .run();
  }
}

TEST_CASE("what another session may have left is reset before the first message") {
  pool()
      .client(query("select 1"))
      .server(row_description() + data_row("1") + complete("SELECT 1") + ready())
      .then(release)
      .then([](World& world) {
        world.first.last_session = 8;
        world.attach(world.first);
        CHECK(shown(world.to_server) ==
              shown(query("RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;CLOSE ALL;UNLISTEN *;DISCARD SEQUENCES;"
                          "DISCARD TEMP;SELECT pg_catalog.pg_advisory_unlock_all()")));
      })
      .client(query("select 2"))
      .server(complete("RESET") + complete("RESET") + complete("RESET") + row_description() + data_row("") +
                  complete("SELECT 1") + ready() + row_description() + data_row("2") + complete("SELECT 1") + ready(),
              row_description() + data_row("2") + complete("SELECT 1") + ready())
      .then(release)
      .then([](World& world) {
        world.attach(world.first);
        CHECK(world.to_server.empty());
      })
      .run();
}

TEST_CASE("CopyData outside of a COPY does not reach a server") {
  pool().client(copy_data("abc") + query("select 1"), query("select 1")).run();
}

TEST_CASE("a COPY that fails with a Sync inside keeps its server connection until all is answered") {
  pool()
      .client(query("copy t from stdin"))
      .server(copy_in())
      .client(copy_data("x") + sync())
      .server(error("22P04") + ready())
      .then([](World& world) { CHECK_FALSE(world.relay.releasable()); })
      .server(ready())
      .then(release)
      .run();
}

TEST_CASE("a Parse that was skipped leaves no other's statement behind the empty name") {
  pool()
      .then([](World& world) { world.first.unnamed_of = 8; })
      .client(parse("x", "selec") + parse("", "select 1") + sync(),
              prepare_shared("selec") + parse("", "select 1") + sync())
      .server(close_complete() + error("42601") + ready(), error("42601") + ready())
      .client(bind_portal("", "") + sync(), close('S', "") + bind_portal("", "") + sync())
      .server(close_complete() + error("26000") + ready(), error("26000") + ready())
      .run();
}

TEST_CASE("statements prepared after SET LOCAL are the session's own") {
  pool()
      .client(query("begin; set local transform_null_equals = on"))
      .server(complete("BEGIN") + complete("SET") + ready('T'))
      .then([](World& world) {
        world.client(parse("s", "select 1") + sync());
        CHECK(world.to_server.find(shared_name("select 1")) == std::string::npos);
        world.server(close_complete() + parse_complete() + ready('T'));
      })
      .run();
}

TEST_CASE("names of the shared kind are not for clients") {
  const auto name = shared_name("select 1");
  pool()
      .client(parse(name, "select 2") + sync(), parse("bartizan", kPoisonText) + sync())
      .server(error("42601") + ready(), gateway_error("42602", "prepared statement name \"" + name + "\" is reserved",
                                                      "Choose one that does not begin with \"bartizan_\".") +
                                            ready())
      .audit({"statement SELECT refused 42602"})
      .run();
}

TEST_CASE("a notification of its own bears the process id that the client knows") {
  const auto from = [](std::uint32_t pid) { return message('A', i32(pid) + cstr("c") + cstr("x")); };
  pool()
      .client(query("listen c"))
      .server(complete("LISTEN") + ready() + from(501) + from(9), complete("LISTEN") + ready() + from(77) + from(9))
      .run();
}

TEST_CASE("statements that are read by other settings are other statements") {
  ReportedSettings german;
  german.put("DateStyle", "German, DMY");
  StatementShares shares(sql::DigestKey{}, std::size_t{1} << 20);
  const std::string here = ReportedSettings{}.meaning();
  const std::string there = german.meaning();
  const auto types = as_bytes(std::string_view("\0\0", 2));
  const auto name = [&](std::string_view text, ByteView oids, std::string_view meaning) {
    return shares.get(text, oids, meaning).statement->server_name;
  };
  CHECK(name("select 1", types, here) == name("select 1", types, here));
  CHECK(name("select 1", types, here) != name("select 1", types, there));
  CHECK(name("select 1", types, here) != name("select 2", types, here));
  CHECK(name("select 1", types, here) != name("select 1", as_bytes(std::string_view("\0\1\0\0\0\x17", 6)), here));
  CHECK(is_shared_name(name("select 1", types, here)));
}

TEST_CASE("one server connection keeps so many statements and gives up the oldest") {
  ServerStatements statements(2);
  StatementShares shares(sql::DigestKey{}, std::size_t{1} << 20);
  const auto get = [&](std::string_view text) { return shares.get(text, {}, "").statement; };
  CHECK(statements.announce(get("a"), 1, 1) == nullptr);
  CHECK(statements.announce(get("b"), 1, 2) == nullptr);
  CHECK(statements.has(*get("a"), 1));
  CHECK_FALSE(statements.has(*get("a"), 2));  // not known yet
  statements.confirm(*get("a"));
  CHECK(statements.has(*get("a"), 2));
  CHECK(statements.has(*get("a"), 2, 1));
  CHECK_FALSE(statements.has(*get("a"), 2, 2));  // read before that
  const auto given_up = statements.announce(get("c"), 2, 3);
  REQUIRE(given_up != nullptr);
  CHECK(given_up->text == "b");
  statements.forget(*get("a"), 1);
  CHECK_FALSE(statements.has(*get("a"), 2));
  statements.forget_all();
  CHECK(statements.size() == 0);
}

}  // namespace
}  // namespace bartizan::session::test
