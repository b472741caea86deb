// One table of the catalog beside what the policies know of its columns: their tags, whether
// anybody has classified them, whether any mask covers them. The same whoever asks.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

struct ColumnFacts {
  const sql::CatalogColumn* column = nullptr;
  std::vector<std::string> tags;  ///< the classification's, without the table's
  bool classified = false;        ///< somebody has looked at it
  bool covered = false;           ///< a mask policy, for whomever, selects it
};

struct TableFacts {
  std::string_view depot;
  const sql::CatalogRelation* relation = nullptr;
  std::vector<std::string> tags;  ///< of the table itself
  std::vector<ColumnFacts> columns;
  /// Something of it is classified or masked: its unknown columns are hidden.
  bool is_protected = false;

  [[nodiscard]] ObjectName name() const noexcept { return {depot, relation->schema, relation->name, {}}; }
  [[nodiscard]] ObjectName name(const ColumnFacts& column) const noexcept {
    return {depot, relation->schema, relation->name, column.column->name};
  }
  /// "schema.table", for messages.
  [[nodiscard]] std::string text() const { return relation->schema + "." + relation->name; }
};

/// Classifications by table. Views the policies and the depot's name, which outlive it.
class FactsIndex {
 public:
  FactsIndex(const PolicySet& policies, std::string_view depot);
  [[nodiscard]] TableFacts facts(const sql::CatalogRelation& relation) const;

 private:
  const PolicySet& policies_;
  std::string_view depot_;
  std::map<std::pair<std::string_view, std::string_view>, std::map<std::string_view, const ColumnClassification*>>
      classes_;
};

/// Ordinary and partitioned tables outside the system's and the wall's own schemas; neither
/// partitions nor inheritance children, which are reached through their parents alone.
[[nodiscard]] bool is_policy_object(const sql::CatalogRelation& relation) noexcept;

[[nodiscard]] bool selects(const ColumnSelector& selector, const ColumnFacts& column);
/// Whether the column (or, by its own tags, the table) bears what the expression wants; every
/// column bears `dataos:type:column`, every table `dataos:type:dataset`.
[[nodiscard]] bool bears(const TableFacts& table, const ColumnFacts& column, const TagExpression& expression);
[[nodiscard]] bool bears(const TableFacts& table, const TagExpression& expression);

}  // namespace bartizan::policy
