// The sub-commands that run here rather than over the admin socket.
#pragma once

#include "bartizan/cli/run.hpp"

namespace bartizan::app {

[[nodiscard]] cli::LocalCommands local_commands();

}  // namespace bartizan::app
