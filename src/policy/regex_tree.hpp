// A pattern of plain_regex.hpp as a tree, private to this module.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::policy {

struct RegexNode {
  enum class Kind : std::uint8_t { Set, Begin, End, Concat, Alternatives, Repeat, Group };
  static constexpr int kNoLimit = -1;

  Kind kind = Kind::Concat;
  std::vector<std::pair<char32_t, char32_t>> ranges;  ///< of Set
  bool negated = false;
  int least = 1;  ///< of Repeat
  int most = 1;
  int capture = 0;  ///< of Group; 0: it captures nothing
  std::vector<RegexNode> children;

  [[nodiscard]] bool holds(char32_t c) const noexcept;
  /// Whether a group that captures stands in it, itself among them.
  [[nodiscard]] bool captures() const noexcept;
};

struct RegexTree {
  RegexNode root;
  int groups = 0;  ///< that capture
};

/// Unsupported, naming what is not taken.
[[nodiscard]] Result<RegexTree> parse_regex(std::string_view pattern);

/// The code point at an offset and its bytes. REQUIRES: at < text.size(), valid UTF-8 there.
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
};
[[nodiscard]] CodePoint code_point_at(std::string_view text, std::size_t at) noexcept;

}  // namespace bartizan::policy
