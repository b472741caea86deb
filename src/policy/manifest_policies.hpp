// `type: policy`: access and data policies, DataOS's keys and ours beside them.
#pragma once

#include "bartizan/policy/data_policy.hpp"
#include "manifest_fields.hpp"

namespace bartizan::policy {

/// The node under `policy:`, which holds `access` or `data`. What is in error is not added.
void read_policy(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);

/// `subjects: {tags: […]}`.
[[nodiscard]] TagExpression read_subjects(const YamlNode& node, ManifestErrors& errors);

}  // namespace bartizan::policy
