// --help in the manner of a manual page: what, arguments and options with defaults, exit codes,
// examples.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "command.hpp"

namespace bartizan::cli {

/// Of the whole: every command with its summary.
[[nodiscard]] std::string help();
/// Of a noun: its verbs.
[[nodiscard]] std::string help_on_noun(std::string_view noun);
[[nodiscard]] std::string help_on(const Command& command);

/// "bartizan depot create NAME [options]".
[[nodiscard]] std::string synopsis_of(const Command& command);
/// "NAME", "--delete" or "--host HOST".
[[nodiscard]] std::string label_of(const Parameter& parameter);
/// What it is, its default and whether it is required.
[[nodiscard]] std::string text_of(const Parameter& parameter);

struct ExitCodeRow {
  int code;
  std::string_view text;
};
[[nodiscard]] std::span<const ExitCodeRow> exit_code_rows();

}  // namespace bartizan::cli
