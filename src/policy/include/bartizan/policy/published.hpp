// The policies in force: one publication's documents, read. Part of every Snapshot, so that each
// gateway knows which depots the wall stands before, also when it can't raise it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/policy_test.hpp"

namespace bartizan::policy {

/// One file as it was given.
struct PolicyDocument {
  std::string file;
  std::string text;
  friend bool operator==(const PolicyDocument&, const PolicyDocument&) = default;
};

/// Immutable once made. Without a publication: number 0 and nothing protected.
struct PublishedPolicies {
  std::int64_t number = 0;
  PolicySet set;
  std::vector<PolicyTest> tests;
  /// False: this program does not understand what was published, so every depot counts as
  /// protected and nobody's class is known.
  bool readable = true;

  /// Whether a policy, classification or tenancy speaks of the depot: then nobody gets at it past the wall.
  [[nodiscard]] bool protects(std::string_view depot) const;
};

/// InvalidArgument: every fault with file, line and column; AlreadyExists: something stands twice.
[[nodiscard]] Result<PublishedPolicies> read_documents(std::int64_t number, std::span<const PolicyDocument> documents);
/// For what has been published: never fails, see `readable`.
[[nodiscard]] PublishedPolicies read_published(std::int64_t number, std::span<const PolicyDocument> documents);

}  // namespace bartizan::policy
