// SELECT, VALUES, set operations and WITH: which cells they give out.
#include <algorithm>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kMaxTargets = 1664;  // PostgreSQL's MaxTupleAttributeNumber

// A name alone: PostgreSQL takes these for output columns.
std::string_view bare_name(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) {
    return {};
  }
  return string_value(node->column_ref->fields[0]);
}

}  // namespace

bool CellBinder::any_query(PgQuery__Node& node, Level* parent, Columns& output) {
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_SELECT_STMT: return select(*node.select_stmt, parent, output);
    case PG_QUERY__NODE__NODE_INSERT_STMT: return insert(*node.insert_stmt, parent, output);
    case PG_QUERY__NODE__NODE_UPDATE_STMT: return update(*node.update_stmt, parent, output);
    case PG_QUERY__NODE__NODE_DELETE_STMT: return remove(*node.delete_stmt, parent, output);
    case PG_QUERY__NODE__NODE_MERGE_STMT:
      return refuse("0A000", "MERGE with a table that has encrypted columns is not supported", -1,
                    cell_place::kMerge.hint);
    default: return unknown("this kind of query");
  }
}

bool CellBinder::select(PgQuery__SelectStmt& select, Level* parent, Columns& output, const Assigned* assigned) {
  Level level;
  level.parent = parent;
  if (!with_clause(select.with_clause, level)) return false;
  const bool bound = select.op != PG_QUERY__SET_OPERATION__SETOP_NONE ? set_operation(select, level, output, assigned)
                     : select.n_values_lists != 0                     ? values(select, level, output, assigned)
                                                                      : plain_select(select, level, output, assigned);
  if (!bound) return false;
  for (BoundColumn& column : output.list) {
    column.origin = nullptr;  // no table of this level stands behind it
    if (select.into_clause != nullptr && cell(column) != nullptr) {
      return refuse("0A000", described(*cell(column)) + " is encrypted and can't be copied into a new table", -1,
                    "Create the table, have its column encrypted, and copy through the application.");
    }
  }
  return true;
}

bool CellBinder::limits(PgQuery__SelectStmt& select, Level& level) {
  return expression(select.limit_count, {level}) && expression(select.limit_offset, {level});
}

bool CellBinder::plain_select(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned) {
  Targets found;
  if (!from(select.from_clause, select.n_from_clause, level)) return false;
  if (!expression(select.where_clause, {level})) return false;
  if (!targets(select.target_list, select.n_target_list, level, output, found, assigned)) return false;
  if (!group_by(select, level, output, found)) return false;
  level.after_grouping = true;
  if (!expression(select.having_clause, {level})) return false;
  if (!sort_list(select.sort_clause, select.n_sort_clause, level, output)) return false;
  for (std::size_t i = 0; i < select.n_window_clause; ++i) {
    if (select.window_clause[i]->node_case != PG_QUERY__NODE__NODE_WINDOW_DEF) return unknown("this WINDOW");
    if (!window(*select.window_clause[i]->window_def, level)) return false;
  }
  level.after_grouping = false;
  return distinct(select, level, output, found) && pick_from_groups(level, found) && limits(select, level) &&
         give_keys(select.target_list, select.n_target_list, level, output);
}

bool CellBinder::values(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned) {
  for (std::size_t row = 0; row < select.n_values_lists; ++row) {
    if (select.values_lists[row]->node_case != PG_QUERY__NODE__NODE_LIST) return unknown("these VALUES");
    const PgQuery__List& items = *select.values_lists[row]->list;
    for (std::size_t i = 0; row == 0 && i < items.n_items; ++i) {
      BoundColumn column;
      column.name = edit_.text("column" + std::to_string(i + 1));
      if (assigned != nullptr && i < assigned->size() && (*assigned)[i] != nullptr) {
        column.sources.push_back((*assigned)[i]->column);
        column.bare = true;
      }
      output.list.push_back(std::move(column));
    }
    if (items.n_items != output.list.size()) return refuse("42601", "VALUES lists must all be the same length", -1);
    for (std::size_t i = 0; i < items.n_items; ++i) {
      const EncryptedColumnSpec* const column = cell(output.list[i]);
      if (!(column != nullptr ? assign(*items.items[i], *column, {level}) : expression(items.items[i], {level}))) {
        return false;
      }
    }
  }
  return sort_list(select.sort_clause, select.n_sort_clause, level, output) && limits(select, level);
}

bool CellBinder::set_operation(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned) {
  if (select.larg == nullptr || select.rarg == nullptr) return unknown("this set operation");
  Columns right;
  if (!this->select(*select.larg, &level, output, assigned)) return false;
  // The first term of WITH RECURSIVE tells the columns that the second one sees.
  for (WithQuery* const with : awaiting_first_term(level, select)) {
    if (!with_columns(*with, output)) return false;
  }
  if (!this->select(*select.rarg, &level, right, assigned)) return false;
  if (output.known && right.known && output.list.size() != right.list.size()) {
    return refuse("42601", "each query of a set operation must have the same number of columns", -1);
  }
  const bool keeps_all = select.op == PG_QUERY__SET_OPERATION__SETOP_UNION && select.all != 0;
  for (std::size_t i = 0; i < std::max(output.list.size(), right.list.size()); ++i) {
    const EncryptedColumnSpec* const one = i < output.list.size() ? cell(output.list[i]) : nullptr;
    const EncryptedColumnSpec* const other = i < right.list.size() ? cell(right.list[i]) : nullptr;
    if (one == nullptr && other == nullptr) continue;
    const bool same = one != nullptr && other != nullptr && one->number == other->number;
    if (!same || !keeps_all || !output.known || !right.known) {
      return refuse_cell(one != nullptr ? *one : *other, cell_place::kSetOperation);
    }
  }
  output.known = output.known && right.known;
  common_rows(output, right);
  return sort_list(select.sort_clause, select.n_sort_clause, level, output) && limits(select, level);
}

bool CellBinder::with_clause(PgQuery__WithClause* clause, Level& level) {
  if (clause == nullptr) return true;
  level.with_recursive = clause->recursive != 0;
  for (std::size_t i = 0; i < clause->n_ctes; ++i) {
    if (clause->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR ||
        clause->ctes[i]->common_table_expr->ctequery == nullptr) {
      return unknown("this WITH", clause->location);
    }
    WithQuery query;
    query.node = clause->ctes[i]->common_table_expr;
    query.name = query.node->ctename;
    const auto same = [&](const WithQuery& other) { return other.name == query.name; };
    if (std::any_of(level.with.begin(), level.with.end(), same)) {
      return refuse("42712", "WITH query name \"" + std::string(query.name) + "\" specified more than once", -1);
    }
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

bool CellBinder::with_query(WithQuery& query, Level& level) {
  query.state = WithQuery::State::Underway;
  Columns output;
  if (!any_query(*query.node->ctequery, &level, output)) return false;
  // A recursive term was held to the first one's cells by set_operation().
  if (query.state == WithQuery::State::Underway && !with_columns(query, output)) return false;
  // What the recursive term gives of another row is no key of the first one's cells.
  for (std::size_t i = 0; i < std::min(output.list.size(), query.columns.list.size()); ++i) {
    if (output.list[i].row == 0) query.columns.list[i].row = 0;
  }
  query.columns.known = output.known;
  query.state = WithQuery::State::Done;
  return true;
}

bool CellBinder::with_columns(WithQuery& query, Columns& output) {
  const PgQuery__CommonTableExpr& node = *query.node;
  if (query.state == WithQuery::State::Underway) query.state = WithQuery::State::RecursiveTermKnown;
  query.columns = output;
  if (node.n_aliascolnames > output.list.size()) {
    if (output.known) {
      return refuse("42P10", "WITH query \"" + std::string(query.name) + "\" has fewer columns than names", -1);
    }
    query.columns.list.resize(node.n_aliascolnames);
  }
  for (std::size_t i = 0; i < node.n_aliascolnames; ++i) {
    query.columns.list[i].name = string_value(node.aliascolnames[i]);
  }
  if (node.search_clause == nullptr && node.cycle_clause == nullptr) return true;
  // They compare rows: none of what they name may be a cell.
  for (const BoundColumn& column : query.columns.list) {
    if (cell(column) != nullptr) return refuse_cell(*cell(column), cell_place::kRow);
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
    if (!expression(node.cycle_clause->cycle_mark_value, {none}) ||
        !expression(node.cycle_clause->cycle_mark_default, {none})) {
      return false;
    }
    add(node.cycle_clause->cycle_mark_column);
    add(node.cycle_clause->cycle_path_column);
  }
  return true;
}

bool CellBinder::targets(Nodes& list, std::size_t& count, Level& level, Columns& output, Targets& found,
                         const Assigned* assigned) {
  std::vector<PgQuery__Node*> written;
  bool expanded_any = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return unknown("this select list");
    PgQuery__ResTarget& item = *list[i]->res_target;
    std::vector<PgQuery__Node*> expanded;
    PgQuery__Node* const value = item.val;
    if (value == nullptr || item.n_indirection != 0) return unknown("this select list", item.location);
    if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        is_star(value->column_ref->fields[value->column_ref->n_fields - 1])) {
      if (!star(*value->column_ref, level, output, found, expanded)) return false;
    } else if (!target(item, level, output, found, assigned)) {
      return false;
    }
    if (output.list.size() > kMaxTargets) return refuse("54011", "target lists can have at most 1664 entries", -1);
    expanded_any = expanded_any || !expanded.empty();
    if (expanded.empty()) expanded.push_back(list[i]);
    written.insert(written.end(), expanded.begin(), expanded.end());
  }
  if (!expanded_any) return true;
  edited_ = true;
  count = 0;
  for (PgQuery__Node* const node : written) edit_.append(list, count, node);
  return true;
}

bool CellBinder::target(PgQuery__ResTarget& target, Level& level, Columns& output, Targets& found,
                        const Assigned* assigned) {
  const std::size_t place = output.list.size();
  const EncryptedColumnSpec* const into =
      assigned != nullptr && place < assigned->size() ? (*assigned)[place] : nullptr;
  BoundColumn column;
  column.name = *target.name != '\0' ? std::string_view(target.name) : output_name(*target.val);
  Target result{target.val, &target, {}};
  if (into != nullptr) {
    if (!assign(*target.val, *into, {level})) return false;
    result.reference.column = into;
  } else if (!value(*target.val, {level}, result.reference)) {
    return false;
  }
  if (result.reference.column != nullptr) {
    column.sources.push_back(result.reference.column->column);
    column.bare = true;
    met_cell_ = true;
    if (*target.name == '\0' && output_name(*target.val) != column.name) target.name = edit_.text(column.name);
  }
  if (result.reference.range != nullptr) {
    column.origin = result.reference.range;
    column.origin_index = result.reference.index;
    column.row = column.origin->columns.list[column.origin_index].row;
    column.attnum = column.origin->columns.list[column.origin_index].attnum;
  } else if (result.reference.column == nullptr && target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
    ColumnLookup plain;
    if (!resolve(*target.val->column_ref, level, plain)) return false;
    if (plain.range != nullptr && plain.index != kWholeRow) {
      column.row = plain.range->columns.list[plain.index].row;
      column.attnum = plain.range->columns.list[plain.index].attnum;
    }
  }
  output.list.push_back(std::move(column));
  found.push_back(result);
  return true;
}

// With a hidden column in what it stands for, a star is written out.
bool CellBinder::star(PgQuery__ColumnRef& reference, Level& level, Columns& output, Targets& found,
                      std::vector<PgQuery__Node*>& expanded) {
  std::vector<const Range*> ranges;
  const Level* at = &level;
  if (reference.n_fields == 1) {
    for (const Visible& visible : level.visible) {
      if (visible.columns) ranges.push_back(visible.range);
    }
  } else {
    RangeLookup range;
    if (!resolve_range(reference, reference.n_fields - 1, level, range)) return false;
    ranges.push_back(range.range);
    at = range.level;
  }
  bool hides = false;
  for (const Range* range : ranges) {
    if (!spend(range->columns.list.size())) return false;
    output.known = output.known && range->columns.known;
    for (std::size_t i = 0; i < range->columns.list.size(); ++i) {
      const BoundColumn& column = range->columns.list[i];
      Target target;
      if (const EncryptedColumnSpec* const encrypted = cell(column); encrypted != nullptr) {
        met_cell_ = true;
        hides = hides || !encrypted->vault.empty();  // each is to be asked for by itself
        if (!output.known) return unknown("* with columns that are not known before encrypted ones");
        target.reference = {encrypted, column.origin != nullptr ? column.origin : range,
                            column.origin != nullptr ? column.origin_index : i, at};
      }
      const auto* const guarded = column.origin != nullptr && column.origin->relation != nullptr
                                      ? columns_.guarded(column.origin->relation->oid)
                                      : nullptr;
      hides = hides || (guarded != nullptr && guarded->hides);
      output.list.push_back(column);
      found.push_back(target);
    }
  }
  if (!hides) return true;
  if (!output.known) return unknown("* with columns that are not known beside a table with a stored index");
  for (const Range* range : ranges) {
    for (const BoundColumn& column : range->columns.list) {
      const std::string_view qualifier = column.origin != nullptr ? column.origin->name : range->name;
      if (qualifier.empty()) return unknown("* for a sub-query without a name beside a table with a stored index");
      const std::string_view name =
          column.origin != nullptr ? column.origin->columns.list[column.origin_index].name : column.name;
      PgQuery__Node* const value = edit_.column_ref({qualifier, name});
      expanded.push_back(edit_.target(name == column.name ? std::string_view{} : column.name, value));
    }
  }
  return true;
}

// Names of output columns and ordinals first, as in PostgreSQL.
bool CellBinder::sort_list(Nodes list, std::size_t count, Level& level, const Columns& output) {
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY) return unknown("this ORDER BY");
    PgQuery__Node* const node = list[i]->sort_by->node;
    if (node == nullptr) return unknown("this ORDER BY");
    const std::string_view name = bare_name(node);
    const BoundColumn* named = nullptr;
    for (const BoundColumn& column : output.list) {
      if (!name.empty() && column.name == name) named = &column;
      if (named != nullptr && cell(*named) != nullptr) return refuse_cell(*cell(*named), cell_place::kOrder);
    }
    if (is_integer_constant(*node)) {
      if (!output.known) return unknown("ORDER BY a number with columns that are not known");
      const int number = node->a_const->ival->ival;
      const bool there = number >= 1 && static_cast<std::size_t>(number) <= output.list.size();
      const EncryptedColumnSpec* const column =
          there ? cell(output.list[static_cast<std::size_t>(number) - 1]) : nullptr;
      if (column != nullptr) return refuse_cell(*column, cell_place::kOrder);
      continue;
    }
    if (named != nullptr) continue;
    if (!expression(node, {level, cell_place::kOrder})) return false;
  }
  return true;
}

bool CellBinder::window(PgQuery__WindowDef& window, Level& level) {
  const At at{level, cell_place::kWindow};
  if (!expressions(window.partition_clause, window.n_partition_clause, at)) return false;
  for (std::size_t i = 0; i < window.n_order_clause; ++i) {
    if (window.order_clause[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY) return unknown("this WINDOW");
    if (!expression(window.order_clause[i]->sort_by->node, at)) return false;
  }
  return expression(window.start_offset, at) && expression(window.end_offset, at);
}

}  // namespace bartizan::sql
