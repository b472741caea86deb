// Which constants of a statement the digest keeps (bartizan/sql/digest.hpp says why), told from
// the tokens alone. Keeping one too many costs a cache entry; the rules lean that way.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/sql/lexer.hpp"
#include "word.hpp"

namespace bartizan::sql {

/// One per statement; fed every token in order.
class LiteralFolding {
 public:
  /// The statement's first token decides whether any constant is folded at all.
  LiteralFolding(const Token& first, Word word, std::string_view text) noexcept;

  /// Whether the value of this constant counts. Call before advance() with the same token.
  [[nodiscard]] bool keeps(const Token& literal) const noexcept;
  void advance(const Token& token, Word word, std::string_view text) noexcept;

 private:
  enum class Last : std::uint8_t { Other, Limit, By, ListStart, DistinctOn, Grouping, Type, Distinct };

  void open() noexcept;
  void close() noexcept;
  void name(Word word) noexcept;
  void punctuation(char c) noexcept;
  [[nodiscard]] std::uint64_t bit() const noexcept { return std::uint64_t{1} << depth_; }

  bool folds_;
  Last last_ = Last::Other;
  /// After :: or AS a type's name may stand, whose parentheses hold modifiers.
  enum class Cast : std::uint8_t { No, Expected, Named } cast_ = Cast::No;
  unsigned depth_ = 0;              ///< of parentheses; at 63 all is kept
  unsigned beyond_ = 0;             ///< parentheses open deeper than that
  std::uint64_t ordinal_lists_ = 0; ///< depths at which an ORDER BY, GROUP BY or DISTINCT ON list runs
  std::uint64_t kept_lists_ = 0;    ///< depths at which all constants are kept
};

}  // namespace bartizan::sql
