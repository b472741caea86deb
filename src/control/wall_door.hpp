// How the wall of a depot comes to its database: the embedded PostgreSQL's superuser, or the login that an
// administrator has given for it (ADR 0250). Nothing but the wall's own work goes through here.
#pragma once

#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/control/runtime.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// What a depot on one's own server lacks until it has one.
inline constexpr std::string_view kNoWallLogin = "the depot has no login for its wall";

/// FailedPrecondition: it has none. REQUIRES: the caller has no transaction open.
[[nodiscard]] Result<postgres::ControlConnection> connect_for_wall(store::Database& database, Runtime& runtime,
                                                                   const policy::Depot& depot, SteadyTime deadline);

/// Whether there can be a wall in front of the depot.
[[nodiscard]] Result<bool> can_have_wall(store::Transaction& transaction, const policy::Depot& depot);
[[nodiscard]] Result<bool> can_have_wall(store::Database& database, const policy::Depot& depot);

}  // namespace bartizan::control
