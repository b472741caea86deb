// libpg_query's deparser leaves out the parentheses around some conditions that are operands
// themselves: (a = b) IN (…), (x NOT IN (…)) IS NULL. A cast to boolean, which they are already,
// brings the parentheses with it, and changes nothing else.
#pragma once

#include "parse_tree.hpp"
#include "tree_editor.hpp"

namespace bartizan::sql {

/// Puts each condition that is an operand into a cast; false when there is none. Whether it helps is
/// seen by deparsing.
[[nodiscard]] bool cast_boolean_operands(PgQuery__Node& statement, TreeEditor& edit);

}  // namespace bartizan::sql
