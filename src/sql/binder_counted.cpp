// Tables of aggregates alone: what of a select over one may be asked, and the threshold that is put on it.
//
// Such a table stands alone in its FROM. Everything that is worked out before the groups have been
// counted - WHERE, GROUP BY, the aggregates' arguments - is of forms that fail for no row, that weigh
// none more than another and that give no single value back: an error, a weight or a maximum would tell
// of one row. What is worked out afterwards may be any expression over groups that are large enough:
// HAVING is guarded by the threshold, and OFFSET keeps conditions from around it out
// (docs/adr/0155-aggregates-alone.md).
#include <algorithm>
#include <array>

#include "binder.hpp"
#include "node_access.hpp"
#include "plain_types.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

constexpr std::array<std::string_view, 6> kComparisons = {"!=", "<", "<=", "<>", "=", ">"};
constexpr std::array<std::string_view, 7> kDeviations = {"stddev",   "stddev_pop", "stddev_samp", "var_pop",
                                                         "var_samp", "variance",   "avg"};
/// Of a date as of a timestamp, with no error for either.
constexpr std::array<std::string_view, 7> kUnits = {"year", "quarter", "month", "week", "day", "decade", "century"};
constexpr std::array<std::string_view, 6> kFields = {"dow", "isodow", "doy", "isoyear", "year", "quarter"};
constexpr std::array<std::string_view, 3> kMoreFields = {"month", "week", "day"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

bool is_comparison(const PgQuery__AExpr& expression) {
  if (expression.n_name == 0) return false;
  const std::string_view name = string_value(expression.name[expression.n_name - 1]);
  const bool ours = expression.n_name == 1 || string_value(expression.name[0]) == "pg_catalog";
  return ours && (name == ">=" || is_one_of(kComparisons, name));
}

bool is_constant(const PgQuery__Node* node) noexcept {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST;
}

/// A constant, a parameter, or a string read as a plain type: PostgreSQL reads that before it looks at any row.
bool is_value(const PgQuery__Node* node) {
  if (node == nullptr) return false;
  if (is_constant(node) || node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) return true;
  if (node->node_case == PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION)
    return node->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE ||
           node->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP;
  if (node->node_case != PG_QUERY__NODE__NODE_TYPE_CAST) return false;
  const PgQuery__TypeName& type = *node->type_cast->type_name;
  const PgQuery__Node* const argument = node->type_cast->arg;
  const bool string = is_constant(argument) && argument->a_const->isnull == 0 &&
                      (argument->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL ||
                       argument->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL);
  return string && type.n_typmods == 0 && type.n_array_bounds == 0 && type.n_names == 2 &&
         string_value(type.names[0]) == "pg_catalog" && is_plain_type(string_value(type.names[1]));
}

/// Values, or one array of them.
bool is_list_of_values(const PgQuery__Node* node) {
  if (node == nullptr) return false;
  if (node->node_case == PG_QUERY__NODE__NODE_LIST)
    return std::all_of(node->list->items, node->list->items + node->list->n_items, is_value);
  if (node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR)
    return std::all_of(node->a_array_expr->elements, node->a_array_expr->elements + node->a_array_expr->n_elements,
                       is_value);
  return is_constant(node) || node->node_case == PG_QUERY__NODE__NODE_PARAM_REF;
}

/// The name of a function of pg_catalog; empty for any other.
std::string_view own_function(const PgQuery__FuncCall& call) {
  return call.n_funcname == 2 && string_value(call.funcname[0]) == "pg_catalog" ? string_value(call.funcname[1])
                                                                                : std::string_view();
}

bool is_plain_call(const PgQuery__FuncCall& call) {
  return call.over == nullptr && call.agg_filter == nullptr && call.n_agg_order == 0 && call.agg_within_group == 0 &&
         call.func_variadic == 0 && call.agg_star == 0 && call.agg_distinct == 0;
}

std::string_view bare_name(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
    return {};
  return string_value(node->column_ref->fields[0]);
}

/// The output column that an item of GROUP BY or ORDER BY stands for, by its number or name.
const PgQuery__Node* output_of(const PgQuery__SelectStmt& select, const Columns& output, const PgQuery__Node& item,
                               bool by_name) {
  const bool one_each = output.list.size() == select.n_target_list;  // no star among them
  if (is_integer_constant(item)) {
    const int number = item.a_const->ival->ival;
    return one_each && number >= 1 && static_cast<std::size_t>(number) <= select.n_target_list
               ? select.target_list[number - 1]->res_target->val
               : nullptr;
  }
  for (std::size_t i = 0; by_name && one_each && i < output.list.size(); ++i)
    if (!bare_name(&item).empty() && output.list[i].name == bare_name(&item))
      return select.target_list[i]->res_target->val;
  return nullptr;
}

}  // namespace

bool Binder::refuse_single_rows(const Level& level, int location) {
  return refuse("42501",
                "rows of \"" + std::string(level.counted->relation->name) + "\" can be read in aggregates alone",
                location, "Use count, sum, avg, stddev or variance of its columns, with GROUP BY its columns.");
}

/// The clauses that must not stand there at all.
bool Binder::counted_clauses(const PgQuery__SelectStmt& select, const Level& level) {
  facts_.plain_parameters = true;
  const PgQuery__Alias* const alias = select.from_clause[0]->range_var->alias;
  if (alias != nullptr && alias->n_colnames != 0)
    return unsupported("other names for the columns of a table of aggregates alone", -1,
                       "Name them where they are used.");
  if (select.n_locking_clause != 0) return unsupported("a row lock on a table of aggregates alone", -1);
  if (select.n_distinct_clause != 0)
    return unsupported("DISTINCT beside a table of aggregates alone", -1, "Use GROUP BY.");
  if (select.n_window_clause != 0 || select.group_distinct != 0)
    return unsupported("this clause beside a table of aggregates alone", -1,
                       "Aggregate the table in a sub-select in FROM, and use its result around it.");
  return level.counted->view->threshold->entity != 0;
}

/// kWholeRow: it is no column of the table's.
std::size_t Binder::counted_column(const PgQuery__Node* node, Level& level) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return kWholeRow;
  ColumnLookup found;
  if (!resolve(*node->column_ref, level, found) || found.range != level.counted) return kWholeRow;
  return found.index;
}

bool Binder::counted_comparison(const PgQuery__AExpr& comparison, Level& level) {
  const auto is_column = [&](const PgQuery__Node* node) {
    const std::size_t column = counted_column(node, level);
    if (column == kWholeRow) return false;
    const auto attnum = level.counted->columns.list[column].sources[0].attnum;
    const std::string_view type = plain_name(*request_.catalog, level.counted->relation->column(attnum)->type);
    return type == "enum" || is_plain_type(type);
  };
  const PgQuery__Node* const left = comparison.lexpr;
  const PgQuery__Node* const right = comparison.rexpr;
  switch (static_cast<int>(comparison.kind)) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return is_comparison(comparison) &&
             ((is_column(left) && is_value(right)) || (is_value(left) && is_column(right)) ||
              (is_constant(left) && is_constant(right)));
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      return is_comparison(comparison) && is_column(left) && is_list_of_values(right);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
      return is_column(left) && right != nullptr && right->node_case == PG_QUERY__NODE__NODE_LIST &&
             is_list_of_values(right);
    default: return false;
  }
}

/// Comparisons of a column with a value, IS NULL, IS TRUE, joined by AND, OR and NOT: none of them can fail.
bool Binder::counted_condition(const PgQuery__Node* node, Level& level) {
  if (node == nullptr) return true;
  switch (static_cast<int>(node->node_case)) {
    case PG_QUERY__NODE__NODE_A_CONST: return node->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL;
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
      return std::all_of(node->bool_expr->args, node->bool_expr->args + node->bool_expr->n_args,
                         [&](const PgQuery__Node* one) { return counted_condition(one, level); });
    case PG_QUERY__NODE__NODE_NULL_TEST:
      return counted_column(node->null_test->arg, level) != kWholeRow || is_value(node->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return counted_condition(node->boolean_test->arg, level);
    case PG_QUERY__NODE__NODE_COLUMN_REF: return counted_column(node, level) != kWholeRow;
    case PG_QUERY__NODE__NODE_A_EXPR: return counted_comparison(*node->a_expr, level);
    // What makes the meaning of AND and OR certain (boolean_operands.cpp).
    case PG_QUERY__NODE__NODE_TYPE_CAST: return is_value(node);
    default: return false;
  }
}

/// A column, or the year, month … of a date: neither fails for any row.
bool Binder::counted_group_item(const PgQuery__Node& node, Level& level, std::vector<std::size_t>& grouped) {
  const auto type_of = [&](std::size_t column) {
    const auto attnum = level.counted->columns.list[column].sources[0].attnum;
    return plain_name(*request_.catalog, level.counted->relation->column(attnum)->type);
  };
  std::size_t column = counted_column(&node, level);
  if (column != kWholeRow) {
    if (type_of(column) != "enum" && !is_plain_type(type_of(column)))
      return unsupported("GROUP BY this column of a table of aggregates alone", node.column_ref->location);
    grouped.push_back(column);
    return true;
  }
  if (node.node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    const PgQuery__FuncCall& call = *node.func_call;
    const std::string_view name = own_function(call);
    const std::string_view unit = call.n_args == 2 ? string_constant(call.args[0]) : std::string_view();
    const bool known = (name == "date_trunc" && is_one_of(kUnits, unit)) ||
                       (name == "extract" && (is_one_of(kFields, unit) || is_one_of(kMoreFields, unit)));
    column = known && is_plain_call(call) ? counted_column(call.args[1], level) : kWholeRow;
    if (column != kWholeRow && is_calendar_type(type_of(column))) {
      grouped.push_back(column);
      return true;
    }
  }
  return unsupported("this GROUP BY of a table of aggregates alone", -1,
                     "Group by its columns, or by date_trunc and extract of them with a constant unit.");
}

bool Binder::counted_grouping(const PgQuery__SelectStmt& select, Level& level, const Columns& output,
                              std::vector<std::size_t>& grouped) {
  return std::all_of(select.group_clause, select.group_clause + select.n_group_clause, [&](const PgQuery__Node* item) {
    const bool is_input = !bare_name(item).empty() && find_column(&level, bare_name(item)).status == Lookup::Found;
    const PgQuery__Node* const named = output_of(select, output, *item, !is_input);
    return counted_group_item(named != nullptr ? *named : *item, level, grouped);
  });
}

/// Sums, means and counts of a column as it stands: an expression could weigh one row more than all others.
bool Binder::counted_aggregate(const PgQuery__FuncCall& call, Level& level, std::vector<std::size_t>& aggregated) {
  static constexpr std::string_view kHint =
      "Permitted are count, sum, avg, stddev and variance of a column as it stands, and count(DISTINCT column).";
  const std::string_view name = own_function(call);
  const bool plain = call.over == nullptr && call.agg_filter == nullptr && call.n_agg_order == 0 &&
                     call.agg_within_group == 0 && call.func_variadic == 0;
  if (!plain) {
    return unsupported("FILTER, ORDER BY or OVER in an aggregate of a table of aggregates alone", call.location,
                       "Put conditions into WHERE, and windows around a sub-select.");
  }
  if (name == "count" && call.agg_star != 0) return true;
  const std::size_t column = call.n_args == 1 ? counted_column(call.args[0], level) : kWholeRow;
  const bool counts = name == "count";
  const bool adds = (name == "sum" || is_one_of(kDeviations, name)) && call.agg_distinct == 0;
  if (column == kWholeRow || (!counts && !adds))
    return unsupported("this aggregate of a table of aggregates alone", call.location, kHint);
  const auto attnum = level.counted->columns.list[column].sources[0].attnum;
  const std::string_view type = plain_name(*request_.catalog, level.counted->relation->column(attnum)->type);
  if (!counts && !is_number_type(type))
    return unsupported("this aggregate of a column that is no number", call.location, kHint);
  aggregated.push_back(column);
  return true;
}

/// What is worked out group by group: anything over aggregates and what is grouped by.
bool Binder::counted_values(const PgQuery__SelectStmt& select, Level& level, const Columns& output,
                            const std::vector<std::size_t>& grouped, std::vector<std::size_t>& aggregated) {
  std::vector<const ProtobufCMessage*> stack;
  for (std::size_t i = 0; i < select.n_target_list; ++i) stack.push_back(&select.target_list[i]->base);
  if (select.having_clause != nullptr) stack.push_back(&select.having_clause->base);
  for (std::size_t i = 0; i < select.n_sort_clause; ++i) {
    const PgQuery__Node* const key = select.sort_clause[i]->sort_by->node;
    if (key != nullptr && output_of(select, output, *key, true) == nullptr) stack.push_back(&key->base);
  }
  while (!stack.empty()) {
    const ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    if (message.descriptor == &pg_query__node__descriptor) {
      const auto& node = as_message<PgQuery__Node>(message);
      if (node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        const std::size_t column = counted_column(&node, level);
        if (column == kWholeRow || std::ranges::find(grouped, column) == grouped.end())
          return refuse_single_rows(level, node.column_ref->location);
        continue;
      }
      if (node.node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
        const PgQuery__FuncCall& call = *node.func_call;
        const PermittedFunction* const permitted =
            own_function(call).empty() ? nullptr : permitted_function(own_function(call));
        if (call.over != nullptr || permitted == nullptr)
          return unsupported("this function beside a table of aggregates alone", call.location,
                             "Aggregate the table in a sub-select in FROM, and call it around that.");
        if (permitted->kind != Permit::Plain) {
          if (!counted_aggregate(call, level, aggregated)) return false;
          continue;
        }
      }
    }
    push_children(message, stack);
  }
  return true;
}

/// HAVING CASE WHEN enough THEN what was asked ELSE false END, and a fence against conditions from outside.
void Binder::require_entities(PgQuery__SelectStmt& select, const Level& level,
                              const std::vector<std::size_t>& aggregated) {
  const Range& table = *level.counted;
  const Threshold& threshold = *table.view->threshold;
  touch({{table.relation->oid, threshold.entity}});
  const auto name_of = [&](AttrNumber attnum) -> std::string_view {
    for (const BoundColumn& column : table.columns.list)
      if (column.sources[0].attnum == attnum) return column.name;
    return {};
  };
  const auto enough = [&](AttrNumber present) {
    PgQuery__Node* const count = edit_.integer(0);
    edit_.become_call(*count, "pg_catalog", "count");
    count->func_call->agg_distinct = 1;
    edit_.set_list(count->func_call->args, count->func_call->n_args,
                   {edit_.column_ref({table.name, name_of(threshold.entity)})});
    if (present != 0)
      count->func_call->agg_filter = edit_.is_not_null(edit_.column_ref({table.name, name_of(present)}));
    PgQuery__Node* const comparison = edit_.integer(0);
    edit_.become_operator(*comparison, PG_QUERY__A__EXPR__KIND__AEXPR_OP, ">=", count,
                          edit_.integer(static_cast<int>(threshold.k)));
    return comparison;
  };
  PgQuery__Node* condition = enough(0);
  std::vector<AttrNumber> nullable;  // a sum in which one row alone is not null is that row's
  for (const std::size_t index : aggregated) {
    const AttrNumber attnum = table.columns.list[index].sources[0].attnum;
    const bool always =
        attnum == threshold.entity || (table.relation->column(attnum)->not_null && !table.view->column(attnum)->masked);
    if (!always && std::ranges::find(nullable, attnum) == nullable.end()) nullable.push_back(attnum);
  }
  if (!nullable.empty()) {
    PgQuery__Node* const all = edit_.integer(0);
    edit_.become_bool(*all, PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR);
    edit_.append(all->bool_expr->args, all->bool_expr->n_args, condition);
    for (const AttrNumber attnum : nullable) edit_.append(all->bool_expr->args, all->bool_expr->n_args, enough(attnum));
    condition = all;
  }
  select.having_clause =
      edit_.guarded(condition, select.having_clause != nullptr ? select.having_clause : edit_.boolean(true));
  if (select.limit_offset == nullptr) {
    select.limit_offset = edit_.integer(0);
    if (select.limit_count == nullptr) select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_COUNT;
  }
}

bool Binder::counted_select(PgQuery__SelectStmt& select, Level& level, const Columns& output) {
  if (!counted_condition(select.where_clause, level)) {
    return unsupported(
        "this condition on a table of aggregates alone", -1,
        "Compare its columns with constants or parameters, by =, <>, <, <=, >, >=, IN, BETWEEN and IS NULL.");
  }
  std::vector<std::size_t> grouped;
  std::vector<std::size_t> aggregated;
  if (!counted_grouping(select, level, output, grouped) ||
      !counted_values(select, level, output, grouped, aggregated)) {
    return false;
  }
  require_entities(select, level, aggregated);
  return true;
}

}  // namespace bartizan::sql
