// The right to detokenize (ADR 0271): whether access policies let somebody have the values of a column that holds
// tokens. Not one of the verbs that the wall compiles: PostgreSQL holds tokens whoever asks, so it is in no class,
// and it counts for identities past the wall too. Default deny; deny over allow; what is unknown denies.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"
#include "bartizan/policy/verb.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

/// Beside the verbs of GRANT, in none of whose lists it stands.
inline constexpr Verb kDetokenize = static_cast<Verb>(kAllVerbs.size());

/// Whether the policy gives or takes nothing else: such a one raises no wall.
[[nodiscard]] bool is_about_tokens_alone(const AccessPolicy& policy) noexcept;

/// Those of the relation's columns, by attnum, whose values the subject may have. A name of the relation's own alone
/// counts: partitions are asked about by their parents.
[[nodiscard]] std::vector<sql::AttrNumber> detokenized_columns(const PolicySet& policies, const SubjectFacts& subject,
                                                               std::string_view depot,
                                                               const sql::CatalogRelation& relation);

/// The first moment after `now` at which that may be different.
[[nodiscard]] std::optional<WallTime> detokenized_until(const PolicySet& policies, WallTime now);

}  // namespace bartizan::policy
