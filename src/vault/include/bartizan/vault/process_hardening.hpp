// What a process that holds keys does once at its start, before it has any.
#pragma once

#include "bartizan/base/result.hpp"

namespace bartizan::vault {

/// No core files (RLIMIT_CORE 0) and no ptrace or /proc/PID/mem by other processes of the same
/// user (PR_SET_DUMPABLE 0). Io when the system refuses: then don't load keys.
[[nodiscard]] Result<void> exclude_from_dumps();

}  // namespace bartizan::vault
