// Policies from YAML (docs/formats/policy-yaml.md): DataOS's policy manifests as they are, our
// additions to them, and our own kinds (classification, group, grant, attributes, tenancy,
// mapping, test). Untrusted input: bounded, and what is not understood is an error with line and
// column, never left out in silence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/policy_test.hpp"

namespace bartizan::policy {

struct ManifestError {
  std::uint32_t line = 0;  ///< from 1; 0: of the file as a whole
  std::uint32_t column = 0;
  std::string message;  ///< what is wrong and, where it can be told, what was meant
  friend bool operator==(const ManifestError&, const ManifestError&) = default;
};

struct Manifest {
  PolicySet policies;
  std::vector<PolicyTest> tests;
  std::vector<ManifestError> errors;  ///< not empty: nothing of the file may be used

  [[nodiscard]] bool ok() const noexcept { return errors.empty(); }
};

/// Reads one file of one or more documents. `file` goes into the positions. At most 50 errors.
[[nodiscard]] Manifest read_manifest(std::string_view text, std::string_view file);

/// Puts the resources of several files together. AlreadyExists names what stands twice (a name
/// within its kind; a classification's column; an attribute).
[[nodiscard]] Result<PolicySet> merge(std::vector<PolicySet> parts);

}  // namespace bartizan::policy
