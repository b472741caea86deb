// The names of functions that the analysis takes for PostgreSQL's own wherever they are called without
// a schema. A database in which somebody has given one of them to a function of theirs is not read
// rightly by it (session/depot_traits.hpp).
#pragma once

#include <string>

namespace bartizan::sql {

/// All of them, with commas between.
[[nodiscard]] std::string known_function_names();

}  // namespace bartizan::sql
