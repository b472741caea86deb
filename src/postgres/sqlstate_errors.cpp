#include "sqlstate_errors.hpp"

#include <algorithm>
#include <array>

namespace bartizan::postgres {
namespace {

struct Mapping {
  std::string_view prefix;
  Errc code;
};

/// The first prefix that matches.
constexpr std::array kMappings = {
    Mapping{"28", Errc::Unauthenticated},     Mapping{"57014", Errc::Cancelled},
    Mapping{"57P", Errc::Unavailable},        Mapping{"08", Errc::Unavailable},
    Mapping{"53300", Errc::Unavailable},      Mapping{"53", Errc::ResourceExhausted},
    Mapping{"42501", Errc::PermissionDenied}, Mapping{"3D000", Errc::NotFound},
    Mapping{"42P01", Errc::NotFound},         Mapping{"42704", Errc::NotFound},
    Mapping{"42703", Errc::NotFound},         Mapping{"3F000", Errc::NotFound},
    Mapping{"23505", Errc::AlreadyExists},    Mapping{"42P04", Errc::AlreadyExists},
    Mapping{"42P06", Errc::AlreadyExists},    Mapping{"42P07", Errc::AlreadyExists},
    Mapping{"42710", Errc::AlreadyExists},    Mapping{"40", Errc::Conflict},
    Mapping{"55", Errc::FailedPrecondition},  Mapping{"25", Errc::FailedPrecondition},
    Mapping{"0A", Errc::Unsupported},         Mapping{"22", Errc::InvalidArgument},
    Mapping{"23", Errc::InvalidArgument},     Mapping{"42", Errc::InvalidArgument},
};

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

/// "...FATAL:  28P01: password..." to "28P01"; the severity's name depends on the server's language.
std::string_view find_sqlstate(std::string_view text) {
  for (auto at = text.find(":  "); at != std::string_view::npos; at = text.find(":  ", at + 1)) {
    const auto candidate = text.substr(at + 3, 5);
    if (is_sqlstate(candidate) && text.substr(at + 8, 2) == ": ") return candidate;
  }
  return {};
}

}  // namespace

Errc errc_of_sqlstate(std::string_view sqlstate) noexcept {
  for (const auto& mapping : kMappings)
    if (sqlstate.starts_with(mapping.prefix)) return mapping.code;
  return Errc::Internal;
}

bool message_may_quote(std::string_view sqlstate) noexcept {
  return sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate.starts_with("P0") || sqlstate == "42601";
}

Error statement_error(const SqlError& error) {
  std::string detail = "PostgreSQL " + (error.sqlstate.empty() ? std::string("error") : error.sqlstate);
  if (!message_may_quote(error.sqlstate)) return {errc_of_sqlstate(error.sqlstate), detail + ": " + error.message};
  const std::array<std::pair<std::string_view, const std::string*>, 4> names = {{{"schema", &error.schema},
                                                                                 {"table", &error.table},
                                                                                 {"column", &error.column},
                                                                                 {"constraint", &error.constraint}}};
  for (const auto& [kind, name] : names)
    if (!name->empty()) detail += " " + std::string(kind) + " " + *name;
  return {errc_of_sqlstate(error.sqlstate), detail};
}

Error connection_error(std::string_view text) {
  const auto sqlstate = find_sqlstate(text);
  std::string line(text.substr(0, text.find('\n')));
  if (!sqlstate.empty()) return {errc_of_sqlstate(sqlstate), line};
  const bool tls = text.find("certificate") != std::string_view::npos || text.find("SSL") != std::string_view::npos;
  return {tls ? Errc::PermissionDenied : Errc::Unavailable, line};
}

}  // namespace bartizan::postgres
