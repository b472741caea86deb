#include "bartizan/auditlog/counted_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "log_world.hpp"

using namespace bartizan;
using namespace bartizan::auditlog;
using namespace std::chrono_literals;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return WallTime(std::chrono::microseconds(wall_us.load())); }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  std::atomic<std::int64_t> wall_us{1'700'000'000'000'000};
};

struct Count {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t intents = 0;
  bool lost = false;
  std::set<std::uint64_t> open;
};

std::uint64_t number(const std::string& entry, const std::string& name) {
  const auto at = entry.find("\"" + name + "\":");
  return at == std::string::npos ? 0 : std::stoull(entry.substr(at + name.size() + 3));
}

std::vector<Count> counts_in(const ReadTree& tree) {
  std::vector<Count> out;
  for (const auto& entry : tree.entries) {
    if (entry.find(R"("event":"counts")") == std::string::npos) continue;
    auto& count = out.emplace_back();
    count.first = number(entry, "first_ticket");
    count.last = number(entry, "last_ticket");
    count.intents = number(entry, "intents");
    count.lost = entry.find("\"lost\":true") != std::string::npos;
    const auto open = entry.find("\"open\":[");
    if (open == std::string::npos) continue;
    std::string list = entry.substr(open + 8, entry.find(']', open) - open - 8);
    std::replace(list.begin(), list.end(), ',', ' ');
    std::istringstream in(list);
    for (std::uint64_t ticket = 0; in >> ticket;) count.open.insert(ticket);
  }
  return out;
}

/// What bartizan-verify does, in short: each count has its records, and those of all trees make up all tickets.
void check_counts(World& world, FileLayer& disk, const std::vector<std::string>& names, std::uint64_t at) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::map<std::string, std::uint64_t>> sums;
  std::set<std::uint64_t> all;
  std::vector<Count> system;
  for (const auto& name : names) {
    if (!read_whole(disk, world.options.directory + "/tree/" + name + "/checkpoint", 65536)) continue;
    const auto tree = world.tree(disk, name);
    const auto tickets = tickets_in(tree);
    const auto counts = counts_in(tree);
    for (const auto& [ticket, times] : tickets) all.insert(ticket);
    if (name == "system") system = counts;
    for (const auto& count : counts) {
      if (count.lost) continue;
      sums[{count.first, count.last}][name] = count.intents;
      const auto there =
          static_cast<std::uint64_t>(std::distance(tickets.lower_bound(count.first), tickets.upper_bound(count.last)));
      std::uint64_t running = 0;
      for (const auto ticket : counts.back().open)
        running += ticket >= count.first && ticket <= count.last && !tickets.contains(ticket) ? 1 : 0;
      REQUIRE_MESSAGE(there + running == count.intents, at, " ", name, " ", count.first, " to ", count.last);
    }
  }
  std::uint64_t next = 1;
  std::sort(system.begin(), system.end(), [](const Count& a, const Count& b) { return a.first < b.first; });
  for (const auto& count : system) {
    REQUIRE_MESSAGE(count.first <= next, at, " ", count.first);
    next = std::max(next, count.last + 1);
    std::uint64_t sum = 0;
    for (const auto& [name, intents] : sums[{count.first, count.last}]) sum += intents;
    for (auto ticket = count.first; count.lost && ticket <= count.last; ++ticket) sum += all.contains(ticket) ? 1 : 0;
    REQUIRE_MESSAGE(sum == count.last - count.first + 1, at, " ", count.first, " to ", count.last);
  }
}

const std::vector<std::string> kTrees = {"system", "t-acme", "t-beta"};

std::unique_ptr<CountedLog> counting(World& world, TreeLog& log, FileLayer& disk, const Clock& clock = system_clock(),
                                     std::chrono::milliseconds save = 10s, std::chrono::milliseconds wait = 5s) {
  CountedLogOptions options;
  options.directory = world.options.directory;
  options.save_every = save;
  options.longest_wait = wait;
  return CountedLog::open(options, log, log.figures().next_ticket, disk, clock);
}

void some(audit::Log& log, unsigned from, unsigned to) {
  static constexpr const char* kTenants[] = {"", "acme", "beta"};
  for (unsigned i = from; i < to; ++i) {
    const auto ticket = log.begin(intent(kTenants[i % 3], "SELECT"));
    if (ticket) log.finish(*ticket, {});
  }
}

}  // namespace

TEST_CASE("each tree is told how many records it was given, at each full hour and at the end") {
  World world;
  HandClock clock;
  auto log = world.open();
  auto counted = counting(world, *log, world.files, clock);
  some(*counted, 0, 30);
  const auto open = counted->begin(intent("acme", "SELECT")).value();
  clock.wall_us += 3600'000'000;
  CHECK(eventually([&] { return counted->figures().told == 31; }));
  some(*counted, 0, 9);
  counted->finish(open, {});
  counted.reset();
  log.reset();
  check_counts(world, world.files, kTrees, 0);
  const auto acme = counts_in(world.tree("t-acme"));
  REQUIRE(acme.size() == 2);
  CHECK(acme[0].intents == 11);
  CHECK(acme[0].open == std::set{open.get()});
  CHECK(acme[1].open.empty());
  CHECK(acme[1].intents == 4);  // and the record of the count before
  CHECK(counts_in(world.tree("system")).size() == 2);
  SUBCASE("and goes on after a restart, without a gap") {
    log = world.open();
    counted = counting(world, *log, world.files, clock);
    some(*counted, 0, 3);
    REQUIRE(counted->tell_now(10s));
    counted.reset();
    log.reset();
    check_counts(world, world.files, kTrees, 1);
    for (const auto& count : counts_in(world.tree("system"))) CHECK_FALSE(count.lost);
  }
}

TEST_CASE("a tenant's name that looks like another's members is counted for its own tree") {
  World world;
  auto log = world.open();
  auto counted = counting(world, *log, world.files);
  const std::string members[] = {
      R"("identity":"x\",\"tenant\":\"beta","tenant":"acme")",
      R"("sealed":{"slot":"s","tenant":"beta"},"tenant":"acme")",
      R"("sealed":{"tenant":"beta"})",
      R"("tenant":"a\"b")",
      R"("tenant":"acme","identity":"y")",
  };
  for (const auto& who : members) {
    const auto ticket = counted->begin({audit::Event::Statement, WallTime{}, who, R"("tag":"SELECT")"}).value();
    counted->finish(ticket, {});
  }
  counted.reset();
  log.reset();
  check_counts(world, world.files, {"system", "t-acme", "t-beta", "t-a%5C%22b"}, 0);
  CHECK(counts_in(world.tree("t-acme")).front().intents == 3);
}

TEST_CASE("a log that can't be written delays the count and loses none of it") {
  World world;
  auto log = world.open();
  auto counted = counting(world, *log, world.files);
  some(*counted, 0, 12);
  REQUIRE(eventually([&] { return log->durable_through().get() == 12; }));
  world.files.sync_fails = true;
  const auto ticket = counted->begin(intent("", "SELECT")).value();
  CHECK(eventually([&] { return !log->figures().healthy; }));
  CHECK_FALSE(counted->begin(intent("", "SELECT")));  // refused, so not counted
  CHECK_FALSE(counted->tell_now(100ms));
  CHECK(counted->figures().told == 0);
  world.files.sync_fails = false;
  counted->finish(ticket, {});
  CHECK(eventually([&] { return counted->figures().told == 13; }));
  counted.reset();
  log.reset();
  check_counts(world, world.files, kTrees, 0);
}

TEST_CASE("a power cut at any operation leaves counts that agree with the trees, or says what was not counted") {
  for (std::uint64_t operation = 1;; operation += 3) {
    World world;
    world.files.dead_from = operation;
    bool finished = false;
    if (auto log = TreeLog::open(world.options, world.signer, world.files)) {
      auto counted = counting(world, **log, world.files, system_clock(), 0s, 5ms);
      for (unsigned round = 0; round < 4 && world.files.operations < operation; ++round) {
        some(*counted, 0, 7);
        if (world.files.operations < operation) [[maybe_unused]]
          const auto told = counted->tell_now(100ms);
      }
      finished = world.files.operations < operation;
      if (!finished) world.options.retry_every = 1ms;
      counted.reset();
    }
    for (const auto left : {CrashFiles::Left::Some, CrashFiles::Left::Nothing, CrashFiles::Left::Names}) {
      const auto [image, folders] = world.files.power_cut(static_cast<unsigned>(operation), left);
      CrashFiles disk(image, folders);
      for (int again = 0; again < 2; ++again) {
        auto log = TreeLog::open(world.options, world.signer, disk);
        REQUIRE(log);
        auto counted = counting(world, **log, disk);
        some(*counted, 0, 5);
        REQUIRE(counted->tell_now(10s));
      }
      check_counts(world, disk, kTrees, operation);
    }
    if (finished) break;
  }
}
