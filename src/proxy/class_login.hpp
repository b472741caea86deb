// A policy class as the login of server connections.
#pragma once

#include <memory>

#include "bartizan/policy/wall_class.hpp"

namespace bartizan::proxy {

/// The login that a class's server connections use: not one of the depot's, so it lives by itself.
[[nodiscard]] std::shared_ptr<const policy::DepotLogin> login_of(const policy::WallClass& wall_class);

/// Whether connections that were opened for one do for the other: the same role, password and context key.
[[nodiscard]] bool same_server_side(const policy::WallClass& a, const policy::WallClass& b);

}  // namespace bartizan::proxy
