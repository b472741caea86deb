// --help in the manner of a manual page: what, arguments and options with defaults, exit codes,
// examples.
#pragma once

#include <string>
#include <string_view>

#include "command.hpp"

namespace bartizan::cli {

/// Of the whole: every command with its summary.
[[nodiscard]] std::string help();
/// Of a noun: its verbs.
[[nodiscard]] std::string help_on_noun(std::string_view noun);
[[nodiscard]] std::string help_on(const Command& command);

}  // namespace bartizan::cli
