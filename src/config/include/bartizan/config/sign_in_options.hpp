// [scram] and [lockout]: the price of a password, for those who have it and those who guess.
#pragma once

#include <cstdint>

#include "bartizan/config/quantity.hpp"

namespace bartizan::config {

struct ScramOptions {
  std::uint32_t iterations = 4096;  ///< of new verifiers; RFC 7677 asks for 4096 or more
};

/// After `attempts` failures the next try waits base_delay, doubled by each further failure up
/// to max_delay, per account and per address.
struct LockoutOptions {
  std::uint32_t attempts = 5;
  Duration base_delay = std::chrono::seconds{1};
  Duration max_delay = std::chrono::minutes{5};
};

}  // namespace bartizan::config
