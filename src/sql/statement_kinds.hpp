// From the top node of a parse tree: kind, effect, tag, name and flags of a statement.
#pragma once

#include "bartizan/sql/analysis.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

/// All of the Statement but its relations. False for a node that begins no statement.
[[nodiscard]] bool describe(const PgQuery__Node& node, Statement& statement);

/// How an EXPLAIN, DECLARE, COPY or the like stands to the query within it.
enum class Inner : std::uint8_t {
  Runs,     ///< its effect is theirs
  Deferred, ///< not now: it adds relations, but neither effect nor pin
};
[[nodiscard]] Inner inner_query(const PgQuery__Node& node);

}  // namespace bartizan::sql
