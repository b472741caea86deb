#include "bartizan/audit/log.hpp"

namespace bartizan::audit {
namespace {

/// Length of the well-formed UTF-8 sequence at the start of text, 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf)
    length = 2;
  else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    low = first == 0xe0 ? 0xa0 : 0x80;
    high = first == 0xed ? 0x9f : 0xbf;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    low = first == 0xf0 ? 0x90 : 0x80;
    high = first == 0xf4 ? 0x8f : 0xbf;
  } else
    return 0;
  if (text.size() < length || at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  return length;
}

}  // namespace

std::string_view to_string(Event event) noexcept {
  switch (event) {
    case Event::SignIn: return "sign_in";
    case Event::SignOut: return "sign_out";
    case Event::Statement: return "statement";
    case Event::Execute: return "execute";
    case Event::FunctionCall: return "function_call";
    case Event::Cancel: return "cancel";
    case Event::LogRead: return "log_read";
    case Event::BreakGlass: return "break_glass";
    case Event::ApiCall: return "api_call";
    case Event::ConfigChange: return "config_change";
    case Event::KeyUse: return "key_use";
    case Event::Grant: return "grant";
    case Event::Consent: return "consent";
    case Event::Backup: return "backup";
    case Event::Drill: return "drill";
    case Event::Counts: return "counts";
  }
  return "statement";
}

std::string_view to_string(Status status) noexcept {
  switch (status) {
    case Status::Ok: return "ok";
    case Status::Failed: return "failed";
    case Status::Refused: return "refused";
    case Status::NotRun: return "not_run";
    case Status::Unknown: return "unknown";
  }
  return "unknown";
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (!out.empty()) out.push_back(',');
  out.push_back('"');
  out.append(name);
  out.append("\":\"");
  while (!value.empty()) {
    const auto c = static_cast<unsigned char>(value.front());
    const std::size_t length = utf8_length(value);
    if (length == 0) {
      out.append("\xef\xbf\xbd");
      value.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(value.front());
    } else if (c < 0x20 || c == 0x7f) {
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    } else {
      out.append(value.substr(0, length));
    }
    value.remove_prefix(length);
  }
  out.push_back('"');
}

}  // namespace bartizan::audit
