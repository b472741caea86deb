// "Did you mean": the nearest of the known words, for messages about unknown keys, commands and
// options.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace bartizan::config {

/// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours; '-'
/// equals '_'), or nullopt when none is within a third of the word's length. Words over 64 bytes
/// have no neighbour. The result views into candidates.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

}  // namespace bartizan::config
