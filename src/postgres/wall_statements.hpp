// The statements that put an object right or take it away, from its kind and name alone: its
// relation may have been renamed since it was made, or be gone.
#pragma once

#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/wall/names.hpp"
#include "wall_state.hpp"

namespace bartizan::postgres {

/// To run before `create` over an object that stands, but not as it should. Empty: nothing.
[[nodiscard]] std::string prepare_repair(const ObjectKey& key, const wall::Installer& installer);
/// Works whether or not what it names still stands.
[[nodiscard]] std::string drop_statement(const wall::Names& names, const ObjectKey& key,
                                         const wall::Installer& installer);

/// Everything that the role holds here and in the cluster, then the role.
[[nodiscard]] std::string drop_role(const std::string& role);

}  // namespace bartizan::postgres
