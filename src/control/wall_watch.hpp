// What the wall's keeper hears of a depot between its rounds: that somebody has changed tables there, and
// which statements of classes wait for such a change that has not ended. Used by one round at a time.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bartizan/control/runtime.hpp"
#include "bartizan/policy/interruptions.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::control {

/// A connection of the wall's login, kept. What it can't do it leaves: the rounds that come by themselves remain.
class WallWatch {
 public:
  WallWatch(store::Database& database, Runtime& runtime, const Clock& clock)
      : database_(&database), runtime_(&runtime), clock_(&clock) {}

  /// Listens from now on, if it does not yet.
  Result<void> listen(const policy::Depot& depot);
  /// Whether tables may have changed since listen() or the last call.
  [[nodiscard]] bool heard(const policy::Depot& depot);

 private:
  [[nodiscard]] SteadyTime soon() const;

  store::Database* database_;
  Runtime* runtime_;
  const Clock* clock_;
  std::optional<postgres::ControlConnection> connection_;
  SteadyTime next_try_{};
};

/// Ends statements of classes that have waited for the owner's DDL for too long, looking once a second. A thread of its
/// own from start() on, since a round may wait for the same locks. Everything handed in outlives it.
class WallPatience {
 public:
  /// How long a statement of a class waits for the lock of a relation.
  static constexpr std::chrono::seconds kPatience{5};

  WallPatience(store::Database& database, Runtime& runtime, const policy::SnapshotHolder& snapshots, const Clock& clock,
               policy::Interruptions& interruptions)
      : database_(database), runtime_(runtime), snapshots_(snapshots), clock_(clock), interruptions_(interruptions) {}
  WallPatience(const WallPatience&) = delete;
  WallPatience& operator=(const WallPatience&) = delete;
  ~WallPatience();

  void start();

 private:
  void run();
  void look();
  void end_waiting(const policy::Depot& depot, postgres::ControlConnection& connection);
  [[nodiscard]] SteadyTime soon() const;

  store::Database& database_;
  Runtime& runtime_;
  const policy::SnapshotHolder& snapshots_;
  const Clock& clock_;
  policy::Interruptions& interruptions_;
  std::map<Uuid, postgres::ControlConnection> connections_;
  std::map<Uuid, SteadyTime> next_try_;  ///< of depots that could not be reached
  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bartizan::control
