// Text to man(7), and the configuration's reference page, whose Markdown is config's own, to the
// body of bartizan.toml(5).
#pragma once

#include <string>
#include <string_view>

namespace bartizan::cli {

/// Within a line: backslashes and hyphens.
[[nodiscard]] std::string roff(std::string_view text);
/// As a line of its own, which no leading dot or quote turns into a request. Words in backticks
/// become bold.
[[nodiscard]] std::string roff_line(std::string_view text);

[[nodiscard]] std::string configuration_body();

}  // namespace bartizan::cli
