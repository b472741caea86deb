// An upper bound, from the tokens, of how deep the parse tree of a statement can get.
//
// libpg_query's grammar keeps its stack on the heap, but turning the tree into protobuf and back
// recurses without a check: 8 MiB of stack end at 32,000 terms of 1+1+… or 2,000 nested
// subqueries (measured on libpg_query 15-4.0.0), which is a few kilobytes of text.
#pragma once

#include <cstddef>
#include <string_view>

#include "bartizan/sql/lexer.hpp"

namespace bartizan::sql {

/// Whether the tree may reach a depth of `limit` nodes, each worth about 2 KiB of stack.
///
/// Trees get deep by brackets (parentheses, [ ], CASE … END) and by chains (a + b + c, - - - a,
/// x::a::b, UNION, JOIN). Every token but constants is counted as a link of a chain. A comma, AND
/// or OR begins a sibling, whose links count beside, not on top; but not across these two:
///   - UNION, INTERSECT, EXCEPT and JOIN chain whole lists, so they count for all of their bracket;
///   - below a prefix NOT, the one prefix operator that binds less tightly than BETWEEN … AND,
///     what follows an AND may stand under all links before it, so NOT makes these lasting.
/// A bracket or NOT counts as three: a sub-select is that many nodes, and so is what an AND ends.
[[nodiscard]] bool nests_deeply(std::string_view text, LexOptions options, std::size_t limit);

}  // namespace bartizan::sql
