// Server connections of classes whose statement the wall's keeper has ended, because it had waited too
// long for DDL of the depot's owner: their sessions say so (57P03) where PostgreSQL says that it was cancelled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "bartizan/policy/model.hpp"

namespace bartizan::policy {

/// Thread-safe. Bounded: the oldest are forgotten.
class Interruptions {
 public:
  /// Before the statement is ended.
  void note(DepotId depot, std::uint32_t server_process) {
    const std::lock_guard lock(mutex_);
    if (noted_.size() >= kMost) noted_.erase(noted_.begin());
    noted_.emplace_back(depot, server_process);
  }
  /// Whether it was one of them; it is none any more.
  [[nodiscard]] bool take(DepotId depot, std::uint32_t server_process) {
    const std::lock_guard lock(mutex_);
    return std::erase(noted_, std::pair(depot, server_process)) > 0;
  }

 private:
  static constexpr std::size_t kMost = 1024;
  std::mutex mutex_;
  std::vector<std::pair<DepotId, std::uint32_t>> noted_;
};

}  // namespace bartizan::policy
