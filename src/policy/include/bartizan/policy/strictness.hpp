// Which of two masks shows less, where that can be said: the lattice that settles ties of
// priority (docs/reference/policies.md, "Conflicts"; docs/adr/0040). A partial order: many pairs
// have none, and then publishing refuses rather than a rule choosing.
#pragma once

#include <cstdint>
#include <span>

#include "bartizan/policy/mask.hpp"

namespace bartizan::policy {

enum class Strictness : std::uint8_t { Equal, Stricter, Looser, Incomparable };

/// How a compares with b: Stricter when a shows less.
[[nodiscard]] Strictness compare(const Mask& a, const Mask& b);

/// The one that is equal to or stricter than all others; nullptr if there is none. REQUIRES: not
/// empty, no null pointers.
[[nodiscard]] const Mask* strictest(std::span<const Mask* const> masks);

}  // namespace bartizan::policy
