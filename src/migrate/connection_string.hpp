// The value of a key of [databases], [users] or [peers]: name=value pairs apart by blanks, values
// in single quotes where they hold blanks, a doubled quote inside stands for one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::migrate {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// In their order. Malformed repeats nothing of the text, which may hold a password.
[[nodiscard]] Result<Pairs> read_connection_string(std::string_view text);

}  // namespace bartizan::migrate
