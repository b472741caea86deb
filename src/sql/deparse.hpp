// From a tree to text, and the check that the text means that tree. libpg_query's deparser is not
// proven: a text that does not parse back to the same tree is not used.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "parse_tree.hpp"

namespace bartizan::sql {

/// Whether two trees are the same but for locations.
[[nodiscard]] bool same_tree(const PgQuery__Node& one, const PgQuery__Node& other);

/// The text of the statement and its own parse tree; nullopt if it has none that parses to the same.
struct Deparsed {
  std::string text;
  std::unique_ptr<ParseTree> tree;
};
[[nodiscard]] std::optional<Deparsed> deparse(PgQuery__Node& statement);

}  // namespace bartizan::sql
