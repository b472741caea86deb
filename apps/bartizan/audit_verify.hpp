// `audit verify`: has the running Bartizan record the reading and say where its log and keys are, then runs
// bartizan-verify, which shares no code with it, over the files.
#pragma once

#include "bartizan/cli/run.hpp"

namespace bartizan::app {

/// The exit code of bartizan-verify, or of what kept it from running.
[[nodiscard]] int audit_verify(const cli::AuditVerifyOptions& options);

}  // namespace bartizan::app
