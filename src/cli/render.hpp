// A result as people read it: a list of objects as an aligned table, an object as a record, the
// rest as a line. Whatever is in it, the output is safe for a terminal.
#pragma once

#include <boost/json/fwd.hpp>
#include <span>
#include <string>

#include "command.hpp"

namespace bartizan::cli {

/// columns: which members a table shows, in which order; those that no row has are left out.
/// Empty, or none of them there: all members, as they come.
[[nodiscard]] std::string render(const boost::json::value& result, std::span<const Column> columns);

}  // namespace bartizan::cli
