// What becomes of a depot's server connections by time and by change: checks, time-outs, another
// server, class or traffic.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "bartizan/base/log.hpp"
#include "class_login.hpp"
#include "server_pool.hpp"
#include "worker.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {
constexpr auto kSignOfLife = std::chrono::seconds(5);
constexpr auto kKeepEmptyPool = std::chrono::seconds(60);

bool same_bytes(const SecretBytes& a, const SecretBytes& b) { return std::ranges::equal(a.reveal(), b.reveal()); }
}  // namespace

/// Both are the control database's own: how long comparing takes tells nobody anything.
bool same_credentials(const policy::DepotLogin& a, const policy::DepotLogin& b) {
  if (a.secret.index() != b.secret.index() || a.certificate.has_value() != b.certificate.has_value()) return false;
  if (a.certificate && (a.certificate->chain_pem != b.certificate->chain_pem ||
                        !same_bytes(a.certificate->key_pem, b.certificate->key_pem)))
    return false;
  if (const auto* password = std::get_if<SecretBytes>(&a.secret))
    return same_bytes(*password, *std::get_if<SecretBytes>(&b.secret));
  if (const auto* keys = std::get_if<policy::ScramKeys>(&a.secret)) {
    const auto& others = *std::get_if<policy::ScramKeys>(&b.secret);
    return same_bytes(keys->client_key, others.client_key) && same_bytes(keys->server_key, others.server_key);
  }
  return true;
}

/// A server, or the way to it, may go without a word: nobody is to be lent a connection that leads
/// nowhere. One of a pool at a time, so that the others are there to be used.
void DepotServers::check_servers(ServerPool& pool, SteadyTime now) {
  for (std::size_t i = pool.checked_.size(); i-- > 0;) {
    if (now - pool.checked_[i]->asked_at() < kSignOfLife) continue;
    BZ_LOG(Warn, "server.unresponsive", {"depot", depot_.get().to_string()});
    const auto connection = pool.checked_[i];
    pool.checked_.erase(pool.checked_.begin() + static_cast<std::ptrdiff_t>(i));
    connection->close();
  }
  const auto interval = worker_.limits().server_check_interval;
  if (interval.count() == 0 || pool.waiting_ > 0) return;
  const auto due =
      std::ranges::find_if(pool.idle_, [&](const auto& connection) { return now - connection->heard_at >= interval; });
  if (due == pool.idle_.end()) return;
  const auto connection = *due;
  pool.idle_.erase(due);
  budget_.count_idle(-1);
  if (!connection->check(now)) {
    connection->close();
    return;
  }
  pool.checked_.push_back(connection);
}

/// As unused as it was before; or to a session that has come meanwhile.
void DepotServers::checked(const std::shared_ptr<ServerConnection>& connection) {
  ServerPool& pool = connection->pool();
  if (std::erase(pool.checked_, connection) == 0 || connection->closed()) return;
  const auto now = worker_.shared().around.clock.steady();
  if (pool.waiting_ > 0 || worn(*connection, now)) {
    put_back(connection);
    return;
  }
  connection->heard_at = now;
  const auto place =
      std::ranges::find_if(pool.idle_, [&](const auto& other) { return other->idle_since > connection->idle_since; });
  pool.idle_.insert(place, connection);
  budget_.count_idle(1);
}

/// Those who wait begin to wait anew: the time limit of the queue is not for a pause.
void DepotServers::set_traffic(policy::Traffic traffic) {
  if (traffic_ == traffic) return;
  traffic_ = traffic;
  BZ_LOG(Info, "depot.traffic", {"depot", depot_.get().to_string()}, {"traffic", policy::to_string(traffic)});
  if (draining())
    for (const auto& [key, pool] : pools_)
      while (!pool->idle_.empty()) close_idle(*pool, pool->idle_.size() - 1);
  const auto now = worker_.shared().around.clock.steady();
  for (const auto& waiter : waiters_) {
    waiter->since = now;
    waiter->timer.cancel();
  }
  serve();
}

void DepotServers::follow(const std::shared_ptr<const policy::Snapshot>& changed) {
  const auto* depot = changed->find_depot(depot_);
  if (depot != nullptr) {
    options_ = depot->pool;
    budget_.set_limit(options_.limit());
    set_traffic(depot->traffic);
  }
  std::erase_if(pools_, [&](const auto& entry) {
    ServerPool& pool = *entry.second;
    const bool of_class = pool.request_.wall_class != nullptr;
    const auto* login =
        of_class ? pool.request_.class_login.get() : changed->find_login(depot_, pool.request_.login->role_name);
    const bool same = depot != nullptr && login != nullptr && pool.request_.address.endpoint == depot->endpoint &&
                      pool.request_.database == depot->database && pool.request_.tls == depot->tls;
    if (!same) {
      retire(pool);
      return true;
    }
    if (!of_class && !same_credentials(*pool.request_.login, *login)) renew(pool);
    pool.request_.login = login;
    pool.request_.snapshot = changed;
    return false;
  });
}

void DepotServers::follow_wall(const policy::WallState& wall) {
  std::map<std::string_view, const policy::WallClass*> classes;
  for (const auto& [key, assignment] : wall.assignments())
    if (std::get<1>(key) == depot_.get() && assignment.wall_class->ready)
      classes.emplace(assignment.wall_class->login_role, assignment.wall_class.get());
  for (const auto& [key, pool] : pools_) {
    const auto& used = pool->request_.wall_class;
    if (!used) continue;
    const auto found = classes.find(used->login_role);
    if (found == classes.end() || !same_server_side(*found->second, *used)) renew(*pool);
  }
}

void DepotServers::check(SteadyTime now, const std::shared_ptr<const policy::Snapshot>& changed) {
  if (changed) follow(changed);
  std::vector<std::shared_ptr<ServerPool>> to_open;
  for (const auto& [key, pool] : pools_) {
    check_servers(*pool, now);
    for (std::size_t i = pool->idle_.size(); i-- > 0;) {
      const ServerConnection& connection = *pool->idle_[i];
      const bool unused = options_.idle_timeout.count() > 0 && now - connection.idle_since > options_.idle_timeout &&
                          pool->open_ > options_.min;
      if (unused || now >= connection.expires_at) close_idle(*pool, i);
    }
    const bool in_use = pool->mode_ == policy::PoolMode::Transaction && pool.use_count() > 1 && !held();
    if (in_use && pool->open_ + pool->opening_ < options_.min && now >= pool->reopen_at_ && !pool->retired_ &&
        budget_.try_take(worker_.index())) {
      ++pool->opening_;
      to_open.push_back(pool);
    }
  }
  for (auto& pool : to_open) asio::co_spawn(worker_.context(), open(std::move(pool)), asio::detached);
  std::erase_if(pools_, [&](const auto& entry) {
    const ServerPool& pool = *entry.second;
    return entry.second.use_count() == 1 && pool.open_ + pool.opening_ + pool.waiting_ == 0 &&
           now - pool.used_at_ > kKeepEmptyPool;
  });
  if (waiters_.empty())
    withdraw();
  else
    serve();
}

void DepotServers::close_all() {
  closing_ = true;
  for (const auto& [key, pool] : pools_) renew(*pool);
  for (const auto& waiter : waiters_) grant(*waiter, nullptr);
  waiters_.clear();
}

DepotServers::Figures DepotServers::figures() const {
  Figures sum;
  for (const auto& [key, pool] : pools_) {
    sum.open += pool->open_;
    sum.idle += pool->idle_.size();
    sum.waiting += pool->waiting_;
  }
  return sum;
}

}  // namespace bartizan::proxy
