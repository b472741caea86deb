#include "wall_watch.hpp"

#include <charconv>
#include <vector>

#include "bartizan/base/log.hpp"
#include "bartizan/wall/base_objects.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

constexpr auto kWithin = std::chrono::seconds(5);
constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr auto kRetryInterval = std::chrono::seconds(5);

// Of activity first: locks are looked up only when somebody waits for one.
constexpr std::string_view kWaiting =
    "SELECT a.pid FROM pg_catalog.pg_stat_activity AS a WHERE a.datname = pg_catalog.current_database() "
    "AND pg_catalog.starts_with(a.usename, $1) AND a.wait_event_type = 'Lock' AND a.wait_event = 'relation' "
    "AND EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted AND l.locktype = 'relation' "
    "AND l.waitstart < pg_catalog.clock_timestamp() - $2::interval)";

}  // namespace

SteadyTime WallWatch::soon() const { return clock_->steady() + kWithin; }

Result<void> WallWatch::listen(const policy::Depot& depot) {
  if (connection_ && connection_->open()) return {};
  connection_.reset();
  BZ_TRY(auto connection, connect_for_wall(*database_, *runtime_, depot, soon()));
  BZ_CHECK(connection.exec("LISTEN " + std::string(wall::kOwnerDdlChannel), soon()));
  connection_ = std::move(connection);
  return {};
}

bool WallWatch::heard(const policy::Depot& depot) {
  if (connection_ && connection_->open()) {
    const auto any = connection_->notified();
    return any && *any;
  }
  if (clock_->steady() < next_try_) return false;
  next_try_ = clock_->steady() + kRetryInterval;
  // It was deaf for a while.
  return listen(depot).has_value();
}

WallPatience::~WallPatience() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WallPatience::start() {
  thread_ = std::thread([this] { run(); });
}

SteadyTime WallPatience::soon() const { return clock_.steady() + kWithin; }

void WallPatience::run() {
  while (true) {
    look();
    std::unique_lock lock(stop_mutex_);
    if (stop_.wait_for(lock, kLookInterval, [this] { return stopping_; })) return;
  }
}

void WallPatience::look() {
  const auto snapshot = snapshots_.current();
  if (!snapshot) return;
  const auto has_wall = [&](const policy::Depot* depot) {
    return depot != nullptr && depot->state == policy::DepotState::Active && snapshot->policies().protects(depot->name);
  };
  std::erase_if(connections_, [&](const auto& one) {
    return !one.second.open() || !has_wall(snapshot->find_depot(policy::DepotId(one.first)));
  });
  for (const auto& depot : snapshot->depots()) {
    if (!has_wall(&depot)) continue;
    auto known = connections_.find(depot.id.get());
    if (known == connections_.end()) {
      auto& next_try = next_try_[depot.id.get()];
      if (clock_.steady() < next_try) continue;
      next_try = clock_.steady() + kRetryInterval;
      auto fresh = connect_for_wall(database_, runtime_, depot, soon());
      if (!fresh) continue;
      known = connections_.emplace(depot.id.get(), std::move(*fresh)).first;
    }
    end_waiting(depot, known->second);
  }
}

void WallPatience::end_waiting(const policy::Depot& depot, postgres::ControlConnection& connection) {
  const auto names = wall::Names::for_depot(depot.id.get().to_string());
  const std::vector<std::optional<std::string>> of{names.prefix() + "c_", std::to_string(kPatience.count()) + " s"};
  const auto waiting = connection.exec(kWaiting, of, soon());
  for (std::size_t i = 0; waiting && i < waiting->size(); ++i) {
    const auto text = waiting->at(i, 0).value_or("");
    std::uint32_t pid = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), pid).ec != std::errc()) continue;
    interruptions_.note(depot.id, pid);
    BZ_LOG(Info, "wall.waited_too_long", {"depot", depot.name}, {"server_process", static_cast<std::int64_t>(pid)});
    [[maybe_unused]] const auto ended = connection.exec("SELECT pg_catalog.pg_cancel_backend(" + text + ")", soon());
  }
}

}  // namespace bartizan::control
