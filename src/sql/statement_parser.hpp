// One statement's text through libpg_query.
#pragma once

#include <optional>
#include <string_view>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/analysis.hpp"

namespace bartizan::sql {

/// nullopt: not one statement of PostgreSQL 15's grammar, or not safely to be parsed.
[[nodiscard]] std::optional<Statement> parse_statement(std::string_view text, const AnalyseOptions& options);

}  // namespace bartizan::sql
