// CEF, RFC 5424 and the webhook's signature: what is made of a record without JSON.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "bartizan/crypto/hash.hpp"
#include "bartizan/shipping/record.hpp"

namespace bartizan::shipping {
namespace {

constexpr unsigned kFacilityAudit = 13;
constexpr std::size_t kMaxHost = 255;
constexpr std::size_t kMaxMessageId = 32;

/// CEF: in the header a backslash stands before '|' and itself, in the extension before '=' and itself; line
/// breaks of values are written as such.
std::string escaped(std::string_view text, char special) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out.append(c == '\n' ? "\\n" : "\\r");
      continue;
    }
    if (c == '\\' || c == special) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.append(" ").append(key).append("=").append(escaped(value, '='));
}

void append_labelled(std::string& out, std::string_view key, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  append_field(out, key, value);
  out.append(" ").append(key).append("Label=").append(label);
}

std::int64_t millis(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// "2026-11-22T10:15:00.123456Z".
std::string rfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

/// PRINTUSASCII of RFC 5424, never empty.
std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most))
    if (c > ' ' && c <= '~') out.push_back(c);
  return out.empty() ? "-" : out;
}

}  // namespace

std::string cef_body(const Record& record) {
  std::string out = fmt::format("CEF:0|Bartizan|Bartizan|{}|{}|{}|{}|", "1", escaped(record.event, '|'),
                                escaped(record.action, '|'), record.important ? 6 : 3);
  out.append("rt=").append(std::to_string(millis(record.at)));
  append_field(out, "externalId", record.uid);
  append_field(out, "suser", record.identity);
  append_field(out, "src", record.address);
  append_field(out, "act", record.action);
  append_field(out, "outcome", record.outcome);
  append_field(out, "reason", record.sqlstate);
  append_labelled(out, "cs1", "tenant", record.tenant);
  append_labelled(out, "cs2", "depot", record.depot);
  append_labelled(out, "cs3", "digest", record.digest);
  append_labelled(out, "cn1", "rows", std::to_string(record.rows));
  return out;
}

std::string syslog_message(const Record& record, std::string_view host, Body body) {
  const unsigned severity = record.event == "break_glass" ? 3 : record.important ? 4 : 6;
  return fmt::format("<{}>1 {} {} bartizan - {} - {}", kFacilityAudit * 8 + severity, rfc3339(record.at),
                     printable(host, kMaxHost), printable(record.event, kMaxMessageId),
                     body == Body::Cef ? cef_body(record) : record.json);
}

std::string webhook_signature(ByteView secret, WallTime now, std::string_view body) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::string signed_text = fmt::format("{}.", seconds);
  signed_text.append(body);
  return fmt::format("t={},v1={}", seconds, hex_encode(crypto::hmac_sha256(secret, as_bytes(signed_text))));
}

}  // namespace bartizan::shipping
