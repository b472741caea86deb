#include "backoff.hpp"

#include <algorithm>

namespace bartizan::postgres {

Backoff::Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds limit)
    : initial_(std::max(initial, std::chrono::milliseconds(1))),
      limit_(std::max(limit, initial_)),
      current_(initial_) {}

std::chrono::milliseconds Backoff::next(std::chrono::milliseconds ran_for) {
  if (ran_for >= kSettled) current_ = initial_;
  const auto delay = current_;
  current_ = std::min(current_ * 2, limit_);
  return delay;
}

}  // namespace bartizan::postgres
