// An unquoted identifier of at most 16 bytes, folded, as two machine words: keywords are told
// apart by two comparisons instead of by strings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "bartizan/sql/lexer.hpp"
#include "char_class.hpp"

namespace bartizan::sql {

/// A to Z to lower case in eight bytes at once; other bytes stay, those >= 0x80 too.
[[nodiscard]] constexpr std::uint64_t fold_word(std::uint64_t word) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101u;
  const std::uint64_t seven = word & (0x7f * kOnes);
  const std::uint64_t from_a = seven + (0x80 - 'A') * kOnes;      // high bit: >= 'A'
  const std::uint64_t above_z = seven + (0x7f - 'Z') * kOnes;     // high bit: > 'Z'
  const std::uint64_t upper = (from_a & ~above_z & ~word) & (0x80 * kOnes);
  return word | (upper >> 2);
}

struct Word {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend constexpr bool operator==(const Word&, const Word&) = default;
  friend constexpr auto operator<=>(const Word&, const Word&) = default;
};

/// The folded word; the zero Word, equal to no keyword, when text is longer than 16 bytes.
[[nodiscard]] constexpr Word make_word(std::string_view text) noexcept {
  Word word;
  if (text.size() > 16) return word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(ascii_lower(text[i])));
    (i < 8 ? word.first : word.second) |= byte << (8 * (i % 8));
  }
  return word;
}

consteval Word operator""_w(const char* text, std::size_t size) { return make_word({text, size}); }

[[nodiscard]] constexpr bool any_of(Word word, std::initializer_list<Word> words) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The word of an Identifier token; the zero Word for all others.
[[nodiscard]] inline Word word_of(const Token& token, std::string_view text) noexcept {
  return token.kind == TokenKind::Identifier ? make_word(token.in(text)) : Word{};
}

[[nodiscard]] inline bool is_punctuation(const Token& token, std::string_view text, char c) noexcept {
  return token.kind == TokenKind::Punctuation && text[token.offset] == c;
}

}  // namespace bartizan::sql
