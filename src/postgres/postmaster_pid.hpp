// postmaster.pid, the lock file that a running PostgreSQL keeps in its data folder. Line by line:
// pid, data folder, start time, port, socket folder, listen address, shared memory, status.
// It is written by PostgreSQL's user, so nothing in it is believed without a look at the process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace bartizan::postgres {

struct PostmasterPid {
  pid_t pid = 0;
  std::string data_directory;
};

/// nullopt unless the first line is a positive pid. (A bootstrap backend's is negative.)
[[nodiscard]] std::optional<PostmasterPid> parse_postmaster_pid(std::string_view text);

}  // namespace bartizan::postgres
