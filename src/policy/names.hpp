// What names of our own may look like, and the nearest known word to one that is not known.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace bartizan::policy {

/// [a-z_][a-z0-9_]*, at most 63.
[[nodiscard]] bool attribute_name(std::string_view name) noexcept;
/// Of a resource: printable, no space at its ends, 1 to 128 bytes.
[[nodiscard]] bool resource_name(std::string_view name) noexcept;

/// The candidate that `word` most likely meant, by edit distance; nullopt if none is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace bartizan::policy
