#include "bartizan/control/wall_keeper.hpp"

#include <algorithm>
#include <condition_variable>
#include <set>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "wall_depot.hpp"

namespace bartizan::control {

namespace {

constexpr auto kPostponed = std::chrono::milliseconds(250);

}  // namespace

/// The rounds, one at a time, and the thread that begins them.
class WallKeeper::Rounds {
 public:
  Rounds(WallSurroundings around, policy::SnapshotHolder& snapshots) : around_(around), snapshots_(snapshots) {}
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;
  ~Rounds() {
    {
      const std::lock_guard lock(stop_mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  Result<void> run_now() {
    const std::lock_guard lock(round_mutex_);
    std::shared_ptr<const policy::Snapshot> snapshot;
    {
      BZ_TRY(auto transaction, around_.database.begin_read());
      BZ_TRY(snapshot, store::read_snapshot(transaction));
    }
    round(*snapshot, true);
    return {};
  }

  [[nodiscard]] std::vector<WallDepotStatus> status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
  }

 private:
  void run();
  void look();
  void round(const policy::Snapshot& snapshot, bool whole);
  [[nodiscard]] bool listen(const policy::Snapshot& snapshot);
  void publish(std::int64_t policies);
  void plan_next();
  [[nodiscard]] bool is_due(const policy::Snapshot& snapshot) const {
    return snapshot.epoch() > epoch_ || around_.clock.steady() >= next_whole_ ||
           (next_change_ && around_.clock.wall() >= *next_change_);
  }

  const WallSurroundings around_;
  policy::SnapshotHolder& snapshots_;
  std::mutex round_mutex_;  ///< guards everything down to news_
  std::map<Uuid, WallDepot> depots_;
  std::int64_t epoch_ = -1;
  SteadyTime next_whole_{};
  std::optional<WallTime> next_change_;
  std::set<Uuid> news_;  ///< depots in which tables have changed
  mutable std::mutex status_mutex_;
  std::vector<WallDepotStatus> status_;
  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

void WallKeeper::Rounds::run() {
  while (true) {
    look();
    std::unique_lock lock(stop_mutex_);
    if (stop_.wait_for(lock, around_.options.look_interval, [this] { return stopping_; })) return;
  }
}

void WallKeeper::Rounds::look() {
  const auto snapshot = snapshots_.current();
  if (!snapshot) return;
  const std::lock_guard lock(round_mutex_);
  // An older one than run_now() has seen would take the wall back.
  if (snapshot->epoch() < epoch_) return;
  const bool news = listen(*snapshot);
  if (!news && !is_due(*snapshot)) return;
  round(*snapshot, around_.clock.steady() >= next_whole_);
}

/// Whether tables have changed in some depot.
bool WallKeeper::Rounds::listen(const policy::Snapshot& snapshot) {
  news_.clear();
  for (auto& [id, depot] : depots_)
    if (const auto* known = snapshot.find_depot(policy::DepotId(id)); known != nullptr && depot.has_news(*known))
      news_.insert(id);
  return !news_.empty();
}

void WallKeeper::Rounds::round(const policy::Snapshot& snapshot, bool whole) {
  for (const policy::Depot& depot : snapshot.depots()) {
    const auto known = depots_.find(depot.id.get());
    const bool is_protected = snapshot.policies().protects(depot.name);
    if (depot.state == policy::DepotState::Suspended) {
      depots_.try_emplace(depot.id.get(), around_).first->second.suspend(depot);
    } else if (is_protected) {
      auto& one = known != depots_.end() ? known->second : depots_.try_emplace(depot.id.get(), around_).first->second;
      one.bring(snapshot, depot, whole || news_.contains(depot.id.get()), [&] { publish(snapshot.policies().number); });
    } else if (known != depots_.end()) {
      known->second.take_down(depot);
      if (!known->second.failed()) depots_.erase(known);
    }
  }
  std::erase_if(depots_, [&](const auto& one) { return snapshot.find_depot(policy::DepotId(one.first)) == nullptr; });
  epoch_ = snapshot.epoch();
  news_.clear();
  publish(snapshot.policies().number);
  if (whole) next_whole_ = around_.clock.steady() + around_.options.check_interval;
  plan_next();
}

void WallKeeper::Rounds::publish(std::int64_t policies) {
  WallAssignments all;
  std::vector<WallDepotStatus> status;
  for (const auto& [id, depot] : depots_) {
    // In the middle of a round others are those of other policies, and some classes are still to be made.
    for (const auto& [key, assignment] : depot.assignments())
      if (depot.policies() == policies && !assignment.wall_class->login_role.empty()) all.emplace(key, assignment);
    status.push_back(depot.status());
  }
  snapshots_.publish_wall(std::make_shared<const policy::WallState>(policies, std::move(all)));
  std::ranges::sort(status, {}, &WallDepotStatus::depot);
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

void WallKeeper::Rounds::plan_next() {
  next_change_.reset();
  for (const auto& [id, depot] : depots_) {
    if (depot.postponed()) next_whole_ = std::min(next_whole_, around_.clock.steady() + kPostponed);
    if (depot.failed()) next_whole_ = std::min(next_whole_, around_.clock.steady() + around_.options.retry_interval);
    for (const auto& [key, assignment] : depot.assignments())
      if (assignment.valid_until && (!next_change_ || *assignment.valid_until < *next_change_))
        next_change_ = assignment.valid_until;
  }
}

WallKeeper::WallKeeper(store::Database& database, policy::SnapshotHolder& snapshots, Runtime& runtime,
                       const Clock& clock, Random& random, WallKeeperOptions options)
    : rounds_(std::make_unique<Rounds>(WallSurroundings{database, runtime, clock, random, options}, snapshots)) {
  if (options.interruptions != nullptr)
    patience_ = std::make_unique<WallPatience>(database, runtime, snapshots, clock, *options.interruptions);
}
WallKeeper::~WallKeeper() = default;

void WallKeeper::start() {
  rounds_->start();
  if (patience_) patience_->start();
}
Result<void> WallKeeper::run_now() { return rounds_->run_now(); }
std::vector<WallDepotStatus> WallKeeper::status() const { return rounds_->status(); }

}  // namespace bartizan::control
