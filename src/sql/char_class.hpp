// The character classes of scan.l, one table look-up each.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bartizan::sql {

enum CharClass : std::uint8_t {
  kSpace = 1,       ///< blank, tab, newline, return, form feed; not vertical tab (a space only since 16)
  kIdentStart = 2,  ///< letters, _, bytes >= 0x80
  kIdentCont = 4,   ///< those, digits and $
  kDigit = 8,
  kOperator = 16,      ///< ~!@#^&|`?+-*/%<>=
  kFreeOperator = 32,  ///< those of them that let an operator end in + or -
};

namespace detail {
constexpr std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view characters, std::uint8_t bits) {
    for (const char c : characters) classes[static_cast<unsigned char>(c)] |= bits;
  };
  add(" \t\n\r\f", kSpace);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", kIdentStart | kIdentCont);
  for (std::size_t c = 0x80; c < 0x100; ++c) classes[c] |= kIdentStart | kIdentCont;
  add("0123456789", kIdentCont | kDigit);
  add("$", kIdentCont);
  add("~!@#^&|`?+-*/%<>=", kOperator);
  add("~!@#^&|`?%", kFreeOperator);
  return classes;
}
inline constexpr auto kCharClasses = make_char_classes();
}  // namespace detail

[[nodiscard]] constexpr bool is(char c, CharClass char_class) noexcept {
  return (detail::kCharClasses[static_cast<unsigned char>(c)] & char_class) != 0;
}

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace bartizan::sql
