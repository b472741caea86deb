// Where PostgreSQL's server programs are, and which version they are.
//
// Debian keeps one folder per major version, /usr/lib/postgresql/<major>/bin. A new data folder
// takes the newest supported one; an existing one takes the version that made it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

inline constexpr int kOldestEmbeddedMajor = 14;
inline constexpr int kNewestEmbeddedMajor = 18;

struct ServerBinaries {
  std::string directory;  ///< holds postgres and initdb
  int major = 0;
  std::string version;  ///< "15.20"
};

/// All that are found and supported, newest first. With a configured folder, that one alone.
/// NotFound says which package to install.
Result<std::vector<ServerBinaries>> find_server_binaries(const std::optional<std::string>& configured_directory,
                                                         SteadyTime deadline);

/// "postgres (PostgreSQL) 15.20 (Debian ...)" to 15 and "15.20".
[[nodiscard]] std::optional<std::pair<int, std::string>> parse_version_line(std::string_view line);

}  // namespace bartizan::postgres
