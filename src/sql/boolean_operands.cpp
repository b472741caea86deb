#include "boolean_operands.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "node_access.hpp"

namespace bartizan::sql {

namespace {

template <class T>
const T& field_of(const ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&message) + offset);
}

/// Of pg_catalog they give boolean for whatever types; the binder permits no others.
bool compares(const PgQuery__AExpr& expression) {
  constexpr std::array<std::string_view, 6> kComparisons = {"<", "<=", "<>", "=", ">", ">="};
  return expression.n_name != 0 &&
         std::ranges::find(kComparisons, string_value(expression.name[expression.n_name - 1])) != kComparisons.end();
}

bool is_condition(const PgQuery__Node& node) {
  if (node.node_case == PG_QUERY__NODE__NODE_BOOL_EXPR || node.node_case == PG_QUERY__NODE__NODE_NULL_TEST ||
      node.node_case == PG_QUERY__NODE__NODE_BOOLEAN_TEST)
    return true;
  if (node.node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
    // EXISTS needs none, and gives its column a name.
    const auto type = node.sub_link->sub_link_type;
    return type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK || type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
  }
  if (node.node_case != PG_QUERY__NODE__NODE_A_EXPR) return false;
  switch (static_cast<int>(node.a_expr->kind)) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP: return node.a_expr->lexpr != nullptr && compares(*node.a_expr);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return false;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return true;
    default: return false;
  }
}

void note(PgQuery__Node* operand, std::vector<PgQuery__Node*>& found) {
  if (operand != nullptr && is_condition(*operand)) found.push_back(operand);
}

void note_operands(PgQuery__Node& node, std::vector<PgQuery__Node*>& found) {
  switch (static_cast<int>(node.node_case)) {
    case PG_QUERY__NODE__NODE_A_EXPR:
      note(node.a_expr->lexpr, found);
      note(node.a_expr->rexpr, found);
      return;
    case PG_QUERY__NODE__NODE_SUB_LINK: return note(node.sub_link->testexpr, found);
    case PG_QUERY__NODE__NODE_NULL_TEST: return note(node.null_test->arg, found);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return note(node.boolean_test->arg, found);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return note(node.type_cast->arg, found);
    default: return;
  }
}

PgQuery__Node* true_constant(TreeEditor& edit) {
  PgQuery__Node* const made = edit.integer(0);
  edit.become_boolean(*made, true);
  return made;
}

/// In a cast an operator's expression has parentheses, as an operator's operand AND, OR, NOT and IS
/// NULL have. x AND true, and x = true, are x for each of true, false and NULL.
void part(PgQuery__Node& operand, TreeEditor& edit) {
  PgQuery__Node* inner = edit.moved(operand);
  if (inner->node_case == PG_QUERY__NODE__NODE_SUB_LINK || inner->node_case == PG_QUERY__NODE__NODE_BOOLEAN_TEST) {
    PgQuery__Node* const both = edit.integer(0);
    edit.become_bool(*both, PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR);
    edit.set_list(both->bool_expr->args, both->bool_expr->n_args, {inner, true_constant(edit)});
    inner = both;
  }
  if (inner->node_case != PG_QUERY__NODE__NODE_A_EXPR) {
    PgQuery__Node* const equal = edit.integer(0);
    edit.become_operator(*equal, PG_QUERY__A__EXPR__KIND__AEXPR_OP, "=", inner, true_constant(edit));
    inner = equal;
  }
  edit.become_cast(operand, inner, "bool", false);
}

}  // namespace

bool cast_boolean_operands(PgQuery__Node& statement, TreeEditor& edit) {
  std::vector<PgQuery__Node*> found;
  std::vector<ProtobufCMessage*> stack{&statement.base};
  while (!stack.empty()) {
    ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    if (message.descriptor == &pg_query__node__descriptor) {
      auto& node = reinterpret_cast<PgQuery__Node&>(message);
      note_operands(node, found);
      if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack.push_back(&node.alias->base);
      continue;
    }
    for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
      if (field.type != PROTOBUF_C_TYPE_MESSAGE || (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) continue;
      if (field.label == PROTOBUF_C_LABEL_REPEATED) {
        const auto* const items = field_of<ProtobufCMessage* const*>(message, field.offset);
        stack.insert(stack.end(), items, items + field_of<std::size_t>(message, field.quantifier_offset));
      } else if (auto* const one = field_of<ProtobufCMessage*>(message, field.offset); one != nullptr) {
        stack.push_back(one);
      }
    }
  }
  for (PgQuery__Node* const operand : found) part(*operand, edit);
  return !found.empty();
}

}  // namespace bartizan::sql
