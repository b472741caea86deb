// The power goes at every point of a log's work: what a caller was told is durable is there
// afterwards, once, and no published checkpoint was a lie.
#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <set>
#include <vector>

#include "crash_files.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

using namespace std::chrono_literals;

struct Witnessed {
  std::set<std::uint64_t> durable;   ///< tickets that durable() said yes for
};

bool wait_durable(const TreeLog& log, CrashFiles& files, audit::Ticket ticket) {
  while (!log.durable(ticket)) {
    if (files.operations >= files.dead_from) return log.durable(ticket);
    std::this_thread::yield();
  }
  return true;
}

/// False when the power went before it was done.
bool publish(TreeLog& log, CrashFiles& files) {
  while (!log.publish_now(5ms))
    if (files.operations >= files.dead_from) return false;
  return true;
}

/// Some statements of two tenants, rounds in between, until the power goes or the work is done.
void work(TreeLog& log, CrashFiles& files, Witnessed& seen) {
  for (unsigned i = 0; i < 12; ++i) {
    const auto ticket = log.begin(intent(i % 3 == 0 ? "beta" : "acme", "SELECT"));
    if (!ticket) return;
    if (!wait_durable(log, files, *ticket)) return;
    seen.durable.insert(ticket->get());
    if (i != 5) log.finish(*ticket, {});
    if (i % 4 == 3 && !publish(log, files)) return;
  }
}

struct Published {
  audit::Checkpoint acme;
  audit::Checkpoint system;
};

std::optional<audit::Checkpoint> checkpoint_of(World& world, FileLayer& files, const std::string& name) {
  const auto note = read_whole(files, world.options.directory + "/tree/" + name + "/checkpoint", 65536);
  if (!note) return std::nullopt;
  return audit::open_checkpoint(as_chars(*note), world.signer.verifier().named("log.example/" + name)).value();
}

std::map<std::uint64_t, unsigned> all_tickets(World& world, FileLayer& files) {
  std::map<std::uint64_t, unsigned> all;
  for (const char* name : {"t-acme", "t-beta", "system"})
    if (checkpoint_of(world, files, name))
      for (const auto& [ticket, times] : tickets_in(world.tree(files, name))) all[ticket] += times;
  return all;
}

void recover_from(World& world, const Witnessed& seen, CrashFiles::Left left, std::uint64_t operation);

/// A run that dies at the given operation, then disks that kept what they had to, and more or less of the rest.
bool crash_at(std::uint64_t operation) {
  World world;
  world.options.segment_bytes = 2048;
  world.files.dead_from = operation;
  Witnessed seen;
  if (auto log = TreeLog::open(world.options, world.signer, world.files)) {
    work(**log, world.files, seen);
    log->reset();
  }
  const bool died = world.files.operations >= operation;
  for (const auto left : {CrashFiles::Left::Some, CrashFiles::Left::Nothing, CrashFiles::Left::Names})
    recover_from(world, seen, left, operation);
  return died;
}

/// Twice over: a recovery's own files recover as well.
void recover_from(World& world, const Witnessed& seen, CrashFiles::Left left, std::uint64_t operation) {
  const auto seed = static_cast<unsigned>(operation);
  CAPTURE(static_cast<int>(left));
  const auto [image, folders] = world.files.power_cut(seed, left);
  CrashFiles disk(image, folders);
  const auto before_acme = checkpoint_of(world, disk, "t-acme");
  const auto before_system = checkpoint_of(world, disk, "system");
  for (unsigned again = 0; again < 2; ++again) {
    auto log = TreeLog::open(world.options, world.signer, disk);
    REQUIRE_MESSAGE(log, operation, " ", seed, " ", (log ? "" : log.error().detail));
    REQUIRE((*log)->publish_now(10s));
    // The new life works.
    const auto fresh = (*log)->begin(intent("acme", "SELECT")).value();
    REQUIRE((seen.durable.empty() || fresh.get() > *seen.durable.rbegin()));
    (*log)->finish(fresh, {});
    REQUIRE((*log)->publish_now(10s));
  }
  const auto tickets = all_tickets(world, disk);
  for (const std::uint64_t ticket : seen.durable)
    REQUIRE_MESSAGE(tickets.contains(ticket), operation, " ", seed, " ticket ", ticket);
  for (const auto& [ticket, times] : tickets) REQUIRE_MESSAGE(times == 1, operation, " ", seed, " ticket ", ticket);
  if (before_acme) world.check_grew_from(disk, *before_acme, "t-acme");
  if (before_system) world.check_grew_from(disk, *before_system, "system");
}

TEST_CASE("no durable intent is lost and no leaf doubled, wherever the power goes") {
  std::uint64_t operation = 1;
  for (; operation < 3000; ++operation) {
    const bool died = crash_at(operation);
    if (!died) break;
  }
  CHECK(operation > 100);   // it did go through the points of a real run
  CHECK(operation < 3000);  // and came to the end of one
}

TEST_CASE("a crash during recovery is a crash like any other") {
  World world;
  world.options.segment_bytes = 2048;
  world.files.dead_from = 150;
  Witnessed seen;
  {
    auto log = world.open();
    work(*log, world.files, seen);
  }
  const auto [image, folders] = world.files.power_cut(1);
  for (std::uint64_t operation = 1; operation < 400; operation += 3) {
    CrashFiles disk(image, folders);
    disk.dead_from = operation;
    if (auto log = TreeLog::open(world.options, world.signer, disk)) {
      [[maybe_unused]] const bool published = publish(**log, disk);
      log->reset();
    }
    const auto [image2, folders2] = disk.power_cut(static_cast<unsigned>(operation));
    CrashFiles disk2(image2, folders2);
    auto log = TreeLog::open(world.options, world.signer, disk2);
    REQUIRE_MESSAGE(log, operation, " ", (log ? "" : log.error().detail));
    REQUIRE((*log)->publish_now(10s));
    const auto tickets = all_tickets(world, disk2);
    for (const std::uint64_t ticket : seen.durable)
      REQUIRE_MESSAGE(tickets.contains(ticket), operation, " ticket ", ticket, " of ", seen.durable.size());
    for (const auto& [ticket, times] : tickets) REQUIRE_MESSAGE(times == 1, operation, " ticket ", ticket);
  }
}

TEST_CASE("kill -9 of the program alone loses no intent that was begun and durable") {
  World world;
  auto log = world.open();
  std::vector<audit::Ticket> tickets;
  for (unsigned i = 0; i < 300; ++i) {
    tickets.push_back(log->begin(intent("acme", "SELECT")).value());
    if (i % 2 == 0) log->finish(tickets.back(), {});
  }
  CHECK(eventually([&] { return log->durable(tickets.back()); }));
  const auto [image, folders] = world.files.as_it_is();
  CrashFiles disk(image, folders);
  auto again = TreeLog::open(world.options, world.signer, disk).value();
  REQUIRE(again->publish_now(10s));
  CHECK(again->figures().recovered_unknown >= 150);
  const auto found = tickets_in(world.tree(disk, "t-acme"));
  CHECK(found.size() == 300);
  for (const auto& [ticket, times] : found) CHECK(times == 1);
}

}  // namespace
}  // namespace bartizan::auditlog
