// Changes of grants and of roles' members as grant events, beside their config_change: who was given what, by name.
#pragma once

#include <optional>
#include <string>

#include "bartizan/store/changes.hpp"

namespace bartizan::control {

/// The JSON members of the grant event that a change is; nullopt for one that gives and takes nothing. What is gone by
/// now is named by its id.
[[nodiscard]] Result<std::optional<std::string>> grant_members(store::Transaction& transaction,
                                                               const store::Change& change);

}  // namespace bartizan::control
