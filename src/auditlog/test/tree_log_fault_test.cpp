// A disk that is full, fails or stalls; and files that somebody changed.
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>
#include <tuple>
#include <vector>

#include "crash_files.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

using namespace std::chrono_literals;

/// A log on that image holds each of the tickets once.
void check_image(World& world, const std::pair<CrashFiles::Image, std::set<std::string>>& image,
                 const std::vector<audit::Ticket>& given) {
  CrashFiles disk(image.first, image.second);
  auto log = TreeLog::open(world.options, world.signer, disk);
  REQUIRE_MESSAGE(log, (log ? "" : log.error().detail));
  REQUIRE((*log)->publish_now(10s));
  const auto found = tickets_in(world.tree(disk, "t-acme"));
  for (const auto ticket : given) CHECK(found.contains(ticket.get()));
  for (const auto& [ticket, times] : found) CHECK(times == 1);
}

/// Breaks the disk in the middle of work, mends it, and looks for every ticket that was given.
void breaks_and_mends(std::atomic<bool> CrashFiles::* which, std::chrono::milliseconds checkpoint_every) {
  World world;
  std::atomic<bool>& fault = world.files.*which;
  world.options.segment_bytes = 4096;
  world.options.checkpoint_every = checkpoint_every;
  auto log = world.open();
  std::vector<audit::Ticket> given;
  for (unsigned i = 0; i < 50; ++i) given.push_back(log->begin(intent("acme", "SELECT")).value());
  CHECK(eventually([&] { return log->durable(given.back()); }));
  const auto hurried = [&] {
    for (unsigned i = 0; i < 3; ++i)
      if (const auto ticket = log->begin(intent("acme", "SELECT"))) {
        given.push_back(*ticket);
        log->finish(*ticket, {});
      }
  };
  // The group that meets the fault holds intents and their outcomes: it gathered during a slow sync.
  world.files.sync_millis = 30;
  given.push_back(log->begin(intent("acme", "SELECT")).value());
  const auto slow = given.back();
  std::this_thread::sleep_for(5ms);
  hurried();
  while (!log->durable(slow)) std::this_thread::yield();
  fault = true;
  world.files.sync_millis = 0;
  // Tickets may still be given before the fault is noticed; they are not durable, and then none are.
  hurried();
  CHECK(eventually([&] { return !log->figures().healthy; }));
  CHECK(log->begin(intent("acme", "SELECT")).error().code == Errc::Io);
  CHECK_FALSE(log->durable(given.back()));
  for (const auto ticket : given) log->finish(ticket, {});  // for some the second time: it changes nothing
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(log->durable(given.back()));
  fault = false;
  CHECK(eventually([&] { return log->figures().healthy && log->durable(given.back()); }));
  for (unsigned seed = 1; seed <= 8; ++seed) check_image(world, world.files.power_cut(seed), given);
  check_image(world, world.files.as_it_is(), given);
  given.push_back(log->begin(intent("acme", "SELECT")).value());
  log->finish(given.back(), {});
  REQUIRE(log->publish_now(10s));
  for (int i = 0; i < 500 && !log->figures().publishing; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(log->figures().publishing);
  CHECK(log->figures().refused >= 1);
  const auto found = tickets_in(world.tree("t-acme"));
  CHECK(found.size() == given.size());
  for (const auto& [ticket, times] : found) CHECK(times == 1);
  // And the files stand on their own.
  log.reset();
  log = world.open();
  CHECK(log->figures().recovered_unknown == 0);
}

TEST_CASE("a full disk: new statements are refused, nothing given is lost, recovery is automatic") {
  breaks_and_mends(&CrashFiles::disk_full, 5ms);
  breaks_and_mends(&CrashFiles::disk_full, 1h);
}

TEST_CASE("a sync that fails is never taken for one that worked") {
  breaks_and_mends(&CrashFiles::sync_fails, 5ms);
  breaks_and_mends(&CrashFiles::sync_fails, 1h);
}

TEST_CASE("a slow disk makes statements wait, a stalled one refuses them") {
  World world;
  world.files.sync_millis = 60;
  auto log = world.open();
  const auto waits = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return log->durable(waits); }));
  log.reset();
  world.options.slow_flush = 30ms;
  world.files.sync_millis = 0;
  log = world.open();
  world.files.sync_millis = 1000;  // long against whatever a busy machine does in between
  const auto first = log->begin(intent("acme", "SELECT")).value();
  CHECK(eventually([&] { return !log->figures().healthy; }));
  const auto refused = log->begin(intent("acme", "SELECT"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("does not answer") != std::string::npos);
  world.files.sync_millis = 0;
  CHECK(eventually([&] { return log->durable(first) && log->figures().healthy; }));
  world.files.sync_millis = 0;
  CHECK(log->begin(intent("acme", "SELECT")).has_value());
}

TEST_CASE("a log that is far behind refuses") {
  World world;
  world.files.sync_millis = 100;
  world.options.max_waiting_bytes = 2000;
  auto log = world.open();
  bool refused = false;
  for (unsigned i = 0; i < 100 && !refused; ++i) refused = !log->begin(intent("acme", "SELECT"));
  CHECK(refused);
  CHECK(eventually([&] { return log->begin(intent("acme", "SELECT")).has_value(); }));
}

/// A log with a published part and, in its journal, groups beyond that.
struct Unfinished : World {
  Unfinished() {
    options.segment_bytes = 1024;
    auto log = open();
    for (unsigned i = 0; i < 20; ++i) statement(*log);
    CHECK(log->publish_now(10s));
    for (unsigned i = 0; i < 20; ++i) statement(*log);
    std::tie(image, folders) = files.as_it_is();
  }
  static void statement(TreeLog& log) {
    const auto ticket = log.begin(intent("acme", "SELECT")).value();
    CHECK(eventually([&] { return log.durable(ticket); }));
    log.finish(ticket, {});
  }
  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const auto& [path, bytes] : image)
      if (path.ends_with(".segment")) out.push_back(path);
    return out;
  }
  [[nodiscard]] Result<std::unique_ptr<TreeLog>> open_in(CrashFiles& disk) {
    return TreeLog::open(options, signer, disk);
  }
  CrashFiles::Image image;
  std::set<std::string> folders;
};

TEST_CASE("a journal that was changed before its end is refused, and the place is named") {
  Unfinished world;
  const auto segments = world.segments();
  REQUIRE(segments.size() > 3);
  CrashFiles intact(world.image, world.folders);
  CHECK(world.open_in(intact));
  const std::string& second = segments[segments.size() - 3];
  for (const std::size_t at : {0u, 9u, 40u, 60u, 200u, 700u}) {
    CrashFiles disk(world.image, world.folders);
    disk.change(second, [at](Bytes& bytes) { bytes[at] ^= std::byte{1}; });
    const auto opened = world.open_in(disk);
    REQUIRE_MESSAGE(!opened, at);
    CHECK(opened.error().code == Errc::Malformed);
    CHECK(opened.error().detail.find(".segment") != std::string::npos);
  }
  CrashFiles gone(world.image, world.folders);
  REQUIRE(gone.remove(second));
  CHECK(world.open_in(gone).error().code == Errc::Malformed);
  CrashFiles emptied(world.image, world.folders);
  emptied.change(second, [](Bytes& bytes) { bytes.clear(); });
  CHECK(world.open_in(emptied).error().code == Errc::Malformed);
}

TEST_CASE("the same in the newest segment, as long as one group stands behind the place") {
  World world;
  auto log = world.open();
  for (unsigned i = 0; i < 20; ++i) Unfinished::statement(*log);
  const auto [image, folders] = world.files.as_it_is();
  const std::string segment = "/log-parent/log/journal/0000000000000001.segment";
  for (std::size_t at = 40; at < 4000; at += 331) {
    CrashFiles disk(image, folders);
    disk.change(segment, [at](Bytes& bytes) { bytes.at(at) ^= std::byte{1}; });
    const auto opened = TreeLog::open(world.options, world.signer, disk);
    REQUIRE_MESSAGE(!opened, at);
    CHECK(opened.error().detail.find("others follow") != std::string::npos);
  }
}

TEST_CASE("a torn last group is dropped, whatever is left of it") {
  Unfinished world;
  const std::string last = world.segments().back();
  const std::size_t size = world.image.at(last).size();
  for (std::size_t cut = 1; cut < 200; cut += 13) {
    CrashFiles disk(world.image, world.folders);
    disk.change(last, [&](Bytes& bytes) { bytes.resize(size - cut); });
    auto log = world.open_in(disk);
    REQUIRE(log);
    CHECK((*log)->publish_now(10s));
  }
}

TEST_CASE("an older state, a lost state, a strange state") {
  Unfinished world;
  const std::string state = "/log-parent/log/state";
  const Bytes older = world.image.at(state);
  CrashFiles later(world.image, world.folders);
  REQUIRE(world.open_in(later).value()->publish_now(10s));
  auto [image, folders] = later.as_it_is();
  image[state] = older;
  CrashFiles rolled_back(image, folders);
  CHECK(world.open_in(rolled_back).error().code == Errc::Malformed);
  CrashFiles lost(world.image, world.folders);
  REQUIRE(lost.remove(state));
  CHECK(world.open_in(lost).error().code == Errc::Malformed);
  CrashFiles strange(world.image, world.folders);
  strange.change(state, [](Bytes& bytes) { bytes[20] ^= std::byte{1}; });
  CHECK(world.open_in(strange).error().code == Errc::Malformed);
}

TEST_CASE("another log's key or files do not fit") {
  Unfinished world;
  CrashFiles disk(world.image, world.folders);
  const auto other = audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example", system_random()).value();
  CHECK(TreeLog::open(world.options, other, disk).error().code == Errc::Crypto);
  Unfinished stranger;
  CrashFiles mixed(world.image, world.folders);
  const std::string last = world.segments().back();
  mixed.change(last, [&](Bytes& bytes) { bytes = stranger.image.at(stranger.segments()[1]); });
  auto log = world.open_in(mixed);
  if (log) CHECK((*log)->figures().recovered_unknown <= 1);  // nothing of the stranger's was taken
}

}  // namespace
}  // namespace bartizan::auditlog
