#include <doctest/doctest.h>

#include <thread>

#include "bartizan/store/change_feed.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/tenants.hpp"
#include "store_fixture.hpp"

namespace bartizan::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::StoreFixture;
using test::ThrowawayPostgres;

/// True as soon as the condition holds; false after the time.
template <class F>
bool within(milliseconds time, F condition) {
  const auto until = steady_clock::now() + time;
  while (!condition()) {
    if (steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

struct Feed : StoreFixture {
  policy::SnapshotHolder holder;
  std::unique_ptr<ChangeFeed> feed;

  explicit Feed(ChangeFeedOptions options = {}) {
    auto started = ChangeFeed::start(*database, holder, system_clock(), options);
    REQUIRE(started.has_value());
    feed = std::move(*started);
  }
  void add(const std::string& who) {
    policy::Identity identity;
    identity.name = who;
    REQUIRE(write([&](Transaction& t) { return Identities(t).create(std::move(identity)); }).has_value());
  }
  bool knows(const std::string& who) const { return holder.current()->find_identity(who) != nullptr; }
};

TEST_CASE("a gateway starts with a snapshot or not at all") {
  Feed f;
  REQUIRE(f.holder.current() != nullptr);
  CHECK(f.feed->figures().snapshots == 1);
  CHECK(f.feed->figures().connected);

  const auto bare = ThrowawayPostgres::instance().fresh_database();  // without a schema
  DatabaseOptions options;
  options.conninfo = ThrowawayPostgres::instance().conninfo(bare);
  auto database = Database::open(std::move(options), test::test_key(), system_random());
  REQUIRE(database.has_value());
  policy::SnapshotHolder holder;
  CHECK_FALSE(ChangeFeed::start(**database, holder, system_clock(), {}).has_value());
}

TEST_CASE("a change reaches the holder within a second") {
  Feed f;
  for (int i = 0; i < 5; ++i) {
    const auto who = "ana" + std::to_string(i);
    f.add(who);
    CHECK(within(milliseconds(1000), [&] { return f.knows(who); }));
  }
  CHECK(f.holder.current()->epoch() == f.feed->figures().epoch);
}

TEST_CASE("a change is seen by looking, too, when its notice is lost") {
  Feed f;
  REQUIRE(
      f.sql(
          "UPDATE pg_proc SET prosrc = replace(prosrc, 'pg_notify', 'concat') WHERE proname = 'record_change' RETURNING 1") ==
      "1");
  f.add("quiet");
  CHECK(within(milliseconds(1500), [&] { return f.knows("quiet"); }));
}

TEST_CASE("without changes the snapshot is confirmed, not read again") {
  Feed f;
  const auto before = *f.holder.confirmed_at();
  CHECK(within(milliseconds(3000), [&] { return *f.holder.confirmed_at() > before + milliseconds(900); }));
  CHECK(f.feed->figures().snapshots == 1);
  f.feed->look_now();
  CHECK(f.feed->figures().failures == 0);
}

TEST_CASE("staleness grows while the database is away, and the feed comes back by itself") {
  ChangeFeedOptions options;
  options.backoff_most = milliseconds(300);
  Feed f(options);
  ThrowawayPostgres::instance().stop();
  CHECK(within(milliseconds(3000), [&] { return !f.feed->figures().connected; }));
  CHECK(within(milliseconds(3000), [&] { return f.holder.staleness(steady_clock::now()) > milliseconds(1200); }));
  CHECK(f.holder.fresh(steady_clock::now(), milliseconds(1000)).error().code == Errc::Unavailable);
  CHECK(f.holder.fresh(steady_clock::now(), milliseconds(60'000)).has_value());
  CHECK(f.database->begin_read().error().code == Errc::Unavailable);
  ThrowawayPostgres::instance().start();
  CHECK(within(milliseconds(5000), [&] { return f.feed->figures().connected; }));
  f.add("later");  // the pool finds a fresh connection
  CHECK(within(milliseconds(1500), [&] { return f.knows("later"); }));
}

TEST_CASE("the feed's connection may be terminated at any time") {
  Feed f;
  // It reads a snapshot in between, and is told apart by nothing but its last statement.
  REQUIRE(within(milliseconds(3000), [&] {
    return f.sql(
               "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
               "query ~ 'LISTEN|max' AND pid <> pg_backend_pid()") != "0";
  }));
  CHECK(within(milliseconds(3000), [&] { return f.feed->figures().failures > 0; }));
  f.add("after");
  CHECK(within(milliseconds(2000), [&] { return f.knows("after"); }));
}

TEST_CASE("it ends at once") {
  auto f = std::make_unique<Feed>();
  const auto start = steady_clock::now();
  f->feed.reset();
  CHECK(steady_clock::now() - start < milliseconds(500));
}

}  // namespace
}  // namespace bartizan::store
