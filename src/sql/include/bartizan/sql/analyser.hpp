// Text to Analysis by libpg_query (PostgreSQL 15's own grammar). Total: whatever cannot be read
// (syntax of newer servers, too long, too deep, hostile) comes out as `parsed = false` with the
// worst case in every field, never as an error. Thread-safe, bounded in time and stack.
#pragma once

#include <cstddef>
#include <string_view>

#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/lexer.hpp"

namespace bartizan::sql {

struct AnalyseOptions {
  LexOptions lex = {};
  /// Statements of one text are parsed in order while they fit into this; the others are
  /// classified by the lexer alone.
  std::size_t max_parse_bytes = std::size_t{64} * 1024;
  /// libpg_query has no stack check of its own. About 2 KiB of stack for each node (nesting.hpp).
  std::size_t max_nesting = 1000;
};

/// REQUIRES: 4 MiB of stack left with the default max_nesting.
[[nodiscard]] Analysis analyse(std::string_view text, const AnalyseOptions& options);

}  // namespace bartizan::sql
