#include <string>
#include <string_view>

#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out;
  out.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '\0') continue;  // can't stand in any PostgreSQL text
    if (c == quote) out += quote;
    out += c;
  }
  return out;
}

}  // namespace

std::string quote_identifier(std::string_view name) { return '"' + doubled(name, '"') + '"'; }

std::string quote_literal(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return '\'' + doubled(text, '\'') + '\'';
  // The same meaning whatever standard_conforming_strings says.
  std::string out = "E'";
  for (const char c : doubled(text, '\'')) {
    if (c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

}  // namespace bartizan::postgres
