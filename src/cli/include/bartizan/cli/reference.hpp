// The command line's reference page, made from the same table as parsing and --help.
#pragma once

#include <string>

namespace bartizan::cli {

/// docs/reference/cli.md, whole. A test compares the file with this.
[[nodiscard]] std::string render_reference();

}  // namespace bartizan::cli
