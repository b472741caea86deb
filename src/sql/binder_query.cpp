// SELECT, VALUES, set operations and WITH: what they make visible and what they give out.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kMaxTargets = 1664;  // PostgreSQL's MaxTupleAttributeNumber

// Columns as another query level sees them: no table of this one stands behind them.
void detach(Columns& columns) {
  for (BoundColumn& column : columns.list) {
    column.origin = nullptr;
    column.unreadable = false;
  }
}

}  // namespace

bool Binder::query(PgQuery__Node& node, Level* parent, Columns& output) {
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_SELECT_STMT: return select(*node.select_stmt, parent, output);
    case PG_QUERY__NODE__NODE_INSERT_STMT: return insert(*node.insert_stmt, parent, output);
    case PG_QUERY__NODE__NODE_UPDATE_STMT: return update(*node.update_stmt, parent, output);
    case PG_QUERY__NODE__NODE_DELETE_STMT: return remove(*node.delete_stmt, parent, output);
    default: return unsupported("this kind of query", -1);
  }
}

bool Binder::select(PgQuery__SelectStmt& select, Level* parent, Columns& output) {
  if (select.into_clause != nullptr) {
    return refuse("42501", "SELECT INTO is not permitted for identities under a policy", -1,
                  "Rows under a policy can't be copied into a table.");
  }
  Level level;
  level.parent = parent;
  if (!with_clause(select.with_clause, level)) return false;
  const bool bound = select.op != PG_QUERY__SET_OPERATION__SETOP_NONE ? set_operation(select, level, output)
                     : select.n_values_lists != 0                     ? values(select, level, output)
                                                                      : plain_select(select, level, output);
  if (!bound) return false;
  detach(output);
  return true;
}

bool Binder::limits(PgQuery__SelectStmt& select, Level& level) {
  return expression(select.limit_count, {level, nullptr}) && expression(select.limit_offset, {level, nullptr});
}

bool Binder::plain_select(PgQuery__SelectStmt& select, Level& level, Columns& output) {
  const std::size_t first_use = facts_.relations.size();
  level.may_count = select.n_from_clause == 1 && select.from_clause[0]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR;
  if (!from(select.from_clause, select.n_from_clause, level)) return false;
  if (level.counted != nullptr && !counted_clauses(select, level)) return false;
  if (!locking(select.locking_clause, select.n_locking_clause, level, first_use)) return false;
  level.after_grouping = true;
  if (!targets(select.target_list, select.n_target_list, level, output)) return false;
  if (!sort_list(select.sort_clause, select.n_sort_clause, level, output)) return false;
  if (!distinct(select, level, output)) return false;
  if (!expression(select.having_clause, {level, nullptr})) return false;
  if (!windows(select.window_clause, select.n_window_clause, level, &output)) return false;
  level.after_grouping = false;
  if (!expression(select.where_clause, {level, nullptr})) return false;
  if (!group_by(select, level, output)) return false;
  if (!limits(select, level)) return false;
  return level.counted != nullptr ? counted_select(select, level, output) : complete_grouping(select, level, output);
}

bool Binder::values(PgQuery__SelectStmt& select, Level& level, Columns& output) {
  if (select.n_locking_clause != 0) return unsupported("a row lock on VALUES", -1);
  for (std::size_t row = 0; row < select.n_values_lists; ++row) {
    if (select.values_lists[row]->node_case != PG_QUERY__NODE__NODE_LIST) return unsupported("these VALUES", -1);
    const PgQuery__List& items = *select.values_lists[row]->list;
    if (row == 0) {
      for (std::size_t i = 0; i < items.n_items; ++i) {
        BoundColumn column;
        column.name = edit_.text("column" + std::to_string(i + 1));
        output.list.push_back(std::move(column));
      }
    }
    if (items.n_items != output.list.size()) {
      return refuse("42601", "VALUES lists must all be the same length", -1);
    }
    for (std::size_t i = 0; i < items.n_items; ++i) {
      if (!expression(items.items[i], {level, &output.list[i].sources})) return false;
    }
  }
  for (BoundColumn& column : output.list) sort_unique(column.sources);
  return sort_output(select.sort_clause, select.n_sort_clause, output) && limits(select, level);
}

bool Binder::set_operation(PgQuery__SelectStmt& select, Level& level, Columns& output) {
  if (select.n_locking_clause != 0) return unsupported("a row lock on a set operation", -1);
  if (select.larg == nullptr || select.rarg == nullptr) return unsupported("this set operation", -1);
  Columns right;
  if (!this->select(*select.larg, &level, output)) return false;
  // The first term of WITH RECURSIVE tells the columns that the second one sees.
  for (WithQuery* const with : awaiting_first_term(level, select)) {
    if (!with_columns(*with, output)) return false;
  }
  if (!this->select(*select.rarg, &level, right)) return false;
  if (output.known && right.known && output.list.size() != right.list.size()) {
    return refuse("42601", "each query of a set operation must have the same number of columns", -1);
  }
  output.known = output.known && right.known;
  for (std::size_t i = 0; i < output.list.size(); ++i) {
    BoundColumn& column = output.list[i];
    column.bare = false;
    if (i < right.list.size()) {
      column.sources.insert(column.sources.end(), right.list[i].sources.begin(), right.list[i].sources.end());
      sort_unique(column.sources);
    }
  }
  return sort_output(select.sort_clause, select.n_sort_clause, output) && limits(select, level);
}

bool Binder::with_clause(PgQuery__WithClause* clause, Level& level) {
  if (clause == nullptr) return true;
  const auto node_of = [&](std::size_t i) {
    return clause->ctes[i]->node_case == PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR ? clause->ctes[i]->common_table_expr
                                                                                : nullptr;
  };
  level.with_recursive = clause->recursive != 0;
  for (std::size_t i = 0; i < clause->n_ctes; ++i) {
    PgQuery__CommonTableExpr* const node = node_of(i);
    if (node == nullptr || node->ctequery == nullptr) return unsupported("this WITH", clause->location);
    const auto same = [&](const WithQuery& query) { return query.name == node->ctename; };
    if (std::any_of(level.with.begin(), level.with.end(), same)) {
      return refuse("42712", "WITH query name \"" + std::string(node->ctename) + "\" specified more than once",
                    node->location);
    }
    WithQuery query;
    query.name = node->ctename;
    query.node = node;
    if (level.with_recursive) {
      level.with.push_back(std::move(query));  // all names are visible in all of them
      continue;
    }
    // Its own name is not visible in it: bound first, then named.
    if (!with_query(query, level)) return false;
    level.with.push_back(std::move(query));
  }
  for (std::size_t i = 0; level.with_recursive && i < level.with.size(); ++i) {
    if (level.with[i].state == WithQuery::State::New && !with_query(level.with[i], level)) return false;
  }
  return true;
}

bool Binder::with_query(WithQuery& query, Level& level) {
  query.state = WithQuery::State::Underway;
  Columns output;
  if (!this->query(*query.node->ctequery, &level, output)) return false;
  if (query.state == WithQuery::State::RecursiveTermKnown) {  // the recursive term adds sources only
    const std::size_t count = std::min(query.columns.list.size(), output.list.size());
    for (std::size_t i = 0; i < count; ++i) {
      query.columns.list[i].sources = std::move(output.list[i].sources);
      query.columns.list[i].bare = false;
    }
    query.columns.known = output.known;
  } else if (!with_columns(query, output)) {
    return false;
  }
  query.state = WithQuery::State::Done;
  return true;
}

bool Binder::with_columns(WithQuery& query, Columns& output) {
  const PgQuery__CommonTableExpr& node = *query.node;
  if (query.state == WithQuery::State::Underway) query.state = WithQuery::State::RecursiveTermKnown;
  query.columns = output;
  if (node.n_aliascolnames > output.list.size()) {
    return refuse("42P10", "WITH query \"" + std::string(query.name) + "\" has fewer columns than names",
                  node.location);
  }
  for (std::size_t i = 0; i < node.n_aliascolnames; ++i) {
    query.columns.list[i].name = string_value(node.aliascolnames[i]);
  }
  const auto add = [&](const char* name) {
    if (name == nullptr || *name == '\0') return;
    BoundColumn column;
    column.name = name;
    query.columns.list.push_back(std::move(column));
  };
  if (node.search_clause != nullptr) add(node.search_clause->search_seq_column);
  if (node.cycle_clause != nullptr) {
    Level none;
    if (!expression(node.cycle_clause->cycle_mark_value, {none, nullptr}) ||
        !expression(node.cycle_clause->cycle_mark_default, {none, nullptr})) {
      return false;
    }
    add(node.cycle_clause->cycle_mark_column);
    add(node.cycle_clause->cycle_path_column);
  }
  return true;
}

bool Binder::targets(Nodes list, std::size_t count, Level& level, Columns& output) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return unsupported("this select list", -1);
    if (!target(*node->res_target, level, output)) return false;
    return output.list.size() <= kMaxTargets ||
           refuse("54011", "target lists can have at most 1664 entries", node->res_target->location);
  });
}

bool Binder::target(PgQuery__ResTarget& target, Level& level, Columns& output) {
  PgQuery__Node* const value = target.val;
  if (value == nullptr || target.n_indirection != 0) return unsupported("this select list", target.location);
  if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
    PgQuery__ColumnRef& reference = *value->column_ref;
    if (is_star(reference.fields[reference.n_fields - 1])) return star(reference, level, output);
  }
  if (value->node_case == PG_QUERY__NODE__NODE_A_INDIRECTION) {
    const PgQuery__AIndirection& indirection = *value->a_indirection;
    if (is_star(indirection.indirection[indirection.n_indirection - 1])) {
      return unsupported("(…).* of an expression", target.location, "Call the function in FROM and take its columns.");
    }
  }
  BoundColumn column;
  column.name = *target.name != '\0' ? std::string_view(target.name) : output_name(*value);
  if (!expression(value, {level, &column.sources})) return false;
  sort_unique(column.sources);
  // What was put in the place of a function must not change the column's name.
  if (*target.name == '\0' && output_name(*value) != column.name) target.name = edit_.text(column.name);
  if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
    ColumnLookup found;
    if (!resolve(*value->column_ref, level, found)) return false;
    if (found.index != kWholeRow) {
      const BoundColumn& source = found.range->columns.list[found.index];
      column.bare = source.bare;
      if (found.level == &level) {
        column.origin = source.origin;
        column.origin_index = source.origin_index;
      }
    }
  }
  output.list.push_back(std::move(column));
  return true;
}

void Binder::expand(const Range& range, Level& level, Columns& output, bool note_grouped) {
  output.known = output.known && range.columns.known;
  for (const BoundColumn& column : range.columns.list) {
    touch(column.sources);
    output.list.push_back(column);
    if (note_grouped && column.origin != nullptr) {
      level.grouped.push_back({column.origin, column.origin_index, nullptr});
    }
  }
}

bool Binder::star(PgQuery__ColumnRef& reference, Level& level, Columns& output) {
  std::vector<const Range*> ranges;
  Level* at = &level;
  if (reference.n_fields == 1) {
    for (const Visible& visible : level.visible) {
      if (visible.columns) ranges.push_back(visible.range);
    }
    if (ranges.empty()) {
      return refuse("42601", "SELECT * with no tables specified is not valid", reference.location);
    }
  } else {
    RangeLookup found;
    if (!resolve_range(reference, reference.n_fields - 1, level, found)) return false;
    ranges.push_back(found.range);
    at = found.level;
  }
  for (const Range* range : ranges) {
    for (const BoundColumn& column : range->columns.list) {
      if (!read(column, reference.location)) return false;
    }
    if (!take_whole(*range, reference.location)) return false;
    expand(*range, *at, output, at->after_grouping);
  }
  return true;
}

bool Binder::locking(Nodes list, std::size_t count, const Level& level, std::size_t first_use) {
  const auto may_lock = [&](const RelationUse& use) {
    const auto found = request_.views->relations.find(use.relation);
    return found != request_.views->relations.end() && permits(found->second.verbs, Verbs::Update);
  };
  const auto denied = [&] {
    return refuse("42501", "a row lock needs the right to update the table", -1,
                  "FOR UPDATE OF can name the tables that may be updated.");
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case != PG_QUERY__NODE__NODE_LOCKING_CLAUSE) return unsupported("this row lock", -1);
    const PgQuery__LockingClause& clause = *list[i]->locking_clause;
    if (clause.n_locked_rels == 0) {
      const auto first = facts_.relations.begin() + static_cast<std::ptrdiff_t>(first_use);
      if (!std::all_of(first, facts_.relations.end(), may_lock)) return denied();
    }
    for (std::size_t k = 0; k < clause.n_locked_rels; ++k) {
      const PgQuery__Node& node = *clause.locked_rels[k];
      if (node.node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return unsupported("this row lock", -1);
      const PgQuery__RangeVar& name = *node.range_var;
      if (*name.schemaname != '\0' || *name.catalogname != '\0') {
        return refuse("42601", "a row lock must specify unqualified relation names", name.location);
      }
      const auto named = [&](const Visible& visible) { return visible.range->name == name.relname; };
      const auto found = std::find_if(level.visible.begin(), level.visible.end(), named);
      if (found == level.visible.end()) {
        return refuse("42P01", "relation \"" + std::string(name.relname) + "\" in a row lock clause not found in FROM",
                      name.location);
      }
      const Range& range = *found->range;
      if (range.relation == nullptr) return unsupported("a row lock on what is not a table", name.location);
      if (!may_lock({range.relation->oid, Verbs::Update})) return denied();
    }
  }
  return true;
}

}  // namespace bartizan::sql
