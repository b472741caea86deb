// Dates and moments as manifests and attributes write them (RFC 3339's profile of ISO 8601).
#pragma once

#include <optional>
#include <string_view>

#include "bartizan/base/clock.hpp"

namespace bartizan::policy {

/// `2026-11-22` is that day's first moment, UTC.
[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text);
/// A date, or `2026-11-22T10:00:00Z`, or with an offset `+01:00`. Fractions of a second are not taken.
[[nodiscard]] std::optional<WallTime> parse_moment(std::string_view text);

}  // namespace bartizan::policy
