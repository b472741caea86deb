// FROM: tables become views under the same name, and everything tells what columns it has.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::string text_of(std::string_view name) { return "\"" + std::string(name) + "\""; }

void set_lateral(std::vector<Visible>& items, bool only, bool ok) {
  for (Visible& item : items) {
    item.lateral_only = only;
    item.lateral_ok = ok;
  }
}

}  // namespace

Range& Binder::new_range(std::string_view name) {
  Range& range = ranges_.emplace_back();
  range.name = name;
  return range;
}

Range& Binder::table_range(const CatalogRelation& relation, const ClassView& view, const PgQuery__RangeVar& variable) {
  Range& range = new_range(variable.alias != nullptr ? variable.alias->aliasname : variable.relname);
  range.relation = &relation;
  range.view = &view;
  range.aliased = variable.alias != nullptr;
  for (const ViewColumn& visible : view.columns) {
    const CatalogColumn* const column = visible.readable ? relation.column(visible.attnum) : nullptr;
    if (column == nullptr) continue;
    BoundColumn bound;
    bound.name = column->name;
    bound.sources.push_back({relation.oid, column->attnum});
    bound.bare = true;
    bound.origin = &range;
    bound.origin_index = range.columns.list.size();
    range.columns.list.push_back(std::move(bound));
  }
  return range;
}

bool Binder::rename(Range& range, const PgQuery__Alias* alias, int location) {
  if (alias == nullptr) return true;
  if (alias->n_colnames > range.columns.list.size()) {
    if (!range.columns.known) return unsupported("this list of column aliases", location);
    return refuse("42P10", "table " + text_of(range.name) + " has fewer columns than aliases", location,
                  "Columns that this identity can't see don't count.");
  }
  for (std::size_t i = 0; i < alias->n_colnames; ++i) {
    range.columns.list[i].name = string_value(alias->colnames[i]);
  }
  return true;
}

bool Binder::no_conflict(const std::vector<Visible>& ours, const std::vector<Visible>& theirs, int location) {
  for (const Visible& one : ours) {
    for (const Visible& other : theirs) {
      if (!one.by_name || !other.by_name || one.range->name.empty() || one.range->name != other.range->name) continue;
      return refuse("42712", "table name " + text_of(one.range->name) + " specified more than once", location,
                    "Give tables of the same name in different schemas an alias.");
    }
  }
  return true;
}

bool Binder::from(Nodes list, std::size_t count, Level& level) {
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Visible> items;
    Range* top = nullptr;
    if (!from_item(*list[i], level, items, &top)) return false;
    if (!no_conflict(level.visible, items, -1)) return false;
    set_lateral(items, true, true);
    level.visible.insert(level.visible.end(), items.begin(), items.end());
  }
  set_lateral(level.visible, false, true);
  return true;
}

bool Binder::from_item(PgQuery__Node& node, Level& level, std::vector<Visible>& out, Range** top) {
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_RANGE_VAR: return from_relation(*node.range_var, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: return from_query(*node.range_subselect, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION: return from_function(*node.range_function, level, out, top);
    case PG_QUERY__NODE__NODE_JOIN_EXPR: return from_join(*node.join_expr, level, out, top);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      return unsupported("TABLESAMPLE", node.range_table_sample->location, "A sample of a view can't be taken.");
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC: return unsupported("XMLTABLE", node.range_table_func->location);
    default: return unsupported("this item in FROM", -1);
  }
}

bool Binder::from_relation(PgQuery__RangeVar& variable, Level& level, std::vector<Visible>& out, Range** top) {
  if (*variable.schemaname == '\0' && *variable.catalogname == '\0') {
    const WithLookup with = find_with(&level, variable.relname);
    if (with.query != nullptr) return from_with_query(variable, with, out, top);
  }
  const CatalogRelation* relation = nullptr;
  const CatalogView* catalog_view = nullptr;
  if (!relation_name(variable, relation, catalog_view)) return false;
  if (catalog_view != nullptr) return from_catalog_view(variable, *catalog_view, out, top);
  const ClassView& view = request_.views->relations.find(relation->oid)->second;
  if (!permits(view.verbs, Verbs::Select) || view.view.name.empty()) {
    return refuse("42501", "permission denied for relation " + std::string(variable.relname), variable.location);
  }
  if (variable.inh == 0 && relation->has_children) {
    return unsupported("ONLY for a table with partitions or children", variable.location);
  }
  if (view.threshold && !level.may_count) {
    return refuse("42501", "relation " + text_of(variable.relname) + " can be read in aggregates alone",
                  variable.location,
                  "Aggregate it in a sub-select of its own, with no other table in FROM, and join the result.");
  }
  Range& range = table_range(*relation, view, variable);
  if (view.threshold) level.counted = &range;
  if (!rename(range, variable.alias, variable.location)) return false;
  use(*relation, Verbs::Select);
  if (variable.alias == nullptr) variable.alias = edit_.alias(variable.relname);
  variable.catalogname = edit_.text("");
  variable.schemaname = edit_.text(view.view.schema);
  variable.relname = edit_.text(view.view.name);
  variable.inh = 1;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool Binder::from_catalog_view(PgQuery__RangeVar& variable, const CatalogView& view, std::vector<Visible>& out,
                               Range** top) {
  Range& range = new_range(variable.alias != nullptr ? variable.alias->aliasname : variable.relname);
  for (const std::string& name : view.columns) {
    BoundColumn column;
    column.name = name;
    range.columns.list.push_back(std::move(column));
  }
  if (!rename(range, variable.alias, variable.location)) return false;
  facts_.needs_transaction_context = true;
  if (variable.alias == nullptr) variable.alias = edit_.alias(variable.relname);
  variable.catalogname = edit_.text("");
  variable.schemaname = edit_.text(view.view.schema);
  variable.relname = edit_.text(view.view.name);
  variable.inh = 1;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool Binder::from_with_query(PgQuery__RangeVar& variable, WithLookup found, std::vector<Visible>& out, Range** top) {
  WithQuery& query = *found.query;
  if (query.state == WithQuery::State::New && !with_query(query, *found.level)) return false;
  if (query.state == WithQuery::State::Underway) {
    return refuse("42P19", "recursive reference to query " + text_of(query.name) + " must not appear here",
                  variable.location);
  }
  Range& range = new_range(variable.alias != nullptr ? variable.alias->aliasname : variable.relname);
  if (!spend(query.columns.list.size())) return false;
  range.columns = query.columns;
  if (!rename(range, variable.alias, variable.location)) return false;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

bool Binder::from_query(PgQuery__RangeSubselect& query, Level& level, std::vector<Visible>& out, Range** top) {
  if (query.subquery == nullptr || query.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unsupported("this sub-query in FROM", -1);
  }
  const bool before = level.lateral_active;
  level.lateral_active = query.lateral != 0;
  Columns columns;
  const bool bound = select(*query.subquery->select_stmt, &level, columns);
  level.lateral_active = before;
  if (!bound) return false;
  Range& range = new_range(query.alias == nullptr ? std::string_view{} : query.alias->aliasname);
  range.columns = std::move(columns);
  if (!rename(range, query.alias, -1)) return false;
  *top = &range;
  out.push_back({.range = &range, .by_name = query.alias != nullptr});
  return true;
}

bool Binder::column_definitions(Nodes list, std::size_t count, const Sources& sources, Columns& out) {
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF) return unsupported("this column definition", -1);
    PgQuery__ColumnDef& definition = *list[i]->column_def;
    if (!type_name(*definition.type_name)) return false;
    if (definition.coll_clause != nullptr &&
        !collation_name(definition.coll_clause->collname, definition.coll_clause->n_collname, definition.location)) {
      return false;
    }
    if (!spend(sources.size())) return false;
    BoundColumn column;
    column.name = definition.colname;
    column.sources = sources;
    out.list.push_back(std::move(column));
  }
  return true;
}

/// It tells of the virtual search_path, as a call that gives back a constant.
void Binder::current_schema_in_from(PgQuery__FuncCall& call, PgQuery__RangeFunction& function) {
  const NameParts name = parts_of(call.funcname, call.n_funcname);
  if (!name.ok || name.name != "current_schema" || call.n_args != 0) return;
  if (!name.schema.empty() && name.schema != "pg_catalog") return;
  if (function.alias == nullptr) function.alias = edit_.alias("current_schema");
  std::string array = "{\"";
  for (const char c : request_.search_path.empty() ? std::string("pg_catalog") : request_.search_path.front()) {
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  PgQuery__Node* const text = edit_.integer(0);
  edit_.become_string(*text, array + "\"}");
  PgQuery__Node* const schemas = edit_.integer(0);
  edit_.become_cast(*schemas, text, "name", true);
  edit_.set_list(call.args, call.n_args, {schemas});
  edit_.set_name(call.funcname, call.n_funcname, "pg_catalog", "unnest");
}

// One function of FROM: a list of the call and its own column definitions.
bool Binder::function_columns(PgQuery__Node& item, Level& level, PgQuery__RangeFunction& function, Columns& out) {
  if (item.node_case != PG_QUERY__NODE__NODE_LIST || item.list->n_items == 0 ||
      item.list->items[0]->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
    return unsupported("this function in FROM", -1, "Call it in the select list of a sub-select.");
  }
  PgQuery__FuncCall& call = *item.list->items[0]->func_call;
  const std::string_view written = string_value(call.funcname[call.n_funcname - 1]);
  const PermittedFunction* permitted = nullptr;
  if (function.n_functions == 1) current_schema_in_from(call, function);
  if (!function_name(call, permitted, true)) return false;
  if (permitted == nullptr) {
    return unsupported("a user's function in FROM", call.location, "Call it in the select list of a sub-select.");
  }
  Sources sources;
  if (!call_arguments(call, {level, &sources})) return false;
  sort_unique(sources);
  if (call.over != nullptr) return unsupported("a window function in FROM", call.location);
  PgQuery__Node* const definitions = item.list->n_items > 1 ? item.list->items[1] : nullptr;
  if (definitions != nullptr && definitions->node_case == PG_QUERY__NODE__NODE_LIST) {
    return column_definitions(definitions->list->items, definitions->list->n_items, sources, out);
  }
  if (function.n_coldeflist != 0) {
    return column_definitions(function.coldeflist, function.n_coldeflist, sources, out);
  }
  std::string_view names = permitted->columns;
  if (names.empty()) {
    const bool named_by_alias = function.n_functions == 1 && function.alias != nullptr;
    names = named_by_alias ? std::string_view(function.alias->aliasname) : written;
  }
  // An array of composites unnests to their columns; unnest of several arrays to one column each.
  const bool unnest = permitted->name == "unnest";
  if (unnest) out.known = false;
  for (std::size_t i = 0; i < (unnest ? call.n_args : 1); ++i) {
    for (std::string_view rest = names; !rest.empty();) {
      const auto comma = rest.find(',');
      BoundColumn column;
      column.name = rest.substr(0, comma);
      column.sources = sources;
      out.list.push_back(std::move(column));
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  return true;
}

bool Binder::from_function(PgQuery__RangeFunction& function, Level& level, std::vector<Visible>& out, Range** top) {
  const bool before = level.lateral_active;
  level.lateral_active = true;  // a function's arguments always may refer to what is left of it
  Columns columns;
  const bool bound =
      std::all_of(function.functions, function.functions + function.n_functions,
                  [&](PgQuery__Node* item) { return function_columns(*item, level, function, columns); });
  level.lateral_active = before;
  if (!bound) return false;
  if (function.ordinality != 0) {
    BoundColumn column;
    column.name = "ordinality";
    columns.list.push_back(std::move(column));
  }
  std::string_view name;
  if (function.alias != nullptr) {
    name = function.alias->aliasname;
  } else {
    const PgQuery__FuncCall& call = *function.functions[0]->list->items[0]->func_call;
    name = string_value(call.funcname[call.n_funcname - 1]);
  }
  Range& range = new_range(name);
  range.columns = std::move(columns);
  if (!rename(range, function.alias, -1)) return false;
  *top = &range;
  out.push_back({.range = &range});
  return true;
}

}  // namespace bartizan::sql
