// The only part of this module that touches the system: reads the file, lists
// $CREDENTIALS_DIRECTORY, reads the secrets that *_file keys name. All judgement is in parse().
#pragma once

#include <filesystem>
#include <tl/expected.hpp>
#include <vector>

#include "bartizan/config/parse.hpp"

namespace bartizan::config {

/// The process environment, as a map. Not to be called while another thread changes it.
[[nodiscard]] Environment process_environment();

/// An empty path means no file: defaults, environment and overrides alone.
[[nodiscard]] tl::expected<Configuration, Issues> load_file(const std::filesystem::path& file,
                                                            const Environment& environment,
                                                            std::vector<Override> overrides = {});

}  // namespace bartizan::config
