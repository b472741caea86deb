// Consumers by byte scripts: what goes to the server in the place of their texts, where the context
// is put, and what is refused.
#include <doctest/doctest.h>

#include <array>
#include <chrono>

#include "consumer_world.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

constexpr std::string_view kAsked = "select id, email from accounts where id = 7 -- mine";
constexpr std::string_view kSent = "SELECT id, email FROM bz_v.accounts_1 accounts WHERE id = 7";
const std::string kRow = row_description() + data_row("1") + complete("SELECT 1");

Script consumer_script() {
  Script script;
  script.consumer = [] { return consumer_of("north"); };
  return script;
}

TEST_CASE("a consumer's Query is rewritten, with its context before it and that one's result dropped") {
  consumer_script()
      .client(query(kAsked), query(context_sql("north") + std::string(kSent)))
      .server(context_result() + kRow + ready(), kRow + ready())
      .then([](World& world) {
        const auto& said = world.log.records.at(0).statement;
        CHECK(said.find(R"("relations":[{"schema":"public","name":"accounts","access":"read",)"
                        R"("read":["id","email"],"masked":["email"]}])") != std::string::npos);
        CHECK(said.find("bz_v") == std::string::npos);
      })
      .audit({"statement SELECT ok 1"})
      .run();
}

TEST_CASE("a consumer's extended query is rewritten, with its context in the same Sync group") {
  consumer_script()
      .client(parse("", kAsked) + bind_portal("", "") + describe('P', "") + execute("") + sync(),
              parse("", kSent) + prepare_setter() + put_context(context("north")) + bind_portal("", "") +
                  describe('P', "") + execute("") + sync())
      .server(parse_complete() + setter_prepared() + context_put() + bind_complete() + row_description() +
                  data_row("1") + complete("SELECT 1") + ready(),
              parse_complete() + bind_complete() + row_description() + data_row("1") + complete("SELECT 1") + ready())
      .audit({"execute SELECT ok 1"})
      .run();
}

TEST_CASE("the statement that sets contexts is prepared once on a server connection") {
  const auto again = bind_portal("", "a") + execute("") + sync();
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1") + ready();
  consumer_script()
      .client(parse("a", kAsked) + again, parse("a", kSent) + prepare_setter() + put_context(context("north")) + again)
      .server(parse_complete() + setter_prepared() + context_put() + answer, parse_complete() + answer)
      .client(again, put_context(context("north")) + again)
      .server(context_put() + answer, answer)
      // A portal of another name leaves the client's without a name as it is.
      .client(bind_portal("p", "a") + sync(), put_context(context("north"), kSetter) + bind_portal("p", "a") + sync())
      .server(context_put(true) + bind_complete() + ready(), bind_complete() + ready())
      .client(query("deallocate all"), query("DEALLOCATE ALL"))
      .server(complete("DEALLOCATE ALL") + ready())
      .client(parse("a", kAsked) + again, parse("a", kSent) + prepare_setter() + put_context(context("north")) + again)
      .server(parse_complete() + setter_prepared() + context_put() + answer, parse_complete() + answer)
      .run();
}

TEST_CASE("where the statement that sets contexts has gone unseen, it is prepared anew") {
  const auto again = bind_portal("", "a") + execute("") + sync();
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1") + ready();
  consumer_script()
      .client(parse("a", kAsked) + again, parse("a", kSent) + prepare_setter() + put_context(context("north")) + again)
      .server(parse_complete() + setter_prepared() + context_put() + answer, parse_complete() + answer)
      .client(again, put_context(context("north")) + again)
      .then([](World& world) { world.server(error("26000") + ready()); })
      .client(again, prepare_setter() + put_context(context("north")) + again)
      .run();
}

TEST_CASE("a long text is let go once it stands on the server") {
  World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
  const std::string literal(1000, 'x');
  world.client(parse("a", "select id, '" + literal + "' from accounts") + bind_portal("", "a") + execute(""));
  CHECK(world.to_server.find(literal) != std::string::npos);
  CHECK(world.to_server.find(put_context(context("north"))) != std::string::npos);
  CHECK(as_text(world.log.lines()) == "execute SELECT open\n");
}

TEST_CASE("in a transaction the context is put once, and again behind what takes it away") {
  const auto select = query(kAsked);
  const auto bare = query(kSent);
  const auto with_context = query(context_sql("north") + std::string(kSent));
  for (const auto& [asked, sent, tag] :
       std::initializer_list<std::array<std::string, 3>>{{"rollback to s", "ROLLBACK TO SAVEPOINT s", "ROLLBACK"},
                                                         {"commit and chain", "COMMIT AND CHAIN", "COMMIT"},
                                                         {"rollback and chain", "ROLLBACK AND CHAIN", "ROLLBACK"},
                                                         {"reset all", "RESET ALL", "RESET"},
                                                         {"savepoint t", "SAVEPOINT t", "SAVEPOINT"},
                                                         {"execute other", "EXECUTE other", "SELECT 1"}}) {
    CAPTURE(asked);
    const bool needs = asked.starts_with("execute");
    consumer_script()
        .client(query("begin"), query("BEGIN"))
        .server(complete("BEGIN") + ready('T'))
        .client(select, with_context)
        .server(context_result() + kRow + ready('T'), kRow + ready('T'))
        .client(select, bare)
        .server(kRow + ready('T'))
        .client(parse("", kAsked) + bind_portal("", "") + execute("") + sync(),
                parse("", kSent) + bind_portal("", "") + execute("") + sync())
        .server(parse_complete() + bind_complete() + complete("SELECT 0") + ready('T'))
        .client(query(asked), query(sent))
        .server((needs ? kRow : complete(tag)) + ready('T'))
        .client(select, with_context)
        .server(context_result() + kRow + ready('T'), kRow + ready('T'))
        .run();
  }
}

TEST_CASE("a text of several statements has the context wherever it may be gone, and only there") {
  const std::string ctx = context_sql("north");
  const std::string one(kSent);
  consumer_script()
      .client(query("select 1; select id, email from accounts where id = 7; commit;"
                    "select id, email from accounts where id = 7; select id, email from accounts where id = 7"),
              query("SELECT 1;" + ctx + one + ";COMMIT;" + ctx + one + ";" + one))
      .server(kRow + context_result() + kRow + complete("COMMIT") + context_result() + kRow + kRow + ready(),
              kRow + kRow + complete("COMMIT") + kRow + kRow + ready())
      .audit({"statement SELECT ok 1", "statement SELECT ok 1", "statement COMMIT ok", "statement SELECT ok 1",
              "statement SELECT ok 1"})
      .run();
}

TEST_CASE("what needs no view gets no context, so that a transaction can still be set up") {
  consumer_script()
      .client(query("begin; set transaction isolation level serializable"),
              query("BEGIN;SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
      .server(complete("BEGIN") + complete("SET") + ready('T'))
      .client(query("select 1"), query("SELECT 1"))
      .server(kRow + ready('T'))
      .run();
}

TEST_CASE("what goes wrong with a context is the client's own error, scrubbed") {
  const auto scrubbed =
      message('E', 'S' + cstr("ERROR") + 'V' + cstr("ERROR") + 'C' + cstr("42501") + 'M' +
                       cstr("permission denied, or the row lies outside of what you may write") + '\0');
  consumer_script()
      .client(parse("", kAsked) + bind_portal("", "") + execute("") + sync(),
              parse("", kSent) + prepare_setter() + put_context(context("north")) + bind_portal("", "") + execute("") +
                  sync())
      .server(parse_complete() + setter_prepared() + error("42501") + ready(), parse_complete() + scrubbed + ready())
      .audit({"execute SELECT not_run"})
      .run();
  consumer_script()
      .client(query(kAsked), query(context_sql("north") + std::string(kSent)))
      .server(error("42501") + ready(), scrubbed + ready())
      .audit({"statement SELECT failed 42501"})
      .run();
}

TEST_CASE("without a key, or past its time, a consumer's statement is not run") {
  Script keyless;
  keyless.consumer = [] {
    auto consumer = consumer_of("north");
    consumer->connection_key = nullptr;
    return consumer;
  };
  const auto unsigned_context =
      gateway_error("57P03", "the context of this session can't be signed, so this statement was not run",
                    "Connect again. An operator finds out more with `bartizan wall status`.");
  keyless.client(query(kAsked), poison_query())
      .server(error("42601") + ready(), unsigned_context + ready())
      .audit({"statement SELECT refused 57P03"})
      .run();
  Script over;
  over.consumer = [] {
    auto consumer = consumer_of("north");
    consumer->valid_until = WallTime(std::chrono::seconds(1'800'000'000));
    return consumer;
  };
  const auto another =
      gateway_error("57P03", "the policies that apply to you are another's from now on, so this statement was not run",
                    "Connect again.");
  over.client(query("select 1"), poison_query()).server(error("42601") + ready(), another + ready()).run();
}

TEST_CASE("a context is signed anew in a long transaction, and never for longer than its grant") {
  const auto late = WallTime(std::chrono::seconds(1'800'000'201));
  consumer_script()
      .client(query("begin; " + std::string(kAsked)), query("BEGIN;" + context_sql("north") + std::string(kSent)))
      .server(complete("BEGIN") + context_result() + kRow + ready('T'), complete("BEGIN") + kRow + ready('T'))
      .then([](World& world) { world.clock.now += std::chrono::seconds(200); })
      .client(query(kAsked), query(kSent))
      .server(kRow + ready('T'))
      .then([](World& world) { world.clock.now += std::chrono::seconds(1); })
      .client(query(kAsked), query(wall::set_context_sql(context("north", "own", late)) + ";" + std::string(kSent)))
      .server(context_result() + kRow + ready('T'), kRow + ready('T'))
      .run();
  Script ends_soon;
  ends_soon.consumer = [] {
    auto consumer = consumer_of("north");
    consumer->valid_until = WallTime(std::chrono::seconds(1'800'000'060));
    return consumer;
  };
  const auto short_lived = context("north", "own", WallTime(std::chrono::seconds(1'800'000'060)) - wall::kContextLife);
  ends_soon
      .client(query("begin; " + std::string(kAsked)),
              query("BEGIN;" + wall::set_context_sql(short_lived) + ";" + std::string(kSent)))
      .server(complete("BEGIN") + context_result() + kRow + ready('T'), complete("BEGIN") + kRow + ready('T'))
      .client(query(kAsked), query(kSent))
      .run();
}

TEST_CASE("refused texts never reach the server") {
  struct Case {
    std::string text;
    std::string_view sqlstate;
  };
  const std::array cases = {Case{"select * from secrets", "42P01"},
                            Case{"select secret from accounts", "42703"},
                            Case{"selec 'mine'", "42601"},
                            Case{"select 'mine", "42601"},
                            Case{"select 1; select * from secrets", "42P01"},
                            Case{"copy notes from stdin", "0A000"},
                            Case{"select pg_sleep(1)", "42501"},
                            Case{"select g.pg_sleep from generate_series(1, 1) g", "42703"},
                            Case{"select (7::bigint).pg_advisory_lock", "0A000"},
                            Case{"select (a).upper from accounts a", "0A000"},
                            Case{"select a.upper from accounts a", "42703"},
                            Case{"set bartizan.ctx = 'x'", "42501"},
                            Case{"select set_config('bartizan.ctx', 'x', true)", "42501"},
                            Case{"set role x", "42501"},
                            Case{"listen x", "42501"},
                            Case{"deallocate bartizan_context", "42939"},
                            Case{"prepare bartizan_context as select 1", "42939"},
                            Case{"do 'x'", "42501"}};
  for (const auto& [text, sqlstate] : cases) {
    CAPTURE(text);
    World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
    world.client(query(text));
    CHECK(shown(world.to_server) == shown(poison_query()));
    world.server(error("42601") + ready());
    CHECK(world.to_client.find("C" + std::string(sqlstate)) != std::string::npos);
    world.to_server.clear();
    world.client(parse("", text) + sync());
    CHECK(shown(world.to_server) == shown(poison_parse("") + sync()));
    CHECK(world.log.lines().size() == 2);
  }
}

TEST_CASE("what a consumer may not say beside a text") {
  const auto types = [](std::uint32_t oid) { return message('P', cstr("") + cstr("select $1") + i16(1) + i32(oid)); };
  for (const auto& [bytes, sent] : std::initializer_list<std::pair<std::string, std::string>>{
           {types(2205), poison_parse("")},   // regclass: its input tells which tables there are
           {types(2206), poison_parse("")},   // regtype
           {types(16500), poison_parse("")},  // a type of the depot that is not permitted
           {parse("bartizan_context", "select 1"), poison_parse("bartizan_context")},
           {parse("bz_x", "select 1"), poison_parse("bz_x")},
           {parse(std::string(63, 'n'), "select 1"), poison_parse(std::string(63, 'n'))},
           {types(25), message('P', cstr("") + cstr("SELECT $1") + i16(1) + i32(25))},
           {types(0), message('P', cstr("") + cstr("SELECT $1") + i16(1) + i32(0))}}) {
    World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
    world.client(bytes);
    CHECK(shown(world.to_server) == shown(sent));
    CHECK(world.log.lines().size() == (sent.find(kPoisonText) != std::string::npos ? 1 : 0));
  }
  for (const auto& bytes :
       {bind_portal("", "bartizan_context"), bind_portal("bartizan_context", ""), execute("bartizan_context"),
        describe('S', "bartizan_context"), close('S', "bartizan_context"), close('P', "bz_p")}) {
    World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
    world.client(bytes);
    CHECK(world.client_verdict == Verdict::Fatal);
    CHECK(world.to_server.empty());
  }
  World world({}, {}, false, policy::BarrierMode::None, consumer_of("north"));
  world.client(function_call(1) + copy_data("mine") + copy_done());
  CHECK(shown(world.to_server) == shown(poison_query()));
  world.server(error("42601") + ready());
  CHECK(world.to_client.find("C42501") != std::string::npos);
  CHECK(as_text(world.log.lines()) == "function_call UNKNOWN refused 42501\n");
}

TEST_CASE("what a server may not tell a consumer") {
  consumer_script()
      .server(parameter("session_authorization", "bz_1_c_2") + parameter("search_path", "pg_catalog"), "")
      .server(parameter("TimeZone", "UTC"))
      .server(notification(), "")
      .client(query(kAsked), query(context_sql("north") + std::string(kSent)))
      .server(notice() + context_result(), "")
      .server(copy_in(), "", Verdict::Fatal)
      .run();
}

TEST_CASE("two tenants on one server connection share a statement and no context") {
  const auto bind = [](std::string_view statement) { return bind_portal("", statement) + execute("") + sync(); };
  const auto answer = bind_complete() + data_row("1") + complete("SELECT 1") + ready();
  World north({}, {}, true, policy::BarrierMode::None, consumer_of("north"), 1);
  World south({}, {}, true, policy::BarrierMode::None, consumer_of("south"), 2);
  ServerState& server = north.first;
  server.context_key = connection_key("shared");
  north.client(parse("a", kAsked) + bind("a"));
  CHECK(north.client_verdict == Verdict::NeedServer);
  north.attach(server);
  north.client("");
  const auto name = north.to_server.substr(north.to_server.find("bartizan_"), 41);
  CHECK(shown(north.to_server) == shown(close('S', name) + parse(name, kSent) + prepare_setter() +
                                        put_context(context("north", "shared")) + bind(name)));
  north.server(close_complete() + parse_complete() + setter_prepared() + context_put() + answer);
  CHECK(shown(north.to_client) == shown(parse_complete() + answer));
  REQUIRE(north.relay.releasable());
  north.relay.detach();
  south.client(parse("", kAsked) + bind(""));
  south.attach(server);
  CHECK(shown(south.to_server) == shown(query("RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;CLOSE ALL;UNLISTEN *;"
                                              "DISCARD SEQUENCES;DISCARD TEMP")));
  south.to_server.clear();
  south.client("");
  CHECK(shown(south.to_server) == shown(parse("", kSent) + put_context(context("south", "shared")) + bind("")));
}

}  // namespace
}  // namespace bartizan::session::test
