// The second check of thresholds, which shares nothing with the binder (as mentions_only.hpp).
#pragma once

#include "bartizan/sql/rewrite.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

/// Whether every view of a table of aggregates alone stands alone in the FROM of a select whose groups
/// are counted before anything else is made of them.
[[nodiscard]] bool counts_entities(const ViewMap& views, const Catalog& catalog, const PgQuery__Node& statement);

}  // namespace bartizan::sql
