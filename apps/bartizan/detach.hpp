// `up --detach`: the program goes to the background once it is ready, and not before.
#pragma once

#include <filesystem>

namespace bartizan::app {

enum class Side { Foreground, Background };

/// Forks. The background side goes on with its standard output going to the foreground side's
/// until detach_ready(); the foreground side copies it and never returns otherwise than by
/// exit: 0 when ready, else the background's exit code.
/// REQUIRES: called before any thread is started.
[[nodiscard]] Side detach();

/// Background side: from here on output goes to log_file, and the foreground side exits with 0.
void detach_ready(const std::filesystem::path& log_file);

}  // namespace bartizan::app
