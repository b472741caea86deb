// The embedded server's configuration. What its isolation and the silence of its log rest on is
// given on the command line, where neither ALTER SYSTEM nor a file can override it; the rest goes
// into a postgresql.conf that PostgreSQL's user can read and not write.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/postgres/data_directory.hpp"
#include "sizing.hpp"

namespace bartizan::postgres {

using Settings = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kLongestSocketPath = 107;  ///< sockaddr_un.sun_path without its NUL

/// The instance's name in process titles: tells the processes of one data folder from another's.
[[nodiscard]] std::string cluster_name_of(const DataLayout& layout);

/// Settings of the command line, in order.
[[nodiscard]] Settings fixed_settings(const DataLayout& layout, const std::string& socket_directory);

/// The text of postgresql.conf. InvalidArgument for a name of extra that is not one, or fixed.
Result<std::string> render_configuration(const ServerSize& size, const Settings& extra);

/// A socket of PostgreSQL's in this folder has a path that fits, and that needs no quoting.
[[nodiscard]] bool fits_socket(std::string_view directory);

}  // namespace bartizan::postgres
