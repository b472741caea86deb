#include <limits>

#include "codecs.hpp"
#include "time_text.hpp"

namespace bartizan::transform {
namespace {

// The ranges of src/include/datatype/timestamp.h: 4714-11-24 BC up to the day before the end.
constexpr std::int64_t kFirstDay = -2'451'545;
constexpr std::int64_t kDateEnd = 2'145'031'949;
constexpr std::int64_t kFirstMoment = kFirstDay * kMicrosPerDay;
constexpr std::int64_t kTimestampEnd = 9'223'371'331'200'000'000;

template <class Int>
struct Infinity {
  static constexpr std::int64_t kLast = std::numeric_limits<Int>::max();
  static constexpr std::int64_t kFirst = std::numeric_limits<Int>::min();
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

tl::unexpected<Error> problem_of(TimeTextProblem problem, ValueType type) {
  return problem == TimeTextProblem::Syntax ? invalid_input(type) : unsupported_form(type, "write it as in ISO 8601");
}

bool is_infinity(std::string_view text, bool& negative) {
  negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  return same_word(text, "infinity");
}

bool date_in_range(std::int64_t days) { return days >= kFirstDay && days < kDateEnd; }
bool moment_in_range(std::int64_t micros) { return micros >= kFirstMoment && micros < kTimestampEnd; }

Result<std::int64_t> offset_of_text(const Reading& how, const CivilTime& civil) {
  if (how.type == ValueType::Timestamp) return std::int64_t{0};  // a written zone is ignored, as PostgreSQL does
  if (civil.offset_seconds) return *civil.offset_seconds;
  const auto* zone = how.settings.time_zone;
  const auto local_seconds = (civil.days + kEpochDays) * kSecondsPerDay + civil.micros / kMicrosPerSecond;
  const auto offset = zone == nullptr ? std::nullopt : zone->offset_of_local(local_seconds);
  if (!offset) return unsupported_form(how.type, "write it with its offset from UTC");
  return std::int64_t{offset->count()};
}

Result<std::int64_t> moment_of_text(const Reading& how, std::string_view text) {
  bool negative = false;
  using Range = Infinity<std::int64_t>;
  if (is_infinity(text, negative)) return negative ? Range::kFirst : Range::kLast;
  CivilTime civil;
  if (const auto problem = parse_civil_time(text, civil); problem != TimeTextProblem::None)
    return problem_of(problem, how.type);
  constexpr std::int64_t kMostDays = kTimestampEnd / kMicrosPerDay;
  if (civil.days < kFirstDay - 1 || civil.days > kMostDays) return out_of_range(how.type);
  BZ_TRY(const auto offset, offset_of_text(how, civil));
  // Within 64 bits: the days are bounded, the rest is under two days.
  std::int64_t micros = 0;
  if (__builtin_add_overflow(civil.days * kMicrosPerDay, civil.micros - offset * kMicrosPerSecond, &micros) ||
      !moment_in_range(micros))
    return out_of_range(how.type);
  return micros;
}

/// AdjustTimestampForTypmod: half away from zero, zero being the year 2000.
std::int64_t rounded(std::int64_t micros, std::int32_t precision) {
  if (precision < 0 || precision >= 6) return micros;
  std::int64_t unit = kMicrosPerSecond;
  for (; precision > 0; --precision) unit /= 10;
  const auto half = unit / 2;
  return micros >= 0 ? (micros + half) / unit * unit : -((-micros + half) / unit * unit);
}

bool is_infinite(std::int64_t micros) {
  return micros == Infinity<std::int64_t>::kLast || micros == Infinity<std::int64_t>::kFirst;
}

}  // namespace

Result<void> date_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  using Range = Infinity<std::int32_t>;
  std::int64_t days = 0;
  bool negative = false;
  if (how.format == WireFormat::Binary) {
    if (wire.size() != 4) return malformed_binary(how.type);
    days = load_signed(wire);
    if (!date_in_range(days) && days != Range::kLast && days != Range::kFirst) return out_of_range(how.type);
  } else if (const auto text = trimmed(as_chars(wire)); is_infinity(text, negative)) {
    days = negative ? Range::kFirst : Range::kLast;
  } else {
    CivilTime civil;
    if (const auto problem = parse_civil_time(text, civil); problem != TimeTextProblem::None)
      return problem_of(problem, how.type);
    days = civil.days;
    if (!date_in_range(days)) return out_of_range(how.type);
  }
  out.append_be32(static_cast<std::uint32_t>(days));
  return {};
}

Result<void> date_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  using Range = Infinity<std::int32_t>;
  if (canonical.size() != 4) return not_canonical();
  const auto days = load_signed(canonical);
  const bool infinite = days == Range::kLast || days == Range::kFirst;
  if (!infinite && !date_in_range(days)) return not_canonical();
  if (how.format == WireFormat::Binary) {
    out.append(canonical);
  } else if (infinite) {
    out.append(std::string_view(days == Range::kLast ? "infinity" : "-infinity"));
  } else {
    if (!how.settings.iso_dates) return unsupported_form(how.type, "the session's DateStyle must be ISO");
    write_date(days, out);
    if (is_before_christ(days)) out.append(std::string_view(" BC"));
  }
  return {};
}

Result<void> timestamp_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  std::int64_t micros = 0;
  if (how.format == WireFormat::Binary) {
    if (wire.size() != 8) return malformed_binary(how.type);
    micros = load_signed(wire);
    if (!is_infinite(micros) && !moment_in_range(micros)) return out_of_range(how.type);
  } else {
    BZ_TRY(micros, moment_of_text(how, trimmed(as_chars(wire))));
  }
  if (!is_infinite(micros)) {
    micros = rounded(micros, how.typmod);
    if (!moment_in_range(micros)) return out_of_range(how.type);
  }
  out.append_be64(static_cast<std::uint64_t>(micros));
  return {};
}

Result<void> timestamp_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  if (canonical.size() != 8) return not_canonical();
  const auto micros = load_signed(canonical);
  if (!is_infinite(micros) && !moment_in_range(micros)) return not_canonical();
  if (how.format == WireFormat::Binary) {
    out.append(canonical);
    return {};
  }
  if (is_infinite(micros)) {
    out.append(std::string_view(micros > 0 ? "infinity" : "-infinity"));
    return {};
  }
  if (!how.settings.iso_dates) return unsupported_form(how.type, "the session's DateStyle must be ISO");
  std::int64_t offset = 0;
  if (how.type == ValueType::TimestampTz) {
    if (how.settings.time_zone == nullptr)
      return unsupported_form(how.type, "the session's TimeZone is not known here: use UTC, or the binary format");
    offset =
        how.settings.time_zone->offset_at(floor_div(micros, kMicrosPerSecond) + kEpochDays * kSecondsPerDay).count();
  }
  // Day and time apart, so that an offset cannot carry the sum out of 64 bits.
  const auto days = floor_div(micros, kMicrosPerDay);
  const auto local = micros - days * kMicrosPerDay + offset * kMicrosPerSecond;
  const auto local_days = days + floor_div(local, kMicrosPerDay);
  write_date(local_days, out);
  out.append(' ');
  write_time_of_day(local - floor_div(local, kMicrosPerDay) * kMicrosPerDay, out);
  if (how.type == ValueType::TimestampTz) write_offset(offset, out);
  if (is_before_christ(local_days)) out.append(std::string_view(" BC"));
  return {};
}

}  // namespace bartizan::transform
