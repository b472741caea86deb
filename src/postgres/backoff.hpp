// Exponential delays between restarts.
#pragma once

#include <chrono>

namespace bartizan::postgres {

/// Doubles from initial to limit; a run of at least kSettled starts it over. No clock inside.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kSettled = std::chrono::seconds(60);

  Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds limit);
  /// The delay before the next attempt, after a run that lasted so long (0: it never ran).
  [[nodiscard]] std::chrono::milliseconds next(std::chrono::milliseconds ran_for);

 private:
  std::chrono::milliseconds initial_;
  std::chrono::milliseconds limit_;
  std::chrono::milliseconds current_;
};

}  // namespace bartizan::postgres
