// The exit codes of every sub-command, and the one table that maps an error to them.
#pragma once

#include "bartizan/base/result.hpp"

namespace bartizan::cli {

enum class ExitCode : int {
  Ok = 0,
  Fault = 1,          ///< something broke: ours or the system's
  Usage = 2,          ///< the command line or a value on it is wrong
  Configuration = 3,  ///< the configuration file is wrong
  Refused = 4,        ///< understood, and not done: no such thing, not allowed, in conflict
  Unreachable = 5,    ///< nobody answers, or not in time
};

[[nodiscard]] ExitCode exit_code_of(Errc code) noexcept;

}  // namespace bartizan::cli
