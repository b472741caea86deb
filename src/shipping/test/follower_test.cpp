#include "bartizan/shipping/follower.hpp"

#include <doctest/doctest.h>

#include <map>

#include "log_fixture.hpp"

namespace bartizan::shipping {
namespace {

/// All that is published beyond the cursor, in batches of that size; how often each ticket came.
std::map<std::uint64_t, unsigned> drain(Follower& follower, Cursor& at, std::size_t batch) {
  std::map<std::uint64_t, unsigned> out;
  for (unsigned rounds = 0; rounds < 10000; ++rounds) {
    auto read = follower.read(at, batch, 1 << 20);
    REQUIRE_MESSAGE(read, (read ? "" : read.error().detail));
    CHECK(read->records.size() <= batch);
    for (const auto& json : read->records) ++out[uid_of(json)];
    if (read->after == at) return out;
    at = read->after;
  }
  FAIL("no end");
  return out;
}

TEST_CASE("every record of every tree once, in batches of any size, and on from there") {
  LogFixture log;
  for (unsigned round = 0; round < 4; ++round) {
    log.write("acme", 150);
    log.write("", 70);
    log.write("beta", 3);
    log.publish();
  }
  for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{256}, std::size_t{5000}}) {
    Follower follower(log.place());
    Cursor at;
    const auto seen = drain(follower, at, batch);
    CHECK(seen.size() == log.written);
    for (const auto& [uid, times] : seen) CHECK(times == 1);
  }
  Follower follower(log.place());
  Cursor at;
  drain(follower, at, 100);
  log.write("acme", 5);
  CHECK(drain(follower, at, 100).empty());  // not published: nobody could prove it yet
  log.publish();
  CHECK(drain(follower, at, 100).size() == 5);
  // And from the cursor's text, as after a restart.
  log.write("gamma", 9);
  log.publish();
  Follower again(log.place());
  Cursor read = Cursor::parse(at.to_text("log.example"), "log.example").value();
  CHECK(read == at);
  CHECK(drain(again, read, 4).size() == 9);
}

TEST_CASE("a log without a tree yet is an empty one") {
  LogFixture log;
  Follower follower(log.place());
  const auto read = follower.read({}, 10, 1000);
  REQUIRE(read);
  CHECK(read->records.empty());
}

TEST_CASE("bytes bound a batch, but for one record") {
  LogFixture log;
  log.write("acme", 20);
  log.publish();
  Follower follower(log.place());
  CHECK(follower.read({}, 100, 1)->records.size() == 1);
  CHECK(follower.read({}, 100, 1200)->records.size() < 5);
}

TEST_CASE("what is gone is counted, and what is damaged stops") {
  LogFixture log;
  log.write("acme", 600);
  log.publish();
  std::filesystem::remove(log.folder + "/log/tree/t-acme/tile/entries/000");
  Follower follower(log.place());
  Cursor at;
  std::uint64_t missing = 0;
  unsigned got = 0;
  for (;;) {
    const auto read = follower.read(at, 100, 1 << 20);
    REQUIRE(read);
    missing += read->missing;
    got += static_cast<unsigned>(read->records.size());
    if (read->after == at) break;
    at = read->after;
  }
  CHECK(missing == 256);
  CHECK(got == 600 - 256);
  // The newest bundle is never pruned: without it something is wrong.
  std::filesystem::remove_all(log.folder + "/log/tree/t-acme/tile/entries/002.p");
  Follower other(log.place());
  Cursor late;
  late.tenants["t-acme"] = 512;
  CHECK_FALSE(other.read(late, 100, 1 << 20));
}

TEST_CASE("a cursor is a log's own") {
  Cursor cursor;
  cursor.system = 7;
  cursor.tenants["t-acme"] = 300;
  const auto text = cursor.to_text("log.example");
  CHECK(text == "bartizan-shipping 1\norigin log.example\nsystem 7\nt-acme 300\n");
  CHECK(Cursor::parse(text, "other.example").error().code == Errc::FailedPrecondition);
  for (const char* bad :
       {"", "bartizan-shipping 2\norigin log.example\nsystem 7\n", "bartizan-shipping 1\norigin log.example\n",
        "bartizan-shipping 1\norigin log.example\nsystem x\n", "bartizan-shipping 1\norigin log.example\nsystem\n"})
    CHECK_FALSE(Cursor::parse(bad, "log.example"));
  LogFixture log;
  log.write("", 3);
  log.publish();
  Follower follower(log.place());
  Cursor beyond;
  beyond.system = 99;
  CHECK(follower.read(beyond, 10, 1000).error().code == Errc::FailedPrecondition);
}

}  // namespace
}  // namespace bartizan::shipping
