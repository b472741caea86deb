// `bartizan access who-can-see`, `what-can-see` and `policy explain`: the evaluation asked the
// other way round, and put into words. Pure functions over the same resolve, so that the answer
// is what the wall does.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/resolve.hpp"

namespace bartizan::policy {

/// One subject's sight of one column.
struct ColumnSight {
  std::string identity;
  std::optional<std::string> purpose;  ///< as the subject states it
  Visibility visibility = Hidden{};
  VerbSet writes;
  std::vector<std::string> filters;  ///< texts; only rows for which all are true
  std::optional<AggregateOnly> aggregate_only;
  std::vector<Reason> reasons;  ///< of the table and of this column
};

/// Those of the subjects for whom the column is not hidden, in their order. NotFound if the
/// catalog has no such column.
[[nodiscard]] Result<std::vector<ColumnSight>> who_can_see(const PolicySet& policies,
                                                           std::span<const SubjectFacts> subjects,
                                                           std::string_view depot, const sql::Catalog& catalog,
                                                           const ObjectName& column);

/// "clear", "email {first: 0, …}", "hidden", "write_only".
[[nodiscard]] std::string describe(const Visibility& visibility);

/// The resolution as a text for people: class, context's names, and table by table verbs, columns,
/// filters and reasons. Only the tables named (as "schema.table"), or all if there are none; a
/// named one that is not to be seen is said to be so, with its reasons.
[[nodiscard]] std::string explain_text(const Resolution& resolution, std::span<const std::string> tables);

}  // namespace bartizan::policy
