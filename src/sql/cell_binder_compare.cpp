// Equality: where a statement asks whether cells are equal, it is made to ask it of their blind indexes.
#include <algorithm>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

// docs/formats/cell.md: the index is 16 bytes at offset 8.
constexpr int kIndexFrom = 9;
constexpr int kIndexBytes = 16;

bool may_be_cell(const PgQuery__Node* node) {
  if (node == nullptr) return false;
  if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) node = node->type_cast->arg;
  return node != nullptr &&
         (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF || node->node_case == PG_QUERY__NODE__NODE_SUB_LINK);
}

/// Of pg_catalog as far as its name tells; empty: another schema's.
std::string_view operator_of(const PgQuery__AExpr& expression) {
  if (expression.n_name == 0 || expression.n_name > 2) return {};
  if (expression.n_name == 2 && string_value(expression.name[0]) != "pg_catalog") return {};
  return string_value(expression.name[expression.n_name - 1]);
}

const CellPlaceRule& place_of(const PgQuery__AExpr& expression) {
  switch (static_cast<int>(expression.kind)) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: return cell_place::kPattern;
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return cell_place::kOrderComparison;
    default: break;
  }
  const std::string_view name = operator_of(expression);
  if (name == "<" || name == "<=" || name == ">" || name == ">=") return cell_place::kOrderComparison;
  if (name.starts_with('~') || name.starts_with("!~")) return cell_place::kPattern;
  return cell_place::kExpression;
}

/// Of a value that is compared with the column.
CellAction compared(const EncryptedColumnSpec& column, bool several) {
  if (column.tokens != TokenUse::None) return CellAction::TokenCompared;
  return several ? CellAction::BlindIndexes : CellAction::BlindIndex;
}

bool is_digits(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

bool CellBinder::operator_expression(PgQuery__Node& node, At at) {
  PgQuery__AExpr& expression_node = *node.a_expr;
  const std::string_view name = operator_of(expression_node);
  switch (static_cast<int>(expression_node.kind)) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
      if (name == "=" || name == "<>") return compare(node, at);
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT: return compare(node, at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return compare_list(node, at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      if (name == "=") return compare_array(node, at);
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      if (name == "<>") return compare_array(node, at);
      break;
    default: break;
  }
  const At inside{at.level, place_of(expression_node)};
  return expression(expression_node.lexpr, inside) && expression(expression_node.rexpr, inside);
}

bool CellBinder::compare(PgQuery__Node& node, At at) {
  PgQuery__AExpr& comparison = *node.a_expr;
  if (comparison.lexpr == nullptr || comparison.rexpr == nullptr) return unknown("this comparison");
  CellRef left;
  CellRef right;
  const bool left_bound = may_be_cell(comparison.lexpr);
  const bool right_bound = may_be_cell(comparison.rexpr);
  if (left_bound && !value(*comparison.lexpr, at, left)) return false;
  if (right_bound && !value(*comparison.rexpr, at, right)) return false;
  if (left.column == nullptr && right.column == nullptr) {
    return (left_bound || expression(comparison.lexpr, at)) && (right_bound || expression(comparison.rexpr, at));
  }
  met_cell_ = true;
  if (left.column != nullptr && right.column != nullptr) {
    return compare_cells(*comparison.lexpr, left, *comparison.rexpr, right);
  }
  if (left.column == nullptr) std::swap(comparison.lexpr, comparison.rexpr);  // = and <> are symmetric
  const CellRef& reference = left.column != nullptr ? left : right;
  const bool plain = comparison.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP;
  if (!searchable(*reference.column, "comparison", !plain)) return false;
  const bool several = reference.column->index_versions > 1;
  if (!operand(*comparison.rexpr, *reference.column, compared(*reference.column, several))) return false;
  become_index(*comparison.lexpr, reference);
  const bool null =
      comparison.rexpr->node_case == PG_QUERY__NODE__NODE_A_CONST && comparison.rexpr->a_const->isnull != 0;
  if (several && !null) {
    comparison.kind =
        operator_of(comparison) == "=" ? PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY : PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL;
  }
  return true;
}

bool CellBinder::comparable(const EncryptedColumnSpec& one, const EncryptedColumnSpec& other, std::string_view what) {
  if (!searchable(one, what, true) || !searchable(other, what, true)) return false;
  const bool alike =
      one.number == other.number || (one.join_domain == other.join_domain && one.join_domain != 0 &&
                                     cell_type(one.type.oid)->family == cell_type(other.type.oid)->family);
  if (alike) return true;
  if (one.tokens != TokenUse::None || other.tokens != TokenUse::None) {
    return refuse("0A000", described(one) + " and " + described(other) + " are tokenised differently", -1,
                  "Read the value of one and pass it as a parameter for the other.");
  }
  return refuse("0A000", described(one) + " and " + described(other) + " are encrypted under different keys", -1,
                "Declare them to be of one join domain.");
}

bool CellBinder::compare_cells(PgQuery__Node& left, const CellRef& one, PgQuery__Node& right, const CellRef& other) {
  if (!comparable(*one.column, *other.column, "join")) return false;
  become_index(left, one);
  become_index(right, other);
  return true;
}

/// The cell left of IN or ANY, which may be asked for equality; with none there, both sides are bound.
bool CellBinder::left_cell(PgQuery__AExpr& comparison, At at, CellRef& reference) {
  const bool bound = may_be_cell(comparison.lexpr);
  if (bound && !value(*comparison.lexpr, at, reference)) return false;
  if (reference.column == nullptr) {
    return (bound || expression(comparison.lexpr, at)) && expression(comparison.rexpr, at);
  }
  met_cell_ = true;
  return searchable(*reference.column, "comparison", false);
}

// x IN (a, b); while there are two keys, x = ANY (a's indexes) OR x = ANY (b's).
bool CellBinder::compare_list(PgQuery__Node& node, At at) {
  PgQuery__AExpr& comparison = *node.a_expr;
  CellRef reference;
  if (!left_cell(comparison, at, reference)) return false;
  if (reference.column == nullptr) return true;
  if (comparison.rexpr == nullptr || comparison.rexpr->node_case != PG_QUERY__NODE__NODE_LIST) {
    return unknown("this IN", comparison.location);
  }
  const PgQuery__List& items = *comparison.rexpr->list;
  const bool several = reference.column->index_versions > 1;
  for (std::size_t i = 0; i < items.n_items; ++i) {
    if (!operand(*items.items[i], *reference.column, compared(*reference.column, several))) return false;
  }
  if (!several) {
    become_index(*comparison.lexpr, reference);
    return true;
  }
  const bool in = operator_of(comparison) == "=";
  PgQuery__Node* const whole = edit_.moved(node);
  edit_.become_bool(*whole, in ? PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR : PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR);
  for (std::size_t i = 0; i < items.n_items; ++i) {
    PgQuery__Node* const term = edit_.moved(node);
    edit_.become_operator(*term, in ? PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY : PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL,
                          in ? "=" : "<>", index_of(*comparison.lexpr, reference), items.items[i]);
    edit_.append(whole->bool_expr->args, whole->bool_expr->n_args, term);
  }
  node = items.n_items == 1 ? *whole->bool_expr->args[0] : *whole;
  return true;
}

bool CellBinder::compare_array(PgQuery__Node& node, At at) {
  PgQuery__AExpr& comparison = *node.a_expr;
  CellRef reference;
  if (!left_cell(comparison, at, reference)) return false;
  if (reference.column == nullptr) return true;
  const EncryptedColumnSpec& column = *reference.column;
  PgQuery__Node& array = *comparison.rexpr;
  Oid type = 0;
  if (!cast_away(array, column, true, type)) return false;
  if (array.node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
    if (!searchable(column, "ANY (ARRAY[…])", true)) return false;
    const PgQuery__AArrayExpr& items = *array.a_array_expr;
    for (std::size_t i = 0; i < items.n_elements; ++i) {
      if (!operand(*items.elements[i], column, compared(column, false))) return false;
    }
    edit_.become_cast(array, edit_.moved(array), column.tokens != TokenUse::None ? "text" : "bytea", true);
  } else if (!operand(array, column,
                      column.tokens != TokenUse::None ? CellAction::TokenElements : CellAction::BlindIndexElements)) {
    return false;
  }
  become_index(*comparison.lexpr, reference);
  return true;
}

// x IN (SELECT y …): the sub-query gives out the indexes.
bool CellBinder::in_query(PgQuery__SubLink& link, const CellRef& tested, At at) {
  PgQuery__SelectStmt& select = *link.subselect->select_stmt;
  Columns output;
  if (!this->select(select, &at.level, output)) return false;
  const EncryptedColumnSpec* const given = output.list.size() == 1 ? cell(output.list[0]) : nullptr;
  if (given == nullptr) {
    return refuse("0A000", described(*tested.column) + " is encrypted and can't be compared with this sub-query", -1,
                  "It can be compared with parameters, constants and columns of its join domain.");
  }
  if (!comparable(*tested.column, *given, "IN")) return false;
  const bool plain = select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.n_target_list == 1 &&
                     select.target_list[0]->node_case == PG_QUERY__NODE__NODE_RES_TARGET;
  PgQuery__Node* const value = plain ? select.target_list[0]->res_target->val : nullptr;
  if (value == nullptr || (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                           is_star(value->column_ref->fields[value->column_ref->n_fields - 1]))) {
    return refuse("0A000", described(*given) + " is encrypted and can't be compared through this sub-query", -1,
                  "Write it as a SELECT of the column itself.");
  }
  become_index(*value, {given, nullptr, 0, nullptr});
  become_index(*link.testexpr, tested);
  return true;
}

bool CellBinder::cast_away(PgQuery__Node& node, const EncryptedColumnSpec& column, bool array, Oid& type) {
  const CellType& own = *cell_type(column.type.oid);
  type = array ? own.array : own.oid;
  if (node.node_case != PG_QUERY__NODE__NODE_TYPE_CAST) return true;
  const NamedCellType named = named_cell_type(*node.type_cast->type_name);
  if (named.type == nullptr || named.array != array || named.type->family != own.family || named.typmod != -1 ||
      node.type_cast->arg == nullptr) {
    return refuse("0A000",
                  "a value for " + described(column) + ", which is encrypted, can be cast to its own type only",
                  node.type_cast->location, "Leave the cast away, or convert in the application.");
  }
  type = array ? named.type->array : named.type->oid;
  node = PgQuery__Node(*node.type_cast->arg);
  edited_ = true;
  return true;
}

bool CellBinder::literal(PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action, bool& done) {
  Oid type = 0;
  if (!cast_away(node, column, takes_array(action), type)) return false;
  if (node.node_case != PG_QUERY__NODE__NODE_A_CONST) return true;
  const PgQuery__AConst& constant = *node.a_const;
  const CellFamily family = cell_type(column.type.oid)->family;
  const bool integer = family == CellFamily::Integer;
  const bool number = integer || family == CellFamily::Numeric;
  std::string text;
  bool fits = !takes_array(action);
  done = true;
  if (constant.isnull != 0) return true;
  if (action == CellAction::Encrypt && !constant_row_known(column)) return false;
  switch (static_cast<int>(constant.val_case)) {
    case PG_QUERY__A__CONST__VAL_SVAL:
      text = constant.sval->sval;
      fits = true;
      break;
    case PG_QUERY__A__CONST__VAL_IVAL:
      text = std::to_string(constant.ival->ival);
      fits = fits && number;
      break;
    case PG_QUERY__A__CONST__VAL_FVAL:
      text = constant.fval->fval;
      fits = fits && number && (!integer || is_digits(text));
      break;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
      text = constant.boolval->boolval != 0 ? "true" : "false";
      fits = fits && family == CellFamily::Bool;
      break;
    default: fits = false;
  }
  if (!fits) {
    return refuse("42804", described(column) + " is encrypted: a constant of another type can't be converted to its",
                  -1, "Write the constant in quotes.");
  }
  met_cell_ = true;
  literals_.push_back({&node, action, &column, std::move(text), type, row_for(column, action)});
  return true;
}

bool CellBinder::operand(PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action) {
  Oid type = 0;
  const PgQuery__Node* inner = &node;
  if (inner->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) inner = inner->type_cast->arg;
  if (inner != nullptr && inner->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    bool done = false;
    return literal(node, column, action, done);
  }
  if (inner != nullptr && inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
    if (action == CellAction::Encrypt && !row_known(column)) return false;
    if (!cast_away(node, column, takes_array(action), type) || !parameter(node)) return false;
    parameters_.back().action = action;
    parameters_.back().column = &column;
    parameters_.back().client_type = type;
    parameters_.back().row = row_for(column, action);
    met_cell_ = true;
    return true;
  }
  return refuse("0A000", described(column) + " is encrypted and can't be compared with this expression", -1,
                "It can be compared with parameters, constants and columns of its join domain.");
}

PgQuery__Node* CellBinder::index_of(const PgQuery__Node& node, const CellRef& reference) {
  PgQuery__Node* const copy = edit_.moved(node);
  become_index(*copy, reference);
  return copy;
}

void CellBinder::become_index(PgQuery__Node& node, const CellRef& reference) {
  if (reference.column->tokens != TokenUse::None) return;  // tokens compare as they stand
  edited_ = true;
  const Range* const range = reference.range;
  const auto* const guarded =
      range != nullptr && range->relation != nullptr ? columns_.guarded(range->relation->oid) : nullptr;
  if (guarded != nullptr && reference.column->index_column != 0 && node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
    const CatalogRelation& declared = *columns_.catalog().relation(reference.column->column.relation);
    const std::string& name = declared.column(reference.column->index_column)->name;
    if (range->relation->column(name) != nullptr) {
      node = PgQuery__Node(*edit_.column_ref({range->name, name}));
      return;
    }
  }
  PgQuery__Node* const argument = edit_.moved(node);
  edit_.become_call(node, "pg_catalog", "substr");
  edit_.append(node.func_call->args, node.func_call->n_args, argument);
  edit_.append(node.func_call->args, node.func_call->n_args, edit_.integer(kIndexFrom));
  edit_.append(node.func_call->args, node.func_call->n_args, edit_.integer(kIndexBytes));
}

bool CellBinder::is_group_key(const Level& level, const CellRef& reference) const {
  return reference.range != nullptr &&
         std::any_of(level.grouped.begin(), level.grouped.end(), [&](const GroupedReference& key) {
           return key.range == reference.range && key.column == reference.index;
         });
}

bool CellBinder::group_by(PgQuery__SelectStmt& select, Level& level, const Columns& output, const Targets& targets) {
  return std::all_of(select.group_clause, select.group_clause + select.n_group_clause,
                     [&](PgQuery__Node* node) { return group_item(*node, level, output, targets); });
}

bool CellBinder::group_item(PgQuery__Node& node, Level& level, const Columns& output, const Targets& targets) {
  if (node.node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
    const PgQuery__GroupingSet& set = *node.grouping_set;
    const std::size_t before = level.grouped.size();
    for (std::size_t i = 0; i < set.n_content; ++i) {
      if (!group_item(*set.content[i], level, output, targets)) return false;
    }
    // A column is NULL in the sets that leave it out, which any cell of the group is not.
    return level.grouped.size() == before || unknown("GROUPING SETS, ROLLUP or CUBE of an encrypted column");
  }
  std::size_t named = targets.size();
  if (is_integer_constant(node)) {
    if (!output.known) return unknown("GROUP BY a number with columns that are not known");
    const int number = node.a_const->ival->ival;
    if (number < 1 || static_cast<std::size_t>(number) > targets.size()) return true;  // PostgreSQL's to refuse
    named = static_cast<std::size_t>(number) - 1;
  } else if (node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node.column_ref->n_fields == 1) {
    // Here an input column comes before an output column of the same name.
    const std::string_view name = string_value(node.column_ref->fields[0]);
    for (std::size_t i = 0; i < output.list.size() && find_column(&level, name).status == Lookup::Absent; ++i) {
      if (output.list[i].name == name) named = i;
    }
  }
  CellRef reference;
  if (named < targets.size()) {
    reference = targets[named].reference;
    if (reference.column == nullptr) return true;
    if (targets[named].value == nullptr || reference.range == nullptr) {
      return refuse("0A000", described(*reference.column) + " is encrypted: this GROUP BY is not supported", -1,
                    "Write the column's name.");
    }
    node = PgQuery__Node(*targets[named].value);
  } else if (!value(node, {level}, reference)) {
    return false;
  }
  if (reference.column == nullptr) return true;
  met_cell_ = true;
  if (reference.range == nullptr) return refuse_cell(*reference.column, cell_place::kExpression);
  if (reference.column->tokens != TokenUse::None) return true;
  if (!searchable(*reference.column, "GROUP BY", true)) return false;
  become_index(node, reference);
  level.grouped.push_back({reference.range, reference.index, nullptr});
  return true;
}

// A group's cells are all of one value: any of them will do.
bool CellBinder::pick_from_groups(const Level& level, const Targets& targets) {
  for (const Target& target : targets) {
    if (target.reference.column == nullptr || !is_group_key(level, target.reference)) continue;
    if (!target.reference.column->row_key.empty()) {
      return refuse("0A000",
                    described(*target.reference.column) + " is bound to its row and can't be read from a group", -1,
                    "Group by it and select what was counted, or read the rows.");
    }
    if (target.value == nullptr) {
      return refuse("0A000", described(*target.reference.column) + " is encrypted: * with GROUP BY is not supported",
                    -1, "Name the columns.");
    }
    if (*target.target->name == '\0') target.target->name = edit_.text(output_name(*target.value));
    PgQuery__Node* const argument = edit_.moved(*target.value);
    PgQuery__Node* const all = edit_.moved(*target.value);
    edit_.become_call(*all, "pg_catalog", "array_agg");
    edit_.append(all->func_call->args, all->func_call->n_args, argument);
    edit_.become_element(*target.value, all, 1);
    edited_ = true;
  }
  return true;
}

bool CellBinder::distinct(PgQuery__SelectStmt& select, Level& level, const Columns& output, const Targets& targets) {
  if (select.n_distinct_clause == 0) return true;
  const bool plain = select.distinct_clause[0]->node_case == PG_QUERY__NODE__NODE__NOT_SET;
  if (!plain) {  // DISTINCT ON: names and numbers as in GROUP BY
    for (std::size_t i = 0; i < select.n_distinct_clause; ++i) {
      Level keys = level;
      if (!group_item(*select.distinct_clause[i], keys, output, targets)) return false;
    }
    return true;
  }
  const auto is_cell = [&](const BoundColumn& column) {
    return cell(column) != nullptr && cell(column)->tokens == TokenUse::None;
  };
  if (std::none_of(output.list.begin(), output.list.end(), is_cell)) return true;
  if (!output.known) return unknown("DISTINCT with columns that are not known");
  select.n_distinct_clause = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    PgQuery__Node* item = nullptr;
    const CellRef& reference = targets[i].reference;
    if (reference.column == nullptr || reference.column->tokens != TokenUse::None) {
      item = edit_.integer(static_cast<int>(i + 1));
    } else {
      if (!searchable(*reference.column, "DISTINCT", true)) return false;
      const bool by_star = targets[i].value == nullptr;
      if (reference.range == nullptr || (by_star && reference.range->name.empty())) {
        return refuse("0A000", described(*reference.column) + " is encrypted: this DISTINCT is not supported", -1,
                      "Name the columns.");
      }
      const PgQuery__Node& value =
          by_star ? *edit_.column_ref({reference.range->name, reference.range->columns.list[reference.index].name})
                  : *targets[i].value;
      item = index_of(value, reference);
    }
    edit_.append(select.distinct_clause, select.n_distinct_clause, item);
  }
  edited_ = true;
  return true;
}

}  // namespace bartizan::sql
