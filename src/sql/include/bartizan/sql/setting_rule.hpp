// Which settings an identity under a policy may touch (docs/reference/sql-for-consumers.md, "Settings").
#pragma once

#include <cstdint>
#include <string_view>

namespace bartizan::sql {

enum class SettingRule : std::uint8_t {
  Refused,
  ShowOnly,
  Free,     ///< any value
  Utf8,     ///< client_encoding
  On,       ///< standard_conforming_strings: off would change how texts are read
  Virtual,  ///< kept by the gateway
};
/// name: in lower case.
[[nodiscard]] SettingRule setting_rule(std::string_view name) noexcept;

}  // namespace bartizan::sql
