#include "names.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace bartizan::policy {
namespace {

constexpr std::size_t kLongestWord = 64;

bool lower_or_underscore(char c) noexcept { return (c >= 'a' && c <= 'z') || c == '_'; }

/// Levenshtein's distance, one row at a time. REQUIRES: both at most kLongestWord.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

}  // namespace

bool attribute_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 63 && lower_or_underscore(name[0]) &&
         std::ranges::all_of(name, [](char c) { return lower_or_underscore(c) || (c >= '0' && c <= '9'); });
}

bool resource_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 128 && name.front() != ' ' && name.back() != ' ' &&
         std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::optional<std::string_view> found;
  for (const std::string_view candidate : candidates) {
    const std::size_t d = candidate.size() > kLongestWord ? best : distance(word, candidate);
    if (d < best) {
      best = d;
      found = candidate;
    }
  }
  return found;
}

}  // namespace bartizan::policy
