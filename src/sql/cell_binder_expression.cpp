// Expressions: an allow-list of nodes. What they compute with may be no cell, save where
// cell_binder_compare.cpp says so.
#include <algorithm>
#include <iterator>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr int kMaxParameters = 65'535;
constexpr std::string_view kSystemColumns[] = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};

bool is_system_column(std::string_view name) {
  return std::find(std::begin(kSystemColumns), std::end(kSystemColumns), name) != std::end(kSystemColumns);
}

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// Which PostgreSQL gives to a level's columns: any of the ranges that it sees may hold the name.
bool sees_unknown_columns(const Level* from, const Level* to) {
  for (const Level* level = from; level != nullptr && level != to; level = level->parent) {
    for (const Visible& visible : level->visible) {
      if (!visible.range->columns.known) return true;
    }
  }
  return false;
}

}  // namespace

bool CellBinder::expressions(Nodes list, std::size_t count, At at) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) { return expression(node, at); });
}

bool CellBinder::parameter(PgQuery__Node& node) {
  const int number = node.param_ref->number;
  if (number < 1 || number > kMaxParameters) return refuse("42P02", "there is no such parameter", -1);
  parameters_.push_back({&node, number, CellAction::Pass, nullptr, 0});
  return true;
}

bool CellBinder::null_test(PgQuery__NullTest& test, At at) {
  if (test.arg == nullptr) return unknown("this IS NULL");
  CellRef reference;
  if (!value(*test.arg, at, reference)) return false;
  if (reference.column == nullptr) return true;
  if (reference.column->masked) return refuse_masked(*reference.column, "IS NULL");
  met_cell_ = true;
  if (is_group_key(at.level, reference)) become_index(*test.arg, reference);
  return true;
}

bool CellBinder::count_cells(PgQuery__FuncCall& call, At at, bool& done) {
  const std::string_view name = string_value(call.funcname[call.n_funcname - 1]);
  const bool ours = call.n_funcname == 1 || string_value(call.funcname[0]) == "pg_catalog";
  if (!ours || name != "count" || call.n_args != 1 || call.over != nullptr || call.n_agg_order != 0) return true;
  CellRef reference;
  if (!value(*call.args[0], {at.level, cell_place::kAggregate}, reference)) return false;
  done = true;
  if (reference.column != nullptr) {
    if (reference.column->masked) return refuse_masked(*reference.column, "count");
    met_cell_ = true;
    if (call.agg_distinct != 0) {
      if (!searchable(*reference.column, "count(DISTINCT …)", true)) return false;
      become_index(*call.args[0], reference);
    }
  }
  return expression(call.agg_filter, at);
}

bool CellBinder::call(PgQuery__FuncCall& call, At at) {
  bool done = false;
  if (!count_cells(call, at, done)) return false;
  if (done) return true;
  const bool aggregate = call.agg_distinct != 0 || call.n_agg_order != 0 || call.agg_filter != nullptr;
  const At inside{at.level, aggregate ? cell_place::kAggregate : cell_place::kFunction};
  if (!expressions(call.args, call.n_args, inside) || !expression(call.agg_filter, at)) return false;
  for (std::size_t i = 0; i < call.n_agg_order; ++i) {
    if (call.agg_order[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY) return unknown("this ORDER BY");
    if (!expression(call.agg_order[i]->sort_by->node, {at.level, cell_place::kOrder})) return false;
  }
  return call.over == nullptr || window(*call.over, at.level);
}

bool CellBinder::sub_link(PgQuery__SubLink& link, At at, CellRef* result) {
  if (link.subselect == nullptr || link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unknown("this sub-query");
  }
  if (link.testexpr != nullptr) {
    CellRef tested;
    if (!value(*link.testexpr, {at.level, cell_place::kExpression}, tested)) return false;
    if (tested.column != nullptr) {
      met_cell_ = true;
      const bool any = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK;
      const bool equality = link.n_oper_name == 0 || string_value(link.oper_name[link.n_oper_name - 1]) == "=";
      if (!any || !equality) return refuse_cell(*tested.column, cell_place::kOrderComparison);
      return in_query(link, tested, at);
    }
  }
  Columns output;
  if (!select(*link.subselect->select_stmt, &at.level, output)) return false;
  if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) return true;
  for (const BoundColumn& column : output.list) {
    const EncryptedColumnSpec* const encrypted = cell(column);
    if (encrypted == nullptr) continue;
    if (result == nullptr || link.sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK || output.list.size() != 1) {
      return refuse_cell(*encrypted, at.place);
    }
    *result = {encrypted, nullptr, 0, nullptr};
  }
  return true;
}

bool CellBinder::value(PgQuery__Node& node, At at, CellRef& result) {
  if (node.node_case == PG_QUERY__NODE__NODE_SUB_LINK) return sub_link(*node.sub_link, at, &result);
  if (node.node_case == PG_QUERY__NODE__NODE_TYPE_CAST && node.type_cast->arg != nullptr &&
      (node.type_cast->arg->node_case == PG_QUERY__NODE__NODE_COLUMN_REF ||
       node.type_cast->arg->node_case == PG_QUERY__NODE__NODE_SUB_LINK)) {
    const NamedCellType type = named_cell_type(*node.type_cast->type_name);
    if (!value(*node.type_cast->arg, {at.level, cell_place::kCast}, result)) return false;
    if (result.column == nullptr) return true;
    const bool own = type.type != nullptr && !type.array && type.type->oid == result.column->type.oid &&
                     (type.typmod == -1 || type.typmod == result.column->type.typmod);
    if (!own) return refuse_cell(*result.column, cell_place::kCast, node.type_cast->location);
    node = PgQuery__Node(*node.type_cast->arg);
    edited_ = true;
    return true;
  }
  if (node.node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return expression(&node, at);
  ColumnLookup found;
  if (!resolve(*node.column_ref, at.level, found)) return false;
  if (found.range == nullptr) return true;
  if (found.index == kWholeRow) return column_ref(*node.column_ref, at);
  const BoundColumn& column = found.range->columns.list[found.index];
  const EncryptedColumnSpec* const encrypted = cell(column);
  if (encrypted == nullptr) return true;
  result = {encrypted, column.origin != nullptr ? column.origin : found.range,
            column.origin != nullptr ? column.origin_index : found.index, found.level};
  return true;
}

bool CellBinder::column_ref(PgQuery__ColumnRef& reference, At at) {
  ColumnLookup found;
  if (!resolve(reference, at.level, found)) return false;
  if (found.range == nullptr) return true;
  if (found.index == kWholeRow) {
    for (const BoundColumn& column : found.range->columns.list) {
      if (cell(column) != nullptr) return refuse_cell(*cell(column), cell_place::kRow, reference.location);
    }
    return true;
  }
  const EncryptedColumnSpec* const column = cell(found.range->columns.list[found.index]);
  return column == nullptr || refuse_cell(*column, at.place, reference.location);
}

bool CellBinder::resolve_range(const PgQuery__ColumnRef& reference, std::size_t parts, Level& level,
                               RangeLookup& found) {
  const std::string_view name = string_value(reference.fields[parts - 1]);
  if (parts == 1) {
    found = find_range(&level, name);
  } else if (parts <= 3) {
    const CatalogRelation* const relation =
        columns_.catalog().relation(string_value(reference.fields[parts - 2]), name);
    found = relation != nullptr ? find_range(&level, *relation) : find_range(&level, name);
  }
  if (found.status == Lookup::Found) return true;
  if (found.status == Lookup::Ambiguous) {
    return refuse("42P09", "table reference " + quoted(name) + " is ambiguous", reference.location);
  }
  return refuse(found.status == Lookup::NotHere ? "42P10" : "42P01",
                "invalid reference to FROM-clause entry for table " + quoted(name), reference.location);
}

bool CellBinder::resolve(PgQuery__ColumnRef& reference, Level& level, ColumnLookup& found) {
  const std::size_t count = reference.n_fields;
  const bool whole_row = is_star(reference.fields[count - 1]);
  const std::string_view name = whole_row ? std::string_view{} : string_value(reference.fields[count - 1]);
  if (!spend(1)) return false;
  if (count > 1) {
    RangeLookup range;
    if (!resolve_range(reference, count - 1, level, range)) return false;
    found = {Lookup::Found, range.level, range.range, kWholeRow};
    if (whole_row) return true;
    found = find_column_in(*range.range, name);
    found.level = range.level;
    if (found.status == Lookup::Found) return true;
    if (found.status == Lookup::Absent && (!range.range->columns.known || is_system_column(name))) {
      found.range = nullptr;
      return true;
    }
    return refuse(found.status == Lookup::Absent ? "42703" : "42702",
                  "column " + std::string(range.range->name) + "." + std::string(name) +
                      (found.status == Lookup::Absent ? " does not exist" : " is ambiguous"),
                  reference.location);
  }
  if (whole_row) return unknown("* in this place", reference.location);
  found = find_column(&level, name);
  if (found.status == Lookup::Found) {
    if (cell(found.range->columns.list[found.index]) != nullptr && sees_unknown_columns(&level, found.level)) {
      return refuse("0A000", "column reference " + quoted(name) + " may mean several columns", reference.location,
                    "Write the table's name before it.");
    }
    return true;
  }
  if (found.status == Lookup::Ambiguous) {
    return refuse("42702", "column reference " + quoted(name) + " is ambiguous", reference.location);
  }
  const RangeLookup range = find_range(&level, name);
  if (found.status == Lookup::Absent && range.status == Lookup::Found) {
    found = {Lookup::Found, range.level, range.range, kWholeRow};
    return true;
  }
  found.range = nullptr;
  if (sees_unknown_columns(&level, nullptr) || is_system_column(name)) return true;
  return refuse("42703", "column " + quoted(name) + " does not exist", reference.location);
}

bool CellBinder::expression(PgQuery__Node* node, At at) {
  if (node == nullptr) return true;
  switch (static_cast<int>(node->node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_A_CONST:
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR: return true;
    case PG_QUERY__NODE__NODE_COLUMN_REF: return column_ref(*node->column_ref, at);
    case PG_QUERY__NODE__NODE_PARAM_REF: return parameter(*node);
    case PG_QUERY__NODE__NODE_A_EXPR: return operator_expression(*node, at);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return expressions(node->bool_expr->args, node->bool_expr->n_args, at);
    case PG_QUERY__NODE__NODE_LIST: return expressions(node->list->items, node->list->n_items, at);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return call(*node->func_call, at);
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: return expression(node->named_arg_expr->arg, at);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      if (node->type_cast->arg != nullptr && node->type_cast->arg->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        return column_ref(*node->type_cast->arg->column_ref, at);
      }
      // The deparser writes 't'::bool as true: let it be so in the tree.
      if (const std::string_view text = string_constant(node->type_cast->arg); text == "t" || text == "f") {
        const NamedCellType type = named_cell_type(*node->type_cast->type_name);
        const bool to_bool = type.type != nullptr && !type.array && type.type->family == CellFamily::Bool;
        if (to_bool) edit_.become_boolean(*node->type_cast->arg, text == "t");
      }
      return expression(node->type_cast->arg, at);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return expression(node->collate_clause->arg, at);
    case PG_QUERY__NODE__NODE_SUB_LINK: return sub_link(*node->sub_link, at, nullptr);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return expression(node->case_expr->arg, at) && expression(node->case_expr->defresult, at) &&
             expressions(node->case_expr->args, node->case_expr->n_args, at);
    case PG_QUERY__NODE__NODE_CASE_WHEN:
      return expression(node->case_when->expr, at) && expression(node->case_when->result, at);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return expressions(node->coalesce_expr->args, node->coalesce_expr->n_args, at);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return expressions(node->min_max_expr->args, node->min_max_expr->n_args, at);
    case PG_QUERY__NODE__NODE_NULL_TEST: return null_test(*node->null_test, at);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return expression(node->boolean_test->arg, at);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return expressions(node->row_expr->args, node->row_expr->n_args, {at.level, cell_place::kRow});
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return expressions(node->a_array_expr->elements, node->a_array_expr->n_elements, at);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return expression(node->a_indirection->arg, at) &&
             expressions(node->a_indirection->indirection, node->a_indirection->n_indirection, at);
    case PG_QUERY__NODE__NODE_A_INDICES:
      return expression(node->a_indices->lidx, at) && expression(node->a_indices->uidx, at);
    case PG_QUERY__NODE__NODE_STRING:  // a field, of what holds no cell
    case PG_QUERY__NODE__NODE_A_STAR: return true;
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return expressions(node->grouping_func->args, node->grouping_func->n_args, at);
    default: return unknown("this expression");
  }
}

}  // namespace bartizan::sql
