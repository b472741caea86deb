// An owner's DDL that PostgreSQL refuses since views of the wall stand in its way (ADR 0250): the owner has made none of
// them, and should be told what to do.
#pragma once

#include <optional>
#include <string>

#include "bartizan/base/bytes.hpp"

namespace bartizan::session {

/// The payload of the ErrorResponse with a hint in the place of PostgreSQL's. nullopt: it is about something else.
[[nodiscard]] std::optional<std::string> with_wall_hint(ByteView payload);

}  // namespace bartizan::session
