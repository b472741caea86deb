// FROM: what columns each item has, and which of them are cells.
#include <algorithm>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

void set_lateral(std::vector<Visible>& items, bool only, bool ok) {
  for (Visible& item : items) {
    item.lateral_only = only;
    item.lateral_ok = ok;
  }
}

// One query level knows its columns by the item of FROM that they come from.
void attach(Range& range) {
  for (std::size_t i = 0; i < range.columns.list.size(); ++i) {
    range.columns.list[i].origin = &range;
    range.columns.list[i].origin_index = i;
  }
}

std::string_view name_of(const PgQuery__Alias* alias) {
  return alias == nullptr ? std::string_view{} : std::string_view(alias->aliasname);
}

}  // namespace

Range& CellBinder::new_range(std::string_view name) {
  Range& range = ranges_.emplace_back();
  range.name = name;
  return range;
}

bool CellBinder::table_range(const PgQuery__RangeVar& variable, Range*& range) {
  const auto found = names_.find(variable);
  range = &new_range(variable.alias != nullptr ? variable.alias->aliasname : variable.relname);
  range->aliased = variable.alias != nullptr;
  if (found.meaning == RelationNames::Meaning::System) {
    range->columns.known = false;
    return true;
  }
  if (found.meaning != RelationNames::Meaning::Known) {
    return refuse("42P01", "relation " + quoted(variable.relname) + " does not exist", variable.location);
  }
  range->relation = found.relation;
  const auto* const guarded = columns_.guarded(found.relation->oid);
  if (!spend(found.relation->columns.size())) return false;
  for (std::size_t i = 0; i < found.relation->columns.size(); ++i) {
    if (guarded != nullptr && guarded->columns[i].hidden) continue;
    BoundColumn column;
    column.name = found.relation->columns[i].name;
    column.origin = range;
    column.origin_index = range->columns.list.size();
    if (guarded != nullptr && guarded->columns[i].cell != nullptr) {
      column.sources.push_back(guarded->columns[i].cell->column);
      column.bare = true;
    }
    if (guarded != nullptr) {
      column.row = guarded->columns[i].row;
      column.attnum = guarded->columns[i].attnum;
    }
    range->columns.list.push_back(std::move(column));
  }
  renumber_rows(range->columns);
  if (guarded != nullptr && guarded->hides && variable.alias != nullptr && variable.alias->n_colnames != 0) {
    return unknown("a list of column aliases for a table with a stored index", variable.location);
  }
  return true;
}

bool CellBinder::rename(Range& range, const PgQuery__Alias* alias) {
  if (alias == nullptr) return true;
  if (alias->n_colnames > range.columns.list.size()) {
    if (range.columns.known) {
      return refuse("42P10", "table " + quoted(range.name) + " has fewer columns than aliases", -1);
    }
    range.columns.list.resize(alias->n_colnames);
  }
  for (std::size_t i = 0; i < alias->n_colnames; ++i) range.columns.list[i].name = string_value(alias->colnames[i]);
  return true;
}

bool CellBinder::no_conflict(const std::vector<Visible>& ours, const std::vector<Visible>& theirs) {
  for (const Visible& one : ours) {
    for (const Visible& other : theirs) {
      if (!one.by_name || !other.by_name || one.range->name.empty() || one.range->name != other.range->name) continue;
      return refuse("42712", "table name " + quoted(one.range->name) + " specified more than once", -1,
                    "Give tables of the same name in different schemas an alias.");
    }
  }
  return true;
}

bool CellBinder::from(Nodes list, std::size_t count, Level& level) {
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Visible> items;
    Range* top = nullptr;
    if (!from_item(*list[i], level, items, &top) || !no_conflict(level.visible, items)) return false;
    set_lateral(items, true, true);
    level.visible.insert(level.visible.end(), items.begin(), items.end());
  }
  set_lateral(level.visible, false, true);
  return true;
}

bool CellBinder::from_item(PgQuery__Node& node, Level& level, std::vector<Visible>& out, Range** top) {
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_RANGE_VAR: return from_relation(*node.range_var, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: return from_query(*node.range_subselect, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION: return from_function(*node.range_function, level, out, top);
    case PG_QUERY__NODE__NODE_JOIN_EXPR: return from_join(*node.join_expr, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      return from_item(*node.range_table_sample->relation, level, out, top) &&
             expressions(node.range_table_sample->args, node.range_table_sample->n_args, {level}) &&
             expression(node.range_table_sample->repeatable, {level});
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC: return from_table_function(*node.range_table_func, level, out, top);
    default: return unknown("this item in FROM");
  }
}

bool CellBinder::from_relation(PgQuery__RangeVar& variable, Level& level, std::vector<Visible>& out, Range** top) {
  if (*variable.schemaname == '\0' && *variable.catalogname == '\0') {
    const WithLookup with = find_with(&level, variable.relname);
    if (with.query != nullptr) return from_with_query(variable, with, out, top);
  }
  Range* range = nullptr;
  if (!table_range(variable, range) || !rename(*range, variable.alias)) return false;
  *top = range;
  out.push_back({.range = range});
  return true;
}

bool CellBinder::from_with_query(const PgQuery__RangeVar& variable, WithLookup found, std::vector<Visible>& out,
                                 Range** top) {
  WithQuery& query = *found.query;
  if (query.state == WithQuery::State::New && !with_query(query, *found.level)) return false;
  if (query.state == WithQuery::State::Underway) {
    return refuse("42P19", "recursive reference to query " + quoted(query.name) + " must not appear here",
                  variable.location);
  }
  Range& range = new_range(variable.alias != nullptr ? variable.alias->aliasname : variable.relname);
  if (!spend(query.columns.list.size())) return false;
  range.columns = query.columns;
  renumber_rows(range.columns);
  attach(range);
  if (!rename(range, variable.alias)) return false;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool CellBinder::from_query(PgQuery__RangeSubselect& query, Level& level, std::vector<Visible>& out, Range** top) {
  if (query.subquery == nullptr || query.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unknown("this sub-query in FROM");
  }
  const bool before = level.lateral_active;
  level.lateral_active = query.lateral != 0;
  Columns columns;
  const bool bound = select(*query.subquery->select_stmt, &level, columns);
  level.lateral_active = before;
  if (!bound) return false;
  Range& range = new_range(name_of(query.alias));
  range.columns = std::move(columns);
  renumber_rows(range.columns);
  attach(range);
  if (!rename(range, query.alias)) return false;
  *top = &range;
  out.push_back({.range = &range, .by_name = query.alias != nullptr});
  return true;
}

// What columns a function gives is not known here; none of them is a cell.
bool CellBinder::from_function(PgQuery__RangeFunction& function, Level& level, std::vector<Visible>& out, Range** top) {
  const bool before = level.lateral_active;
  level.lateral_active = true;  // a function's arguments always may refer to what is left of it
  bool bound = true;
  std::string_view name = name_of(function.alias);
  for (std::size_t i = 0; bound && i < function.n_functions; ++i) {
    const PgQuery__Node& item = *function.functions[i];
    if (item.node_case != PG_QUERY__NODE__NODE_LIST || item.list->n_items == 0) {
      level.lateral_active = before;
      return unknown("this function in FROM");
    }
    PgQuery__Node& call = *item.list->items[0];
    if (name.empty() && call.node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
      name = string_value(call.func_call->funcname[call.func_call->n_funcname - 1]);
    }
    bound = expression(&call, {level, cell_place::kFunction});
  }
  level.lateral_active = before;
  if (!bound) return false;
  Range& range = new_range(name);
  range.columns.known = false;
  if (!rename(range, function.alias)) return false;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool CellBinder::from_table_function(PgQuery__RangeTableFunc& function, Level& level, std::vector<Visible>& out,
                                     Range** top) {
  const bool before = level.lateral_active;
  level.lateral_active = true;
  bool bound = expression(function.docexpr, {level, cell_place::kFunction}) &&
               expression(function.rowexpr, {level, cell_place::kFunction});
  for (std::size_t i = 0; bound && i < function.n_columns; ++i) {
    if (function.columns[i]->node_case != PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC_COL) {
      bound = unknown("this column of XMLTABLE");
      break;
    }
    const PgQuery__RangeTableFuncCol& column = *function.columns[i]->range_table_func_col;
    bound = expression(column.colexpr, {level}) && expression(column.coldefexpr, {level});
  }
  level.lateral_active = before;
  if (!bound) return false;
  Range& range = new_range(function.alias == nullptr ? std::string_view("xmltable") : name_of(function.alias));
  range.columns.known = false;
  if (!rename(range, function.alias)) return false;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool CellBinder::join_columns(PgQuery__JoinExpr& join, const Range& left, const Range& right, Range& merged,
                              Range& result) {
  std::vector<std::string_view> names;
  if (join.is_natural != 0) {
    if (!left.columns.known || !right.columns.known) return unknown("NATURAL JOIN with columns that are not known");
    // The server would join by columns that are hidden here.
    const auto hides = [&](const Range& range) {
      const auto* const guarded = range.relation == nullptr ? nullptr : columns_.guarded(range.relation->oid);
      return guarded != nullptr && guarded->hides;
    };
    if (std::any_of(ranges_.begin(), ranges_.end(), hides)) {
      return unknown("NATURAL JOIN beside a table with a stored index");
    }
    for (const BoundColumn& column : left.columns.list) {
      if (find_column_in(right, column.name).status != Lookup::Absent) names.push_back(column.name);
    }
  }
  for (std::size_t i = 0; i < join.n_using_clause; ++i) names.push_back(string_value(join.using_clause[i]));
  for (const std::string_view name : names) {
    for (const Range* side : {&left, &right}) {
      const ColumnLookup found = find_column_in(*side, name);
      if (found.status == Lookup::Ambiguous) {
        return refuse("42702", "common column name " + quoted(name) + " appears more than once in a table", -1);
      }
      if (found.status == Lookup::Absent && side->columns.known) {
        return refuse("42703", "column " + quoted(name) + " specified in USING clause does not exist", -1);
      }
      const EncryptedColumnSpec* const column =
          found.status == Lookup::Found ? cell(side->columns.list[found.index]) : nullptr;
      if (column != nullptr) return refuse_cell(*column, cell_place::kUsing);
    }
    BoundColumn column;
    column.name = name;
    merged.columns.list.push_back(std::move(column));
  }
  if (!spend(left.columns.list.size() + right.columns.list.size())) return false;
  append_join_columns(result.columns, merged.columns, names, left, right);
  return true;
}

bool CellBinder::from_join(PgQuery__JoinExpr& join, Level& level, std::vector<Visible>& out, Range** top) {
  if (join.larg == nullptr || join.rarg == nullptr) return unknown("this JOIN");
  std::vector<Visible> left_items;
  std::vector<Visible> right_items;
  Range* left = nullptr;
  Range* right = nullptr;
  if (!from_item(*join.larg, level, left_items, &left)) return false;
  {
    const LeftOfJoin seen(level, join, left_items);
    if (!from_item(*join.rarg, level, right_items, &right)) return false;
  }
  if (!no_conflict(left_items, right_items)) return false;

  std::vector<Visible> inside = left_items;
  inside.insert(inside.end(), right_items.begin(), right_items.end());
  Range& merged = new_range(name_of(join.join_using_alias));
  Range& result = new_range(name_of(join.alias));
  if (!join_columns(join, *left, *right, merged, result)) return false;
  if (join.quals != nullptr) {  // sees the two sides alone, and outer queries
    std::vector<Visible> all = std::move(level.visible);
    level.visible = inside;
    const bool bound = expression(join.quals, {level});
    level.visible = std::move(all);
    if (!bound) return false;
  }
  if (!rename(result, join.alias)) return false;
  show_join(join, std::move(inside), merged, result, out);
  *top = &result;
  return true;
}

}  // namespace bartizan::sql
