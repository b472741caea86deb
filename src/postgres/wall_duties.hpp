// Which duty of layer 1 a right of PUBLIC is, where the wall's login can't take it away.
#pragma once

#include <optional>
#include <span>

#include "bartizan/postgres/wall_grade.hpp"
#include "wall_hardening_targets.hpp"

namespace bartizan::postgres {

/// Of a right that the login can't take. nullopt: none of those that are known to be out of reach, so no class is
/// served over it.
[[nodiscard]] std::optional<OpenDuty> duty_of(const HeldRight& held) noexcept;

/// What the managed grade brings with it, whatever PUBLIC has.
[[nodiscard]] std::span<const OpenDuty> duties_of_managed() noexcept;

}  // namespace bartizan::postgres
