// Keeps one server process running: starts it, waits until it is ready, restarts it after a crash
// with exponential back-off, stops it in order. Knows nothing of PostgreSQL beyond its signals.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "backoff.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/postgres/embedded_server.hpp"
#include "bartizan/procs/child_process.hpp"

namespace bartizan::postgres {

struct SupervisedServer {
  procs::Command command;
  /// Before every attempt. An error is final: the server becomes Failed.
  std::function<Result<void>()> clear_the_way;
  /// One try to use the server. Unavailable and DeadlineExceeded mean: not yet.
  std::function<Result<void>(SteadyTime deadline)> probe;
  /// What the server had to say about a start that failed, for the operator.
  std::function<std::string()> complaint;
  std::chrono::milliseconds start_timeout{};
  std::chrono::milliseconds stop_timeout{};
  std::chrono::milliseconds backoff_initial{};
  std::chrono::milliseconds backoff_limit{};
};

/// start() and stop() from one thread, status() from any. One use: start, stop, destroy.
/// The thread that it owns spawns every child, so that the child's death signal is tied to it.
class Supervisor {
 public:
  Supervisor(SupervisedServer server, EmbeddedServer::Observer observer);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  /// Blocks until the first Running, or until the first attempt has failed.
  Result<void> start();
  void stop();
  [[nodiscard]] ServerStatus status() const;

 private:
  enum class End : std::uint8_t { Asked, Crashed, Refused };

  void run();
  End attempt();
  Result<bool> become_ready(procs::ChildProcess& child);
  End fail_attempt(Errc code, std::string reason, bool final);
  void stop_child(procs::ChildProcess& child);
  /// False when asked to stop.
  bool rest(std::chrono::milliseconds delay);
  void publish(const std::function<void(ServerStatus&)>& change);

  SupervisedServer server_;
  EmbeddedServer::Observer observer_;
  int wake_fd_ = -1;
  std::atomic<bool> stopping_{false};
  std::chrono::milliseconds ran_for_{};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ServerStatus status_;
  bool settled_ = false;  ///< the first attempt has come to an end, good or bad
  Error first_error_;
  std::thread thread_;
};

}  // namespace bartizan::postgres
