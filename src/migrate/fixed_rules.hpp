// The keys of [pgbouncer] whose fate needs no computing, as a table: what they mean here when they
// stand at a value that asks for nothing, and otherwise.
#pragma once

#include <string_view>

#include "bartizan/migrate/plan.hpp"

namespace bartizan::migrate {

struct FixedRule {
  std::string_view key;
  std::string_view neutral;  ///< values that ask for nothing, apart by '|'; "*": every one
  std::string_view unneeded;
  Verdict otherwise = Verdict::Unneeded;
  std::string_view outcome{};  ///< of any other value

  [[nodiscard]] bool is_neutral(std::string_view value) const;
};

/// nullptr: no such rule.
[[nodiscard]] const FixedRule* find_fixed_rule(std::string_view key);

}  // namespace bartizan::migrate
