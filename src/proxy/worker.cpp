#include "worker.hpp"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "client_session.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {
constexpr std::size_t kAnalysisCacheBytes = 32u << 20;
constexpr std::size_t kRewriteCacheBytes = 32u << 20;
constexpr std::size_t kStatementShareBytes = 32u << 20;
constexpr auto kTick = std::chrono::milliseconds(200);
}  // namespace

Worker::Worker(Shared& shared, std::uint32_t index, const sql::DigestKey& digest_key)
    : shared_(shared),
      guard_(asio::make_work_guard(context_)),
      timer_(context_),
      limits_(shared.options.limits),
      index_(index),
      analyses_(digest_key, kAnalysisCacheBytes),
      rewrites_(digest_key, kRewriteCacheBytes),
      shares_(digest_key, kStatementShareBytes),
      ciphers_(digest_key, shared.around.random),
      durable_waits_(shared.around.log, context_, shared.options.longest_durable_wait),
      scratch_(kScratchBytes) {}

Worker::~Worker() { join(); }

void Worker::start() {
  asio::co_spawn(context_, tick(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

void Worker::stop() {
  asio::post(context_, [this] {
    stopping_ = true;
    timer_.cancel();
    for (const auto& [id, session] : sessions_)
      session->end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection due to administrator command");
    for (const auto& [id, session] : sessions_) session->close();
    for (const auto& [id, servers] : depots_) servers->close_all();
  });
}

void Worker::finish() {
  asio::post(context_, [this] { guard_.reset(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void Worker::adopt(net::Accepted accepted) {
  load_.fetch_add(1, std::memory_order_relaxed);
  asio::post(context_, [this, accepted = std::move(accepted)]() mutable {
    if (stopping_) {
      ::close(accepted.socket);
      load_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    const auto id = shared_.next_session.fetch_add(1);
    auto session = std::make_shared<ClientSession>(*this, id, std::move(accepted));
    sessions_.emplace(id, session);
    session->run();
    shed_half_open();
  });
}

void Worker::leave(std::uint64_t session) {
  sessions_.erase(session);
  load_.fetch_sub(1, std::memory_order_relaxed);
}

DepotServers& Worker::servers_of(policy::DepotId depot) {
  auto& servers = depots_[depot.get()];
  if (!servers) servers = std::make_unique<DepotServers>(*this, depot);
  return *servers;
}

DepotActivity Worker::activity(policy::DepotId depot, policy::Traffic traffic) const {
  DepotActivity activity;
  if (const auto found = depots_.find(depot.get()); found != depots_.end()) {
    const auto figures = found->second->figures();
    activity.server_connections = figures.open;
    activity.waiting = figures.waiting;
    activity.followed = found->second->traffic() == traffic;
  }
  for (const auto& [id, session] : sessions_) {
    if (!session->works_on(depot)) continue;
    activity.running += session->running() ? 1 : 0;
    activity.waiting += session->held_between_transactions() ? 1 : 0;
  }
  return activity;
}

void Worker::ask_others_to_give_up(policy::DepotId depot) {
  for (Worker* other : shared_.workers) {
    if (other == this) continue;
    other->post([other, depot] {
      if (const auto found = other->depots_.find(depot.get()); found != other->depots_.end())
        found->second->give_up_one();
    });
  }
}

/// Connections that never sign in must not keep others out: the oldest of this worker goes.
void Worker::shed_half_open() {
  const auto limit = limits_.half_open;
  if (limit == 0 || shared_.counters.half_open.load(std::memory_order_relaxed) <= limit) return;
  std::shared_ptr<ClientSession> oldest;
  for (const auto& [id, session] : sessions_)
    if (!session->signed_in() && (!oldest || session->begun() < oldest->begun())) oldest = session;
  if (oldest) oldest->close();
}

void Worker::count_servers() {
  DepotServers::Figures sum;
  for (const auto& [id, servers] : depots_) {
    const auto figures = servers->figures();
    sum.open += figures.open;
    sum.idle += figures.idle;
    sum.waiting += figures.waiting;
  }
  servers_open_.store(sum.open, std::memory_order_relaxed);
  servers_idle_.store(sum.idle, std::memory_order_relaxed);
  sessions_waiting_.store(sum.waiting, std::memory_order_relaxed);
}

net::Task<void> Worker::tick() {
  while (!stopping_) {
    timer_.expires_after(kTick);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto now = shared_.around.clock.steady();
    const auto staleness = shared_.around.snapshots.staleness(now);
    shared_.stale.store(!staleness || *staleness > shared_.options.max_stale, std::memory_order_relaxed);
    const auto snapshot = shared_.around.snapshots.current();
    const bool changed = snapshot && snapshot->epoch() != seen_epoch_;
    if (snapshot) seen_epoch_ = snapshot->epoch();
    auto wall = shared_.around.snapshots.wall();
    const bool wall_changed = wall != seen_wall_;
    if (wall_changed) {
      seen_wall_ = std::move(wall);
      for (const auto& [id, servers] : depots_) servers->follow_wall(*seen_wall_);
    }
    // Sessions leave from the loop, never from inside check().
    for (const auto& [id, session] : sessions_) session->check(now, snapshot.get(), wall_changed);
    static const std::shared_ptr<const policy::Snapshot> kUnchanged;
    for (const auto& [id, servers] : depots_) servers->check(now, changed ? snapshot : kUnchanged);
    count_servers();
    if (index_ == 0) shared_.refusals.settle();
    hits_.store(analyses_.counters().hits, std::memory_order_relaxed);
    misses_.store(analyses_.counters().misses, std::memory_order_relaxed);
    durable_waited_.store(durable_waits_.figures().waits, std::memory_order_relaxed);
    durable_given_up_.store(durable_waits_.figures().given_up, std::memory_order_relaxed);
  }
}

}  // namespace bartizan::proxy
