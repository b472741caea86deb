#include "wall_class_catalog.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace bartizan::control {
namespace {

/// Row-level security is the wall's own doing; keys may come, and others' tables may refer to this one.
bool same_relation(const sql::CatalogRelation& before, const sql::CatalogRelation& now) {
  const auto kept = [&](const sql::CatalogKey& key) { return std::ranges::find(now.keys, key) != now.keys.end(); };
  return before.oid == now.oid && before.schema == now.schema && before.name == now.name && before.kind == now.kind &&
         before.row_type == now.row_type && before.columns == now.columns && std::ranges::all_of(before.keys, kept) &&
         before.has_user_triggers == now.has_user_triggers && before.has_rules == now.has_rules;
}

class Comparison {
 public:
  Comparison(const sql::Catalog& before, const sql::Catalog& now, const sql::ViewMap& views)
      : before_catalog_(before), now_catalog_(now), before_(before.contents()), now_(now.contents()), views_(views) {
    for (const auto& type : before_.types) types_before_.emplace(type.oid, &type);
    for (const auto& type : now_.types) types_now_.emplace(type.oid, &type);
    for (const auto& relation : now_.relations) relations_now_.emplace(relation.oid, &relation);
  }

  [[nodiscard]] bool same() {
    if (before_.server_version != now_.server_version || before_.database != now_.database ||
        before_.catalog_views != now_.catalog_views)
      return false;
    for (const auto& relation : before_.relations)
      if (is_shown(relation.oid) && !still_there(relation)) return false;
    for (const auto& relation : now_.relations)
      if (!is_shown(relation.oid) && takes_a_name(relation)) return false;
    if (!std::ranges::all_of(views_.functions, [&](sql::Oid oid) { return same_overloads(oid); })) return false;
    if (before_.operators != now_.operators) return false;
    return std::ranges::all_of(before_.types, [&](const auto& type) { return is_anothers_row(type) || kept(type); });
  }

 private:
  /// Of a reviewed function: the server chooses among all of its name.
  [[nodiscard]] bool same_overloads(sql::Oid oid) const {
    const auto* const function = before_catalog_.function(oid);
    if (function == nullptr) return false;
    auto before = before_catalog_.functions(function->schema, function->name);
    auto now = now_catalog_.functions(function->schema, function->name);
    std::ranges::sort(before, {}, &sql::CatalogFunction::oid);
    std::ranges::sort(now, {}, &sql::CatalogFunction::oid);
    return std::ranges::equal(before, now, [](const auto* a, const auto* b) { return *a == *b; });
  }
  [[nodiscard]] bool is_shown(sql::Oid oid) const { return views_.relations.contains(oid); }
  [[nodiscard]] bool still_there(const sql::CatalogRelation& relation) {
    names_.insert(relation.name);
    for (const auto& column : relation.columns) shown_types_.insert(column.type);
    const auto now = relations_now_.find(relation.oid);
    return now != relations_now_.end() && same_relation(relation, *now->second);
  }
  /// By some search_path it would be read in the place of the class's. What stood there before did not matter.
  [[nodiscard]] bool takes_a_name(const sql::CatalogRelation& relation) const {
    return names_.contains(relation.name) && std::ranges::none_of(before_.relations, [&](const auto& one) {
             return one.oid == relation.oid && one.name == relation.name && one.schema == relation.schema;
           });
  }
  /// Of a relation that the class does not have and whose rows no column of its own holds, or their array.
  [[nodiscard]] bool is_anothers_row(const sql::CatalogType& type) const {
    const auto* row = &type;
    if (type.element != 0) {
      const auto element = types_before_.find(type.element);
      if (element != types_before_.end()) row = element->second;
    }
    return row->relation != 0 && !is_shown(row->relation) && !shown_types_.contains(row->oid) &&
           !shown_types_.contains(type.oid);
  }
  [[nodiscard]] bool kept(const sql::CatalogType& type) const {
    const auto now = types_now_.find(type.oid);
    // What is gone no statement can use, whichever way it was read.
    return now == types_now_.end() ? !shown_types_.contains(type.oid) : *now->second == type;
  }

  const sql::Catalog& before_catalog_;
  const sql::Catalog& now_catalog_;
  const sql::CatalogContents& before_;
  const sql::CatalogContents& now_;
  const sql::ViewMap& views_;
  std::unordered_map<sql::Oid, const sql::CatalogType*> types_before_;
  std::unordered_map<sql::Oid, const sql::CatalogType*> types_now_;
  std::unordered_map<sql::Oid, const sql::CatalogRelation*> relations_now_;
  std::set<std::string_view> names_;  ///< of the class's relations
  std::set<sql::Oid> shown_types_;    ///< of their columns
};

}  // namespace

bool same_for_class(const sql::Catalog& before, const sql::Catalog& now, const sql::ViewMap& views) {
  return Comparison(before, now, views).same();
}

}  // namespace bartizan::control
