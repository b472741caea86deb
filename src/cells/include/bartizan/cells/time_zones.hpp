// Where sessions find the rules of their TimeZone, for timestamptz as text. This module reads no files:
// the program says once, before any session, who does.
#pragma once

#include <string_view>

#include "bartizan/transform/zone_rules.hpp"

namespace bartizan::cells {

/// Not thread-safe: before the first session. Null: none is known but UTC. zones outlives all sessions and is
/// thread-safe.
void provide_time_zones(transform::TimeZones* zones) noexcept;

/// By a name as the server reports it. Null: not known, timestamptz is read and written in binary only.
/// Thread-safe.
[[nodiscard]] const transform::TimeZone* time_zone(std::string_view name);

}  // namespace bartizan::cells
