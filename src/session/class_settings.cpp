#include "bartizan/session/class_settings.hpp"

#include <algorithm>
#include <array>

#include "bartizan/sql/setting_rule.hpp"

namespace bartizan::session {
namespace {

constexpr std::size_t kMaxIdentifier = 63;

/// Layer 1's text means what was decided about only under these, and under server_path.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPinned = {{
    {"row_security", "on"},
    {"standard_conforming_strings", "on"},
    {"client_encoding", "UTF8"},
}};

std::string server_path(std::span<const std::string> operator_schemas) {
  std::string out = "pg_catalog";
  for (const auto& schema : operator_schemas) {
    out += ", \"";
    for (const char c : schema) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  return out;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

bool is_utf8(std::string_view value) {
  std::string plain;
  for (const char c : value)
    if ((lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9')) plain += lower(c);
  return plain == "utf8" || plain == "unicode";
}

bool is_on(std::string_view value) {
  const auto plain = lower(value);
  return plain == "on" || plain == "true" || plain == "yes" || plain == "1";
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void skip_space(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

Result<std::string> take_identifier(std::string_view& text) {
  std::string out;
  if (!text.empty() && text.front() == '"') {
    text.remove_prefix(1);
    for (;;) {
      const auto quote = text.find('"');
      if (quote == std::string_view::npos) return fail(Errc::InvalidArgument, "a quote is not closed");
      out.append(text.substr(0, quote));
      text.remove_prefix(quote + 1);
      if (text.empty() || text.front() != '"') break;
      out += '"';
      text.remove_prefix(1);
    }
  } else {
    while (!text.empty() && text.front() != ',' && !is_space(text.front())) {
      out += lower(text.front());
      text.remove_prefix(1);
    }
    if (out.empty()) return fail(Errc::InvalidArgument, "a name is missing");
  }
  // Where PostgreSQL cuts a name in the middle of a character is not worth following.
  if (out.size() > kMaxIdentifier) return fail(Errc::InvalidArgument, "a name is longer than 63 bytes");
  return out;
}

}  // namespace

Result<std::vector<std::string>> split_identifiers(std::string_view text) {
  std::vector<std::string> out;
  skip_space(text);
  if (text.empty()) return out;
  for (;;) {
    BZ_TRY(auto name, take_identifier(text));
    out.push_back(std::move(name));
    skip_space(text);
    if (text.empty()) return out;
    if (text.front() != ',') return fail(Errc::InvalidArgument, "names are parted by commas");
    text.remove_prefix(1);
    skip_space(text);
  }
}

Result<ClassSettings> class_settings(std::span<const std::pair<std::string, std::string>> asked,
                                     std::span<const std::string> operator_schemas) {
  ClassSettings out;
  out.search_path = {"$user", "public"};
  for (const auto& [name, value] : asked) {
    const auto key = lower(name);
    const auto unfit = [&] {
      return fail(Errc::InvalidArgument, "invalid value for parameter \"" + key + "\" under a policy");
    };
    switch (sql::setting_rule(key)) {
      case sql::SettingRule::Free: out.for_server.emplace_back(key, value); break;
      case sql::SettingRule::Utf8:
        if (!is_utf8(value)) return unfit();
        break;
      case sql::SettingRule::On:
        if (!is_on(value)) return unfit();
        break;
      case sql::SettingRule::Virtual: {
        if (key != "search_path") return unfit();
        auto path = split_identifiers(value);
        if (!path) return unfit();
        out.search_path = std::move(*path);
        break;
      }
      case sql::SettingRule::ShowOnly:
      case sql::SettingRule::Refused:
        return fail(Errc::PermissionDenied, "parameter \"" + key + "\" cannot be set under a policy");
    }
  }
  out.for_server.emplace_back("search_path", server_path(operator_schemas));
  for (const auto& [name, value] : kPinned) out.for_server.emplace_back(name, value);
  return out;
}

}  // namespace bartizan::session
