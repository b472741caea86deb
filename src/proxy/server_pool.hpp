// Server connections of one depot on one worker: a pool for each (login, startup settings), since
// those make a server's session what it is, one queue of sessions that wait, one budget shared
// with the other workers.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server_budget.hpp"
#include "server_connection.hpp"

namespace bartizan::proxy {

class DepotServers;

/// Connections that are alike. Worker thread only; outlived by the worker.
class ServerPool {
 public:
  ServerPool(DepotServers& depot, LinkRequest request, policy::PoolMode mode)
      : depot_(depot), request_(std::move(request)), mode_(mode) {}

  [[nodiscard]] DepotServers& depot() noexcept { return depot_; }
  [[nodiscard]] policy::PoolMode mode() const noexcept { return mode_; }
  /// The depot's server or login is another now: its sessions must connect again.
  [[nodiscard]] bool retired() const noexcept { return retired_; }
  [[nodiscard]] const LinkRequest& request() const noexcept { return request_; }
  /// What a server of this pool has said before its first ReadyForQuery, the newest; empty before.
  [[nodiscard]] const Bytes& greeting() const noexcept { return greeting_; }

 private:
  friend class DepotServers;
  DepotServers& depot_;
  LinkRequest request_;
  const policy::PoolMode mode_;
  Bytes greeting_;
  std::vector<std::shared_ptr<ServerConnection>> idle_;  ///< the one used last stands last
  std::vector<std::shared_ptr<ServerConnection>> checked_;  ///< idle but for the sign of life that they owe
  std::size_t open_ = 0;
  std::size_t opening_ = 0;
  std::size_t waiting_ = 0;
  SteadyTime used_at_{};
  SteadyTime reopen_at_{};  ///< no new connection before
  SteadyTime proven_at_{};  ///< the login was last tried at the server
  std::uint64_t generation_ = 0;  ///< connections of an older one are not used again
  bool retired_ = false;
};

/// The login's secret and certificate are what they were.
[[nodiscard]] bool same_credentials(const policy::DepotLogin& a, const policy::DepotLogin& b);

/// What acquire() brings: a connection, or an ErrorResponse for the client.
struct Acquired {
  std::shared_ptr<ServerConnection> connection;
  Bytes error_response;
};

/// Worker thread only; lives as long as the worker.
class DepotServers {
 public:
  DepotServers(Worker& worker, policy::DepotId depot);

  /// The pool for a session that has signed in; null where the depot has been given another server
  /// since the session read about it.
  [[nodiscard]] std::shared_ptr<ServerPool> pool(LinkRequest request, const policy::PoolOptions& options);
  /// At once, or null. preferred: the one that the session had last.
  [[nodiscard]] std::shared_ptr<ServerConnection> try_acquire(ServerPool& pool, const ServerConnection* preferred);
  /// abandoned: set when the session has ended meanwhile.
  [[nodiscard]] net::Task<Acquired> acquire(std::shared_ptr<ServerPool> pool, std::shared_ptr<const bool> abandoned);
  /// Clean and idle; its user has let go.
  void put_back(const std::shared_ptr<ServerConnection>& connection);
  /// A connection of the pool has been closed: its place is free.
  void on_closed(const ServerConnection& connection);
  /// A session keeps it from here on to its end. Where no size was chosen, that is beside what all share.
  void keep_apart(ServerConnection& connection);
  void forget_idle(const ServerConnection& connection);
  /// It has given the sign of life that check_servers() has asked for.
  void checked(const std::shared_ptr<ServerConnection>& connection);

  /// No transaction may begin.
  [[nodiscard]] bool held() const noexcept { return traffic_ != policy::Traffic::Open; }
  /// Nor is a server connection kept.
  [[nodiscard]] bool draining() const noexcept { return traffic_ == policy::Traffic::Draining; }
  [[nodiscard]] policy::Traffic traffic() const noexcept { return traffic_; }

  /// The wall is another one: connections of a class go with its role, password or context key.
  void follow_wall(const policy::WallState& wall);
  /// The tick: time-outs, life times, changed depots.
  void check(SteadyTime now, const std::shared_ptr<const policy::Snapshot>& changed);
  /// For another worker that waits: closes the connection that has been idle for longest, where the budget says so.
  void give_up_one();
  void close_all();

  struct Figures {
    std::size_t open = 0, idle = 0, waiting = 0;
  };
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] policy::DepotId depot() const noexcept { return depot_; }

 private:
  struct Waiter {
    std::shared_ptr<ServerPool> pool;
    std::shared_ptr<const bool> abandoned;
    net::asio::steady_timer timer;
    SteadyTime since{};
    std::shared_ptr<ServerConnection> granted;
    Bytes failure;
    bool over = false;
  };

  void serve();
  [[nodiscard]] bool take_place();
  void withdraw();
  [[nodiscard]] ServerPool* longest_idle(const ServerPool* except) const;
  [[nodiscard]] bool give_up_idle(const ServerPool* except);
  [[nodiscard]] bool belongs_elsewhere(const ServerPool& pool, SteadyTime now);
  [[nodiscard]] bool may_give_up_idle(const ServerPool& to, SteadyTime now);
  net::Task<void> open(std::shared_ptr<ServerPool> pool);
  void opened(const std::shared_ptr<ServerPool>& pool, ServerLink link);
  void fail_waiters(const ServerPool& pool, const Bytes& error_response);
  void hand_on(const std::shared_ptr<ServerConnection>& connection);
  void close_idle(ServerPool& pool, std::size_t index);
  void follow(const std::shared_ptr<const policy::Snapshot>& changed);
  void grant(Waiter& waiter, std::shared_ptr<ServerConnection> connection);
  void remove_waiter(const std::shared_ptr<Waiter>& waiter);
  [[nodiscard]] ServerBudget::Wake waker();
  void renew(ServerPool& pool);
  void retire(ServerPool& pool);
  void set_traffic(policy::Traffic traffic);
  [[nodiscard]] bool worn(const ServerConnection& connection, SteadyTime now) const;
  void check_servers(ServerPool& pool, SteadyTime now);
  void prove_login(const std::shared_ptr<ServerPool>& pool, SteadyTime now);

  Worker& worker_;
  const policy::DepotId depot_;
  ServerBudget& budget_;
  policy::PoolOptions options_;
  policy::Traffic traffic_ = policy::Traffic::Open;
  std::map<std::string, std::shared_ptr<ServerPool>, std::less<>> pools_;
  std::list<std::shared_ptr<Waiter>> waiters_;
  SteadyTime asked_others_at_{};
  SteadyTime changed_pools_at_{};  ///< a connection was last closed for another pool's
  bool waits_for_place_ = false;  ///< as the budget was told
  bool closing_ = false;
};

}  // namespace bartizan::proxy
