#include <doctest/doctest.h>

#include "bartizan/sql/splitter.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

const auto idle = [](World& world) { CHECK(world.relay.idle()); };
const auto busy = [](World& world) { CHECK_FALSE(world.relay.idle()); };

TEST_CASE("a simple query passes untouched and is audited before and after") {
  Script()
      .client(query("select a from t where b = 'secret'"))
      .then([](World& world) {
        CHECK(as_text(world.log.lines()) == "statement SELECT open\n");
        CHECK(world.log.records[0].statement.find("\"relations\":[{\"name\":\"t\",\"access\":\"read\"}]") !=
              std::string::npos);
        CHECK(world.log.records[0].statement.find("secret") == std::string::npos);
        CHECK(world.relay.awaiting_reply());
      })
      .then(busy)
      .server(row_description() + data_row("1") + data_row("2") + complete("SELECT 2") + ready())
      .then(idle)
      .then([](World& world) {
        const auto& outcome = *world.log.records[0].outcome;
        CHECK(outcome.bytes == (row_description() + data_row("1") + data_row("2") + complete("SELECT 2")).size());
        CHECK(world.relay.figures().statements == 1);
        CHECK(world.relay.figures().rows == 2);
      })
      .audit({"statement SELECT ok 2"})
      .run();
}

TEST_CASE("rows of a tag count where no DataRow came") {
  Script()
      .client(query("insert into t values (1)"))
      .server(complete("INSERT 0 7") + ready())
      .audit({"statement INSERT ok 7"})
      .run();
}

TEST_CASE("several statements in one Query, an error in the middle") {
  Script()
      .client(query("insert into t values (1); select 1/0; delete from t; select 2"))
      .server(complete("INSERT 0 1") + row_description() + error("22012"))
      .then([](World& world) { CHECK(world.log.lines()[2] == "statement DELETE open"); })
      .server(ready('I'))
      .then(idle)
      .audit({"statement INSERT ok 1", "statement SELECT failed 22012", "statement DELETE not_run 22012",
              "statement SELECT not_run 22012"})
      .run();
}

TEST_CASE("several statements that all succeed") {
  Script()
      .client(query("begin; insert into t values (1); commit"))
      .server(complete("BEGIN") + complete("INSERT 0 1") + complete("COMMIT") + ready())
      .audit({"statement BEGIN ok", "statement INSERT ok 1", "statement COMMIT ok"})
      .run();
}

TEST_CASE("as many statements in one Query as are told apart") {
  std::string text;
  for (std::size_t i = 0; i < sql::kMaxStatements; ++i) text += "x;";
  World world;
  world.client(query(text));
  REQUIRE(world.log.records.size() == sql::kMaxStatements);
  world.server(error("42601") + ready());
  CHECK(world.relay.idle());
  CHECK(world.log.lines().front() == "statement UNKNOWN failed 42601");
  CHECK(world.log.lines().back() == "statement UNKNOWN not_run 42601");
  CHECK(world.log.double_finishes == 0);
}

TEST_CASE("a Query of statements that are not told apart has one outcome, that of all") {
  const std::string text = "select 1; select 'open";
  Script()
      .client(query(text))
      .server(row_description() + complete("SELECT 0"))
      .then([](World& world) { CHECK(world.log.lines().back() == "statement UNKNOWN open"); })
      .server(complete("DELETE 3") + ready())
      .audit({"statement SELECT ok", "statement UNKNOWN ok 3"})
      .run();
  Script()
      .client(query("select 'open"))
      .server(complete("SELECT 0") + error("22012") + ready())
      .audit({"statement UNKNOWN failed 22012"})
      .run();
}

TEST_CASE("an empty query") {
  Script().client(query("")).server(empty_query() + ready()).then(idle).audit({"statement ok"}).run();
  Script().client(query(" ; -- nothing\n")).server(empty_query() + ready()).audit({"statement ok"}).run();
}

TEST_CASE("the transaction's state follows ReadyForQuery") {
  const auto is = [](pgwire::TransactionStatus status) {
    return [status](World& world) { CHECK(world.relay.transaction_status() == status); };
  };
  Script()
      .client(query("begin"))
      .server(complete("BEGIN") + ready('T'))
      .then(is(pgwire::TransactionStatus::InTransaction))
      .then(busy)
      .client(query("bogus"))
      .server(error("42601") + ready('E'))
      .then(is(pgwire::TransactionStatus::Failed))
      .client(query("rollback"))
      .server(complete("ROLLBACK") + ready('I'))
      .then(is(pgwire::TransactionStatus::Idle))
      .then(idle)
      .run();
}

TEST_CASE("queries in advance are answered in order") {
  Script()
      .client(query("select 1") + query("delete from t") + query("select 2"))
      .server(row_description() + complete("SELECT 0") + ready())
      .server(error("42P01") + ready())
      .server(row_description() + data_row("x") + complete("SELECT 1") + ready())
      .then(idle)
      .audit({"statement SELECT ok", "statement DELETE failed 42P01", "statement SELECT ok 1"})
      .run();
}

TEST_CASE("notices, notifications and settings anywhere") {
  const auto chatter = notice() + notification() + parameter("TimeZone", "UTC");
  Script()
      .server(chatter)
      .client(query("select 1"))
      .server(chatter + row_description() + chatter + data_row("1") + chatter + complete("SELECT 1") + chatter +
              ready() + chatter)
      .client(parse("", "select 1") + flush())
      .server(chatter + parse_complete() + chatter)
      .client(bind_portal("", "") + execute("") + sync())
      .server(chatter + error("22012") + chatter + ready())
      .audit({"statement SELECT ok 1", "execute SELECT not_run"})
      .run();
}

TEST_CASE("FunctionCall is audited by its function and answered like a Query") {
  Script()
      .client(function_call(1299))
      .then([](World& world) { CHECK(world.log.records[0].statement == "\"function_oid\":1299"); })
      .server(function_result() + ready())
      .client(function_call(1) + query("select 1"))
      .server(error("42883") + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"function_call ok", "function_call failed 42883", "statement SELECT ok"})
      .run();
}

TEST_CASE("Terminate is passed on and ends the client's side") {
  Script().client(terminate() + query("select 1"), terminate(), Verdict::Finished).audit({}).run();
  Script().client(parse("", "x") + terminate(), parse("", "x") + terminate(), Verdict::Finished).run();
}

TEST_CASE("a server that ends the connection says so itself") {
  Script().server(error("57P01", "FATAL")).then([](World& world) { CHECK(world.relay.server_said_fatal()); }).run();
  Script()
      .client(query("select 1; select 2") + query("select 3"))
      .server(row_description() + data_row("1") + error("57P01", "FATAL"))
      .then([](World& world) { world.relay.abandon(); })
      .audit({"statement SELECT failed 57P01 1", "statement SELECT not_run 57P01", "statement SELECT not_run"})
      .run();
}

TEST_CASE("a connection lost in mid-statement leaves its outcome unknown") {
  Script()
      .client(query("insert into t values (1)") + parse("", "select 1") + bind_portal("", "") + execute("") + sync())
      .then([](World& world) { world.relay.abandon(); })
      .audit({"statement INSERT unknown", "execute SELECT unknown"})
      .run();
}

TEST_CASE("what a backslash means follows the server's setting") {
  const std::string text = "select 'a\\'; delete from t; --'";
  Script()
      .client(query(text))
      .server(row_description() + complete("SELECT 0") + complete("DELETE 3") + ready())
      .audit({"statement SELECT ok", "statement DELETE ok 3"})
      .run();
  Script()
      .server(parameter("standard_conforming_strings", "off"))
      .client(query("select 'a\\'; delete from t; --'"))
      .server(row_description() + complete("SELECT 0") + ready())
      .audit({"statement SELECT ok"})
      .run();
}

TEST_CASE("a backslash read while a statement may be switching its meaning is not understood") {
  const std::string trick = "select 'a\\'; delete from t; --'";
  Script()
      .client(query("set standard_conforming_strings = off") + query(trick) + query("select 'plain'"))
      .server(complete("SET") + parameter("standard_conforming_strings", "off") + ready())
      .server(row_description() + complete("SELECT 0") + ready())
      .server(row_description() + complete("SELECT 0") + ready())
      .audit({"statement SET ok", "statement UNKNOWN ok", "statement SELECT ok"})
      .run();
  // Told before ReadyForQuery only: a CommandComplete is not enough.
  Script()
      .client(parse("", "select f()") + bind_portal("", "") + execute("") + flush())
      .server(parse_complete() + bind_complete() + complete("SELECT 1"))
      .client(parse("", trick) + bind_portal("", "") + execute("") + sync())
      .server(parse_complete() + bind_complete() + complete("SELECT 1") +
              parameter("standard_conforming_strings", "off") + ready())
      .audit({"execute SELECT ok 1", "execute UNKNOWN ok 1"})
      .run();
}

TEST_CASE("settings told with the greeting hold from the first statement") {
  World world;
  const auto greeting = parameter("standard_conforming_strings", "off") + notice();
  world.relay.follow_greeting(as_bytes(greeting));
  world.client(query("select 'a\\'; delete from t; --'"));
  CHECK(as_text(world.log.lines()) == "statement SELECT open\n");
}

}  // namespace
}  // namespace bartizan::session::test
