#include "quoting.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace bartizan::policy {
namespace {

constexpr std::size_t kLongestQuoted = 80;

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out += quote;
}

}  // namespace

std::string in_double_quotes(std::string_view text) {
  std::size_t end = text.size();
  if (end > kLongestQuoted) {
    end = kLongestQuoted;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  }
  std::string out = "\"";
  for (const char c : text.substr(0, end)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  if (end < text.size()) out += "…";
  return out += '"';
}

std::string sql_literal(std::string_view text) { return doubled(text, '\''); }

std::string sql_identifier(std::string_view name) { return doubled(name, '"'); }

}  // namespace bartizan::policy
