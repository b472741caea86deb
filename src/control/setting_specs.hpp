// Which settings there are, what they mean and what they may be. Unknown names are refused, so
// that a typing error is not a setting that does nothing.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::control {

inline constexpr std::string_view kScramIterations = "scram.iterations";
inline constexpr std::string_view kRotateAfterSeconds = "keys.rotate_after_seconds";
inline constexpr std::string_view kGraceSeconds = "keys.grace_seconds";
inline constexpr std::string_view kCellsPerSecond = "keys.cells_per_second";
inline constexpr std::string_view kCheckSeconds = "keys.check_seconds";
inline constexpr std::string_view kOutageSeconds = "keys.outage_seconds";

/// A whole number within bounds; other kinds come with the first setting that needs them.
struct SettingSpec {
  std::string_view name;
  std::string_view description;
  std::int64_t default_value;
  std::int64_t least;
  std::int64_t most;
};

[[nodiscard]] std::span<const SettingSpec> setting_specs() noexcept;
/// NotFound.
[[nodiscard]] Result<const SettingSpec*> find_setting_spec(std::string_view name);
/// What it is now, by the values that are set.
[[nodiscard]] std::int64_t setting_in(const std::map<std::string, std::string, std::less<>>& values,
                                      std::string_view name) noexcept;
/// InvalidArgument says what it may be.
[[nodiscard]] Result<void> validate_setting(const SettingSpec& spec, std::string_view value);

}  // namespace bartizan::control
