#include "server_pool.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "bartizan/base/log.hpp"
#include "class_login.hpp"
#include "worker.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {

/// A session that waits this long gets a place at the cost of another pool's.
constexpr auto kOtherPoolsFirst = std::chrono::milliseconds(50);
/// Between two connections that are closed so that another pool can open one, which costs a handshake.
constexpr auto kChangePoolsEvery = std::chrono::milliseconds(50);
/// After a connection could not be opened, while others of the pool stand.
constexpr auto kReopenAfter = std::chrono::seconds(1);
constexpr auto kProveLoginEvery = std::chrono::seconds(3);
/// While this worker holds connections of its own.
constexpr auto kAskOthersEvery = std::chrono::milliseconds(10);

std::string key_of(const LinkRequest& request, policy::PoolMode mode) {
  std::string key(mode == policy::PoolMode::Session ? "s" : "t");
  key.append(request.login->role_name).push_back('\0');
  for (const auto& [name, value] : request.settings) {
    key.append(name).push_back('\0');
    key.append(value).push_back('\0');
  }
  return key;
}

bool same_server(const LinkRequest& a, const LinkRequest& b) {
  return a.address.endpoint == b.address.endpoint && a.database == b.database && a.tls == b.tls;
}

Bytes depot_changed() {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = pgwire::sqlstate::kAdminShutdown;
  report.message = "terminating connection: the depot's server or its login has changed";
  report.hint = "Connect again.";
  return error_bytes(report);
}

Bytes queue_timed_out(std::chrono::milliseconds limit) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = pgwire::sqlstate::kTooManyConnections;
  report.message = "no server connection became free in " + std::to_string(limit.count()) + " ms";
  report.hint =
      "Try again. An operator can raise the depot's --pool-size, or find out who holds connections with "
      "`bartizan session list`.";
  return error_bytes(report);
}

}  // namespace

DepotServers::DepotServers(Worker& worker, policy::DepotId depot)
    : worker_(worker), depot_(depot), budget_(worker.shared().budgets.of(depot)) {}

std::shared_ptr<ServerPool> DepotServers::pool(LinkRequest request, const policy::PoolOptions& options) {
  auto& pool = pools_[key_of(request, options.mode)];
  // A sign-in takes its time: what it has read of the depot may be older than what is known here.
  const bool newer = !pool || request.snapshot->epoch() >= pool->request_.snapshot->epoch();
  if (pool && !same_server(pool->request_, request)) {
    if (!newer) return nullptr;
    retire(*pool);
    pool = nullptr;
  }
  if (newer) {
    options_ = options;
    budget_.set_workers(static_cast<std::uint32_t>(worker_.shared().workers.size()));
    budget_.set_limit(options.limit());
    if (const auto* depot = request.snapshot->find_depot(depot_)) set_traffic(depot->traffic);
  }
  if (!pool) {
    pool = std::make_shared<ServerPool>(*this, std::move(request), options.mode);
  } else if (newer) {
    const auto& before = pool->request_.wall_class;
    if (before ? !same_server_side(*before, *request.wall_class)
               : !same_credentials(*pool->request_.login, *request.login))
      renew(*pool);
    pool->request_ = std::move(request);
  }
  const auto now = worker_.shared().around.clock.steady();
  pool->used_at_ = now;
  prove_login(pool, now);
  return pool;
}

/// A login that the server no longer lets in must not live on in connections that stand already:
/// beside a sign-in, and not more often than that, a new connection is tried.
void DepotServers::prove_login(const std::shared_ptr<ServerPool>& pool, SteadyTime now) {
  if (pool->mode_ == policy::PoolMode::Session || pool->greeting_.empty() || pool->opening_ > 0 ||
      now - pool->proven_at_ < kProveLoginEvery || !waiters_.empty() || held())
    return;
  if (!budget_.try_take(worker_.index())) {
    if (pool->idle_.empty()) return;
    close_idle(*pool, 0);
    if (!budget_.try_take(worker_.index())) return;
  }
  pool->proven_at_ = now;
  ++pool->opening_;
  asio::co_spawn(worker_.context(), open(pool), asio::detached);
}

std::shared_ptr<ServerConnection> DepotServers::try_acquire(ServerPool& pool, const ServerConnection* preferred) {
  if (pool.retired_ || pool.idle_.empty() || pool.waiting_ > 0 || held()) return nullptr;
  auto chosen = std::prev(pool.idle_.end());
  if (preferred != nullptr && chosen->get() != preferred) {
    const auto found =
        std::find_if(pool.idle_.begin(), pool.idle_.end(), [&](const auto& c) { return c.get() == preferred; });
    if (found != pool.idle_.end()) chosen = found;
  }
  auto connection = std::move(*chosen);
  pool.idle_.erase(chosen);
  budget_.count_idle(-1);
  return connection;
}

net::Task<Acquired> DepotServers::acquire(std::shared_ptr<ServerPool> pool, std::shared_ptr<const bool> abandoned) {
  if (pool->retired_) co_return Acquired{nullptr, depot_changed()};
  const auto now = worker_.shared().around.clock.steady();
  pool->used_at_ = now;
  const std::shared_ptr<Waiter> waiter(
      new Waiter{pool, std::move(abandoned), asio::steady_timer(worker_.context()), now, nullptr, {}});
  waiters_.push_back(waiter);
  ++pool->waiting_;
  serve();
  while (!waiter->over) {
    // A paused depot's queue has no time limit; what set_traffic() changes is seen by another lap.
    const auto limit = options_.queue_timeout;
    const bool limited = limit.count() > 0 && !held();
    waiter->timer.expires_at(limited ? waiter->since + limit : SteadyTime::max());
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool too_late = limited && !held() && worker_.shared().around.clock.steady() >= waiter->since + limit;
    if (waiter->over || !too_late) continue;
    remove_waiter(waiter);
    worker_.shared().counters.queue_timeouts.fetch_add(1, std::memory_order_relaxed);
    waiter->failure = queue_timed_out(limit);
  }
  if (waiter->granted && *waiter->abandoned) {
    put_back(waiter->granted);
    waiter->granted = nullptr;
  }
  co_return Acquired{std::move(waiter->granted), std::move(waiter->failure)};
}

void DepotServers::grant(Waiter& waiter, std::shared_ptr<ServerConnection> connection) {
  waiter.granted = std::move(connection);
  waiter.over = true;
  --waiter.pool->waiting_;
  waiter.timer.cancel();
}

void DepotServers::remove_waiter(const std::shared_ptr<Waiter>& waiter) {
  waiter->over = true;
  --waiter->pool->waiting_;
  waiters_.remove(waiter);
  if (waiters_.empty()) withdraw();
}

ServerBudget::Wake DepotServers::waker() {
  return [this] { worker_.post([this] { serve(); }); };
}

bool DepotServers::take_place() {
  const bool taken = budget_.take(worker_.index(), waker());
  waits_for_place_ = !taken;
  return taken;
}

/// Nobody here waits for a place: other workers need not hold back.
void DepotServers::withdraw() {
  if (std::exchange(waits_for_place_, false)) budget_.withdraw(worker_.index());
}

/// Gives waiting sessions what is idle, and opens what the budget allows for the others.
void DepotServers::serve() {
  if (closing_) return;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    Waiter& waiter = **at;
    const bool gone = *waiter.abandoned;
    if (!gone && (held() || waiter.pool->idle_.empty())) {
      ++at;
      continue;
    }
    std::shared_ptr<ServerConnection> connection;
    if (!gone) {
      connection = std::move(waiter.pool->idle_.back());
      waiter.pool->idle_.pop_back();
      budget_.count_idle(-1);
    }
    grant(waiter, std::move(connection));
    at = waiters_.erase(at);
  }
  if (held()) {
    withdraw();
    return;
  }
  const auto now = worker_.shared().around.clock.steady();
  std::vector<std::shared_ptr<ServerPool>> to_open;
  bool lacks = false;
  for (const auto& waiter : waiters_) {
    ServerPool& pool = *waiter->pool;
    if (pool.opening_ >= pool.waiting_ || now < pool.reopen_at_) continue;
    if (!take_place()) {
      if (!may_give_up_idle(pool, now) || !give_up_idle(&pool) || !take_place()) {
        if (budget_.idle() > 0 && (now - asked_others_at_ >= kAskOthersEvery || !budget_.holds_some(worker_.index()))) {
          asked_others_at_ = now;
          worker_.ask_others_to_give_up(depot_);
        }
        lacks = true;
        break;
      }
    }
    ++pool.opening_;
    to_open.push_back(waiter->pool);
  }
  if (!lacks) withdraw();
  // A coroutine runs at once up to its first wait, and one that fails takes waiters away.
  for (auto& pool : to_open) asio::co_spawn(worker_.context(), open(std::move(pool)), asio::detached);
}

ServerPool* DepotServers::longest_idle(const ServerPool* except) const {
  ServerPool* oldest = nullptr;
  for (const auto& [key, pool] : pools_) {
    if (pool.get() == except || pool->idle_.empty()) continue;
    if (oldest == nullptr || pool->idle_.front()->idle_since < oldest->idle_.front()->idle_since) oldest = pool.get();
  }
  return oldest;
}

/// Closes the connection that has been idle for longest, of any pool but one.
bool DepotServers::give_up_idle(const ServerPool* except) {
  ServerPool* oldest = longest_idle(except);
  if (oldest == nullptr) return false;
  close_idle(*oldest, 0);
  return true;
}

void DepotServers::give_up_one() {
  ServerPool* oldest = longest_idle(nullptr);
  if (oldest == nullptr) return;
  const auto idle_for = worker_.shared().around.clock.steady() - oldest->idle_.front()->idle_since;
  if (budget_.should_give_up(worker_.index(), idle_for)) close_idle(*oldest, 0);
}

void DepotServers::close_idle(ServerPool& pool, std::size_t index) {
  const auto connection = pool.idle_[index];
  pool.idle_.erase(pool.idle_.begin() + static_cast<std::ptrdiff_t>(index));
  budget_.count_idle(-1);
  connection->close();
}

namespace {

/// A place in the budget for a connection that is being opened. Whatever ends the attempt, it is
/// counted no longer than that.
class OpeningPlace {
 public:
  OpeningPlace(std::size_t& opening, ServerBudget& budget, std::uint32_t worker)
      : opening_(&opening), budget_(budget), worker_(worker) {}
  OpeningPlace(const OpeningPlace&) = delete;
  OpeningPlace& operator=(const OpeningPlace&) = delete;
  ~OpeningPlace() {
    if (opening_ != nullptr) give_back();
  }
  /// The connection has the place now.
  void keep() noexcept { --*std::exchange(opening_, nullptr); }
  void give_back() {
    keep();
    budget_.give_back(worker_);
  }

 private:
  std::size_t* opening_;
  ServerBudget& budget_;
  std::uint32_t worker_;
};

}  // namespace

net::Task<void> DepotServers::open(std::shared_ptr<ServerPool> pool) {
  OpeningPlace place(pool->opening_, budget_, worker_.index());
  auto request = pool->request_;
  const auto generation = pool->generation_;
  auto link = co_await open_server_link(worker_.context(), worker_.shared(), std::move(request));
  if (link && !closing_ && !pool->retired_ && generation == pool->generation_) {
    place.keep();
    opened(pool, std::move(*link));
    co_return;
  }
  place.give_back();
  if (closing_) co_return;
  if (link) {  // to what was the server, or the login, when it was begun
    if (pool->retired_) fail_waiters(*pool, depot_changed());
    serve();
    co_return;
  }
  pool->reopen_at_ = worker_.shared().around.clock.steady() + kReopenAfter;
  if (link.error().login_refused)
    renew(*pool);
  else if (pool->open_ > 0 && pool->mode_ == policy::PoolMode::Transaction)
    co_return;  // one of those will become free
  fail_waiters(*pool, link.error().error_response);
  pool->reopen_at_ = {};
}

void DepotServers::fail_waiters(const ServerPool& pool, const Bytes& error_response) {
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    if ((*at)->pool.get() != &pool) {
      ++at;
      continue;
    }
    (*at)->failure = error_response;
    grant(**at, nullptr);
    at = waiters_.erase(at);
  }
}

void DepotServers::opened(const std::shared_ptr<ServerPool>& pool, ServerLink link) {
  ++pool->open_;
  pool->greeting_ = link.greeting;
  pool->proven_at_ = worker_.shared().around.clock.steady();
  const auto connection = std::make_shared<ServerConnection>(worker_, pool, std::move(link));
  const auto& around = worker_.shared().around;
  connection->generation = pool->generation_;
  if (options_.lifetime.count() > 0 && pool->mode_ == policy::PoolMode::Transaction) {
    // Up to a tenth more or less, so that those opened together do not end together.
    std::array<std::byte, 2> noise{};
    around.random.fill(noise);
    const auto thousandths = 900 + static_cast<std::int64_t>(load_be16(noise.data())) * 200 / 65536;
    connection->expires_at = around.clock.steady() + options_.lifetime * thousandths / 1000;
  }
  connection->run();
  hand_on(connection);
}

/// Not to be used again.
bool DepotServers::worn(const ServerConnection& connection, SteadyTime now) const {
  const ServerPool& pool = connection.pool();
  return pool.mode_ == policy::PoolMode::Session || connection.generation != pool.generation_ || pool.retired_ ||
         closing_ || draining() || !connection.clean() || now >= connection.expires_at;
}

void DepotServers::put_back(const std::shared_ptr<ServerConnection>& connection) {
  if (connection->closed() || connection->cancelling()) return;  // cancel() puts it back
  const auto now = worker_.shared().around.clock.steady();
  if (worn(*connection, now) || connection->state().foul ||
      (budget_.contended() && budget_.should_yield(worker_.index(), now))) {
    connection->close();
    serve();
    return;
  }
  hand_on(connection);
}

/// Whether a connection of this pool should make room for one of the pool whose session has waited for longest.
/// With every pool at its share none does: else each transaction would pay for a handshake.
bool DepotServers::belongs_elsewhere(const ServerPool& pool, SteadyTime now) {
  const ServerPool& other = *waiters_.front()->pool;
  if (&other == &pool || !budget_.contended() || now - waiters_.front()->since <= kOtherPoolsFirst) return false;
  if (other.open_ + other.opening_ > 0) {
    if (now - changed_pools_at_ < kChangePoolsEvery) return false;
    std::size_t places = 0;
    for (const auto& [key, each] : pools_) places += each->open_ + each->opening_;
    const auto share = [&](const ServerPool& of) { return places * of.waiting_ / waiters_.size(); };
    if (other.open_ + other.opening_ + 1 >= share(other) || pool.open_ <= share(pool)) return false;
  }
  changed_pools_at_ = now;
  return true;
}

/// Likewise one that nobody uses just now.
bool DepotServers::may_give_up_idle(const ServerPool& to, SteadyTime now) {
  if (longest_idle(&to) == nullptr) return false;
  if (to.open_ + to.opening_ > 0 && now - changed_pools_at_ < kChangePoolsEvery) return false;
  changed_pools_at_ = now;
  return true;
}

/// To the first session that waits for one of its pool, or to the idle ones.
void DepotServers::hand_on(const std::shared_ptr<ServerConnection>& connection) {
  ServerPool& pool = connection->pool();
  const auto now = worker_.shared().around.clock.steady();
  if (draining()) {
    connection->close();
    return;
  }
  if (!waiters_.empty() && !held() && belongs_elsewhere(pool, now)) {
    connection->close();
    serve();
    return;
  }
  for (auto at = waiters_.begin(); at != waiters_.end() && !held(); ++at) {
    if ((*at)->pool.get() != &pool || *(*at)->abandoned) continue;
    grant(**at, connection);
    waiters_.erase(at);
    if (waiters_.empty()) withdraw();
    return;
  }
  if (pool.mode_ == policy::PoolMode::Session) {  // whoever asked for it has gone
    connection->close();
    return;
  }
  connection->idle_since = now;
  connection->heard_at = now;
  pool.idle_.push_back(connection);
  budget_.count_idle(1);
}

void DepotServers::keep_apart(ServerConnection& connection) {
  if (options_.size || connection.kept_apart || connection.closed()) return;
  connection.kept_apart = true;
  budget_.give_back(worker_.index());
  if (!waiters_.empty()) worker_.post([this] { serve(); });
}

void DepotServers::on_closed(const ServerConnection& connection) {
  --connection.pool().open_;
  if (!connection.kept_apart) budget_.give_back(worker_.index());
  if (!waiters_.empty()) worker_.post([this] { serve(); });
}

void DepotServers::forget_idle(const ServerConnection& connection) {
  std::erase_if(connection.pool().checked_, [&](const auto& c) { return c.get() == &connection; });
  auto& idle = connection.pool().idle_;
  const auto found = std::find_if(idle.begin(), idle.end(), [&](const auto& c) { return c.get() == &connection; });
  if (found == idle.end()) return;
  idle.erase(found);
  budget_.count_idle(-1);
}

/// Its connections end when they become free; whoever comes next needs a new one.
void DepotServers::renew(ServerPool& pool) {
  ++pool.generation_;
  pool.greeting_.clear();
  while (!pool.idle_.empty()) close_idle(pool, pool.idle_.size() - 1);
  for (const auto& connection : std::exchange(pool.checked_, {})) connection->close();
}

/// The depot's server is another: nobody gets a connection to this one any more.
void DepotServers::retire(ServerPool& pool) {
  budget_.traits.forget();
  pool.retired_ = true;
  renew(pool);
  fail_waiters(pool, depot_changed());
}

}  // namespace bartizan::proxy
