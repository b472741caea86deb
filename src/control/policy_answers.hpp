// What the answers to questions about policies share: whom and where they are asked of, and rules in
// words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/published.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "services.hpp"

namespace bartizan::control {

/// "read,insert".
[[nodiscard]] std::string verbs_of(policy::VerbSet verbs);
/// "all", or the filters, each in parentheses, with what aggregates must hold behind them.
[[nodiscard]] std::string rows_of(const policy::TableOutcome& table);
[[nodiscard]] std::string rows_of(const policy::ColumnSight& sight);

/// Of the argument 'documents', or those in force. Unsupported: this program can't read these.
[[nodiscard]] Result<policy::PublishedPolicies> asked_policies(Args& args, const policy::Snapshot& snapshot);
/// The one that was asked about; else none, and each that a grant of the policies gives to somebody.
[[nodiscard]] std::vector<std::optional<std::string>> asked_purposes(const policy::PublishedPolicies& policies,
                                                                     const std::optional<std::string>& purpose);
[[nodiscard]] Result<const policy::Identity*> find_identity(Call& call, const policy::Snapshot& snapshot,
                                                            const std::string& name);
/// NotFound, or FailedPrecondition where no policy speaks of it: then there is no class.
[[nodiscard]] Result<const policy::Depot*> find_protected_depot(Call& call, const policy::Snapshot& snapshot,
                                                                const policy::PublishedPolicies& policies,
                                                                std::string_view name);

}  // namespace bartizan::control
