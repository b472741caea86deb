#include "scope.hpp"

#include <utility>

namespace bartizan::sql {

namespace {

bool hidden_by_lateral(const Level& level, const Visible& visible) {
  return visible.lateral_only && !level.lateral_active;
}

template <class Matches>
RangeLookup find_range_if(Level* level, Matches matches) {
  for (; level != nullptr; level = level->parent) {
    RangeLookup found;
    for (const Visible& visible : level->visible) {
      if (!visible.by_name || hidden_by_lateral(*level, visible) || !matches(*visible.range)) continue;
      if (found.range != nullptr) return {Lookup::Ambiguous, level, nullptr};
      found = {visible.lateral_only && !visible.lateral_ok ? Lookup::NotHere : Lookup::Found, level, visible.range};
    }
    if (found.range != nullptr) return found;
  }
  return {};
}

}  // namespace

ColumnLookup find_column_in(const Range& range, std::string_view name) {
  ColumnLookup found;
  for (std::size_t i = 0; i < range.columns.list.size(); ++i) {
    if (range.columns.list[i].name != name) continue;
    if (found.status == Lookup::Found) return {Lookup::Ambiguous, nullptr, nullptr, 0};
    found = {Lookup::Found, nullptr, &range, i};
  }
  return found;
}

ColumnLookup find_column(Level* level, std::string_view name) {
  for (; level != nullptr; level = level->parent) {
    ColumnLookup found;
    for (const Visible& visible : level->visible) {
      if (!visible.columns || hidden_by_lateral(*level, visible)) continue;
      ColumnLookup here = find_column_in(*visible.range, name);
      if (here.status == Lookup::Absent) continue;
      if (here.status == Lookup::Ambiguous || found.range != nullptr) return {Lookup::Ambiguous, level, nullptr, 0};
      if (visible.lateral_only && !visible.lateral_ok) here.status = Lookup::NotHere;
      here.level = level;
      found = here;
    }
    if (found.range != nullptr) return found;
  }
  return {};
}

RangeLookup find_range(Level* level, std::string_view name) {
  return find_range_if(level, [&](const Range& range) { return range.name == name; });
}

RangeLookup find_range(Level* level, const CatalogRelation& relation) {
  return find_range_if(level, [&](const Range& range) { return range.relation == &relation && !range.aliased; });
}

WithLookup find_with(Level* level, std::string_view name) {
  for (; level != nullptr; level = level->parent) {
    for (WithQuery& query : level->with) {
      if (query.name == name) return {level, &query};
    }
  }
  return {};
}

std::vector<WithQuery*> awaiting_first_term(Level& level, const PgQuery__SelectStmt& operation) {
  std::vector<WithQuery*> found;
  for (Level* at = &level; at->parent != nullptr; at = at->parent) {
    for (WithQuery& with : at->parent->with) {
      const PgQuery__Node* const query = with.node->ctequery;
      if (with.state == WithQuery::State::Underway && query != nullptr &&
          query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT && query->select_stmt == &operation) {
        found.push_back(&with);
      }
    }
  }
  return found;
}

LeftOfJoin::LeftOfJoin(Level& level, const PgQuery__JoinExpr& join, const std::vector<Visible>& left)
    : level_(level), outside_(level.visible.size()) {
  for (Visible item : left) {
    item.lateral_only = true;
    item.lateral_ok =
        join.jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER || join.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT;
    level.visible.push_back(item);
  }
}

void append_join_columns(Columns& result, const Columns& merged, const std::vector<std::string_view>& names,
                         const Range& left, const Range& right) {
  result = merged;
  result.known = left.columns.known && right.columns.known;
  for (const Range* side : {&left, &right}) {
    for (const BoundColumn& column : side->columns.list) {
      if (std::find(names.begin(), names.end(), column.name) == names.end()) result.list.push_back(column);
    }
  }
}

void show_join(const PgQuery__JoinExpr& join, std::vector<Visible> inside, Range& merged, Range& result,
               std::vector<Visible>& out) {
  if (join.alias == nullptr) {
    for (Visible& item : inside) item.columns = false;
    out = std::move(inside);
  }
  out.push_back({.range = &result, .by_name = join.alias != nullptr});
  if (join.join_using_alias != nullptr && join.alias == nullptr) {
    out.push_back({.range = &merged, .by_name = true, .columns = false});
  }
}

}  // namespace bartizan::sql
