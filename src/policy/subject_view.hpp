// Who asks, prepared for matching: all tags, the purpose that a live grant backs, attributes by
// name. What a missing attribute leaves open is said as Unknown; each rule closes it to its safe
// side.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"

namespace bartizan::policy {

enum class Holds : std::uint8_t { No, Yes, Unknown };

/// Views the policies and the facts, which outlive it.
class SubjectView {
 public:
  SubjectView(const PolicySet& policies, const SubjectFacts& facts);

  [[nodiscard]] bool matches(const TagExpression& expression) const;
  [[nodiscard]] bool matches(const UserSelector& selector) const;
  /// Unknown only where an attribute that the condition names is missing and nothing else says No.
  [[nodiscard]] Holds holds(const Condition& condition) const;
  /// `tenant`, `identity`, `purpose` or one of the identity's attributes.
  [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const;
  [[nodiscard]] const std::optional<std::string>& purpose() const noexcept { return purpose_; }

 private:
  [[nodiscard]] bool bears_all(const std::vector<Glob>& globs) const;

  const SubjectFacts& facts_;
  std::vector<std::string> tags_;
  std::optional<std::string> purpose_;
};

/// The first moment after `now` at which a grant or a condition begins or ends.
[[nodiscard]] std::optional<WallTime> next_boundary(const PolicySet& policies, WallTime now);

/// As the context carries it, or nullopt if the text is no value of the type.
[[nodiscard]] std::optional<std::string> typed_value(std::string_view text, AttributeType type);

}  // namespace bartizan::policy
