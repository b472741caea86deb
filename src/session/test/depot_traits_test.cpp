// When a verdict about a depot holds, and which server connections go to the next session as they are.
#include "bartizan/session/depot_traits.hpp"

#include <doctest/doctest.h>

#include <random>

#include "relay_world.hpp"
#include "wire.hpp"

namespace bartizan::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SteadyTime at(milliseconds since) { return SteadyTime(seconds(1000)) + since; }
bool known(const DepotTraits& traits, milliseconds since) {
  return traits.verdict(at(since)) != DepotTraits::Verdict();
}

void answer(DepotTraits& traits, const DepotTraits::Question& question, bool reads, bool writes,
            milliseconds since = seconds(0), std::string mark = "mark") {
  traits.take_answer(question, {reads, writes, std::move(mark)}, at(since));
}

TEST_CASE("one asks, the answer holds for its time, and then one asks whether it still does") {
  DepotTraits traits;
  CHECK_FALSE(known(traits, seconds(0)));
  const auto first = traits.take_question(at(seconds(0)));
  CHECK(first.whole);
  CHECK(traits.take_question(at(seconds(0))).epoch == 0);
  CHECK_FALSE(known(traits, seconds(0)));
  answer(traits, first, true, false);
  CHECK(traits.verdict(at(seconds(0))).reads_leave_nothing());
  CHECK_FALSE(traits.verdict(at(seconds(0))).writes_leave_nothing());
  CHECK(traits.take_question(at(DepotTraits::kHolds)).epoch == 0);
  const auto later = DepotTraits::kHolds + milliseconds(1);
  const auto second = traits.take_question(at(later));
  CHECK(second.epoch == first.epoch);
  CHECK_FALSE(second.whole);
  CHECK(known(traits, later));
  SUBCASE("it does") {
    answer(traits, second, false, false, later);
    CHECK(traits.verdict(at(3 * DepotTraits::kHolds)).reads_leave_nothing());
  }
  SUBCASE("nobody says") { CHECK_FALSE(known(traits, 2 * DepotTraits::kHolds + milliseconds(1))); }
  SUBCASE("it does not") {
    answer(traits, second, false, false, later, "another");
    CHECK_FALSE(known(traits, later));
    CHECK(traits.take_question(at(later + seconds(2))).whole);
  }
}

TEST_CASE("an answer counts from its question on, and one that never comes is asked for again") {
  DepotTraits traits;
  const auto lost = traits.take_question(at(seconds(0)));
  CHECK(traits.take_question(at(milliseconds(999))).epoch == 0);
  CHECK(traits.take_question(at(seconds(1))).epoch == lost.epoch);
  answer(traits, lost, true, true, seconds(15));
  CHECK(known(traits, 2 * DepotTraits::kHolds));
  CHECK_FALSE(known(traits, 2 * DepotTraits::kHolds + milliseconds(1)));
}

TEST_CASE("a definition voids what is known, from its beginning on and after its end") {
  DepotTraits traits;
  const auto first = traits.take_question(at(seconds(0)));
  answer(traits, first, true, true);
  const auto before = traits.verdict(at(seconds(0)));
  traits.begin_definition();
  CHECK_FALSE(known(traits, seconds(0)));
  CHECK(traits.take_question(at(seconds(60))).epoch == 0);
  answer(traits, first, true, true);  // asked before it
  CHECK_FALSE(known(traits, seconds(0)));
  traits.end_definition();
  CHECK_FALSE(known(traits, seconds(0)));
  CHECK(traits.take_question(at(milliseconds(999))).epoch == 0);
  const auto later = traits.take_question(at(milliseconds(1001)));
  CHECK(later.epoch > first.epoch);
  CHECK(later.whole);
  answer(traits, later, true, true);
  CHECK(known(traits, seconds(2)));
  CHECK(traits.verdict(at(seconds(2))) != before);  // a session that was there meanwhile does not take it for its own
}

TEST_CASE("a database whose catalogs take long to read is asked less often") {
  DepotTraits traits;
  answer(traits, traits.take_question(at(seconds(0))), true, true, milliseconds(300));
  traits.begin_definition();
  traits.end_definition();
  CHECK(traits.take_question(at(seconds(2))).whole);  // its time was set before the cost was known
  traits.begin_definition();
  traits.end_definition();
  CHECK(traits.take_question(at(seconds(2) + milliseconds(14'999))).epoch == 0);
  CHECK(traits.take_question(at(seconds(2) + milliseconds(15'001))).whole);
}

TEST_CASE("what is asked names every operator, function and type by its schema") {
  for (const bool whole : {true, false}) {
    const std::string& question = DepotTraits::text_of({1, whole, {}});
    CHECK((question.find(",lower,") != std::string::npos) == whole);
    CHECK(question.find(" = ") == std::string::npos);
    CHECK(question.find(" IN (") == std::string::npos);
    for (std::size_t found = question.find("::"); found != std::string::npos; found = question.find("::", found + 1))
      CHECK(question.substr(found + 2, 11) == "pg_catalog.");
  }
}

/// A pool's server connection on which one session after the other works.
struct Depot : World {
  Depot() : World({}, {}, true) {}
  DepotTraits traits;
  std::uint64_t sessions = 100;

  std::unique_ptr<Relay> session() {
    Pooling pooling{++sessions, 78, &shares, true, &sequences_matter};
    pooling.traits = &traits;
    return std::make_unique<Relay>(policy::Subject{}, "\"session\":1",
                                   RelayTools{analyses, log, clock, stale, &rewrites}, RelayLimits{}, pooling);
  }
  void know(bool reads, bool writes) {
    traits.take_answer(traits.take_question(clock.steady()), {reads, writes, "mark"}, clock.steady());
  }
  static std::string attach(Relay& relay, ServerState& server) {
    ServerRuns runs;
    relay.attach(server, runs);
    return std::string(as_chars(runs.runs().joined()));
  }
  static void client(Relay& relay, const std::string& bytes) {
    ServerRuns runs;
    REQUIRE(relay.on_client(as_bytes(bytes), runs).consumed == bytes.size());
  }
  static void server(Relay& relay, const std::string& bytes) {
    ByteRuns runs;
    REQUIRE(relay.on_server(as_bytes(bytes), runs).consumed == bytes.size());
  }
  /// A session runs this one statement and leaves. False: it keeps its connection.
  bool visit(const std::string& text, ServerState& on) {
    const auto relay = session();
    if (const auto sent = attach(*relay, on); !sent.empty()) server(*relay, complete("RESET") + ready());
    client(*relay, query(text));
    server(*relay, complete("SELECT 1") + ready());
    if (!relay->releasable()) return false;
    relay->detach();
    return true;
  }
  /// What goes ahead of the next session's first message.
  std::string next(ServerState& on) {
    const auto relay = session();
    return attach(*relay, on);
  }
};

bool resets(const std::string& sent) { return sent.find("RESET ALL") != std::string::npos; }

TEST_CASE("where nothing can run unseen, statements that leave nothing leave the connection clean") {
  struct Case {
    std::string_view text;
    bool clean_with_reads;
    bool clean_with_writes;
  };
  constexpr std::array kCases = {
      Case{"select abalance from accounts where aid = 5", true, true},
      Case{"select lower(name), count(*) from t group by 1", true, true},
      Case{"begin; set local lock_timeout = 5; select 1; commit", true, true},
      Case{"explain select * from t", true, true},
      Case{"copy t to stdout", true, true},
      Case{"show timezone", true, true},
      Case{"select * from t for update", false, true},
      Case{"insert into t values (1)", false, true},
      Case{"with x as (delete from t returning *) select * from x", false, true},
      Case{"lock table t", false, true},
      Case{"set timezone = 'UTC'", false, false},
      Case{"create table t(i int)", false, false},
      Case{"create function f(int) returns int language sql as 'select 1'", false, false},
      Case{"discard plans", false, false},
      Case{"vacuum t", false, false},
      Case{"grant select on t to public", false, false},
      Case{"commit prepared 'x'", false, false},
  };
  for (const auto& each : kCases) {
    CAPTURE(each.text);
    for (const bool writes : {false, true}) {
      Depot depot;
      depot.know(true, writes);
      REQUIRE(depot.visit(std::string(each.text), depot.first));
      CHECK(resets(depot.next(depot.first)) == !(writes ? each.clean_with_writes : each.clean_with_reads));
    }
    Depot unknown;
    REQUIRE(unknown.visit(std::string(each.text), unknown.first));
    CHECK(resets(unknown.next(unknown.first)));
    Depot dangerous;
    dangerous.know(false, false);
    REQUIRE(dangerous.visit(std::string(each.text), dangerous.first));
    CHECK(resets(dangerous.next(dangerous.first)));
  }
}

TEST_CASE("a connection is clean once it has been reset") {
  Depot depot;
  depot.know(true, true);
  REQUIRE(depot.visit("set timezone = 'UTC'", depot.first));
  REQUIRE(depot.visit("select 1", depot.first));
  CHECK_FALSE(resets(depot.next(depot.first)));
}

TEST_CASE("what any session defines counts for every session that was there meanwhile") {
  Depot depot;
  depot.know(true, true);
  const auto reader = depot.session();
  Depot::attach(*reader, depot.first);
  Depot::client(*reader, query("select * from t"));
  // On another connection, and in session mode too.
  Pooling alone{++depot.sessions, 79};
  alone.traits = &depot.traits;
  Relay definer({}, "\"session\":2", {depot.analyses, depot.log, depot.clock, depot.stale}, {}, alone);
  Depot::client(definer, query("create rule r as on insert to t do also select set_config('a.b','c',false)"));
  Depot::server(*reader, complete("SELECT 1") + ready());
  REQUIRE(reader->releasable());
  reader->detach();
  CHECK(resets(depot.next(depot.first)));
  CHECK(depot.traits.take_question(depot.clock.steady() + seconds(60)).epoch == 0);  // not before it has ended
  Depot::server(definer, complete("CREATE RULE") + ready());
  CHECK(depot.traits.take_question(depot.clock.steady() + seconds(60)).epoch != 0);
}

TEST_CASE("a definition whose session ends without a word has ended") {
  DepotTraits traits;
  {
    Depot depot;
    Pooling alone{5, 79};
    alone.traits = &traits;
    Relay definer({}, "\"session\":2", {depot.analyses, depot.log, depot.clock, depot.stale}, {}, alone);
    Depot::client(definer, query("do $$ begin end $$"));
    CHECK(traits.take_question(at(seconds(1))).epoch == 0);
  }
  CHECK(traits.take_question(at(seconds(1))).epoch != 0);
}

std::string answer_row(std::vector<std::string_view> columns) {
  std::string payload{'\0', static_cast<char>(columns.size())};
  for (const auto column : columns) {
    payload += std::string{'\0', '\0', '\0', static_cast<char>(column.size())};
    payload += column;
  }
  std::string row{'D', '\0', '\0', '\0', static_cast<char>(payload.size() + 4)};
  return row_description() + row + payload + complete("SELECT 1") + ready();
}

TEST_CASE("the catalogs are asked ahead of a session's first message, and the answer is not for it") {
  Depot depot;
  const auto relay = depot.session();
  const auto sent = Depot::attach(*relay, depot.first);
  CHECK(sent == query(DepotTraits::text_of({1, true, {}})));
  Depot::client(*relay, query("select 1"));
  const std::string replies = row_description() + data_row("t") + complete("SELECT 1") + ready();
  std::string answered;
  bool reads = false;
  SUBCASE("an answer") {
    answered = answer_row({"t", "f", "7 77"});
    reads = true;
  }
  SUBCASE("an error") { answered = error("42501") + ready(); }
  ByteRuns runs;
  const std::string all = answered + replies;
  REQUIRE(relay->on_server(as_bytes(all), runs).consumed == all.size());
  CHECK(as_chars(runs.joined()) == replies);
  CHECK(depot.traits.verdict(depot.clock.steady()).reads_leave_nothing() == reads);
  CHECK_FALSE(depot.traits.verdict(depot.clock.steady()).writes_leave_nothing());
}

TEST_CASE("an answer that is none ends the server connection") {
  for (const auto& columns : std::vector<std::vector<std::string_view>>{{}, {"t", "t"}, {"t", "t", "m", "x"}}) {
    Depot depot;
    const auto relay = depot.session();
    Depot::attach(*relay, depot.first);
    const auto row = answer_row(columns);
    ByteRuns runs;
    CHECK(relay->on_server(as_bytes(row), runs).verdict == Verdict::Fatal);
  }
}

/// Random sessions over two connections, some of which run what leaves something behind: whoever finds
/// such a connection, finds it with a reset in front.
TEST_CASE("model: no session works on what another may have left, whatever was known when") {
  constexpr std::array<std::string_view, 6> kTexts = {
      "select 1",        "insert into t values (1)",  "set timezone = 'UTC'", "create view v as select 1",
      "select * from v", "begin; savepoint s; commit"};
  for (unsigned seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Depot depot;
    std::array<bool, 2> dirty{};  // by the model's own rules
    bool reads = false;  // what unseen code there is leaves something
    bool writes = false;
    bool asked = false;
    int defined = 0;
    std::array<std::uint64_t, 2> last{};
    for (int step = 0; step < 60; ++step) {
      const std::size_t which = random() % 2;
      ServerState& server = which == 0 ? depot.first : depot.second;
      const auto relay = depot.session();
      const auto sent = Depot::attach(*relay, server);
      CHECK((resets(sent) || !dirty[which] || last[which] == 0));
      if (resets(sent)) dirty[which] = false;
      const bool whole = sent.find(" FROM verdict v") != std::string::npos;
      const bool asks = whole || sent.find("pg_catalog.pg_rewrite") != std::string::npos;
      asked = asked || asks;
      if (sent.find("RESET") != std::string::npos) Depot::server(*relay, complete("RESET") + ready());
      const std::string mark = std::to_string(defined);
      if (whole)
        Depot::server(*relay, answer_row({reads ? "f" : "t", reads || writes ? "f" : "t", mark}));
      else if (asks)
        Depot::server(*relay, answer_row({mark}));
      const std::string text(kTexts[random() % kTexts.size()]);
      Depot::client(*relay, query(text));
      if (text.starts_with("create")) {
        ++defined;
        reads = random() % 2 == 0;
        writes = random() % 2 == 0;
      }
      const bool write = text.starts_with("insert");
      dirty[which] =
          dirty[which] || text.starts_with("set") || text.starts_with("create") || reads || (write && writes);
      Depot::server(*relay, complete("SELECT 1") + ready());
      if (random() % 8 == 0) depot.clock.moved += seconds(random() % 15);
      last[which] = depot.sessions;
      REQUIRE(relay->releasable());
      relay->detach();
    }
    CHECK(asked);
  }
}

}  // namespace
}  // namespace bartizan::session::test
