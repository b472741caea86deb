// What no single key can say: keys that need, exclude or bound each other, and the places that
// follow from others.
#pragma once

#include "bind.hpp"

namespace bartizan::config {

void validate(Draft& draft);

/// Fills the paths that are derived from embedded.data_directory when they are empty.
void derive_paths(Configuration& configuration);

}  // namespace bartizan::config
