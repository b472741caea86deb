// Time and randomness as interfaces: pure modules take them as arguments, tests hand in fakes.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>

namespace bartizan {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;  ///< UTC
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe; outlives everything that holds a reference to it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
};

/// The operating system's clocks.
[[nodiscard]] const Clock& system_clock();

/// A cryptographic source. Thread-safe. Aborts the program if the source fails.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

/// getrandom(2).
[[nodiscard]] Random& system_random();

}  // namespace bartizan
