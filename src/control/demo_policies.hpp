// The demo's policies, as the build found them in demo/policies.yaml.
#pragma once

#include <string_view>

namespace bartizan::control {

[[nodiscard]] std::string_view demo_policies();

}  // namespace bartizan::control
