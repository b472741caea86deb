// What happens between fork and exec. Everything that allocates is prepared before the fork:
// in a program with threads the child may only make async-signal-safe calls (fork(2)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/procs/command.hpp"

namespace bartizan::procs {

enum class ChildStep : std::uint8_t { ParentDied, Descriptors, User, WorkingDirectory, Exec };

/// Sent through the report pipe by a child that could not become the program.
struct ChildFailure {
  ChildStep step;
  int error_number;
};

[[nodiscard]] const char* to_string(ChildStep step) noexcept;

/// The prepared arguments of execve. Its pointers go into the Command, which must outlive it.
class ChildImage {
 public:
  ChildImage(const Command& command, pid_t parent);
  /// In the child only. The four descriptors are open in it; report is close-on-exec.
  [[noreturn]] void become(int stdin_fd, int stdout_fd, int stderr_fd, int report_fd) noexcept;

 private:
  [[nodiscard]] std::optional<ChildFailure> prepare(int stdin_fd, int stdout_fd, int stderr_fd) const noexcept;

  std::vector<std::string> environment_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  const char* working_directory_;
  std::optional<RunAs> run_as_;
  int parent_death_signal_;
  pid_t parent_;
  int descriptor_limit_;
};

}  // namespace bartizan::procs
