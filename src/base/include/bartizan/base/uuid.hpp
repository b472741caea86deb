// RFC 9562 UUIDs, the ids of every resource of the control plane.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"

namespace bartizan {

struct Uuid {
  std::array<std::uint8_t, 16> octets{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  [[nodiscard]] bool is_nil() const noexcept { return *this == Uuid{}; }
  [[nodiscard]] std::string to_string() const;
  /// The 8-4-4-4-12 form, either case; nothing else.
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text);
  /// Version 4.
  [[nodiscard]] static Uuid random(Random& random);
};

}  // namespace bartizan

template <>
struct std::hash<bartizan::Uuid> {
  std::size_t operator()(const bartizan::Uuid& id) const noexcept {
    std::size_t h = 1469598103934665603ull;
    for (auto o : id.octets) h = (h ^ o) * 1099511628211ull;
    return h;
  }
};
