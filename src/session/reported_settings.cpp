#include "bartizan/session/reported_settings.hpp"

#include <algorithm>
#include <optional>

#include "literal.hpp"

namespace bartizan::session {

namespace {

constexpr std::size_t kMeaningful = 5;

char folded(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_folded(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, folded, folded);
}

}  // namespace

std::optional<std::size_t> ReportedSettings::index_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (equal_folded(name, kNames[i])) return i;
  return std::nullopt;
}

bool ReportedSettings::put(std::string_view name, std::string_view value) {
  const auto index = index_of(name);
  if (!index) return false;
  values_[*index].assign(value);
  if (*index < kMeaningful) {
    meaning_.clear();
    for (std::size_t i = 0; i < kMeaningful; ++i) meaning_.append(values_[i]).push_back('\0');
  }
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

}  // namespace bartizan::session
