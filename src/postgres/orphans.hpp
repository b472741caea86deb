// What a gateway or a postmaster that was killed left behind: a postmaster that still runs,
// backends without one, a lock file that names nobody. Called with the instance lock held.
#pragma once

#include <chrono>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/postgres/data_directory.hpp"

namespace bartizan::postgres {

/// For a server whose folder is out of sight: postmasters on this cluster are found among all processes.
Result<void> stop_left_over(const DataLayout& layout, const ServerAccount& account, const std::string& cluster_name,
                            std::chrono::milliseconds stop_timeout);
/// Stops what is ours, in order, and removes a stale postmaster.pid and the socket's stale lock. FailedPrecondition
/// when a PostgreSQL that Bartizan did not start runs on the folder.
Result<void> clear_the_way(const DataLayout& layout, const ServerAccount& account, const std::string& cluster_name,
                           const std::string& socket_directory, std::chrono::milliseconds stop_timeout);

}  // namespace bartizan::postgres
