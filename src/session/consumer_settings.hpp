// Settings that the gateway keeps for consumers: which statement changes one, and the refusal of what may not.
// For relay_consumer.cpp and relay_tenant.cpp.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "bartizan/policy/decision.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

inline constexpr std::string_view kTenant = "bartizan.tenant";

[[nodiscard]] inline policy::Refuse refusal(std::string_view sqlstate, std::string message, std::string hint,
                                            std::string reason) {
  policy::Refuse refuse;
  std::copy_n(sqlstate.begin(), refuse.sqlstate.size(), refuse.sqlstate.begin());
  refuse.message = std::move(message);
  refuse.hint = std::move(hint);
  refuse.reasons.push_back(std::move(reason));
  return refuse;
}

/// RESET ALL and DISCARD change every setting.
[[nodiscard]] inline bool changes_setting(const ConsumerText& text, std::size_t i, std::string_view name) noexcept {
  if (text.analysis.statements[i].kind == sql::Kind::Discard) return true;
  const auto& setting = text.statements[i].setting;
  return setting && setting->action != sql::VirtualSetting::Action::Show &&
         (setting->name.empty() || setting->name == name);
}

}  // namespace bartizan::session
