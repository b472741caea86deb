// The list that the publish check's parts write into.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/publish_check.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {

/// REQUIRES: every code stands in finding_codes(), which says its severity.
class Findings {
 public:
  void add(std::string_view code, const PolicyHead& head, std::string message) {
    put(code, &head, {}, {}, {}, std::move(message));
  }
  void add(std::string_view code, const PolicyHead* head, const TableFacts& table, std::string_view column,
           std::string message) {
    put(code, head, table.relation->schema, table.relation->name, column, std::move(message));
  }
  [[nodiscard]] std::vector<Finding> sorted() &&;

 private:
  void put(std::string_view code, const PolicyHead* head, std::string_view schema, std::string_view table,
           std::string_view column, std::string message);
  std::vector<Finding> list_;
};

/// publish_masks.cpp
void check_masks(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog, Findings& findings);
/// publish_rows.cpp
void check_rows(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog, Findings& findings);

/// Some policy allows one of the verbs on some column of the table, to whomever.
[[nodiscard]] bool anyone_may(const PolicySet& policies, const TableFacts& table, VerbSet verbs);

}  // namespace bartizan::policy
