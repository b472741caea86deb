// Dates and times of day as text: ISO 8601 as PostgreSQL writes it under DateStyle ISO, with the
// BC suffix and years of more than four digits (PostgreSQL manual, "Date/Time Types").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bartizan/transform/bounded_bytes.hpp"

namespace bartizan::transform {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kSecondsPerDay = 86'400;
inline constexpr std::int64_t kMicrosPerDay = kSecondsPerDay * kMicrosPerSecond;
/// From 1970-01-01 to 2000-01-01, PostgreSQL's epoch.
inline constexpr std::int64_t kEpochDays = 10'957;

/// A date and time of day as written.
struct CivilTime {
  std::int64_t days = 0;    ///< since 2000-01-01
  std::int64_t micros = 0;  ///< since midnight; a leap second or 24:00 is beyond the day
  std::optional<std::int64_t> offset_seconds;  ///< east of UTC, where a zone is written
};

enum class TimeTextProblem : std::uint8_t {
  None,
  Syntax,       ///< a date that does not exist, too
  Unsupported,  ///< PostgreSQL knows further forms; this may be one
};

/// YYYY-MM-DD [ T HH:MM[:SS[.f]] [zone] ] [BC], trimmed. The zone is Z, UTC, GMT or an offset.
[[nodiscard]] TimeTextProblem parse_civil_time(std::string_view text, CivilTime& out) noexcept;

void write_date(std::int64_t days, BoundedBytes& out);
[[nodiscard]] bool is_before_christ(std::int64_t days) noexcept;
/// HH:MM:SS[.ffffff], micros within the day.
void write_time_of_day(std::int64_t micros, BoundedBytes& out);
/// +HH[:MM[:SS]]
void write_offset(std::int64_t seconds, BoundedBytes& out);

}  // namespace bartizan::transform
