// What one subject sees otherwise under another set of policies, table by table and column by column: the
// heart of `bartizan policy simulate`. A pure function of two outcomes.
#pragma once

#include <string>
#include <vector>

#include "bartizan/policy/outcome.hpp"

namespace bartizan::policy {

/// In words for people, and sorted by table, column and what.
struct OutcomeChange {
  std::string table;   ///< schema.table
  std::string column;  ///< empty: of the table as a whole
  std::string what;    ///< "table", "may", "rows", "shown", "writes"
  std::string before;  ///< "clear", "email {…}", "hidden", "read,insert", "all rows", "not there"
  std::string after;
  friend bool operator==(const OutcomeChange&, const OutcomeChange&) = default;
};

/// before null: no policy spoke of the depot, so that the subject saw what its login sees.
[[nodiscard]] std::vector<OutcomeChange> difference(const ClassOutcome* before, const ClassOutcome& after);

}  // namespace bartizan::policy
