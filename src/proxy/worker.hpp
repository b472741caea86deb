// One thread with its io_context and the sessions that live on it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

#include "bartizan/cells/cell_ciphers.hpp"
#include "bartizan/net/listener.hpp"
#include "bartizan/session/rewrite_cache.hpp"
#include "bartizan/session/shared_statement.hpp"
#include "bartizan/sql/analysis_cache.hpp"
#include "durable_waits.hpp"
#include "server_pool.hpp"
#include "shared.hpp"

namespace bartizan::proxy {

class ClientSession;

/// Created and destroyed by the gateway; all other members are the worker thread's own.
class Worker {
 public:
  /// Longest single read; shared by the sessions of a worker, which use it between suspensions.
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  Worker(Shared& shared, std::uint32_t index, const sql::DigestKey& digest_key);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// From any thread: ends all sessions; load() says when they are gone. The loop still turns, since
  /// another worker may wait for this one.
  void stop();
  /// From any thread, after stop(): ends the loop. join() follows.
  void finish();
  void join();

  /// From any thread.
  void adopt(net::Accepted accepted);
  void post(std::function<void()> work);
  [[nodiscard]] std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }

  // Worker thread only.
  [[nodiscard]] net::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] Shared& shared() noexcept { return shared_; }
  [[nodiscard]] sql::AnalysisCache& analyses() noexcept { return analyses_; }
  [[nodiscard]] session::RewriteCache& rewrites() noexcept { return rewrites_; }
  [[nodiscard]] cells::CellCiphers& ciphers() noexcept { return ciphers_; }
  [[nodiscard]] std::span<std::byte> scratch() noexcept { return scratch_; }
  [[nodiscard]] std::unordered_map<std::uint64_t, std::shared_ptr<ClientSession>>& sessions() noexcept {
    return sessions_;
  }
  void leave(std::uint64_t session);
  [[nodiscard]] DurableWaits& durable_waits() noexcept { return durable_waits_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] session::StatementShares& shares() noexcept { return shares_; }
  [[nodiscard]] DepotServers& servers_of(policy::DepotId depot);
  [[nodiscard]] DepotActivity activity(policy::DepotId depot, policy::Traffic traffic) const;
  /// Another worker may hold idle connections of the depot: one of each closes one.
  void ask_others_to_give_up(policy::DepotId depot);
  /// Those in force now: a reload changes them between two steps of the loop.
  [[nodiscard]] const SessionLimits& limits() const noexcept { return limits_; }
  void use_limits(const SessionLimits& limits) { limits_ = limits; }
  /// Figures of the cache, copied by the tick.
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t misses() const noexcept { return misses_.load(std::memory_order_relaxed); }
  [[nodiscard]] DurableWaits::Figures durable_figures() const noexcept {
    return {durable_waited_.load(std::memory_order_relaxed), durable_given_up_.load(std::memory_order_relaxed)};
  }
  /// Of the server connections, likewise.
  [[nodiscard]] DepotServers::Figures servers() const noexcept {
    return {servers_open_.load(std::memory_order_relaxed), servers_idle_.load(std::memory_order_relaxed),
            sessions_waiting_.load(std::memory_order_relaxed)};
  }

 private:
  net::Task<void> tick();
  void shed_half_open();
  void count_servers();

  Shared& shared_;
  net::asio::io_context context_{1};
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_;
  net::asio::steady_timer timer_;
  SessionLimits limits_;
  const std::uint32_t index_;
  sql::AnalysisCache analyses_;
  session::RewriteCache rewrites_;
  session::StatementShares shares_;
  cells::CellCiphers ciphers_;
  DurableWaits durable_waits_;
  std::unordered_map<Uuid, std::unique_ptr<DepotServers>> depots_;
  std::vector<std::byte> scratch_;
  std::unordered_map<std::uint64_t, std::shared_ptr<ClientSession>> sessions_;
  std::atomic<std::size_t> load_{0};
  std::atomic<std::uint64_t> hits_{0}, misses_{0};
  std::atomic<std::uint64_t> durable_waited_{0}, durable_given_up_{0};
  std::atomic<std::size_t> servers_open_{0}, servers_idle_{0}, sessions_waiting_{0};
  std::int64_t seen_epoch_ = -1;
  std::shared_ptr<const policy::WallState> seen_wall_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bartizan::proxy
