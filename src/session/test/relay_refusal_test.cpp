#include <doctest/doctest.h>

#include "script.hpp"

namespace bartizan::session::test {
namespace {

const auto idle = [](World& world) { CHECK(world.relay.idle()); };
const auto expire = [](World& world) { world.clock.now += std::chrono::hours(2); };

/// A script whose grant ends after expire.
Script granted() {
  Script script;
  script.valid_until = StandingClock().now + std::chrono::hours(1);
  return script;
}

TEST_CASE("a refused Query is replaced by one that fails, and its error by ours") {
  granted()
      .then(expire)
      .client(query("select 1; delete from t"), poison_query())
      .server(error("42601"), expired())
      .server(ready())
      .then(idle)
      .then([](World& world) { CHECK(world.relay.figures().refused == 1); })
      .then([](World& world) { CHECK(world.log.records.back().statement.ends_with(R"(,"reason":"grant.expired")")); })
      .audit({"statement SELECT refused 42501"})
      .run();
}

TEST_CASE("a refused statement ends a transaction as any failing one") {
  granted()
      .client(query("begin"))
      .server(complete("BEGIN") + ready('T'))
      .then(expire)
      .client(query("commit"), poison_query())
      .server(error("42601") + ready('E'), expired() + ready('E'))
      .then([](World& world) { CHECK(world.relay.transaction_status() == pgwire::TransactionStatus::Failed); })
      .run();
}

TEST_CASE("refused at Parse") {
  granted()
      .then(expire)
      .client(parse("s", "select 1") + bind_portal("", "s") + execute("") + sync(),
              poison_parse("s") + bind_portal("", "s") + poison_execute() + sync())
      .server(error("42601") + ready(), expired() + ready())
      .then(idle)
      .audit({"statement SELECT refused 42501", "execute UNKNOWN refused 42501"})
      .run();
}

TEST_CASE("refused at Execute of what was prepared before") {
  granted()
      .client(parse("s", "select 1") + sync())
      .server(parse_complete() + ready())
      .then(expire)
      .client(bind_portal("", "s") + execute("") + bind_portal("", "s") + execute("") + sync(),
              bind_portal("", "s") + poison_execute() + bind_portal("", "s") + poison_execute() + sync())
      .server(bind_complete() + error("42601") + ready(), bind_complete() + expired() + ready())
      .then(idle)
      .audit({"execute SELECT refused 42501", "execute SELECT refused 42501"})
      .run();
}

// An Execute of a portal that the client can't have made was in its place once; but it can.
TEST_CASE("no portal or statement of the client is in the poison's way") {
  World world({}, StandingClock().now);
  world.client(execute("x"));
  CHECK(world.to_server.front() == 'P');
  CHECK(shown(world.to_server) == shown(poison_execute()));
}

TEST_CASE("a refusal in a pipeline touches its segment only") {
  Script script;
  script.client(query("select 1"))
      .then([](World& world) { world.log.failing = {2, 3}; })
      .client(query("select 2") + parse("", "insert into t values (1)") + bind_portal("", "") + execute("") + sync() +
                  query("select 3"),
              poison_query() + parse("", "insert into t values (1)") + bind_portal("", "") + poison_execute() + sync() +
                  query("select 3"))
      .server(row_description() + complete("SELECT 0") + ready())
      .server(error("42601") + ready(), unaudited() + ready())
      .server(parse_complete() + bind_complete() + error("42601") + ready(),
              parse_complete() + bind_complete() + unaudited() + ready())
      .server(row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"statement SELECT ok", "statement SELECT ok"})
      .run();
}

TEST_CASE("a refused FunctionCall, dropped however long it is") {
  granted()
      .then(expire)
      .client(message('F', i32(7) + std::string(300, 'x')) + query("select 1"), poison_query() + poison_query())
      .server(error("42601") + ready() + error("42601") + ready(), expired() + ready() + expired() + ready())
      .then(idle)
      .audit({"function_call UNKNOWN refused 42501", "statement SELECT refused 42501"})
      .run();
}

TEST_CASE("a cancelled or ended poison") {
  granted()
      .then(expire)
      .client(query("select 1"), poison_query())
      .server(error("57014") + ready(), expired() + ready())
      .client(query("select 1"), poison_query())
      .server(error("57P01", "FATAL"))
      .run();
}

TEST_CASE("a long error in the poison's place is dropped whole") {
  const auto huge = message('E', 'S' + cstr("ERROR") + 'V' + cstr("ERROR") + 'C' + cstr("42601") + 'M' +
                                     cstr(std::string(40'000, 'm')) + '\0');
  granted()
      .then(expire)
      .client(query("select 1"), poison_query())
      .server(huge + ready(), expired() + ready())
      .then(idle)
      .run();
}

TEST_CASE("notices about the poison pass") {
  granted()
      .then(expire)
      .client(query("x"), poison_query())
      .server(notice() + error("42601") + ready(), notice() + expired() + ready())
      .run();
}

TEST_CASE("a server that runs the poison breaks the protocol") {
  for (const auto& reply :
       {complete("SELECT 1"), row_description(), data_row("1"), empty_query(), copy_in(), copy_out(), ready()}) {
    CAPTURE(shown(reply));
    granted().then(expire).client(query("x"), poison_query()).server(reply, "", Verdict::Fatal).run();
  }
  granted().then(expire).client(parse("", "x"), poison_parse("")).server(parse_complete(), "", Verdict::Fatal).run();
  granted().then(expire).client(execute(""), poison_execute()).server(parse_complete(), "", Verdict::Fatal).run();
}

TEST_CASE("without a fresh control database every statement is refused") {
  Script()
      .then([](World& world) { world.stale = true; })
      .client(query("select 1") + parse("", "select 1") + sync(), poison_query() + poison_parse("") + sync())
      .server(error("42601") + ready() + error("42601") + ready(), control_away() + ready() + control_away() + ready())
      .then([](World& world) { world.stale = false; })
      .client(query("select 1"))
      .server(complete("SELECT 1") + ready())
      .audit({"statement SELECT refused 57P03", "statement SELECT refused 57P03", "statement SELECT ok 1"})
      .run();
}

// ---- the audit log failing, at each intent in turn ----

TEST_CASE("each intent that the audit log can't take refuses its statement and no other") {
  const std::vector<std::string> statements = {query("select 1"), query("insert into t values (1)"), function_call(5),
                                               query("select 2")};
  for (std::size_t failing = 1; failing <= statements.size(); ++failing) {
    Script script;
    std::vector<std::string> lines;
    script.then([failing](World& world) { world.log.failing = {failing}; });
    for (std::size_t i = 0; i < statements.size(); ++i) {
      const bool refused = i + 1 == failing;
      const bool function = statements[i].front() == 'F';
      script.client(statements[i], refused ? poison_query() : statements[i]);
      if (refused)
        script.server(error("42601") + ready(), unaudited() + ready());
      else
        script.server((function ? function_result() : complete("OK")) + ready());
      if (!refused)
        lines.push_back(function ? "function_call ok" : i == 1 ? "statement INSERT ok" : "statement SELECT ok");
    }
    script.then(idle).then([](World& world) { CHECK(world.relay.figures().refused == 1); }).audit(lines).run();
  }
}

TEST_CASE("of several statements in one Query none runs when one intent fails") {
  for (std::size_t failing = 1; failing <= 3; ++failing) {
    std::vector<std::string> lines;
    if (failing > 1) lines.push_back("statement INSERT refused 58030");
    if (failing > 2) lines.push_back("statement SELECT not_run 58030");
    Script()
        .then([failing](World& world) { world.log.failing = {failing}; })
        .client(query("insert into t values (1); select 1; delete from t"), poison_query())
        .server(error("42601") + ready(), unaudited() + ready())
        .then(idle)
        .audit(lines)
        .run();
  }
}

TEST_CASE("Execute whose intent fails, first, second and third in one segment") {
  for (std::size_t failing = 1; failing <= 3; ++failing) {
    std::string sent = parse("", "insert into t values (1)") + bind_portal("", "");
    std::string becomes = sent;
    std::string replies = parse_complete() + bind_complete();
    std::vector<std::string> lines;
    for (std::size_t i = 1; i <= 3; ++i) {
      sent += execute("");
      becomes += i == failing ? poison_execute() : execute("");
      if (i < failing) replies += complete("INSERT 0 1");
      if (i != failing) lines.push_back(i < failing ? "execute INSERT ok 1" : "execute INSERT not_run");
    }
    Script()
        .then([failing](World& world) { world.log.failing = {failing}; })
        .client(sent + sync(), becomes + sync())
        .server(replies + error("42601") + ready(), replies + unaudited() + ready())
        .then(idle)
        .audit(lines)
        .run();
  }
}

}  // namespace
}  // namespace bartizan::session::test
