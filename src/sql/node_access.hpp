// Reading nodes of a parse tree.
#pragma once

#include <string_view>

#include "parse_tree.hpp"

namespace bartizan::sql {

/// A String node's value; empty for any other node.
[[nodiscard]] inline std::string_view string_value(const PgQuery__Node* node) noexcept {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_STRING ? std::string_view(node->string->sval)
                                                                           : std::string_view{};
}

[[nodiscard]] inline bool is_star(const PgQuery__Node* node) noexcept {
  return node->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

[[nodiscard]] inline bool is_integer_constant(const PgQuery__Node& node) noexcept {
  return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->isnull == 0 &&
         node.a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
}

/// A constant's text if it is a string; empty for any other node.
[[nodiscard]] inline std::string_view string_constant(const PgQuery__Node* node) noexcept {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                 node->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL
             ? std::string_view(node->a_const->sval->sval)
             : std::string_view{};
}

/// The name that PostgreSQL gives to an unnamed output column (FigureColname).
[[nodiscard]] std::string_view output_name(const PgQuery__Node& node);

}  // namespace bartizan::sql
