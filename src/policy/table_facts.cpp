#include "table_facts.hpp"

#include <algorithm>

namespace bartizan::policy {
namespace {

bool matches(const TagExpression& expression, const std::vector<std::string_view>& tags) {
  return std::ranges::any_of(expression.any_of, [&](const std::vector<Glob>& all_of) {
    return std::ranges::all_of(all_of, [&](const Glob& glob) {
      return std::ranges::any_of(tags, [&](std::string_view tag) { return glob.matches(tag); });
    });
  });
}

}  // namespace

FactsIndex::FactsIndex(const PolicySet& policies, std::string_view depot) : policies_(policies), depot_(depot) {
  for (const ColumnClassification& c : policies.classifications) {
    if (c.depot == depot) classes_[{c.schema, c.table}][c.column] = &c;
  }
}

TableFacts FactsIndex::facts(const sql::CatalogRelation& relation) const {
  TableFacts out;
  out.depot = depot_;
  out.relation = &relation;
  const auto found = classes_.find({relation.schema, relation.name});
  const auto class_of = [&](std::string_view column) -> const ColumnClassification* {
    if (found == classes_.end()) return nullptr;
    const auto entry = found->second.find(column);
    return entry == found->second.end() ? nullptr : entry->second;
  };
  out.is_protected = found != classes_.end();
  if (const auto* own = class_of("")) out.tags = own->tags;
  std::vector<const MaskRule*> masks;
  for (const DataPolicy& policy : policies_.data) {
    const auto* mask = std::get_if<MaskRule>(&policy.rule);
    if (mask != nullptr && policy.dataset.matches_table(out.name())) masks.push_back(mask);
  }
  for (const sql::CatalogColumn& column : relation.columns) {
    ColumnFacts facts;
    facts.column = &column;
    if (const auto* entry = class_of(column.name)) {
      facts.classified = true;
      facts.tags = entry->tags;
    }
    facts.covered = std::ranges::any_of(masks, [&](const MaskRule* mask) { return selects(mask->columns, facts); });
    out.is_protected = out.is_protected || facts.covered;
    out.columns.push_back(std::move(facts));
  }
  return out;
}

bool is_policy_object(const sql::CatalogRelation& relation) noexcept {
  const bool table = relation.kind == sql::RelKind::Table || relation.kind == sql::RelKind::PartitionedTable;
  const std::string_view schema = relation.schema;
  const bool reserved =
      schema == "information_schema" || schema.starts_with("pg_") || schema == "bz" || schema.starts_with("bz_");
  return table && !reserved && !relation.is_partition && relation.parents.empty();
}

bool selects(const ColumnSelector& selector, const ColumnFacts& column) {
  const auto named = [&](const Glob& glob) { return glob.matches(column.column->name); };
  const auto tagged = [&](const Glob& glob) {
    return std::ranges::any_of(column.tags, [&](const std::string& tag) { return glob.matches(tag); });
  };
  return std::ranges::any_of(selector.names, named) || std::ranges::any_of(selector.tags, tagged);
}

bool bears(const TableFacts& table, const ColumnFacts& column, const TagExpression& expression) {
  if (expression.any_of.empty()) return false;
  std::vector<std::string_view> tags{"dataos:type:column"};
  tags.insert(tags.end(), table.tags.begin(), table.tags.end());
  tags.insert(tags.end(), column.tags.begin(), column.tags.end());
  return matches(expression, tags);
}

bool bears(const TableFacts& table, const TagExpression& expression) {
  if (expression.any_of.empty()) return false;
  std::vector<std::string_view> tags{"dataos:type:dataset"};
  tags.insert(tags.end(), table.tags.begin(), table.tags.end());
  return matches(expression, tags);
}

}  // namespace bartizan::policy
