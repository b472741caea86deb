// `bartizan completion SHELL`: a completion script made from the table of commands, for bash, zsh
// and fish. It completes words, options and file names; it asks no running Bartizan.
#pragma once

#include <string>
#include <string_view>

#include "command.hpp"
#include "present.hpp"

namespace bartizan::cli {

/// The command's row of the table.
[[nodiscard]] Command completion_command();

[[nodiscard]] std::string render_bash_completion();
[[nodiscard]] std::string render_zsh_completion();
[[nodiscard]] std::string render_fish_completion();

/// Usage unless the shell is one of the three.
[[nodiscard]] Presented present_completion(std::string_view shell);

}  // namespace bartizan::cli
