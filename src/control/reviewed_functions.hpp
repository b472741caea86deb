// The reviews of one depot's functions, as the keepers of walls and cells ask for them (ADR 0200).
#pragma once

#include <vector>

#include "bartizan/policy/model.hpp"
#include "bartizan/postgres/function_facts.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// By signature. In a transaction of its own.
[[nodiscard]] Result<std::vector<postgres::ReviewedFunction>> read_reviewed_functions(store::Database& database,
                                                                                      policy::DepotId depot);

}  // namespace bartizan::control
