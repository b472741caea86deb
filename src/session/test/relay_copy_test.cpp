#include <doctest/doctest.h>

#include <chrono>

#include "script.hpp"

namespace bartizan::session::test {
namespace {

const auto idle = [](World& world) { CHECK(world.relay.idle()); };
std::string copy_extended() { return parse("", "copy t from stdin") + bind_portal("", "") + execute(""); }
std::string copying() { return parse_complete() + bind_complete() + copy_in(); }

TEST_CASE("COPY in by Query") {
  Script()
      .client(query("copy t from stdin"))
      .server(copy_in())
      .client(copy_data("1\n") + copy_data("2\n") + flush() + copy_done())
      .server(complete("COPY 2") + ready())
      .then(idle)
      .audit({"statement COPY ok 2"})
      .run();
}

TEST_CASE("COPY in with all sent ahead") {
  Script()
      .client(query("copy t from stdin") + copy_data("1\n") + copy_done() + query("select 1"))
      .server(copy_in() + complete("COPY 1") + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"statement COPY ok 1", "statement SELECT ok"})
      .run();
  Script()
      .client(query("copy t from stdin") + copy_data("1\n") + copy_done() + query("select 1"))
      .server(error("42P01") + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"statement COPY failed 42P01", "statement SELECT ok"})
      .run();
  Script()
      .client(copy_extended() + copy_data("1\n") + copy_done() + sync() + query("select 1"))
      .server(copying() + complete("COPY 1") + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .run();
}

TEST_CASE("CopyFail") {
  Script()
      .client(query("copy t from stdin"))
      .server(copy_in())
      .client(copy_data("1\n") + copy_fail())
      .server(error("57014") + ready())
      .then(idle)
      .audit({"statement COPY failed 57014"})
      .run();
}

TEST_CASE("an error in COPY, and what the client still sends for it") {
  Script()
      .client(query("copy t from stdin"))
      .server(copy_in())
      .client(copy_data("bad\n"))
      .server(error("22P04"))
      .client(copy_data("more\n") + copy_done())
      .server(ready())
      .then(idle)
      .client(copy_data("late\n") + copy_done() + query("select 1"))
      .server(row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"statement COPY failed 22P04", "statement SELECT ok"})
      .run();
}

TEST_CASE("COPY in by the extended protocol, ended as libpq does") {
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .client(copy_data("1\n") + copy_done() + sync())
      .server(complete("COPY 1") + ready())
      .then(idle)
      .server(ready(), "", Verdict::Fatal)  // the first Sync was the COPY's: it is not answered any more
      .audit({"execute COPY ok 1"})
      .run();
}

TEST_CASE("Syncs sent into a COPY that fails are answered or not") {
  // The server read it as part of the COPY.
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .client(copy_data("bad\n"))
      .server(error("22P04"))
      .client(copy_data("more\n") + copy_done() + flush(), "")
      .client(sync())
      .server(ready())
      .then(idle)
      .client(query("select 1"))
      .server(row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"execute COPY failed 22P04", "statement SELECT ok"})
      .run();
  // It failed before it read it: one more ReadyForQuery, whatever is under way by then.
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .client(copy_data("1\n") + copy_done() + sync() + query("select 1"))
      .server(error("P0001") + ready() + ready() + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"execute COPY failed P0001", "statement SELECT ok"})
      .run();
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .server(error("P0001") + ready())
      .client(copy_data("1\n") + copy_done() + sync())
      .server(ready())
      .then(idle)
      .server(ready(), "", Verdict::Fatal)
      .run();
  // Once a later message is answered, none is to come.
  Script()
      .client(query("copy t from stdin"))
      .server(copy_in())
      .client(sync() + sync() + copy_data("bad\n"))
      .server(error("22P04") + ready())
      .client(query("select 1"))
      .server(ready() + row_description())
      .server(ready(), "", Verdict::Fatal)
      .run();
}

TEST_CASE("what follows a failed COPY whose Sync is not settled") {
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .client(copy_data("bad\n") + sync() + copy_done() + parse("", "delete from t") + bind_portal("", "") +
              execute("") + sync())
      .server(error("22P04"), error("22P04"), Verdict::Fatal)  // did the second Sync end the skipping?
      .then([](World& world) { world.relay.abandon(); })
      .audit({"execute COPY failed 22P04", "execute DELETE unknown"})
      .run();
  Script()
      .client(copy_extended() + sync())
      .server(copying())
      .client(copy_data("bad\n"))
      .server(error("22P04"))
      .client(query("delete from t"), "", Verdict::Fatal)
      .audit({"execute COPY failed 22P04"})
      .run();
}

// Whether the COPY eats such a message or, having failed just before, leaves it to be run, can't be
// known when it passes. PostgreSQL ends such a session; so does the gateway, before it is sent.
TEST_CASE("no other message gets into a COPY") {
  for (const std::string& other : {query("delete from t"), parse("", "x"), bind_portal("", "x"), execute("x"),
                                   describe('S', ""), close('S', ""), function_call(1)}) {
    CAPTURE(shown(other));
    Script()
        .client(query("copy t from stdin"))
        .server(copy_in())
        .client(copy_data("bad\n") + other, copy_data("bad\n"), Verdict::Fatal)
        .then([](World& world) {
          CHECK(world.relay.report().sqlstate == pgwire::sqlstate::kProtocolViolation);
          world.relay.abandon();
        })
        .audit({"statement COPY unknown"})
        .run();
    Script().client(query("copy t from stdin") + other).server(copy_in(), "", Verdict::Fatal).run();
    Script()
        .client(copy_extended() + sync() + other)
        .server(copying(), parse_complete() + bind_complete(), Verdict::Fatal)
        .run();
  }
}

TEST_CASE("two COPYs in one Query") {
  Script()
      .client(query("copy t from stdin; copy u from stdin; select 1"))
      .server(copy_in())
      .client(copy_data("1\n") + copy_done())
      .server(complete("COPY 1") + copy_in())
      .client(copy_data("2\n") + copy_done())
      .server(complete("COPY 1") + row_description() + complete("SELECT 0") + ready())
      .then(idle)
      .audit({"statement COPY ok 1", "statement COPY ok 1", "statement SELECT ok"})
      .run();
}

TEST_CASE("COPY out, both ways") {
  Script()
      .client(query("copy t to stdout"))
      .server(copy_out() + copy_data("1\n") + copy_data("2\n") + copy_done() + complete("COPY 2") + ready())
      .then(idle)
      .audit({"statement COPY ok 2"})
      .run();
  Script()
      .client(parse("", "copy t to stdout") + bind_portal("", "") + execute("") + sync())
      .server(parse_complete() + bind_complete() + copy_out() + copy_data("1\n") + error("57014") + ready())
      .then(idle)
      .audit({"execute COPY failed 57014"})
      .run();
}

TEST_CASE("very many Syncs behind a COPY cost linear time") {
  World world;
  std::string many = query("copy t from stdin");
  for (int i = 0; i < 200'000; ++i) many += sync();
  world.client(many);
  const auto begun = std::chrono::steady_clock::now();
  world.server(copy_in());
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  CHECK(world.server_verdict == Verdict::Continue);
}

}  // namespace
}  // namespace bartizan::session::test
