#include "supervisor.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <limits>

#include "bartizan/base/log.hpp"

namespace bartizan::postgres {
namespace {

constexpr auto kProbeInterval = std::chrono::milliseconds(25);
constexpr auto kProbeTimeout = std::chrono::seconds(5);
constexpr auto kImmediateTimeout = std::chrono::seconds(5);

std::chrono::milliseconds since(SteadyTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}
SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace

Supervisor::Supervisor(SupervisedServer server, EmbeddedServer::Observer observer)
    : server_(std::move(server)), observer_(std::move(observer)), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  BZ_ASSERT(wake_fd_ >= 0);
}

Supervisor::~Supervisor() {
  stop();
  ::close(wake_fd_);
}

Result<void> Supervisor::start() {
  BZ_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] { run(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return settled_; });
  if (status_.state != ServerState::Failed) return {};
  return tl::unexpected(first_error_);
}

void Supervisor::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

ServerStatus Supervisor::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Supervisor::publish(const std::function<void(ServerStatus&)>& change) {
  ServerStatus now;
  {
    const std::lock_guard lock(mutex_);
    change(status_);
    now = status_;
  }
  BZ_LOG(Info, "postgres.state", {"state", to_string(now.state)}, {"pid", now.postmaster_pid},
         {"restarts", now.restarts}, {"reason", now.reason});
  if (observer_) observer_(now);
  // Settled only when the observer knows too, so that start() returns after its call.
  if (now.state == ServerState::Starting || now.state == ServerState::Stopping) return;
  const std::lock_guard lock(mutex_);
  settled_ = true;
  changed_.notify_all();
}

void Supervisor::run() {
  Backoff backoff(server_.backoff_initial, server_.backoff_limit);
  for (;;) {
    const auto end = attempt();
    if (end == End::Refused) return;
    if (end == End::Asked) break;
    const auto delay = backoff.next(ran_for_);
    publish([&](ServerStatus& status) {
      status.state = ServerState::BackingOff;
      status.postmaster_pid = 0;
      status.next_attempt = delay;
    });
    if (!rest(delay)) break;
    const std::lock_guard lock(mutex_);
    ++status_.restarts;
  }
  publish([](ServerStatus& status) {
    const auto restarts = status.restarts;
    status = ServerStatus{};
    status.restarts = restarts;
  });
}

Supervisor::End Supervisor::fail_attempt(Errc code, std::string reason, bool final) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !settled_;
    if (first) first_error_ = Error{code, reason};
    status_.reason = reason;
  }
  // Before the first success there is a person to tell; later there are clients to serve again.
  if (!first && !final) return End::Crashed;
  publish([&](ServerStatus& status) {
    status.state = ServerState::Failed;
    status.postmaster_pid = 0;
  });
  return End::Refused;
}

Supervisor::End Supervisor::attempt() {
  ran_for_ = {};
  if (auto clear = server_.clear_the_way(); !clear)
    return fail_attempt(clear.error().code, std::move(clear.error().detail), true);
  auto child = procs::ChildProcess::spawn(server_.command);
  if (!child) return fail_attempt(child.error().code, std::move(child.error().detail), false);
  publish([&](ServerStatus& status) {
    status.state = ServerState::Starting;
    status.postmaster_pid = child->pid();
  });
  const auto ready = become_ready(*child);
  if (!ready) {
    stop_child(*child);
    const bool final = ready.error().code == Errc::Unauthenticated;
    return fail_attempt(ready.error().code, ready.error().detail, final);
  }
  if (*ready) {
    const auto started = std::chrono::steady_clock::now();
    publish([](ServerStatus& status) {
      status.state = ServerState::Running;
      status.reason.clear();
    });
    const auto waited = child->wait(SteadyTime::max(), wake_fd_);
    ran_for_ = since(started);
    if (waited && *waited == procs::WaitResult::Exited && !stopping_)
      return fail_attempt(Errc::Unavailable, "PostgreSQL ended by itself: " + child->exit_status()->to_string(), false);
  }
  publish([](ServerStatus& status) { status.state = ServerState::Stopping; });
  stop_child(*child);
  return End::Asked;
}

/// False when asked to stop.
Result<bool> Supervisor::become_ready(procs::ChildProcess& child) {
  const auto deadline = in(server_.start_timeout);
  for (;;) {
    BZ_TRY(const auto waited, child.wait(in(kProbeInterval), wake_fd_));
    if (waited == procs::WaitResult::Woken) return false;
    if (waited == procs::WaitResult::Exited)
      return fail(Errc::Unavailable,
                  "PostgreSQL did not start (" + child.exit_status()->to_string() + "): " + server_.complaint());
    const auto probed = server_.probe(std::min(deadline, in(kProbeTimeout)));
    if (probed) return true;
    const auto code = probed.error().code;
    if (code != Errc::Unavailable && code != Errc::DeadlineExceeded) return tl::unexpected(probed.error());
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Errc::DeadlineExceeded, "PostgreSQL did not become ready in time: " + probed.error().detail);
  }
}

void Supervisor::stop_child(procs::ChildProcess& child) {
  const struct {
    int signal;
    std::chrono::milliseconds timeout;
  } steps[] = {{SIGINT, server_.stop_timeout}, {SIGQUIT, kImmediateTimeout}};
  for (const auto& step : steps) {
    if (!child.signal(step.signal)) return;
    const auto waited = child.wait(in(step.timeout));
    if (waited && *waited == procs::WaitResult::Exited) return;
    BZ_LOG(Warn, "postgres.stop_slow", {"pid", child.pid()}, {"signal", step.signal});
  }
  child.kill_and_reap();
}

bool Supervisor::rest(std::chrono::milliseconds delay) {
  pollfd wake = {wake_fd_, POLLIN, 0};
  const auto deadline = in(delay);
  while (!stopping_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    ::poll(&wake, 1, static_cast<int>(std::min<std::int64_t>(left.count(), std::numeric_limits<int>::max())));
  }
  return false;
}

}  // namespace bartizan::postgres
