#include "server_budget.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>

namespace bartizan::proxy {
namespace {

/// Two workers that count how often they are woken.
struct Two {
  explicit Two(std::uint32_t limit) {
    budget.set_workers(2);
    budget.set_limit(limit);
  }
  bool take(std::uint32_t worker) {
    return budget.take(worker, [this, worker] { ++woken[worker]; });
  }
  void hold(std::uint32_t worker, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) REQUIRE(budget.try_take(worker));
  }
  ServerBudget budget;
  std::array<int, 2> woken{};
};

TEST_CASE("a place that is yielded goes to the worker that waits, however quick the other is") {
  for (const std::uint32_t limit : {20U, 2U, 1U}) {
    CAPTURE(limit);
    Two two(limit);
    two.hold(0, limit);
    CHECK_FALSE(two.take(1));
    CHECK(two.budget.contended());
    CHECK(two.budget.should_yield(0, SteadyTime(std::chrono::seconds(9))));
    two.budget.give_back(0);
    CHECK(two.woken[1] == 1);
    CHECK_FALSE(two.take(0));
    CHECK(two.take(1));
    CHECK_FALSE(two.take(0));
    CHECK(two.budget.used() == limit);
  }
}

TEST_CASE("who holds no more than the others, and has waited for longest, comes first") {
  Two two(4);
  two.hold(0, 2);
  two.hold(1, 2);
  CHECK_FALSE(two.take(0));
  CHECK_FALSE(two.take(1));
  two.budget.give_back(1);  // it holds less than the other now
  CHECK_FALSE(two.take(0));
  CHECK(two.take(1));
  CHECK_FALSE(two.take(1));  // anew, behind the other
  two.budget.give_back(0);
  two.budget.give_back(1);
  CHECK_FALSE(two.take(1));  // equal now
  CHECK(two.take(0));
  CHECK(two.take(1));
  CHECK(two.budget.used() == 4);
}

TEST_CASE("who needs no place any more keeps nobody from one") {
  Two two(2);
  two.hold(0, 2);
  CHECK_FALSE(two.take(1));
  two.budget.give_back(0);
  two.budget.give_back(0);
  two.hold(1, 1);
  two.hold(0, 1);
  two.budget.give_back(1);
  CHECK_FALSE(two.take(0));
  CHECK(two.woken[0] == 0);
  two.budget.withdraw(1);
  CHECK(two.woken[0] == 1);
  CHECK(two.take(0));
  CHECK_FALSE(two.budget.contended());
}

TEST_CASE("a place more wakes whoever else waits") {
  Two two(2);
  two.hold(0, 2);
  CHECK_FALSE(two.take(0));
  CHECK_FALSE(two.take(1));
  two.budget.set_limit(4);
  CHECK(two.woken[0] == 1);
  CHECK(two.woken[1] == 1);
  CHECK_FALSE(two.take(0));
  CHECK(two.take(1));
  CHECK(two.woken[0] == 2);
}

TEST_CASE("without a limit nobody waits") {
  Two two(0);
  for (int i = 0; i < 100; ++i) CHECK(two.take(0));
  CHECK_FALSE(two.budget.contended());
}

}  // namespace
}  // namespace bartizan::proxy
