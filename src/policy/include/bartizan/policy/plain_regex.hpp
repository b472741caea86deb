// The part of PostgreSQL's advanced regular expressions that means the same everywhere: for regex_replace over
// encrypted columns, where PostgreSQL can't be asked. Literals, sets, `.`, ^ and $, groups, alternation, greedy
// quantifiers; of the longest match that begins first, as POSIX says and PostgreSQL does. What hangs on a locale
// (\w, [:alpha:]), prefers shorter matches, looks around or back is refused, not guessed.
//
// Matching takes time in proportion to text, pattern and matches; beyond a budget it is given up.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::policy {

/// Immutable; thread-safe.
class PlainRegex {
 public:
  /// As arguments of regexp_replace(value, pattern, replacement, 'g'). Unsupported, naming what is not taken.
  [[nodiscard]] static Result<PlainRegex> make(std::string_view pattern, std::string_view replacement);
  PlainRegex(PlainRegex&&) noexcept;
  PlainRegex& operator=(PlainRegex&&) noexcept;
  ~PlainRegex();

  using Append = std::function<void(std::string_view)>;
  /// Gives the result in pieces. False: given up, and what was given is not to be used. REQUIRES: valid UTF-8.
  [[nodiscard]] bool replace(std::string_view text, const Append& append) const;

 private:
  struct State;
  explicit PlainRegex(std::unique_ptr<const State> state) noexcept;
  std::unique_ptr<const State> state_;
};

}  // namespace bartizan::policy
