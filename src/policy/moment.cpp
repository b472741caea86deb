#include "moment.hpp"

#include <chrono>

namespace bartizan::policy {
namespace {

/// Exactly `count` digits at `at`.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool has(std::string_view text, std::size_t at, char c) { return at < text.size() && text[at] == c; }

/// hh:mm at `at`.
std::optional<std::chrono::minutes> clock_time(std::string_view text, std::size_t at) {
  const auto hours = number(text, at, 2);
  const auto minutes = number(text, at + 3, 2);
  if (!hours || !minutes || !has(text, at + 2, ':') || *hours > 23 || *minutes > 59) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  const auto year = number(text, 0, 4);
  const auto month = number(text, 5, 2);
  const auto day = number(text, 8, 2);
  if (text.size() != 10 || !year || !month || !day || !has(text, 4, '-') || !has(text, 7, '-')) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date));
}

std::optional<WallTime> parse_moment(std::string_view text) {
  const auto date = parse_date(text.substr(0, 10));
  if (!date || text.size() == 10) return date;
  const auto time = clock_time(text, 11);
  const auto seconds = number(text, 17, 2);
  if (!has(text, 10, 'T') || !time || !has(text, 16, ':') || !seconds || *seconds > 59) return std::nullopt;
  const WallTime local = *date + *time + std::chrono::seconds(*seconds);
  if (text.size() == 20 && text[19] == 'Z') return local;
  if (text.size() != 25 || (text[19] != '+' && text[19] != '-')) return std::nullopt;
  const auto offset = clock_time(text, 20);
  if (!offset) return std::nullopt;
  return text[19] == '+' ? local - *offset : local + *offset;
}

}  // namespace bartizan::policy
