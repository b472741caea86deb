// What the schema says about itself: the reference page, and the difference of two
// configurations for a reload.
#pragma once

#include <string>
#include <vector>

#include "bartizan/config/configuration.hpp"

namespace bartizan::config {

/// docs/reference/configuration.md, whole. A test compares the file with this.
[[nodiscard]] std::string render_reference();

struct ChangedKey {
  std::string key;      ///< "limits.clients"
  bool needs_restart = false;
};

/// The keys whose values differ, in the order of the reference.
[[nodiscard]] std::vector<ChangedKey> differences(const Configuration& running, const Configuration& next);

}  // namespace bartizan::config
