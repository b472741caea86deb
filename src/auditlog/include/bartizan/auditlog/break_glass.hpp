// Break-glass: for a stated time, and for a stated reason, statements go on although the audit log can't be
// written (ADR 0145). Each breaking and each end is a record of the log itself, written as soon as it can be,
// and a line of the operational log at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bartizan/auditlog/tree_log.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

/// Thread-safe; the log and the clock outlive it. A thread of its own ends a breaking on time. Not kept over a
/// restart: the program starts with the glass whole.
class BreakGlass {
 public:
  static constexpr std::chrono::hours kLongest{4};

  struct Broken {
    std::string actor;
    std::string reason;
    WallTime since;
    WallTime until;
    std::uint64_t first_ticket = 0;  ///< of the log's next intent when it was broken
  };

  /// records: where its own records go, the log itself or who counts in front of it.
  BreakGlass(TreeLog& log, audit::Log& records, const Clock& clock = system_clock());
  ~BreakGlass();
  BreakGlass(const BreakGlass&) = delete;
  BreakGlass& operator=(const BreakGlass&) = delete;

  /// Again while broken: from now on for that long, as a record of its own.
  [[nodiscard]] Result<Broken> on(const std::string& actor, const std::string& reason,
                                  std::chrono::milliseconds longest);
  /// FailedPrecondition when it is whole.
  [[nodiscard]] Result<void> off(const std::string& actor);
  /// nullopt: the log fails closed.
  [[nodiscard]] std::optional<Broken> broken() const;
  [[nodiscard]] std::uint64_t times() const;  ///< since the start

 private:
  void run();
  void mend(const std::string& actor, std::string_view why);
  void record(const std::string& actor, std::string_view operation, std::string_view why, const Broken& broken);

  TreeLog& log_;
  audit::Log& records_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Broken> broken_;                    // guarded by mutex_
  std::chrono::steady_clock::time_point deadline_;  // guarded by mutex_
  std::uint64_t times_ = 0;                         // guarded by mutex_
  bool stopping_ = false;                           // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::auditlog
