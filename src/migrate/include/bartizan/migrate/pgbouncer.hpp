// PgBouncer's configuration (1.7 to 1.25) to a Plan. Pure: it reads files through the reader alone,
// asks no server and changes nothing. What it does not know it refuses by name.
#pragma once

#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/migrate/plan.hpp"

namespace bartizan::migrate {

/// Most grants (users times databases) that a plan makes.
inline constexpr std::size_t kMaxGrants = 200'000;

/// file: pgbouncer.ini; auth_file, includes and CA files are asked of the reader by path.
/// Malformed: a file that PgBouncer would not read either; TooLarge; or the reader's error.
[[nodiscard]] Result<Plan> plan_from_pgbouncer(const std::string& file, const FileReader& reader);

}  // namespace bartizan::migrate
