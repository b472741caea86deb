// What `status` says of the files of servers that are not ours: what somebody has declared of them, as a declaration,
// or that nothing is known (ADR 0272). Never that they are encrypted.
#pragma once

#include <map>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// By depot; those of which nothing is declared are not in it. One that is over says so.
[[nodiscard]] Result<std::map<policy::DepotId, std::string>> declared_at_rest(store::Database& database, WallTime now);

}  // namespace bartizan::control
