// Random clients before a model of the server. Through the relay they must get what they would get
// from it directly, and the audit log must say what the server has really run.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

#include "model_server.hpp"
#include "script.hpp"

namespace bartizan::session::test {
namespace {

std::string random_statement(std::mt19937& random) {
  static const std::array<std::string, 16> kStatements = {"select 1",
                                                          "select 3",
                                                          "insert into t values (1)",
                                                          "delete from t",
                                                          "begin",
                                                          "commit",
                                                          "rollback",
                                                          "do 'fail'",
                                                          "",
                                                          "bogus",
                                                          "deallocate a",
                                                          "prepare a as delete from t",
                                                          "close p",
                                                          "copy t to stdout",
                                                          "select 0",
                                                          "delete from t"};
  return kStatements[random() % kStatements.size()];
}

/// One message, or a COPY whole: a client that keeps to the protocol, though it may err in SQL.
std::string random_message(std::mt19937& random) {
  static const std::array<std::string, 4> kNames = {"", "a", "b", std::string(70, 'n')};
  static const std::array<std::string, 3> kPortals = {"", "p", "q"};
  const auto& name = kNames[random() % kNames.size()];
  const auto& portal = kPortals[random() % kPortals.size()];
  switch (random() % 16) {
    case 0: return query(random_statement(random));
    case 1: return query(random_statement(random) + "; " + random_statement(random));
    case 2:
    case 3: return parse(name, random_statement(random));
    case 4:
    case 5: return bind_portal(portal, name);
    case 6:
    case 7: return execute(portal);
    case 8: return close(random() % 2 == 0 ? 'S' : 'P', random() % 2 == 0 ? name : portal);
    case 9: return flush();
    case 10: return parse("", random_statement(random)) + bind_portal("", "") + execute("");
    case 11:
      return sync() + query("copy t from stdin") + copy_data(random() % 3 == 0 ? "bad" : "1\n") +
             (random() % 2 == 0 ? flush() : "") + copy_data("2\n") + (random() % 4 == 0 ? copy_fail() : copy_done());
    case 12:
      return parse("", "copy t from stdin") + bind_portal("", "") + execute("") + copy_data("1\n") + copy_done() +
             close('P', "") + parse("", "select 2") + sync();
    case 13: return function_call(1);
    default: return sync();
  }
}

/// Records that stand for something sent and run; what was skipped, and Parse, is none.
std::vector<std::string> told_to_have_run(const RecordingLog& log, const std::vector<ModelServer::Ran>& ran) {
  std::vector<std::string> lines;
  std::size_t i = 0;
  for (const auto& record : log.records) {
    if (record.event == "function_call" || !record.outcome) continue;
    if (record.outcome->status != audit::Status::Ok && record.outcome->status != audit::Status::Failed) continue;
    // Nothing known is no lie; what failed before it was understood has no tag.
    std::string tag = record.tag;
    if (i < ran.size() && (tag == "UNKNOWN" || ran[i].tag == "-")) tag = ran[i].tag;
    lines.push_back(record.event + " " + tag + (record.outcome->status == audit::Status::Ok ? " ok" : " failed"));
    ++i;
  }
  return lines;
}
std::vector<std::string> has_run(const std::vector<ModelServer::Ran>& ran) {
  std::vector<std::string> lines;
  for (const auto& one : ran) lines.push_back(one.via + " " + one.tag + (one.ok ? " ok" : " failed"));
  return lines;
}

/// The client's bytes go in pieces; the server's answers come some time later, in pieces too.
void play(World& world, ModelServer& model, std::string_view bytes, std::mt19937& random) {
  std::string under_way;
  std::string all_to_client;
  for (std::size_t rounds = 0; rounds < 100'000; ++rounds) {
    if (!bytes.empty() && random() % 3 != 0) {
      const auto count = std::min<std::size_t>(bytes.size(), 1 + random() % 200);
      world.client(bytes.substr(0, count));
      bytes.remove_prefix(count);
    } else if (world.client_verdict == Verdict::Stalled || world.client_verdict == Verdict::AwaitDurable) {
      world.client("");
    }
    if (world.log.durable_through < world.log.records.size() && random() % 3 == 0)
      world.log.durable_through += 1 + random() % 3;
    under_way += model.on_bytes(world.to_server);
    world.to_server.clear();
    if (!under_way.empty() && random() % 3 != 0) {
      const auto count = std::min<std::size_t>(under_way.size(), 1 + random() % 200);
      world.server(under_way.substr(0, count));
      under_way.erase(0, count);
    }
    if (world.over() || (bytes.empty() && under_way.empty() && world.from_client.empty() &&
                         world.client_verdict != Verdict::AwaitDurable))
      return;
  }
  FAIL("stuck");
}

/// Under the barrier, with a log that gets durable now and then.
struct Gated : World {
  explicit Gated(bool barrier)
      : World({}, {}, false, barrier ? policy::BarrierMode::Strict : policy::BarrierMode::None) {
    if (barrier) log.durable_through = 0;
  }
};

TEST_CASE("random clients: same replies as without the gateway, and a true audit log") {
  std::size_t unknown = 0;
  std::size_t known = 0;
  for (unsigned seed = 1; seed <= 6'000; ++seed) {
    CAPTURE(seed);
    const bool barrier = seed > 3'000;
    std::mt19937 random(seed);
    std::string bytes;
    for (unsigned i = 0, count = 1 + static_cast<unsigned>(random() % 25); i < count; ++i)
      bytes += random_message(random);
    bytes += sync() + sync();
    CAPTURE(shown(bytes));
    Gated world(barrier);
    ModelServer model;
    play(world, model, bytes, random);
    ModelServer direct;
    const auto expected = direct.on_bytes(bytes);
    REQUIRE(shown(world.to_client) == shown(expected));
    REQUIRE_FALSE(world.over());
    REQUIRE(as_text(told_to_have_run(world.log, model.ran)) == as_text(has_run(model.ran)));
    REQUIRE_FALSE(world.relay.awaiting_reply());
    REQUIRE(world.log.double_finishes == 0);
    for (const auto& record : world.log.records) {
      REQUIRE(record.outcome);
      REQUIRE(record.outcome->status != audit::Status::Unknown);
      if (record.outcome->status == audit::Status::Ok) ++(record.tag == "UNKNOWN" ? unknown : known);
    }
  }
  CHECK(unknown < known / 20);
  CHECK(unknown > 0);
}

TEST_CASE("random clients and intents that fail: what is not recorded is not run") {
  for (unsigned seed = 1; seed <= 2'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::string bytes;
    for (unsigned i = 0, count = 1 + static_cast<unsigned>(random() % 25); i < count; ++i)
      bytes += random_message(random);
    bytes += sync() + sync();
    CAPTURE(shown(bytes));
    World world;
    for (std::size_t i = 1; i < 60; ++i)
      if (random() % 4 == 0) world.log.failing.insert(i);
    ModelServer model;
    play(world, model, bytes, random);
    REQUIRE_FALSE(world.over());
    REQUIRE((model.copying() || !world.relay.awaiting_reply()));
    std::size_t recorded = 0;
    for (const auto& line : told_to_have_run(world.log, {})) recorded += line.ends_with(" ok") ? 1u : 0u;
    std::size_t ran = 0;
    for (const auto& one : model.ran) ran += one.ok ? 1u : 0u;
    REQUIRE(recorded == ran);
  }
}

TEST_CASE("clients that break into a COPY: nothing runs that is recorded as not run") {
  for (unsigned seed = 1; seed <= 4'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::string bytes;
    for (unsigned i = 0, count = 1 + static_cast<unsigned>(random() % 12); i < count; ++i) {
      bytes += random_message(random);
      if (random() % 3 == 0)
        bytes += random() % 2 == 0 ? query("copy t from stdin")
                                   : parse("", "copy t from stdin") + bind_portal("", "") + execute("") + sync();
      if (random() % 3 == 0) bytes += copy_data(random() % 2 == 0 ? "bad" : "1\n");
      if (random() % 3 == 0) bytes += copy_done();
    }
    CAPTURE(shown(bytes));
    Gated world(seed > 2'000);
    ModelServer model;
    play(world, model, bytes + sync(), random);
    const bool session_ended = world.over();
    world.relay.abandon();
    // Each statement that ran to its end is recorded as that, in order, or, at the session's end, as unknown.
    CAPTURE(as_text(world.log.lines()));
    CAPTURE(as_text(has_run(model.ran)));
    std::size_t i = 0;
    for (const auto& record : world.log.records) {
      REQUIRE(record.outcome);
      const auto status = record.outcome->status;
      if (record.event == "function_call" || status == audit::Status::NotRun || i >= model.ran.size()) continue;
      if (status == audit::Status::Ok) REQUIRE(model.ran[i].ok);
      if (status == audit::Status::Unknown) REQUIRE(session_ended);
      ++i;
    }
    REQUIRE(i >= model.ran.size());
  }
}

}  // namespace
}  // namespace bartizan::session::test
