// Prunes by itself what is older than its ceiling (`audit ceiling-set`), soon after the start and then each hour.
// Holds stop it, the floor in code bounds it, and each pruning is on the record (docs/adr/0178).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/control/audit_source.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// Owns its thread. All it is given outlives it.
class RetentionKeeper {
 public:
  static constexpr std::chrono::seconds kFirst{5};
  static constexpr std::chrono::hours kEvery{1};

  RetentionKeeper(store::Database& database, const AuditSource& log, const Clock& clock);
  ~RetentionKeeper();
  RetentionKeeper(const RetentionKeeper&) = delete;
  RetentionKeeper& operator=(const RetentionKeeper&) = delete;

 private:
  void run();
  Result<std::uint64_t> prune_all();

  store::Database& database_;
  const AuditSource& log_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::control
