// Keeps the walls of the depots that the policies in force protect: works out which policy class
// every identity with a grant belongs to, has these classes stand in the depot (harden, reconcile)
// and publishes the result for the data path (policy::WallState). Runs at start, after each
// publication, when identities, roles or grants change, when a time in the policies comes, when
// somebody has changed tables in the depot, and every so often against drift. Depots in the embedded
// PostgreSQL, and those on one's own server that have a login for it (wall_accounts).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/control/runtime.hpp"
#include "bartizan/policy/interruptions.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

struct WallKeeperOptions {
  std::chrono::milliseconds look_interval{100};  ///< at the newest snapshot, and for DDL in the depots
  std::chrono::seconds check_interval{60};  ///< between whole reconciliations
  std::chrono::seconds retry_interval{5};  ///< after one that failed
  std::chrono::seconds deadline{120};  ///< of the work on one depot
  std::chrono::seconds drain{300};  ///< an unneeded class stands for so long
  policy::Interruptions* interruptions = nullptr;  ///< told of classes' statements that it ends
};

struct WallClassStatus {
  policy::ClassVersion version;
  std::string role;
  bool ready = false;
  std::size_t identities = 0;
  std::vector<std::string> findings;
};

struct WallDepotStatus {
  std::string depot;
  std::int64_t policies = 0;  ///< the publication that it was made of
  policy::Enforcement enforcement = policy::Enforcement::Enforce;
  bool suspended = false;  ///< nothing of the wall stands in the database
  std::string grade;  ///< "full" or "managed"; empty: not known yet
  std::optional<Error> error;  ///< of the whole depot
  std::vector<WallClassStatus> classes;
  std::vector<std::string> drift;  ///< what the last whole reconciliation had to put right
  std::vector<std::string> refused;  ///< rights that hardening could not take from PUBLIC
  std::optional<WallTime> checked_at;
};

class WallPatience;

/// Thread-safe. Owns two threads from start() to its destructor, which lets a running round end.
/// Everything handed in outlives it. REQUIRES: one gateway keeps one depot's wall.
class WallKeeper {
 public:
  WallKeeper(store::Database& database, policy::SnapshotHolder& snapshots, Runtime& runtime, const Clock& clock,
             Random& random, WallKeeperOptions options = {});
  WallKeeper(const WallKeeper&) = delete;
  WallKeeper& operator=(const WallKeeper&) = delete;
  ~WallKeeper();

  void start();
  /// A whole round from what the control database holds now, on the caller's thread. Errors of
  /// single depots stand in status(). REQUIRES: the caller has no transaction open.
  [[nodiscard]] Result<void> run_now();
  [[nodiscard]] std::vector<WallDepotStatus> status() const;

 private:
  class Rounds;
  std::unique_ptr<Rounds> rounds_;
  std::unique_ptr<WallPatience> patience_;
};

}  // namespace bartizan::control
