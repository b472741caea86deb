// JOIN: which columns its sides merge, which names it shows and which it hides.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::vector<std::string_view> common_names(const Range& left, const Range& right) {
  std::vector<std::string_view> names;
  for (const BoundColumn& column : left.columns.list) {
    const auto same = [&](const BoundColumn& other) { return other.name == column.name; };
    if (std::any_of(right.columns.list.begin(), right.columns.list.end(), same)) names.push_back(column.name);
  }
  return names;
}

BoundColumn merge(const BoundColumn& left, const BoundColumn& right, PgQuery__JoinType type) {
  BoundColumn merged = type == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? right : left;
  const BoundColumn& other = type == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? left : right;
  if (type == PG_QUERY__JOIN_TYPE__JOIN_FULL) {
    merged.bare = false;
    merged.origin = nullptr;
    merged.sources.insert(merged.sources.end(), other.sources.begin(), other.sources.end());
  }
  merged.unreadable = left.unreadable || right.unreadable;
  return merged;
}

}  // namespace

bool Binder::join_columns(PgQuery__JoinExpr& join, const Range& left, const Range& right, Range& merged,
                          Range& result) {
  std::vector<std::string_view> names;
  if (join.is_natural != 0) {
    if (!left.columns.known || !right.columns.known) return unsupported("NATURAL JOIN with this function", -1);
    names = common_names(left, right);
  }
  for (std::size_t i = 0; i < join.n_using_clause; ++i) names.push_back(string_value(join.using_clause[i]));
  if (!names.empty() && !implied_operators({"="}, -1)) return false;
  for (const std::string_view name : names) {
    const ColumnLookup in_left = find_column_in(left, name);
    const ColumnLookup in_right = find_column_in(right, name);
    if (in_left.status == Lookup::Ambiguous || in_right.status == Lookup::Ambiguous) {
      return refuse("42702", "common column name \"" + std::string(name) + "\" appears more than once in a table", -1);
    }
    if (in_left.status != Lookup::Found || in_right.status != Lookup::Found) {
      return refuse("42703", "column \"" + std::string(name) + "\" specified in USING clause does not exist", -1);
    }
    const BoundColumn& one = left.columns.list[in_left.index];
    const BoundColumn& other = right.columns.list[in_right.index];
    if (!read(one, -1) || !read(other, -1)) return false;
    merged.columns.list.push_back(merge(one, other, join.jointype));
  }
  if (!spend(left.columns.list.size() + right.columns.list.size())) return false;
  append_join_columns(result.columns, merged.columns, names, left, right);
  return true;
}

bool Binder::from_join(PgQuery__JoinExpr& join, Level& level, std::vector<Visible>& out, Range** top) {
  if (join.larg == nullptr || join.rarg == nullptr) return unsupported("this JOIN", -1);
  std::vector<Visible> left_items;
  std::vector<Visible> right_items;
  Range* left = nullptr;
  Range* right = nullptr;
  if (!from_item(*join.larg, level, left_items, &left)) return false;
  {
    const LeftOfJoin seen(level, join, left_items);
    if (!from_item(*join.rarg, level, right_items, &right)) return false;
  }
  if (!no_conflict(left_items, right_items, -1)) return false;

  std::vector<Visible> inside = left_items;
  inside.insert(inside.end(), right_items.begin(), right_items.end());
  Range& merged = new_range(join.join_using_alias == nullptr ? std::string_view{} : join.join_using_alias->aliasname);
  Range& result = new_range(join.alias == nullptr ? std::string_view{} : join.alias->aliasname);
  if (!join_columns(join, *left, *right, merged, result)) return false;
  if (join.quals != nullptr) {  // sees the two sides alone, and outer queries
    std::vector<Visible> all = std::move(level.visible);
    level.visible = inside;
    const bool bound = expression(join.quals, {level, nullptr});
    level.visible = std::move(all);
    if (!bound) return false;
  }
  if (!rename(result, join.alias, -1)) return false;
  show_join(join, std::move(inside), merged, result, out);
  *top = &result;
  return true;
}

}  // namespace bartizan::sql
