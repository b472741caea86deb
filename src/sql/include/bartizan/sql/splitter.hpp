// Where the statements of one Query message begin and end. PostgreSQL splits by its grammar;
// this splits by tokens (parentheses of CREATE RULE and the BEGIN ATOMIC body of CREATE FUNCTION
// respected), and analyse() checks the two against each other: it treats a text on which they
// differ as unreadable.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "bartizan/sql/lexer.hpp"

namespace bartizan::sql {

/// A text of more is one incomplete range: each statement costs over a hundred bytes of Analysis.
inline constexpr std::size_t kMaxStatements = 65'536;

/// From the first to the last token; comments around it and the semicolon are outside.
struct StatementRange {
  std::size_t offset = 0;
  std::size_t length = 0;
  /// False: where it ends is not known (a lexical error, or too many statements), so it runs to the
  /// end of the text and may hold any statements at all.
  bool complete = true;

  [[nodiscard]] std::string_view in(std::string_view text) const noexcept { return text.substr(offset, length); }
  friend bool operator==(const StatementRange&, const StatementRange&) = default;
};

/// Without the empty ones, in order. As many as analyse() and the cache give statements for the
/// same text and options, save that an empty text has no range but one statement of Kind::Empty.
[[nodiscard]] std::vector<StatementRange> split(std::string_view text, LexOptions options);

}  // namespace bartizan::sql
