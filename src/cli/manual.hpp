// `bartizan manual [PAGE]`: manual pages in man(7), made from the tables of commands and of
// configuration keys. They hold no date, so that a package made twice is the same twice.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "present.hpp"

namespace bartizan::cli {

/// The command's row of the table.
[[nodiscard]] Command manual_command();

/// "bartizan.1", "bartizan-depot.1", …, "bartizan.toml.5".
[[nodiscard]] std::vector<std::string> manual_pages();

/// nullopt: there is no such page.
[[nodiscard]] std::optional<std::string> render_manual(std::string_view page, std::string_view version);

/// The page, or (an empty name) the list of them. NotFound.
[[nodiscard]] Presented present_manual(std::string_view page, std::string_view version);

}  // namespace bartizan::cli
