#include "time_text.hpp"

#include <charconv>

#include "codecs.hpp"

namespace bartizan::transform {
namespace {

struct Civil {
  std::int64_t year = 0;  ///< astronomical: 0 is 1 BC
  unsigned month = 0;
  unsigned day = 0;
};

/// Proleptic Gregorian calendar, by 400-year eras that begin on 1 March.
std::int64_t days_from_civil(const Civil& civil) noexcept {
  const std::int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month_from_march = (civil.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468 - kEpochDays;
}

Civil civil_from_days(std::int64_t days) noexcept {
  const std::int64_t shifted = days + kEpochDays + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Civil civil;
  civil.day = static_cast<unsigned>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  civil.month = static_cast<unsigned>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  return civil;
}

/// Takes least to most digits off the front.
bool take_number(std::string_view& text, std::size_t least, std::size_t most, std::int64_t& out) noexcept {
  std::size_t count = 0;
  out = 0;
  while (count < text.size() && count < most && is_digit(text[count])) out = out * 10 + (text[count++] - '0');
  if (count < least || (count < text.size() && is_digit(text[count]))) return false;
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char c) noexcept {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_spaces(std::string_view& text) noexcept {
  const auto before = text.size();
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text.size() < before;
}

bool take_fraction(std::string_view& text, std::int64_t& micros) noexcept {
  std::size_t count = 0;
  micros = 0;
  for (; count < text.size() && is_digit(text[count]); ++count) {
    if (count == 6) return false;  // PostgreSQL rounds those through a binary fraction
    micros = micros * 10 + (text[count] - '0');
  }
  text.remove_prefix(count);
  for (; count < 6; ++count) micros *= 10;
  return true;
}

TimeTextProblem take_time(std::string_view& text, CivilTime& out) noexcept {
  std::int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!take_number(text, 1, 2, hour) || !take(text, ':') || !take_number(text, 2, 2, minute))
    return TimeTextProblem::Unsupported;
  if (take(text, ':')) {
    if (!take_number(text, 2, 2, second)) return TimeTextProblem::Unsupported;
    if (take(text, '.') && !take_fraction(text, fraction)) return TimeTextProblem::Unsupported;
  }
  const bool end_of_day = hour == 24 && minute == 0 && second == 0 && fraction == 0;
  if ((hour > 23 && !end_of_day) || minute > 59 || second > 60 || (second == 60 && fraction != 0))
    return TimeTextProblem::Syntax;
  out.micros = ((hour * 60 + minute) * 60 + second) * kMicrosPerSecond + fraction;
  return TimeTextProblem::None;
}

TimeTextProblem take_zone(std::string_view& text, CivilTime& out) noexcept {
  if (take(text, 'Z') || take(text, 'z')) {
    out.offset_seconds = 0;
    return TimeTextProblem::None;
  }
  for (const std::string_view name : {"utc", "gmt"}) {
    if (!same_word(text.substr(0, name.size()), name)) continue;
    text.remove_prefix(name.size());
    out.offset_seconds = 0;
    return TimeTextProblem::None;
  }
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return TimeTextProblem::None;  // none written
  text.remove_prefix(1);
  std::int64_t hour = 0, minute = 0, second = 0;
  if (text.size() >= 4 && is_digit(text[2]) && is_digit(text[3])) {  // +HHMM
    std::int64_t both = 0;
    if (!take_number(text, 4, 4, both)) return TimeTextProblem::Unsupported;
    hour = both / 100;
    minute = both % 100;
  } else {
    if (!take_number(text, 1, 2, hour)) return TimeTextProblem::Unsupported;
    if (take(text, ':') && !take_number(text, 2, 2, minute)) return TimeTextProblem::Unsupported;
    if (take(text, ':') && !take_number(text, 2, 2, second)) return TimeTextProblem::Unsupported;
  }
  if (hour > 15 || minute > 59 || second > 59) return TimeTextProblem::Syntax;
  const std::int64_t offset = (hour * 60 + minute) * 60 + second;
  out.offset_seconds = west ? -offset : offset;
  return TimeTextProblem::None;
}

unsigned days_of_month(std::int64_t year, unsigned month) noexcept {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

TimeTextProblem take_era(std::string_view& text, std::int64_t& year) noexcept {
  const bool before = same_word(text, "bc");
  if (before || same_word(text, "ad")) text.remove_prefix(2);
  if (!text.empty()) return TimeTextProblem::Unsupported;
  if (year == 0) return TimeTextProblem::Syntax;
  if (before) year = 1 - year;
  return TimeTextProblem::None;
}

void write_two(std::int64_t value, BoundedBytes& out) {
  out.append(static_cast<char>('0' + value / 10 % 10));
  out.append(static_cast<char>('0' + value % 10));
}

}  // namespace

TimeTextProblem parse_civil_time(std::string_view text, CivilTime& out) noexcept {
  std::int64_t year = 0, month = 0, day = 0;
  if (!take_number(text, 4, 7, year) || !take(text, '-') || !take_number(text, 1, 2, month) || !take(text, '-') ||
      !take_number(text, 1, 2, day))
    return TimeTextProblem::Unsupported;
  const bool separated = take(text, 'T') || take(text, 't') || take_spaces(text);
  if (separated && !text.empty() && is_digit(text.front())) {
    if (const auto problem = take_time(text, out); problem != TimeTextProblem::None) return problem;
    take_spaces(text);
    if (const auto problem = take_zone(text, out); problem != TimeTextProblem::None) return problem;
    take_spaces(text);
  }
  if (const auto problem = take_era(text, year); problem != TimeTextProblem::None) return problem;
  if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, static_cast<unsigned>(month)))
    return TimeTextProblem::Syntax;
  out.days = days_from_civil({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  return TimeTextProblem::None;
}

bool is_before_christ(std::int64_t days) noexcept { return civil_from_days(days).year <= 0; }

void write_date(std::int64_t days, BoundedBytes& out) {
  const auto civil = civil_from_days(days);
  char digits[24];
  const auto year = civil.year > 0 ? civil.year : 1 - civil.year;
  const auto end = std::to_chars(digits, digits + sizeof digits, year).ptr;
  for (auto width = end - digits; width < 4; ++width) out.append('0');
  out.append(std::string_view(digits, end));
  secure_wipe(digits, sizeof digits);
  out.append('-');
  write_two(civil.month, out);
  out.append('-');
  write_two(civil.day, out);
}

void write_time_of_day(std::int64_t micros, BoundedBytes& out) {
  const auto seconds = micros / kMicrosPerSecond;
  write_two(seconds / 3600, out);
  out.append(':');
  write_two(seconds / 60 % 60, out);
  out.append(':');
  write_two(seconds % 60, out);
  auto fraction = micros % kMicrosPerSecond;
  if (fraction == 0) return;
  out.append('.');
  for (std::int64_t unit = kMicrosPerSecond / 10; fraction != 0; fraction %= unit, unit /= 10)
    out.append(static_cast<char>('0' + fraction / unit));
}

void write_offset(std::int64_t seconds, BoundedBytes& out) {
  out.append(seconds < 0 ? '-' : '+');
  const auto size = seconds < 0 ? -seconds : seconds;
  write_two(size / 3600, out);
  if (size % 3600 == 0) return;
  out.append(':');
  write_two(size / 60 % 60, out);
  if (size % 60 == 0) return;
  out.append(':');
  write_two(size % 60, out);
}

}  // namespace bartizan::transform
