#include "bartizan/auditlog/tree_log.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "crash_files.hpp"
#include "log_world.hpp"
#include "read_log.hpp"

namespace bartizan::auditlog {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a statement becomes one leaf of its tenant's tree, and the tree a leaf of the system's") {
  World world;
  auto log = world.open();
  const auto acme = log->begin(intent("acme", "SELECT")).value();
  const auto none = log->begin(intent("", "SELECT")).value();
  const auto beta = log->begin(intent("beta", "DELETE")).value();
  CHECK(eventually([&] { return log->durable(beta); }));
  log->finish(acme, {});
  log->finish(none, {audit::Status::Refused, {'4', '2', '5', '0', '1'}});
  log->finish(beta, {});
  REQUIRE(log->publish_now(10s));
  const auto tree = world.tree("t-acme");
  REQUIRE(tree.entries.size() == 1);
  CHECK(tree.entries[0].find("\"tenant_uid\":\"acme\"") != std::string::npos);
  CHECK(tree.checkpoint.origin == "log.example/t-acme");
  const auto system = world.tree("system");
  REQUIRE(system.entries.size() == 3);
  CHECK(tickets_in(system) == std::map<std::uint64_t, unsigned>{{none.get(), 1}});
  // The other two leaves are the tenants' checkpoints, as signed.
  unsigned checkpoints = 0;
  for (const auto& entry : system.entries)
    for (const char* name : {"log.example/t-acme", "log.example/t-beta"})
      checkpoints += audit::open_checkpoint(entry, world.signer.verifier().named(name)).has_value() ? 1 : 0;
  CHECK(checkpoints == 2);
  const auto figures = log->figures();
  CHECK(figures.trees == 3);
  CHECK(figures.leaves == 3);
  CHECK(figures.published == 5);
  CHECK(figures.healthy);
  CHECK(figures.publishing);
}

TEST_CASE("checkpoints appear by themselves, and stay as they are when nothing happens") {
  World world;
  world.options.checkpoint_every = 20ms;
  auto log = world.open();
  log->finish(log->begin(intent("acme", "SELECT")).value(), {});
  CHECK(eventually([&] { return log->figures().published == 2; }));
  const auto syncs = world.files.syncs.load();
  std::this_thread::sleep_for(100ms);
  CHECK(world.files.syncs == syncs);
}

TEST_CASE("observers hear of every ticket, from the flush that made it durable") {
  World world;
  auto log = world.open();
  std::atomic<std::uint64_t> heard{0};
  std::atomic<bool> early{false};
  TreeLog* raw = log.get();
  const auto id = log->on_durable([&, raw](audit::Ticket through) {
    if (!raw->durable(through)) early = true;
    heard = through.get();
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto ticket = log->begin(intent("acme", "SELECT")).value();
        while (heard < ticket.get()) std::this_thread::yield();
        CHECK(log->durable(ticket));
        log->finish(ticket, {});
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK_FALSE(early);
  log->remove(id);
  const auto last = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return log->durable(last); }));
  CHECK(heard < last.get());
  log->finish(last, {});
  log.reset();
  const auto tickets = tickets_in(world.tree("t-acme"));
  CHECK(tickets.size() == 801);
  for (const auto& [ticket, times] : tickets) CHECK(times == 1);
}

TEST_CASE("an intent does not wait for outcomes' company, an outcome does for an intent's") {
  World world;
  world.options.outcome_delay = 10s;
  auto log = world.open();
  const auto first = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return log->durable(first); }));
  log->finish(first, {});
  std::this_thread::sleep_for(50ms);
  CHECK(log->figures().flushes == 1);
  const auto second = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return log->durable(second); }));
  CHECK(log->figures().flushes == 2);
  log->finish(second, {});
  REQUIRE(log->publish_now(5s));  // in a hurry
}

TEST_CASE("with many statements under way flushes keep their distance, and one alone waits for none") {
  World world;
  world.options.distance_per_statement = 10s;
  world.options.longest_distance = 60s;
  auto log = world.open();
  for (int i = 0; i < 100; ++i) {  // more than are looked at, but one at a time
    const auto alone = log->begin(intent("acme", "SELECT")).value();
    REQUIRE(eventually([&] { return log->durable(alone); }));
    log->finish(alone, {});
  }
  const auto before = log->figures().flushes;
  std::vector<audit::Ticket> open;
  for (int i = 0; i < 20; ++i) {
    open.push_back(log->begin(intent("acme", "SELECT")).value());
    std::this_thread::sleep_for(5ms);
  }
  CHECK_FALSE(log->durable(open.back()));
  CHECK(log->figures().flushes <= before + 1);
  REQUIRE(log->publish_now(5s));  // in a hurry
  CHECK(log->durable(open.back()));
  for (const auto ticket : open) log->finish(ticket, {});
  const auto after = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return log->durable(after); }));
}

TEST_CASE("a full group waits for no more company") {
  World world;
  world.options.distance_per_statement = 10s;
  world.options.longest_distance = 60s;
  world.options.full_group = 16;
  auto log = world.open();
  std::vector<audit::Ticket> open{log->begin(intent("acme", "SELECT")).value()};
  REQUIRE(eventually([&] { return log->durable(open.back()); }));
  for (int i = 0; i < 15; ++i) open.push_back(log->begin(intent("acme", "SELECT")).value());
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(log->durable(open[1]));
  open.push_back(log->begin(intent("acme", "SELECT")).value());
  CHECK(eventually([&] { return log->durable(open.back()); }));
  for (const auto ticket : open) log->finish(ticket, {});
}

TEST_CASE("a log goes on across restarts: tickets rise, trees grow, segments go") {
  World world;
  world.options.segment_bytes = 4096;
  std::uint64_t last = 0;
  audit::Checkpoint before;
  for (unsigned run = 0; run < 5; ++run) {
    auto log = world.open();
    for (unsigned i = 0; i < 100; ++i) {
      const auto ticket = log->begin(intent("acme", "SELECT")).value();
      CHECK(ticket.get() > last);
      last = ticket.get();
      CHECK(eventually([&] { return log->durable(ticket); }));
      log->finish(ticket, {});
    }
    log.reset();
    const auto tree = world.tree("t-acme");
    CHECK(tree.entries.size() == (run + 1) * 100);
    world.check_grew_from(before, "t-acme");
    before = tree.checkpoint;
    CHECK(world.files.list("/log-parent/log/journal").value().size() <= 2);
  }
  CHECK(last == 500);
}

TEST_CASE("an intent open for long holds nothing back") {
  World world;
  world.options.segment_bytes = 4096;
  auto log = world.open();
  const auto slow = log->begin(intent("acme", "COPY")).value();
  for (unsigned i = 0; i < 300; ++i) log->finish(log->begin(intent("acme", "SELECT")).value(), {});
  REQUIRE(log->publish_now(10s));
  CHECK(eventually([&] { return world.files.list("/log-parent/log/journal").value().size() <= 3; }));
  CHECK(world.tree("t-acme").entries.size() == 300);
  log.reset();
  log = world.open();
  CHECK(log->figures().recovered_unknown == 1);
  REQUIRE(log->publish_now(10s));
  const auto tree = world.tree("t-acme");
  REQUIRE(tree.entries.size() == 301);
  CHECK(tree.entries.back().find("\"status_id\":0") != std::string::npos);
  CHECK(tree.entries.back().find("\"uid\":\"" + std::to_string(slow.get()) + "\"") != std::string::npos);
}

TEST_CASE("members of any length are taken, cut where they must be") {
  World world;
  auto log = world.open();
  std::string who;
  audit::append_member(who, "tenant", "acme");
  audit::append_member(who, "identity", std::string(100'000, 'x'));
  std::string what;
  audit::append_member(what, "tag", "SELECT");
  audit::append_member(what, "relations", std::string(1'000'000, '"'));
  log->finish(log->begin({audit::Event::Statement, WallTime{}, who, what}).value(), {});
  REQUIRE(log->publish_now(10s));
  CHECK(world.tree("t-acme").entries[0].find("\"is_truncated\":true") != std::string::npos);
}

TEST_CASE("bad options are refused") {
  World world;
  for (const char* origin : {"", "two words", "a+b", "ends/"}) {
    world.options.origin = origin;
    CHECK_FALSE(TreeLog::open(world.options, world.signer, world.files));
  }
  world.options.origin = "log.example";
  const auto witness = audit::NoteSigner::generate(audit::KeyType::Cosignature, "w", system_random()).value();
  CHECK_FALSE(TreeLog::open(world.options, witness, world.files));
}

TEST_CASE("on the operating system's files: written, reopened, and held by one process") {
  char name[] = "/tmp/bartizan-audit-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  const auto signer = audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example", system_random()).value();
  TreeLogOptions options;
  options.directory = folder + "/deep/log";
  options.origin = "log.example";
  options.segment_bytes = 1024 * 1024;
  for (unsigned run = 1; run <= 2; ++run) {
    auto log = TreeLog::open(options, signer).value();
    CHECK(TreeLog::open(options, signer).error().code == Errc::FailedPrecondition);
    for (unsigned i = 0; i < 500; ++i) log->finish(log->begin(intent("acme", "SELECT")).value(), {});
    log.reset();
    const auto tree =
        read_tree(system_files(), options.directory + "/tree/t-acme", signer.verifier().named("log.example/t-acme"));
    CHECK(tree.entries.size() == run * 500);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bartizan::auditlog
