// Evaluation: policies + who asks + the depot's catalog → the class, the context's values, and
// why. Pure and total; the moment is an argument. Default deny; deny over allow; filters AND; per
// column the lowest priority number, ties to the stricter mask; a missing attribute denies; an
// unclassified column of a protected table is hidden. Rules in words: docs/reference/policies.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/outcome.hpp"

namespace bartizan::sql {
class Catalog;
}

namespace bartizan::policy {

/// Who asks, as far as policies look at it.
struct SubjectFacts {
  std::string identity;  ///< its name; bears `users:id:<name>`
  std::vector<std::string> roles;   ///< bears `roles:id:<role>` each
  std::vector<std::string> groups;  ///< bears `groups:id:<group>` each, and the group's roles
  std::map<std::string, std::string, std::less<>> attributes;
  std::vector<std::string> tags;        ///< further ones (`dataos:u:z`); of the three kinds above none count here
  std::optional<std::string> tenant;    ///< the tenant's key in the depot's tenant columns
  std::optional<std::string> purpose;   ///< as stated; counts only under a live grant
  WallTime moment;
};

/// Why something came out as it did. One per table and column, and per policy that took part.
struct Reason {
  enum class Effect : std::uint8_t {
    Allowed,       ///< an access policy allows these verbs
    Denied,        ///< an access policy denies them
    NotAllowed,    ///< no access policy allows: the default
    MaskApplied,   ///< this mask is what stands
    MaskOverruled, ///< a mask that matched and lost, by priority or as the less strict
    FilterApplied,
    TenantFilter,
    AggregateOnly,
    Unclassified,  ///< hidden as nobody classified it
    MissingAttribute,
    Withdrawn,     ///< the whole table: what had to be decided could not be
  };
  Effect effect = Effect::NotAllowed;
  std::string schema;
  std::string table;
  std::string column;  ///< empty: the table
  std::string policy;  ///< the policy's name; empty: a rule of the wall itself
  std::string text;    ///< one sentence; no attribute's value in it
  friend bool operator==(const Reason&, const Reason&) = default;
};

/// An attribute's value for the signed context; nullopt is the signed "none", which yields no rows.
struct ContextValue {
  std::string name;
  AttributeType type = AttributeType::Text;
  std::optional<std::string> value;
  friend bool operator==(const ContextValue&, const ContextValue&) = default;
};

struct Resolution {
  ClassOutcome outcome;
  std::vector<ContextValue> context;  ///< one per outcome.context, in its order
  std::vector<Reason> reasons;        ///< sorted by table, column; empty unless asked for
  /// The first moment at which this may no longer be true (a span begins or ends).
  std::optional<WallTime> valid_until;
};

enum class Explain : std::uint8_t { No, Yes };

/// Total: what publish_check would have refused (masks that can't be ordered, a filter that names
/// no column) hides the column or takes the table away, and is never chosen between. `depot` is the depot's name in patterns.
[[nodiscard]] Resolution resolve(const PolicySet& policies, const SubjectFacts& subject, std::string_view depot,
                                 const sql::Catalog& catalog, Explain explain);

}  // namespace bartizan::policy
