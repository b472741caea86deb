// What to run as a child process: the whole of it, since nothing is inherited by accident.
//
// There is no shell and no PATH search: argv[0] is an absolute path. The environment is exactly
// what stands here. The child gets a session of its own (a terminal's Ctrl-C does not reach it),
// default signal handling, no descriptor but 0, 1 and 2, and a signal when its parent dies.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bartizan/base/secret.hpp"

namespace bartizan::procs {

/// Whom the child becomes: setgroups to this one group, then setgid, then setuid.
struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Discard {};
/// Kept in memory up to limit_bytes; what comes after is read and dropped.
struct Capture {
  std::size_t limit_bytes = 64 * 1024;
};
/// Opened by the parent with mode 0600; a symbolic link is refused.
struct ToFile {
  std::string path;
  bool truncate = false;
};
using Output = std::variant<Discard, Capture, ToFile>;

struct Command {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string working_directory = "/";
  std::optional<RunAs> run_as;
  SecretBytes stdin_bytes;  ///< empty: /dev/null
  Output standard_output = Discard{};
  Output standard_error = Discard{};
  /// Sent by the kernel when the *thread* that called spawn() ends: spawn from a thread that
  /// lives as long as the child should. 0: none, for who has something left to finish then.
  int parent_death_signal = SIGKILL;
};

}  // namespace bartizan::procs
