// A time zone of the IANA database from its file's bytes (TZif, RFC 8536), and the zones that PostgreSQL
// makes of numeric offsets. Pure: whoever may read files hands the bytes in.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/time_zone.hpp"

namespace bartizan::transform {

/// Malformed for what is no such file; Unsupported for one whose last rule is not read here (all of today's
/// zones are: no rule at all, or two by month, week and day).
[[nodiscard]] Result<std::unique_ptr<TimeZone>> zone_of_file(ByteView tzif);

/// "<+02>-02", "<-0330>+03:30": what SET TimeZone = '+2' is shown as. nullopt: not of that form.
[[nodiscard]] std::optional<std::chrono::seconds> offset_of_numeric_zone(std::string_view name) noexcept;

/// Whoever reads zones by their names, as PostgreSQL reports them.
class TimeZones {
 public:
  virtual ~TimeZones() = default;
  /// Null: not known. What is given stays until this ends.
  [[nodiscard]] virtual const TimeZone* find(std::string_view name) = 0;
};

}  // namespace bartizan::transform
