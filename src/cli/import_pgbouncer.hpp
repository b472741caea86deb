// `bartizan import pgbouncer FILE`: reads, reports, and as asked writes files or sends requests to a
// running Bartizan. Nothing is written over.
#pragma once

#include "bartizan/cli/run.hpp"
#include "command.hpp"
#include "present.hpp"

namespace bartizan::cli {

/// The command's row of the table.
[[nodiscard]] Command import_pgbouncer_command();

/// Exit code: Ok; Refused while keys are refused (unless --skip-refused) or a request was;
/// Configuration for files that PgBouncer could not read either.
[[nodiscard]] Presented import_pgbouncer(const Arguments& arguments, const Surroundings& surroundings);

}  // namespace bartizan::cli
