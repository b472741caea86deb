// What is known of PostgreSQL's own functions by name. Functions are not resolved here: an
// unqualified name is taken for pg_catalog's, which a user's overload could belie; exact binding
// is the wall's matter (DESIGN.md, "Layer 1").
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/sql/analysis.hpp"

namespace bartizan::sql {

struct FunctionFacts {
  Effect effect = Effect::Write;  ///< of a function that nothing is known of
  PinReason pin = PinReason::None;
  bool known = false;
};

/// name: as the server reads it, schema pg_catalog or not written.
[[nodiscard]] FunctionFacts known_function(std::string_view name) noexcept;

}  // namespace bartizan::sql
