// A process that is not our child, known by a recorded pid (a pid file, a /proc scan).
//
// open() pins the process, then reads what /proc says about it; the caller compares that with
// what it expects (user, command line) before it signals. What was read and what is signalled
// are the same process even if the pid has been reused in between.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::procs {

/// Move-only; one thread at a time. Holds a pidfd where the kernel has one, else the start time.
class ProcessHandle {
 public:
  /// NotFound: no such process, or only its zombie is left.
  static Result<ProcessHandle> open(pid_t pid);

  ProcessHandle(ProcessHandle&& other) noexcept;
  ProcessHandle& operator=(ProcessHandle&& other) noexcept;
  ~ProcessHandle();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] uid_t uid() const noexcept { return uid_; }
  [[nodiscard]] pid_t parent() const noexcept { return parent_; }
  /// argv as the kernel shows it; a process title that was overwritten is one element.
  [[nodiscard]] const std::vector<std::string>& arguments() const noexcept { return arguments_; }

  [[nodiscard]] bool alive() const;
  /// NotFound once it has ended.
  Result<void> signal(int number) const;
  /// True when it ended before the deadline.
  [[nodiscard]] bool wait_gone(SteadyTime deadline) const;

 private:
  ProcessHandle() = default;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  uid_t uid_ = 0;
  pid_t parent_ = 0;
  std::uint64_t start_ticks_ = 0;
  std::vector<std::string> arguments_;
};

/// The pids of all processes of a user whose command line begins with prefix.
[[nodiscard]] std::vector<pid_t> find_processes(uid_t uid, std::string_view prefix);

}  // namespace bartizan::procs
