// What the sub-commands that ask page after page share.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "bartizan/cli/run.hpp"
#include "present.hpp"

namespace bartizan::cli {

/// The result of an answer of the admin socket. nullopt: it is an error, to be presented.
[[nodiscard]] std::optional<boost::json::object> result_of(std::string_view answer);

/// The exit code, never 0.
int print_fault(const Presented& presented, const Surroundings& surroundings);

}  // namespace bartizan::cli
