// Masks as manifests write them: `operator: hash` with the arguments under a key of that name.
#pragma once

#include <optional>

#include "bartizan/policy/data_policy.hpp"
#include "manifest_fields.hpp"

namespace bartizan::policy {

struct MaskReading {
  Mask mask;
  bool writable = false;
};

/// The node under `mask:`. Errors are added; nullopt with at least one.
[[nodiscard]] std::optional<MaskReading> read_mask(const YamlNode& node, ManifestErrors& errors);

/// DataOS writes a replacement's groups as $1 and its literals behind a backslash; PostgreSQL wants
/// \1. Both are read: $n and \n are the group n, \& the whole match, \\ a backslash, \$ a dollar.
[[nodiscard]] std::string server_replacement(std::string_view written);

/// What PostgreSQL's regular expressions lack of Java's, if the pattern uses any of it.
[[nodiscard]] std::optional<std::string_view> foreign_regex(std::string_view pattern);

}  // namespace bartizan::policy
