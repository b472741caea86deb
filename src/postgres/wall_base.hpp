// The wall's base objects in a depot, and what the login handed in may do there.
#pragma once

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/wall_grade.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::postgres {

/// FailedPrecondition: the login is of neither grade; the detail says what it lacks. Unsupported: before PostgreSQL 14.
Result<LoginReview> check_login(ControlConnection& connection, SteadyTime deadline);

/// Makes or renews them where they are not of this version. True if something was done.
/// Conflict: the database belongs to another depot's wall, or its wall is a superuser's and the login is none.
Result<bool> ensure_base(ControlConnection& connection, const wall::Names& names, const wall::Installer& installer,
                         SteadyTime deadline);

/// True if another key was there or none; then every server connection must be opened anew.
Result<bool> install_context_key(ControlConnection& connection, const SecretBytes& key, SteadyTime deadline);

}  // namespace bartizan::postgres
