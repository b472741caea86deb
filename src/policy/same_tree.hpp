// Whether two parses by libpg_query are one tree, the places in the text aside. Comparing deparsed
// texts would not do: a deparser that lost a pair of parentheses would write the same text twice.
#pragma once

#include <pg_query/pg_query.pb-c.h>

namespace bartizan::policy {

/// Sets every location in both trees to 0.
[[nodiscard]] bool same_tree(PgQuery__ParseResult& a, PgQuery__ParseResult& b);

}  // namespace bartizan::policy
