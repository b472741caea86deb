// The three ways in which this module puts foreign text between quotes.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::policy {

/// For messages: "…", with control characters, backslash and the quote escaped, at most 80 bytes.
[[nodiscard]] std::string in_double_quotes(std::string_view text);
/// A SQL string literal under standard_conforming_strings. REQUIRES: no NUL.
[[nodiscard]] std::string sql_literal(std::string_view text);
/// A SQL identifier, always quoted. REQUIRES: no NUL.
[[nodiscard]] std::string sql_identifier(std::string_view name);

}  // namespace bartizan::policy
