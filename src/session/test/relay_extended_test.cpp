#include <doctest/doctest.h>

#include "script.hpp"

namespace bartizan::session::test {
namespace {

const auto idle = [](World& world) { CHECK(world.relay.idle()); };

std::string run_one(std::string_view text) { return parse("", text) + bind_portal("", "") + execute("") + sync(); }
std::string ran(std::string_view tag) { return parse_complete() + bind_complete() + complete(tag) + ready(); }
/// Prepares it under that name, all done.
Script prepared(std::string_view name, std::string_view text) {
  Script script;
  script.client(parse(name, text) + sync()).server(parse_complete() + ready());
  return script;
}

TEST_CASE("the extended protocol, described and executed") {
  Script()
      .client(parse("", "select a from t") + describe('S', "") + bind_portal("", "") + describe('P', "") + execute("") +
              close('P', "") + sync())
      .server(parse_complete() + parameter_description() + row_description() + bind_complete() + row_description() +
              data_row("1") + complete("SELECT 1") + close_complete() + ready())
      .then(idle)
      .audit({"execute SELECT ok 1"})
      .run();
  Script()
      .client(parse("", "delete from t") + describe('S', "") + bind_portal("", "") + describe('P', "") + execute("") +
              sync())
      .server(parse_complete() + parameter_description() + no_data() + bind_complete() + no_data() +
              complete("DELETE 9") + ready())
      .then(idle)
      .audit({"execute DELETE ok 9"})
      .run();
}

TEST_CASE("Execute by parts has a ticket for each") {
  Script()
      .client(parse("", "select a from t") + bind_portal("", "") + execute("", 2) + execute("", 2) + sync())
      .server(parse_complete() + bind_complete() + data_row("1") + data_row("2") + suspended() + data_row("3") +
              complete("SELECT 1") + ready())
      .then(idle)
      .audit({"execute SELECT ok 2", "execute SELECT ok 1"})
      .run();
}

TEST_CASE("Execute of an empty statement") {
  Script()
      .client(run_one(""))
      .server(parse_complete() + bind_complete() + empty_query() + ready())
      .then(idle)
      .audit({"execute ok"})
      .run();
}

TEST_CASE("Flush brings replies before Sync") {
  Script()
      .client(parse("", "select 1") + flush())
      .server(parse_complete())
      .client(bind_portal("", "") + execute("") + flush())
      .server(bind_complete() + data_row("1") + complete("SELECT 1"))
      .client(sync())
      .server(ready())
      .then(idle)
      .run();
}

TEST_CASE("an error in a pipeline skips to its Sync and no further") {
  Script()
      .client(run_one("select 1") + run_one("insert into t values (1)") + run_one("select 2"))
      .server(ran("SELECT 1"))
      .server(parse_complete() + error("42703") + ready())
      .server(ran("SELECT 1"))
      .then(idle)
      .audit({"execute SELECT ok 1", "execute INSERT not_run", "execute SELECT ok 1"})
      .run();
  Script()
      .client(parse("", "select 1/0") + bind_portal("", "") + execute("") + execute("") + query("delete from t") +
              function_call(1) + sync())
      .server(parse_complete() + bind_complete() + error("22012") + ready())
      .then(idle)
      .audit({"execute SELECT failed 22012", "execute SELECT not_run", "statement DELETE not_run",
              "function_call not_run"})
      .run();
}

TEST_CASE("after an error everything up to Sync is dropped, as the server would") {
  Script()
      .client(parse("", "bogus") + flush())
      .server(error("42601"))
      .client(bind_portal("", "") + execute("") + query("delete from t") + describe('S', "") + close('S', "x") +
                  flush() + function_call(3) + copy_data("x") + parse("", "select 1"),
              "")
      .client(sync())
      .server(ready())
      .then(idle)
      .client(run_one("select 1"))
      .server(ran("SELECT 1"))
      .audit({"execute SELECT ok 1"})
      .run();
}

TEST_CASE("an error at Sync itself, by a deferred constraint") {
  Script()
      .client(run_one("insert into t values (1)") + run_one("select 1"))
      .server(parse_complete() + bind_complete() + complete("INSERT 0 1") + error("23503") + ready())
      .server(ran("SELECT 1"))
      .then(idle)
      .audit({"execute INSERT ok 1", "execute SELECT ok 1"})
      .run();
}

TEST_CASE("a failed Parse of a named statement leaves the old meaning") {
  prepared("s", "select 1")
      .client(parse("s", "delete from t") + sync())
      .server(error("42P05") + ready())
      .client(bind_portal("", "s") + execute("") + sync())
      .server(bind_complete() + complete("SELECT 1") + ready())
      .audit({"execute SELECT ok 1"})
      .run();
}

TEST_CASE("a Parse that is skipped leaves the old meaning, named or not") {
  for (const std::string name : {"s", ""}) {
    CAPTURE(name);
    prepared(name, "delete from t")
        .client(bind_portal("", "missing") + parse(name, "select 1") + sync())
        .server(error("26000") + ready())
        .client(bind_portal("", name) + execute("") + sync())
        .server(bind_complete() + complete("DELETE 5") + ready())
        .audit({"execute DELETE ok 5"})
        .run();
  }
}

// What a Parse or Bind ahead of a Sync has come to is not known behind it: the client waits there
// for a round trip, rather than having one statement audited in the place of another.
TEST_CASE("behind a Sync a name waits for its pending Parse") {
  for (const std::string name : {"s", ""}) {
    CAPTURE(name);
    const auto ahead = bind_portal("", "missing") + parse(name, "select 1") + sync();
    const auto use = bind_portal("", name) + execute("") + sync();
    prepared(name, "delete from t")
        .client(ahead + use, ahead, Verdict::Stalled)
        .server(error("26000"))
        .client("", use)  // the error is enough
        .server(ready() + bind_complete() + complete("DELETE 5") + ready())
        .then(idle)
        .audit({"execute DELETE ok 5"})
        .run();
    Script()
        .client(parse(name, "select 1") + sync() + use, parse(name, "select 1") + sync(), Verdict::Stalled)
        .server(parse_complete())
        .client("", use)
        .server(ready() + bind_complete() + complete("SELECT 1") + ready())
        .audit({"execute SELECT ok 1"})
        .run();
  }
}

TEST_CASE("behind a Sync a portal waits for its pending Bind") {
  const auto begin = parse("b", "begin") + parse("d", "delete from t") + parse("s", "select 1") + bind_portal("", "b") +
                     execute("") + bind_portal("p", "d") + sync();
  const auto begun = parse_complete() + parse_complete() + parse_complete() + bind_complete() + complete("BEGIN") +
                     bind_complete() + ready('T');
  const auto again = bind_portal("p", "s") + sync();
  const auto use = execute("p") + sync();
  Script()
      .client(begin)
      .server(begun)
      .client(again + use, again, Verdict::Stalled)
      .server(error("42P03") + ready('E'))
      .client("", use)
      .server(error("25P02") + ready('E'))
      .audit({"execute BEGIN ok", "execute DELETE failed 25P02"})
      .run();
}

TEST_CASE("within its segment a pending Parse and Bind are believed at once") {
  Script()
      .client(parse("s", "select 1") + bind_portal("p", "s") + execute("p") + close('S', "s") +
              parse("s", "delete from t") + bind_portal("p2", "s") + execute("p2") + sync())
      .server(parse_complete() + bind_complete() + complete("SELECT 1") + close_complete() + parse_complete() +
              bind_complete() + complete("DELETE 0") + ready())
      .audit({"execute SELECT ok 1", "execute DELETE ok"})
      .run();
}

TEST_CASE("two statements and two portals under way") {
  Script()
      .client(parse("a", "select 1") + parse("b", "delete from t") + bind_portal("p", "a") + bind_portal("q", "b") +
              execute("q") + execute("p") + sync())
      .server(parse_complete() + parse_complete() + bind_complete() + bind_complete() + complete("DELETE 1") +
              complete("SELECT 1") + ready())
      .audit({"execute DELETE ok 1", "execute SELECT ok 1"})
      .run();
}

TEST_CASE("a closed statement or portal is not known any more") {
  prepared("s", "select 1")
      .client(close('S', "s") + sync())
      .server(close_complete() + ready())
      .client(bind_portal("", "s") + execute("") + sync())
      .server(error("26000") + ready())
      .audit({"execute UNKNOWN not_run"})
      .run();
  prepared("s", "select 1")
      .client(bind_portal("p", "s") + close('P', "p") + flush())
      .server(bind_complete() + close_complete())
      .client(execute("p") + sync())
      .server(error("34000") + ready())
      .audit({"execute UNKNOWN failed 34000"})
      .run();
}

TEST_CASE("a Close that is skipped closes nothing") {
  prepared("s", "delete from t")
      .client(bind_portal("", "missing") + close('S', "s") + sync())
      .server(error("26000") + ready())
      .client(bind_portal("", "s") + execute("") + sync())
      .server(bind_complete() + complete("DELETE 1") + ready())
      .audit({"execute DELETE ok 1"})
      .run();
}

TEST_CASE("named portals end with their transaction") {
  prepared("s", "select 1")
      .client(bind_portal("p", "s") + sync())
      .server(bind_complete() + ready())
      .client(execute("p") + sync())
      .server(error("34000") + ready())
      .audit({"execute UNKNOWN failed 34000"})
      .run();
}

TEST_CASE("portals of SQL's DECLARE and statements of SQL's PREPARE are unknown") {
  Script()
      .client(query("begin; declare c cursor for select 1"))
      .server(complete("BEGIN") + complete("DECLARE CURSOR") + ready('T'))
      .client(execute("c", 1) + sync())
      .server(data_row("1") + suspended() + ready('T'))
      .audit({"statement BEGIN ok", "statement DECLARE CURSOR ok", "execute UNKNOWN ok 1"})
      .run();
}

TEST_CASE("SQL that gives a name another meaning") {
  struct Row {
    const char* text;
    std::string tags;
    const char* then;
  };
  const std::vector<Row> rows = {
      {"deallocate s; prepare s as delete from t", complete("DEALLOCATE") + complete("PREPARE"), "UNKNOWN"},
      {"deallocate all", complete("DEALLOCATE ALL"), "UNKNOWN"},
      {"discard all", complete("DISCARD ALL"), "UNKNOWN"},
      {"deallocate other; prepare other as delete from t", complete("DEALLOCATE") + complete("PREPARE"), "SELECT"},
      {"discard plans", complete("DISCARD PLANS"), "SELECT"},
      // Not read, but the server says what it was.
      {"deallocate s; select 'open", complete("DEALLOCATE"), "UNKNOWN"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    prepared("s", "select 1")
        .client(query(row.text))
        .server(row.tags + ready())
        .then([](World& world) { world.log.records.clear(); })
        .client(bind_portal("", "s") + execute("") + sync())
        .server(bind_complete() + complete("X") + ready())
        .audit({std::string("execute ") + row.then + " ok"})
        .run();
  }
  prepared("s", "select 1")
      .client(query("begin"))
      .server(complete("BEGIN") + ready('T'))
      .client(bind_portal("p", "s") + bind_portal("q", "s") + sync())
      .server(bind_complete() + bind_complete() + ready('T'))
      .client(query("close p; declare p cursor for select f()"))
      .server(complete("CLOSE CURSOR") + complete("DECLARE CURSOR") + ready('T'))
      .then([](World& world) { world.log.records.clear(); })
      .client(execute("q") + execute("p") + sync())
      .server(complete("SELECT 1") + complete("SELECT 1") + ready('T'))
      .audit({"execute SELECT ok 1", "execute UNKNOWN ok 1"})
      .run();
}

TEST_CASE("SQL still under way that gives a name another meaning") {
  const auto use = bind_portal("", "s") + execute("") + sync();
  // A Query answers by itself: wait for it.
  prepared("s", "select 1")
      .client(query("deallocate s; prepare s as delete from t") + use,
              query("deallocate s; prepare s as delete from t"), Verdict::Stalled)
      .server(complete("DEALLOCATE") + complete("PREPARE") + ready())
      .client("", use)
      .server(bind_complete() + complete("DELETE 1") + ready())
      .audit({"statement DEALLOCATE ok", "statement PREPARE ok", "execute UNKNOWN ok 1"})
      .run();
  // An Execute may keep its answer back until Sync: what follows is unknown.
  const auto redefine = parse("", "deallocate s") + bind_portal("", "") + execute("") +
                        parse("", "prepare s as delete from t") + bind_portal("", "") + execute("");
  prepared("s", "select 1")
      .client(redefine + use)
      .server(parse_complete() + bind_complete() + complete("DEALLOCATE") + parse_complete() + bind_complete() +
              complete("PREPARE") + bind_complete() + complete("DELETE 1") + ready())
      .audit({"execute DEALLOCATE ok", "execute PREPARE ok", "execute UNKNOWN ok 1"})
      .run();
  prepared("s", "select 1")
      .client(redefine + sync() + use, redefine + sync(), Verdict::Stalled)
      .server(error("0A000") + ready())
      .client("", use)
      .server(bind_complete() + complete("SELECT 1") + ready())
      .audit({"execute DEALLOCATE not_run", "execute PREPARE not_run", "execute SELECT ok 1"})
      .run();
}

TEST_CASE("names that PostgreSQL would cut are never believed") {
  const std::string base(63, 'n');
  for (const std::string& name : {base, base + "1"}) {
    prepared(name, "select 1")
        .client(bind_portal("", name) + execute("") + sync())
        .server(bind_complete() + complete("DELETE 1") + ready())
        .audit({"execute UNKNOWN ok 1"})
        .run();
  }
  const std::string longest(62, 'n');
  prepared(longest, "select 1")
      .client(bind_portal("", longest) + execute("") + bind_portal(base, longest) + execute(base) + sync())
      .server(bind_complete() + complete("SELECT 1") + bind_complete() + complete("SELECT 1") + ready())
      .audit({"execute SELECT ok 1", "execute UNKNOWN ok 1"})
      .run();
}

TEST_CASE("too many replies owed: the client is not read until some have come") {
  Script script;
  script.limits.pending_replies = 3;
  script
      .client(parse("", "select 1") + bind_portal("", "") + execute("") + sync(),
              parse("", "select 1") + bind_portal("", "") + execute(""), Verdict::Stalled)
      .client(query("select 2"), "", Verdict::Stalled)
      .server(parse_complete() + bind_complete())
      .client("", sync() + query("select 2"), Verdict::Continue)
      .server(complete("SELECT 1") + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"execute SELECT ok 1", "statement SELECT ok"})
      .run();
}

}  // namespace
}  // namespace bartizan::session::test
