#include "scope.hpp"

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

}  // namespace bartizan::sql
