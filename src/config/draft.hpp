// parse() with the origins of its keys, for load_file(), which has more to complain about.
#pragma once

#include "bind.hpp"

namespace bartizan::config {

/// A draft without issues holds a valid configuration.
[[nodiscard]] Draft draft(const Input& input, const Environment& environment);

}  // namespace bartizan::config
