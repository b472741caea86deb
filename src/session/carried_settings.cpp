#include "bartizan/session/carried_settings.hpp"

#include <algorithm>

#include "literal.hpp"

namespace bartizan::session {

namespace {

/// None changes how a text is read or which objects it names: prepared statements are shared by
/// sessions that differ in these. (So not search_path; nor default_transaction_deferrable, by which a
/// command of the gateway could wait for ever.)
constexpr std::array<std::string_view, 9> kNames = {
    "bytea_output",
    "client_min_messages",
    "check_function_bodies",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "statement_timeout",
};
constexpr std::string_view kStatementTimeout = "statement_timeout";

/// As current_setting() writes it: none, or a second at the least.
bool leaves_time(std::string_view value) noexcept {
  return !value.ends_with("ms") || value.size() >= std::string_view("1000ms").size();
}

}  // namespace

CarriedSettings::Mask CarriedSettings::bit_of(std::string_view name) noexcept {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? 0 : Mask{1} << (found - kNames.begin());
}

CarriedSettings::Mask CarriedSettings::set() const noexcept {
  Mask mask = 0;
  for (std::size_t i = 0; i < kCount; ++i)
    if (values_[i]) mask |= Mask{1} << i;
  return mask;
}

std::string CarriedSettings::question(Mask asked) {
  std::string text = "SELECT ";
  for (std::size_t i = 0; i < kCount; ++i) {
    if ((asked >> i & 1) == 0) continue;
    if (text.size() > 7) text.push_back(',');
    text.append("pg_catalog.current_setting('").append(kNames[i]).append("')");
  }
  return text;
}

bool CarriedSettings::put(Mask asked, std::size_t column, std::string_view value) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if ((asked >> i & 1) == 0 || column-- != 0) continue;
    values_[i].emplace(value);
    return kNames[i] != kStatementTimeout || leaves_time(value);
  }
  return false;
}

void CarriedSettings::append_commands_from(const CarriedSettings& there, std::string& out) const {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (values_[i] == there.values_[i]) continue;
    if (!out.empty()) out.push_back(';');
    if (!values_[i]) {
      out.append("RESET ").append(kNames[i]);
      continue;
    }
    out.append("SET ").append(kNames[i]).append(" = ");
    append_literal(out, *values_[i]);
  }
}

}  // namespace bartizan::session
