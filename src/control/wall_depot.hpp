// One depot's wall: its catalog, its classes and who is in which. Used by one round at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/postgres/function_facts.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "wall_watch.hpp"

namespace bartizan::control {

/// What the rounds of all depots share.
struct WallSurroundings {
  store::Database& database;
  Runtime& runtime;
  const Clock& clock;
  Random& random;
  WallKeeperOptions options;
};

using WallAssignments = std::map<policy::WallState::Key, policy::WallAssignment>;

class WallDepot {
 public:
  explicit WallDepot(const WallSurroundings& around)
      : around_(around), watch_(around.database, around.runtime, around.clock) {}

  /// Brings the wall to what the snapshot asks for. whole: also where nothing seems to have changed.
  /// resolved: called before the long work on new policies, with the assignments that hold already.
  void bring(const policy::Snapshot& snapshot, const policy::Depot& depot, bool whole,
             const std::function<void()>& resolved);
  /// Whether tables of the depot may have changed since the last round. Not at once behind a long round.
  [[nodiscard]] bool has_news(const policy::Depot& depot);
  /// No policy speaks of the depot any more: its classes go.
  void take_down(const policy::Depot& depot);

  /// Nothing of the wall is left in the database, however often it is called. Classes' sessions are ended.
  void suspend(const policy::Depot& depot);

  [[nodiscard]] const WallAssignments& assignments() const noexcept { return assignments_; }
  /// The publication that they were made of.
  [[nodiscard]] std::int64_t policies() const noexcept { return policies_; }
  [[nodiscard]] WallDepotStatus status() const;
  [[nodiscard]] bool failed() const noexcept { return status_.error.has_value(); }
  /// The last round waited for somebody's lock in vain: the next one comes soon.
  [[nodiscard]] bool postponed() const noexcept { return postponed_; }

 private:
  struct Secrets;
  /// Wanted now, or until they have drained.
  struct Wanted {
    policy::ClassOutcome outcome;
    SteadyTime last_wanted;
    std::shared_ptr<const policy::WallClass> made{};  ///< null: not reconciled yet
    std::set<sql::Oid> functions{};                   ///< that it was made with
  };
  Result<void> try_to_bring(const policy::Snapshot& snapshot, const policy::Depot& depot, bool whole,
                            const std::function<void()>& resolved);
  Result<void> read_catalog(const policy::Depot& depot, postgres::ControlConnection& connection);
  /// Whether other functions have been reviewed since the last time.
  Result<bool> read_reviews(const policy::Depot& depot);
  void resolve_all(const policy::Snapshot& snapshot, const policy::Depot& depot);
  void assign(const policy::Snapshot& snapshot, const policy::Depot& depot, const policy::Identity& identity,
              const std::string& purpose, WallAssignments& out);
  /// The class for an outcome: the one that stands, or one that is not ready.
  std::shared_ptr<const policy::WallClass> class_of(const policy::ClassOutcome& outcome);
  Result<Secrets> secrets(const policy::Depot& depot, const wall::Names& names);
  Result<void> reconcile(const policy::Depot& depot, postgres::ControlConnection& connection);
  Result<void> note_grade(const policy::Depot& depot, postgres::WallGrade grade, int server_version);
  [[nodiscard]] bool still_the_same(const Wanted& wanted) const;
  void take_report(const policy::Depot& depot, const postgres::WallReport& report, const Secrets& secrets);
  [[nodiscard]] std::shared_ptr<const policy::CellMasks> cell_masks(const policy::ClassOutcome& outcome,
                                                                    const std::string& role,
                                                                    const Secrets& secrets) const;
  [[nodiscard]] bool all_stand() const;

  const WallSurroundings& around_;
  std::shared_ptr<const sql::Catalog> catalog_;  ///< by logical types
  std::vector<sql::LogicalColumn> encrypted_;
  std::vector<postgres::ReviewedFunction> reviews_;
  std::set<sql::Oid> functions_;  ///< those that still are what was reviewed
  std::uint64_t catalog_epoch_ = 0;
  std::int64_t policies_ = 0;
  WallAssignments assignments_;
  std::map<policy::ClassId, Wanted> classes_;
  WallDepotStatus status_;
  WallWatch watch_;
  bool postponed_ = false;
  SteadyTime rest_until_{};  ///< news wait until then
};

}  // namespace bartizan::control
