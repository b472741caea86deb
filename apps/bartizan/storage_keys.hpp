// Keys as they are needed before there is a control database: the key holder itself, and what files at rest lie under.
#pragma once

#include <memory>

#include "bartizan/atrest/protected_folder.hpp"
#include "bartizan/config/configuration.hpp"
#include "bartizan/control/cell_keys.hpp"

namespace bartizan::app {

/// Makes its folder and its passphrase where they are missing; opens nothing yet.
[[nodiscard]] Result<std::unique_ptr<control::CellKeys>> open_cell_keys(const config::Configuration& configuration);
/// keys outlives it.
[[nodiscard]] atrest::KeySource storage_keys(control::CellKeys& keys);

}  // namespace bartizan::app
