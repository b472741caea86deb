// The access policies over one table: for each column the verbs that remain after default deny
// and deny over allow.
#pragma once

#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"
#include "subject_view.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {

struct ColumnAccess {
  VerbSet verbs;  ///< Read, Insert, Update
  VerbSet named;  ///< of them those that an allow gives by a path that names columns
};

struct TableAccess {
  std::vector<ColumnAccess> columns;  ///< as TableFacts::columns
  bool may_delete = false;
};

/// Reasons are added for every policy that took part, if `reasons` is not null.
[[nodiscard]] TableAccess table_access(const PolicySet& policies, const SubjectView& subject, const TableFacts& table,
                                       std::vector<Reason>* reasons);

/// Whether the policy speaks of the column, or of the table as a whole (deletes).
[[nodiscard]] bool covers(const AccessPolicy& policy, const TableFacts& table, const ColumnFacts& column);
[[nodiscard]] bool covers(const AccessPolicy& policy, const TableFacts& table);

/// "read, insert", for explanations.
[[nodiscard]] std::string verb_list(VerbSet verbs);

}  // namespace bartizan::policy
