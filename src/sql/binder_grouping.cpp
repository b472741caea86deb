// ORDER BY, DISTINCT, GROUP BY and windows: where a name may be an output column's, and what a
// primary key in GROUP BY lets a select list use.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

// A name alone: PostgreSQL takes these for output columns.
std::string_view bare_name(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) {
    return {};
  }
  return string_value(node->column_ref->fields[0]);
}

bool is_output(const Columns& output, std::string_view name) {
  return !name.empty() && std::any_of(output.list.begin(), output.list.end(),
                                      [&](const BoundColumn& column) { return column.name == name; });
}

const BoundColumn* ordinal(const PgQuery__Node& node, const Columns& output) {
  if (!is_integer_constant(node)) return nullptr;
  const int number = node.a_const->ival->ival;
  return number >= 1 && static_cast<std::size_t>(number) <= output.list.size()
             ? &output.list[static_cast<std::size_t>(number) - 1]
             : nullptr;
}

}  // namespace

bool Binder::sort_list(Nodes list, std::size_t count, Level& level, const Columns& output) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_SORT_BY) return unsupported("this ORDER BY", -1);
    const PgQuery__SortBy& sort = *node->sort_by;
    if (sort.n_use_op != 0 && !operator_name(sort.use_op, sort.n_use_op, sort.location)) return false;
    return is_output(output, bare_name(sort.node)) || expression(sort.node, {level, nullptr});
  });
}

// Of a set operation or VALUES: names of output columns and ordinals only.
bool Binder::sort_output(Nodes list, std::size_t count, const Columns& output) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_SORT_BY) return unsupported("this ORDER BY", -1);
    const PgQuery__SortBy& sort = *node->sort_by;
    if (sort.n_use_op != 0 && !operator_name(sort.use_op, sort.n_use_op, sort.location)) return false;
    if (is_output(output, bare_name(sort.node)) || (sort.node != nullptr && is_integer_constant(*sort.node)))
      return true;
    return unsupported("ORDER BY an expression after a set operation", sort.location,
                       "Only the names and numbers of result columns can be used.");
  });
}

bool Binder::distinct(PgQuery__SelectStmt& select, Level& level, const Columns& output) {
  return std::all_of(select.distinct_clause, select.distinct_clause + select.n_distinct_clause,
                     [&](PgQuery__Node* node) {
                       if (node->node_case == PG_QUERY__NODE__NODE__NOT_SET) return true;  // DISTINCT alone
                       return is_output(output, bare_name(node)) || expression(node, {level, nullptr});
                     });
}

bool Binder::group_item(PgQuery__Node& node, Level& level, const Columns& output) {
  if (node.node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
    const PgQuery__GroupingSet& set = *node.grouping_set;
    return std::all_of(set.content, set.content + set.n_content,
                       [&](PgQuery__Node* item) { return group_item(*item, level, output); });
  }
  const std::string_view name = bare_name(&node);
  // Here an input column comes before an output column of the same name.
  if (!name.empty() && find_column(&level, name).status == Lookup::Absent && is_output(output, name)) return true;
  return expression(&node, {level, nullptr});
}

bool Binder::group_by(PgQuery__SelectStmt& select, Level& level, const Columns& output) {
  return std::all_of(select.group_clause, select.group_clause + select.n_group_clause,
                     [&](PgQuery__Node* node) { return group_item(*node, level, output); });
}

bool Binder::window(PgQuery__WindowDef& window, Level& level, const Columns* output) {
  static const Columns kNone;
  const Columns& names = output == nullptr ? kNone : *output;
  for (std::size_t i = 0; i < window.n_partition_clause; ++i) {
    PgQuery__Node* const node = window.partition_clause[i];
    const bool is_name = is_output(names, bare_name(node)) && find_column(&level, bare_name(node)).range == nullptr;
    if (!is_name && !expression(node, {level, nullptr})) return false;
  }
  return sort_list(window.order_clause, window.n_order_clause, level, names) &&
         expression(window.start_offset, {level, nullptr}) && expression(window.end_offset, {level, nullptr});
}

bool Binder::windows(Nodes list, std::size_t count, Level& level, const Columns* output) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    return node->node_case == PG_QUERY__NODE__NODE_WINDOW_DEF ? window(*node->window_def, level, output)
                                                              : unsupported("this WINDOW", -1);
  });
}

bool Binder::complete_grouping(PgQuery__SelectStmt& select, Level& level, const Columns& output) {
  if (select.n_group_clause == 0 || level.grouped.empty()) return true;
  std::vector<std::pair<const Range*, std::size_t>> keys;  // columns that are grouped by
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    const PgQuery__Node& node = *select.group_clause[i];
    if (node.node_case == PG_QUERY__NODE__NODE_GROUPING_SET) return true;  // no dependency there
    const BoundColumn* column = ordinal(node, output);
    if (column == nullptr && node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
      ColumnLookup found;
      if (find_column(&level, bare_name(&node)).status == Lookup::Absent && is_output(output, bare_name(&node))) {
        column = &*std::find_if(output.list.begin(), output.list.end(),
                                [&](const BoundColumn& c) { return c.name == bare_name(&node); });
      } else if (!resolve(*node.column_ref, level, found)) {
        return false;
      } else if (found.level == &level && found.index != kWholeRow) {
        column = &found.range->columns.list[found.index];
      }
    }
    if (column != nullptr && column->origin != nullptr) keys.emplace_back(column->origin, column->origin_index);
  }
  const auto is_grouped = [&](const Range* range, std::size_t column) {
    return std::find(keys.begin(), keys.end(), std::pair(range, column)) != keys.end();
  };
  const auto determined = [&](const Range& range) {
    const CatalogKey* const key = range.relation == nullptr ? nullptr : range.relation->primary_key();
    return key != nullptr && !key->deferrable &&
           std::all_of(key->columns.begin(), key->columns.end(), [&](AttrNumber attnum) {
             const CatalogColumn* const column = range.relation->column(attnum);
             for (std::size_t i = 0; i < range.columns.list.size(); ++i) {
               const auto& sources = range.columns.list[i].sources;
               if (sources.size() == 1 && sources[0].attnum == column->attnum && is_grouped(&range, i)) return true;
             }
             return false;
           });
  };
  for (const GroupedReference& use : level.grouped) {
    if (is_grouped(use.range, use.column) || !determined(*use.range)) continue;
    keys.emplace_back(use.range, use.column);
    PgQuery__Node* const reference =
        use.node != nullptr ? edit_.copy(*use.node)
                            : edit_.column_ref({use.range->name, use.range->columns.list[use.column].name});
    edit_.append(select.group_clause, select.n_group_clause, reference);
  }
  return true;
}

}  // namespace bartizan::sql
