// The session's TimeZone, as far as reading and writing timestamptz as text needs it. Rules of
// real zones are data that a pure module does not read: whoever knows the session supplies one
// of these, and a session whose zone nobody can supply gets its timestamptz in binary only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace bartizan::transform {

/// Immutable and thread-safe; outlives the ValueSettings that point to it.
class TimeZone {
 public:
  virtual ~TimeZone() = default;
  /// Local time minus UTC at a moment (seconds since 1970-01-01 00:00 UTC), under 16 hours.
  [[nodiscard]] virtual std::chrono::seconds offset_at(std::int64_t unix_seconds) const = 0;
  /// The offset that PostgreSQL takes for a local time without one; nullopt: not known.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> offset_of_local(std::int64_t local_seconds) const = 0;
};

/// "UTC", "Etc/UTC", "GMT", a numeric offset: the same at all times.
class FixedTimeZone final : public TimeZone {
 public:
  explicit FixedTimeZone(std::chrono::seconds offset) : offset_(offset) {}
  [[nodiscard]] std::chrono::seconds offset_at(std::int64_t) const override { return offset_; }
  [[nodiscard]] std::optional<std::chrono::seconds> offset_of_local(std::int64_t) const override { return offset_; }

 private:
  std::chrono::seconds offset_;
};

}  // namespace bartizan::transform
