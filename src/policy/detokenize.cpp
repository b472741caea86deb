#include "bartizan/policy/detokenize.hpp"

#include <algorithm>

#include "column_access.hpp"
#include "subject_view.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {

bool is_about_tokens_alone(const AccessPolicy& policy) noexcept { return policy.verbs == VerbSet{kDetokenize}; }

std::vector<sql::AttrNumber> detokenized_columns(const PolicySet& policies, const SubjectFacts& facts,
                                                 std::string_view depot, const sql::CatalogRelation& relation) {
  const SubjectView subject(policies, facts);
  const TableFacts table = FactsIndex(policies, depot).facts(relation);
  std::vector<sql::AttrNumber> out;
  for (const ColumnFacts& column : table.columns) {
    bool allowed = false;
    bool denied = false;
    for (const AccessPolicy& policy : policies.access) {
      if (!policy.verbs.contains(kDetokenize) || !covers(policy, table, column) || !subject.matches(policy.subjects))
        continue;
      const Holds holds = subject.holds(policy.condition);
      allowed = allowed || (policy.allow && holds == Holds::Yes);
      denied = denied || (!policy.allow && holds != Holds::No);
    }
    if (allowed && !denied) out.push_back(column.column->attnum);
  }
  return out;
}

std::optional<WallTime> detokenized_until(const PolicySet& policies, WallTime now) {
  return next_boundary(policies, now);
}

}  // namespace bartizan::policy
