// Going on without the log: only while the glass is broken, never for longer, and nothing is forgotten of it.
#include "bartizan/auditlog/break_glass.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

using namespace std::chrono_literals;

/// A log whose disk has failed and which knows it.
std::unique_ptr<TreeLog> failing(World& world) {
  auto log = world.open();
  world.files.sync_fails = true;
  [[maybe_unused]] const auto notices = log->begin(intent("acme", "SELECT"));
  REQUIRE(eventually([&] { return log->unwritable(); }));
  return log;
}

std::string system_entries(World& world) {
  std::string all;
  for (const auto& entry : world.tree("system").entries) all.append(entry).append("\n");
  return all;
}

TEST_CASE("broken, statements go on and their records are written once that works again") {
  World world;
  auto log = failing(world);
  BreakGlass glass(*log, *log);
  CHECK_FALSE(log->begin(intent("acme", "SELECT")));
  REQUIRE(glass.on("os:root", "the disk died at night", 1h));
  std::vector<audit::Ticket> taken;
  for (unsigned i = 0; i < 100; ++i) {
    taken.push_back(log->begin(intent("acme", "SELECT")).value());
    CHECK(log->durable(taken.back()));
    CHECK_FALSE(log->unwritable());
    log->finish(taken.back(), {});
  }
  CHECK(taken.back() > log->durable_through());
  CHECK_FALSE(log->figures().healthy);
  world.files.sync_fails = false;
  REQUIRE(eventually([&] { return log->durable_through() >= taken.back(); }));
  // A disk that works is waited for, broken glass or not.
  world.files.sync_millis = 50;
  CHECK_FALSE(log->durable(log->begin(intent("acme", "SELECT")).value()));
  world.files.sync_millis = 0;
  REQUIRE(glass.off("os:root"));
  REQUIRE(log->publish_now(10s));
  const auto found = tickets_in(world.tree("t-acme"));
  for (const auto ticket : taken) CHECK(found.contains(ticket.get()));
  const auto events = system_entries(world);
  CHECK(events.find("break-glass.on\"},") != std::string::npos);
  CHECK(events.find("the disk died at night") != std::string::npos);
  CHECK(events.find("break-glass.off\"},") != std::string::npos);
}

TEST_CASE("its time over, the log fails closed again and says so") {
  World world;
  auto log = failing(world);
  BreakGlass glass(*log, *log);
  REQUIRE(glass.on("os:root", "a second", 1s));
  CHECK(log->begin(intent("acme", "SELECT")));
  CHECK(glass.broken());
  REQUIRE(eventually([&] { return !glass.broken(); }));
  CHECK_FALSE(log->begin(intent("acme", "SELECT")));
  CHECK(log->unwritable());
  world.files.sync_fails = false;
  REQUIRE(eventually([&] { return log->figures().healthy; }));
  REQUIRE(log->publish_now(10s));
  CHECK(system_entries(world).find("its time was over") != std::string::npos);
}

TEST_CASE("a stalled disk is gone past likewise, and who waited is woken") {
  World world;
  world.options.slow_flush = 20ms;
  auto log = world.open();
  std::atomic<unsigned> woken{0};
  const auto id = log->on_durable([&](audit::Ticket) { ++woken; });
  BreakGlass glass(*log, *log);
  world.files.sync_millis = 1500;
  const auto stalled = log->begin(intent("acme", "SELECT")).value();
  REQUIRE(eventually([&] { return !log->figures().healthy; }));
  CHECK_FALSE(log->begin(intent("acme", "SELECT")));
  CHECK_FALSE(log->durable(stalled));
  const unsigned before = woken;
  REQUIRE(glass.on("os:root", "a stalled disk", 1h));
  CHECK(woken > before);
  CHECK(log->durable(stalled));
  CHECK(log->begin(intent("acme", "SELECT")));
  world.files.sync_millis = 0;
  log->remove(id);
}

TEST_CASE("memory is bounded: then it refuses even so") {
  World world;
  world.options.max_unwritten_bytes = 4096;
  auto log = failing(world);
  BreakGlass glass(*log, *log);
  REQUIRE(glass.on("os:root", "bounds", 1h));
  unsigned taken = 0;
  while (taken < 1000 && log->begin(intent("acme", "SELECT"))) ++taken;
  CHECK(taken > 5);
  CHECK(taken < 100);
}

TEST_CASE("it is broken by somebody, for a reason and a time") {
  World world;
  auto log = world.open();
  BreakGlass glass(*log, *log);
  CHECK(glass.on("os:root", "", 1h).error().code == Errc::InvalidArgument);
  CHECK(glass.on("os:root", "x", 5h).error().code == Errc::InvalidArgument);
  CHECK(glass.on("os:root", "x", 0s).error().code == Errc::InvalidArgument);
  CHECK(glass.off("os:root").error().code == Errc::FailedPrecondition);
  CHECK(glass.times() == 0);
}

}  // namespace
}  // namespace bartizan::auditlog
