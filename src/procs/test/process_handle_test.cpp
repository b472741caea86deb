#include "bartizan/procs/process_handle.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "bartizan/procs/child_process.hpp"

using namespace bartizan;
using namespace bartizan::procs;
using namespace std::chrono_literals;

namespace {

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

Command sleeper(const char* seconds) {
  Command command;
  command.argv = {"/bin/sleep", seconds};
  return command;
}

}  // namespace

TEST_CASE("a handle tells who a process is and ends it") {
  auto child = ChildProcess::spawn(sleeper("61"));
  REQUIRE(child);
  auto handle = ProcessHandle::open(child->pid());
  REQUIRE(handle);
  CHECK(handle->pid() == child->pid());
  CHECK(handle->uid() == ::geteuid());
  CHECK(handle->parent() == ::getpid());
  CHECK(handle->arguments() == std::vector<std::string>{"/bin/sleep", "61"});
  CHECK(handle->alive());
  CHECK_FALSE(handle->wait_gone(in(20ms)));
  REQUIRE(handle->signal(SIGTERM));
  CHECK(handle->wait_gone(in(10s)));
  CHECK_FALSE(handle->alive());
  CHECK(handle->signal(SIGTERM).error().code == Errc::NotFound);
}

TEST_CASE("a zombie and a pid that is nobody's are not found") {
  auto child = ChildProcess::spawn(sleeper("62"));
  REQUIRE(child);
  const auto handle = ProcessHandle::open(child->pid());
  REQUIRE(handle);
  REQUIRE(handle->signal(SIGKILL));
  REQUIRE(handle->wait_gone(in(10s)));
  CHECK(ProcessHandle::open(child->pid()).error().code == Errc::NotFound);  // not reaped yet
  REQUIRE(child->wait(in(10s)).value() == WaitResult::Exited);
  CHECK(ProcessHandle::open(child->pid()).error().code == Errc::NotFound);
  CHECK(ProcessHandle::open(0).error().code == Errc::InvalidArgument);
  CHECK(ProcessHandle::open(-1).error().code == Errc::InvalidArgument);
}

TEST_CASE("find_processes matches user and beginning of the command line") {
  auto child = ChildProcess::spawn(sleeper("63.25"));
  REQUIRE(child);
  const auto has = [&](const std::vector<pid_t>& pids) { return std::ranges::find(pids, child->pid()) != pids.end(); };
  CHECK(has(find_processes(::geteuid(), "/bin/sleep")));
  CHECK(has(find_processes(::geteuid(), std::string_view("/bin/sleep\0"
                                                         "63.25",
                                                         16))));
  CHECK_FALSE(has(find_processes(::geteuid(), "bin/sleep")));
  CHECK_FALSE(has(find_processes(::geteuid() + 1, "/bin/sleep")));
}
