#include "bartizan/http/response.hpp"

#include <fmt/format.h>

#include <array>

#include "bartizan/http/status.hpp"
#include "characters.hpp"

namespace bartizan::http {
namespace {

/// Set by the writer alone.
bool is_ours(std::string_view name) {
  constexpr std::array kOurs = {std::string_view("content-length"), std::string_view("transfer-encoding"),
                                std::string_view("connection"), std::string_view("date")};
  return std::ranges::any_of(kOurs, [name](std::string_view ours) { return same_ignoring_case(ours, name); });
}

bool can_be_written(const Response& response) {
  // An interim response has no end of its own; kContinue is the only one, and ready-made.
  if (response.status < 200 || response.status > 599) return false;
  return std::ranges::all_of(response.fields, [](const Field& field) {
    return is_token(field.name) && !is_ours(field.name) && std::ranges::none_of(field.value, is_control);
  });
}

}  // namespace

Response text_response(unsigned status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

std::string http_date(WallTime time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::string serialize(const Response& response, const Delivery& delivery) {
  if (!can_be_written(response)) return serialize(Response{500, {}, {}}, delivery);
  // RFC 9110 section 8.6: no Content-Length with 204; 304 would have to give the one of the 200.
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  if (delivery.date) out += "Date: " + http_date(*delivery.date) + "\r\n";
  for (const auto& [name, value] : response.fields) out += fmt::format("{}: {}\r\n", name, value);
  if (!bodiless) out += fmt::format("Content-Length: {}\r\n", response.body.size());
  if (!delivery.keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (!bodiless && delivery.method != Method::Head) out += response.body;
  return out;
}

}  // namespace bartizan::http
