// The demo's SQL, as the build found it in demo/.
#pragma once

#include <span>
#include <string_view>

namespace bartizan::postgres {

struct DemoStep {
  std::string_view name;
  std::string_view sql;
};

/// In order. The first makes roles and runs in the superuser's database, the rest in the demo's.
[[nodiscard]] std::span<const DemoStep> demo_steps();

}  // namespace bartizan::postgres
