#include "bartizan/proxy/gateway.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <thread>

#include "bartizan/base/log.hpp"
#include "client_session.hpp"
#include "worker.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {

constexpr auto kLastSessions = std::chrono::seconds(10);
/// A drain lets sign-ins end that had begun; not for ever, they may be nobody's.
constexpr auto kSignInsUnderWay = std::chrono::seconds(5);

/// Runs work on the worker's thread and waits for it. Not to be called from that thread.
template <class Work>
auto ask(Worker& worker, Work work) {
  auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
  auto answer = task->get_future();
  worker.post([task] { (*task)(); });
  return answer.get();
}

class RunningGateway final : public Gateway {
 public:
  RunningGateway(GatewayOptions options, Surroundings around, SecretBytes mock_secret, ByteView seed)
      : shared_(std::move(options), around, std::move(mock_secret), seed) {}
  ~RunningGateway() override { stop(); }

  Result<void> open(ServerCertificate certificate, std::vector<net::ListeningSocket> inherited) {
    shared_.certificate_in_use = std::move(certificate);
    const unsigned wanted = shared_.options.workers;
    const unsigned count = wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
    const auto digest_key = sql::DigestKey::random(shared_.around.random);
    for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>(shared_, i, digest_key));
    for (const auto& worker : workers_) shared_.workers.push_back(worker.get());
    BZ_CHECK(inherited.empty() ? listen() : adopt(std::move(inherited)));
    for (auto& listener : listeners_) asio::co_spawn(workers_[0]->context(), accept_on(*listener), asio::detached);
    for (auto& worker : workers_) worker->start();
    return {};
  }

  void use_certificate(ServerCertificate certificate) override {
    const std::lock_guard lock(shared_.certificate_mutex);
    shared_.certificate_in_use = std::move(certificate);
  }

  void use_limits(const SessionLimits& limits) override {
    for (auto& worker : workers_) worker->post([raw = worker.get(), limits] { raw->use_limits(limits); });
  }

  void use_throttle(const identity::SignInThrottlePolicy& policy) override {
    const std::lock_guard lock(shared_.throttle_mutex);
    shared_.throttle.use(policy);
  }

  std::uint16_t port() const override { return port_; }

  std::vector<std::string> addresses() const override {
    std::vector<std::string> out;
    for (const auto& listener : listeners_) out.push_back(listener->address());
    return out;
  }

  std::vector<SessionInfo> sessions() const override {
    std::vector<SessionInfo> all;
    for (const auto& worker : workers_) {
      auto some = ask(*worker, [&worker] {
        std::vector<SessionInfo> infos;
        for (const auto& [id, session] : worker->sessions()) infos.push_back(session->info());
        return infos;
      });
      all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    std::ranges::sort(all, {}, &SessionInfo::id);
    return all;
  }

  bool kill(std::uint64_t session) override {
    for (const auto& worker : workers_) {
      const bool found = ask(*worker, [&worker, session] {
        const auto at = worker->sessions().find(session);
        if (at == worker->sessions().end()) return false;
        at->second->end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection due to administrator command");
        return true;
      });
      if (found) return true;
    }
    return false;
  }

  GatewayFigures figures() const override {
    const auto& c = shared_.counters;
    GatewayFigures f;
    f.accepted = c.accepted;
    f.sessions = c.sessions;
    f.half_open = c.half_open;
    f.sign_ins = c.sign_ins;
    f.sign_in_failures = c.sign_in_failures;
    f.refused_connections = c.refused_connections;
    f.cancels = c.cancels;
    f.statements = c.statements;
    f.statements_refused = c.statements_refused;
    f.observed_denials = c.observed_denials;
    f.observed_masks = c.observed_masks;
    f.errors = c.errors;
    f.rows = c.rows;
    f.bytes_from_clients = c.bytes_from_clients;
    f.bytes_to_clients = c.bytes_to_clients;
    f.queue_timeouts = c.queue_timeouts;
    for (std::size_t i = 1; i < c.pins.size(); ++i)
      f.pins.emplace_back(sql::to_string(static_cast<sql::PinReason>(i)), c.pins[i].load());
    for (const auto& worker : workers_) {
      f.analysis_hits += worker->hits();
      f.analysis_misses += worker->misses();
      const auto servers = worker->servers();
      f.server_connections += servers.open;
      f.servers_idle += servers.idle;
      f.sessions_waiting += servers.waiting;
      const auto durable = worker->durable_figures();
      f.durable_waits += durable.waits;
      f.durable_waits_given_up += durable.given_up;
    }
    return f;
  }

  DepotActivity activity(policy::DepotId depot, policy::Traffic traffic) const override {
    DepotActivity all;
    for (const auto& worker : workers_) {
      const auto one = ask(*worker, [&worker, depot, traffic] { return worker->activity(depot, traffic); });
      all.followed = all.followed && one.followed;
      all.running += one.running;
      all.waiting += one.waiting;
      all.server_connections += one.server_connections;
    }
    return all;
  }

  void drain(std::chrono::milliseconds deadline) override {
    shared_.draining.store(true);
    ask(*workers_[0], [this] {
      for (auto& listener : listeners_) listener->close();
      return true;
    });
    const auto begun = std::chrono::steady_clock::now();
    const auto until = begun + deadline;
    const auto sign_ins_until = std::min(until, begun + kSignInsUnderWay);
    const auto busy = [&](auto now) {
      return now < until && (shared_.counters.sessions > 0 || (shared_.counters.half_open > 0 && now < sign_ins_until));
    };
    while (busy(std::chrono::steady_clock::now())) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

 private:
  Result<void> listen() {
    const auto& wanted = shared_.options.listen;
    port_ = wanted.port;
    for (const auto& at : wanted.addresses) {
      auto listener = net::Listener::open(workers_[0]->context(), at.address, port_, wanted.backlog);
      if (!listener) {
        if (!at.required && listener.error().code != Errc::AlreadyExists) continue;
        return tl::unexpected(listener.error());
      }
      if (port_ == 0) port_ = listener->port();
      listeners_.push_back(std::make_unique<net::Listener>(std::move(*listener)));
    }
    if (listeners_.empty()) return fail(Errc::InvalidArgument, "no address to listen on");
    return {};
  }

  Result<void> adopt(std::vector<net::ListeningSocket> inherited) {
    for (auto& socket : inherited) {
      BZ_TRY(auto listener, net::Listener::adopt(workers_[0]->context(), std::move(socket)));
      if (port_ != 0 && listener.port() != port_)
        return fail(Errc::InvalidArgument, "the service manager's sockets are of several ports; one is served");
      port_ = listener.port();
      listeners_.push_back(std::make_unique<net::Listener>(std::move(listener)));
    }
    return {};
  }

  net::Task<void> accept_on(net::Listener& listener) {
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) {
        if (accepted.error().code == Errc::Cancelled || shared_.draining.load()) co_return;
        // Out of descriptors, or the like: the backlog holds clients until there is room.
        BZ_LOG(Error, "listener.accept_failed", {"reason", accepted.error().detail});
        asio::steady_timer pause(workers_[0]->context(), std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::use_awaitable);
        continue;
      }
      shared_.counters.accepted.fetch_add(1, std::memory_order_relaxed);
      auto& least = *std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->load(); });
      least->adopt(std::move(*accepted));
    }
  }

  void stop() {
    if (workers_.empty()) return;
    shared_.draining.store(true);
    workers_[0]->post([this] {
      for (auto& listener : listeners_) listener->close();
    });
    for (auto& worker : workers_) worker->stop();
    // A cancel waits on the worker of the session that it is for: no loop ends before all sessions have.
    const auto until = std::chrono::steady_clock::now() + kLastSessions;
    const auto left = [this] {
      return std::ranges::any_of(workers_, [](const auto& worker) { return worker->load() > 0; });
    };
    while (left() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (auto& worker : workers_) worker->finish();
    for (auto& worker : workers_) worker->join();
    shared_.slow_work.join();  // it posts to the workers' loops
    listeners_.clear();
    workers_.clear();
  }

  Shared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(GatewayOptions options, Surroundings surroundings,
                                                ServerCertificate certificate, SecretBytes mock_secret) {
  std::array<std::byte, 16> seed{};
  surroundings.random.fill(seed);
  auto inherited = std::move(options.listen.inherited);
  auto gateway = std::make_unique<RunningGateway>(std::move(options), surroundings, std::move(mock_secret), seed);
  BZ_CHECK(gateway->open(std::move(certificate), std::move(inherited)));
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace bartizan::proxy
