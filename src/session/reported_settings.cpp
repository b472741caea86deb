#include "bartizan/session/reported_settings.hpp"

#include <algorithm>
#include <optional>

namespace bartizan::session {

namespace {

/// application_name stands last: it alone changes no meaning.
constexpr std::array<std::string_view, 6> kNames = {
    "client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings", "timezone", "application_name"};
constexpr std::size_t kMeaningful = 5;

bool equal_folded(std::string_view name, std::string_view lower) noexcept {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

std::optional<std::size_t> index_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (equal_folded(name, kNames[i])) return i;
  return std::nullopt;
}

/// An escape string, which reads the same whatever standard_conforming_strings says.
void append_literal(std::string& out, std::string_view value) {
  out.append("E'");
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
}

}  // namespace

bool ReportedSettings::put(std::string_view name, std::string_view value) {
  const auto index = index_of(name);
  if (!index) return false;
  values_[*index].assign(value);
  return true;
}

std::string_view ReportedSettings::find(std::string_view name) const noexcept {
  const auto index = index_of(name);
  return index ? std::string_view(values_[*index]) : std::string_view();
}

std::string ReportedSettings::commands_from(const ReportedSettings& there) const {
  std::string commands;
  // client_encoding stands first: the commands behind it are read by it.
  for (std::size_t i = 0; i < kCount; ++i) {
    if (values_[i] == there.values_[i]) continue;
    if (!commands.empty()) commands.push_back(';');
    commands.append("SET ").append(kNames[i]).append(" = ");
    append_literal(commands, values_[i]);
  }
  return commands;
}

void ReportedSettings::append_meaning(std::string& out) const {
  for (std::size_t i = 0; i < kMeaningful; ++i) out.append(values_[i]).push_back('\0');
}

}  // namespace bartizan::session
