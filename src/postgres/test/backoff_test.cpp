#include "backoff.hpp"

#include <doctest/doctest.h>

using bartizan::postgres::Backoff;
using namespace std::chrono_literals;

TEST_CASE("delays double up to the limit, and start over after a settled run") {
  struct Row {
    std::chrono::milliseconds ran_for;
    std::chrono::milliseconds delay;
  };
  const Row rows[] = {{0ms, 200ms},  {0ms, 400ms},     {59999ms, 800ms}, {0ms, 1000ms},
                      {0ms, 1000ms}, {60000ms, 200ms}, {0ms, 400ms}};
  Backoff backoff(200ms, 1000ms);
  for (const auto& row : rows) CHECK(backoff.next(row.ran_for) == row.delay);
}

TEST_CASE("no delay is zero, and no limit is below the first delay") {
  Backoff none(0ms, 0ms);
  CHECK(none.next(0ms) == 1ms);
  Backoff crossed(500ms, 100ms);
  CHECK(crossed.next(0ms) == 500ms);
  CHECK(crossed.next(0ms) == 500ms);
}
