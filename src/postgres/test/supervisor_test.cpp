// The state machine with small programs in PostgreSQL's place.
#include "supervisor.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <vector>

using namespace bartizan;
using namespace bartizan::postgres;
using namespace std::chrono_literals;

namespace {

/// What the observer was told, waited for under a deadline.
class Record {
 public:
  EmbeddedServer::Observer observer() {
    return [this](const ServerStatus& status) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(status);
      changed_.notify_all();
    };
  }
  /// The state number `count` of its kind.
  ServerStatus wait_for(ServerState state, int count) {
    std::unique_lock lock(mutex_);
    const auto find = [&]() -> const ServerStatus* {
      int found = 0;
      for (const auto& status : seen_)
        if (status.state == state && ++found == count) return &status;
      return nullptr;
    };
    REQUIRE(changed_.wait_for(lock, 20s, [&] { return find() != nullptr; }));
    return *find();
  }
  std::vector<ServerState> states() {
    const std::lock_guard lock(mutex_);
    std::vector<ServerState> states;
    for (const auto& status : seen_) states.push_back(status.state);
    return states;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ServerStatus> seen_;
};

SupervisedServer script(const char* text) {
  SupervisedServer server;
  server.command.argv = {"/bin/sh", "-c", text};
  server.command.environment = {{"PATH", "/usr/bin:/bin"}};
  server.clear_the_way = [] { return Result<void>(); };
  server.probe = [](SteadyTime) { return Result<void>(); };
  server.complaint = [] { return std::string("complaint"); };
  server.start_timeout = 10s;
  server.stop_timeout = 300ms;
  server.backoff_initial = 5ms;
  server.backoff_limit = 20ms;
  return server;
}

}  // namespace

TEST_CASE("start, stop, in this order and once each") {
  Record record;
  Supervisor supervisor(script("exec sleep 60"), record.observer());
  REQUIRE(supervisor.start());
  CHECK(supervisor.status().state == ServerState::Running);
  CHECK(supervisor.status().postmaster_pid > 0);
  supervisor.stop();
  supervisor.stop();
  CHECK(supervisor.status().state == ServerState::Stopped);
  CHECK(record.states() ==
        std::vector{ServerState::Starting, ServerState::Running, ServerState::Stopping, ServerState::Stopped});
}

TEST_CASE("a crash is followed by back-off and a new process, again and again") {
  Record record;
  Supervisor supervisor(script("exec sleep 60"), record.observer());
  REQUIRE(supervisor.start());
  for (int round = 1; round <= 3; ++round) {
    const auto running = record.wait_for(ServerState::Running, round);
    CHECK(running.restarts == static_cast<std::uint64_t>(round - 1));
    REQUIRE(::kill(running.postmaster_pid, SIGKILL) == 0);
    const auto backing_off = record.wait_for(ServerState::BackingOff, round);
    CHECK(backing_off.postmaster_pid == 0);
    CHECK(backing_off.reason.find("signal 9") != std::string::npos);
    CHECK(backing_off.next_attempt == std::min<std::chrono::milliseconds>(5ms * (1 << (round - 1)), 20ms));
  }
  record.wait_for(ServerState::Running, 4);
  supervisor.stop();
  CHECK(supervisor.status().restarts == 3);
}

TEST_CASE("a first start that fails is an error with what the server said; nothing is tried again") {
  Record record;
  auto server = script("exit 3");
  server.probe = [](SteadyTime) -> Result<void> { return fail(Errc::Unavailable, "not yet"); };
  Supervisor supervisor(std::move(server), record.observer());
  const auto started = supervisor.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().detail.find("exit status 3") != std::string::npos);
  CHECK(started.error().detail.find("complaint") != std::string::npos);
  CHECK(supervisor.status().state == ServerState::Failed);
  CHECK(record.states() == std::vector{ServerState::Starting, ServerState::Failed});
}

TEST_CASE("never ready: the deadline ends the start and the process") {
  Record record;
  auto server = script("exec sleep 60");
  server.start_timeout = 100ms;
  server.probe = [](SteadyTime) -> Result<void> { return fail(Errc::Unavailable, "not yet"); };
  Supervisor supervisor(std::move(server), record.observer());
  CHECK(supervisor.start().error().code == Errc::DeadlineExceeded);
  const auto pid = record.wait_for(ServerState::Starting, 1).postmaster_pid;
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("a restart that fails is tried again; a refusal is final") {
  Record record;
  auto server = script("exec sleep 60");
  std::atomic<int> probes = 0;
  std::atomic<bool> refuse = false;
  server.start_timeout = 50ms;
  server.probe = [&](SteadyTime) -> Result<void> {
    // The second process is never ready, the third is.
    const int n = ++probes;
    if (n == 1 || n > 4) return {};
    return fail(Errc::Unavailable, "not yet");
  };
  server.clear_the_way = [&]() -> Result<void> {
    if (refuse) return fail(Errc::FailedPrecondition, "no longer ours");
    return {};
  };
  Supervisor supervisor(std::move(server), record.observer());
  REQUIRE(supervisor.start());
  REQUIRE(::kill(supervisor.status().postmaster_pid, SIGKILL) == 0);
  const auto running = record.wait_for(ServerState::Running, 2);
  refuse = true;
  REQUIRE(::kill(running.postmaster_pid, SIGKILL) == 0);
  CHECK(record.wait_for(ServerState::Failed, 1).reason == "no longer ours");
  supervisor.stop();
  CHECK(supervisor.status().state == ServerState::Failed);
}

TEST_CASE("stop escalates from fast to immediate to kill") {
  const char* scripts[] = {"trap 'exit 0' QUIT; trap '' INT; while :; do sleep 0.02; done", "exec sleep 60"};
  for (const char* text : scripts) {
    CAPTURE(text);
    Record record;
    Supervisor supervisor(script(text), record.observer());
    REQUIRE(supervisor.start());
    const auto pid = supervisor.status().postmaster_pid;
    supervisor.stop();
    CHECK(::kill(pid, 0) != 0);
    CHECK(supervisor.status().state == ServerState::Stopped);
  }
}

TEST_CASE("stop interrupts a back-off at once") {
  Record record;
  auto server = script("exec sleep 60");
  server.backoff_initial = 10min;
  server.backoff_limit = 10min;
  Supervisor supervisor(std::move(server), record.observer());
  REQUIRE(supervisor.start());
  REQUIRE(::kill(supervisor.status().postmaster_pid, SIGKILL) == 0);
  record.wait_for(ServerState::BackingOff, 1);
  const auto before = std::chrono::steady_clock::now();
  supervisor.stop();
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  CHECK(supervisor.status().state == ServerState::Stopped);
}
