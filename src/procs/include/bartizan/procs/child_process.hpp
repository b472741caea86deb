// Child processes: spawn, feed, wait with a deadline, signal, end.
//
// A child is addressed through a pidfd where the kernel has one (Linux 5.3), and through its
// unreaped pid otherwise, so that no signal ever reaches a stranger that got the same number.
// Everything here blocks and is meant for a control thread, never for an event loop.
// See fork(2), pidfd_open(2), prctl(2) PR_SET_PDEATHSIG.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/procs/command.hpp"

namespace bartizan::procs {

struct ExitStatus {
  int code = 0;    ///< exit status, when signal is 0
  int signal = 0;  ///< the signal that ended it, or 0
  [[nodiscard]] bool success() const noexcept { return code == 0 && signal == 0; }
  /// "exit status 1", "signal 9"
  [[nodiscard]] std::string to_string() const;
};

struct CompletedProcess {
  ExitStatus status;
  std::string standard_output;
  std::string standard_error;
  bool truncated = false;  ///< more came than a Capture's limit
};

enum class WaitResult : std::uint8_t { Exited, Deadline, Woken };

/// Owns one child. Move-only; used by one thread at a time. Destroying it kills the child and
/// its process group and reaps it: a child never outlives its owner unnoticed.
class ChildProcess {
 public:
  /// Errors: InvalidArgument (argv, environment, user), NotFound / PermissionDenied / Io with the
  /// step that failed in the child (chdir, setuid, exec) and errno's text.
  static Result<ChildProcess> spawn(const Command& command);

  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept;
  /// Set once wait() or finish() has seen the end.
  [[nodiscard]] const std::optional<ExitStatus>& exit_status() const noexcept;

  /// Until the child ends, the deadline passes, or wake_fd (when not -1) becomes readable.
  Result<WaitResult> wait(SteadyTime deadline, int wake_fd = -1);
  /// Feeds stdin, collects captured output and waits. DeadlineExceeded leaves the child running.
  Result<CompletedProcess> finish(SteadyTime deadline);
  /// FailedPrecondition once it has ended.
  Result<void> signal(int number);
  /// SIGKILL to the child and its process group, then reap. Nothing if it has ended.
  void kill_and_reap() noexcept;

 private:
  struct State;
  explicit ChildProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// spawn and finish; on the deadline the child and its process group are killed.
/// A non-zero exit is not an error of run: look at status.
Result<CompletedProcess> run(const Command& command, SteadyTime deadline);

}  // namespace bartizan::procs
