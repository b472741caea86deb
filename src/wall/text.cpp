#include "text.hpp"

namespace bartizan::wall {

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

std::string quoted_name(std::string_view schema, std::string_view name) {
  return quoted_name(schema) + "." + quoted_name(name);
}

std::string quoted_literal(std::string_view text) {
  const bool escapes = text.find('\\') != std::string_view::npos;
  std::string out = escapes ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out += '\'';
}

std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string>> blanks) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  while (!text.empty()) {
    const auto brace = text.find('{');
    out += text.substr(0, brace);
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    bool found = false;
    for (const auto& [blank, value] : blanks) {
      if (!text.starts_with(blank)) continue;
      out += value;
      text.remove_prefix(blank.size());
      found = true;
      break;
    }
    if (!found) {
      out += '{';
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string create_role_sql(std::string_view role, bool login, const Installer& installer) {
  const auto join = installer.join_sql(role);
  return filled(
             "DO $do$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {login} NOINHERIT NOSUPERUSER NOCREATEDB "
             "NOCREATEROLE NOREPLICATION NOBYPASSRLS; END IF; END $do$",
             {{"{role}", std::string(role)}, {"{login}", login ? "LOGIN" : "NOLOGIN"}}) +
         (join.empty() ? "" : "; " + join);
}

}  // namespace bartizan::wall
