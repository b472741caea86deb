#include "names.hpp"

#include <cstdint>

namespace bartizan::control {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// The code point at the front of text, which gets shorter by it; negative if it is none
/// (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
std::int32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size == 0 || text.size() < size) return -1;
  std::int32_t point = size == 1 ? first : first & (0xff >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return -1;
    point = (point << 6) | (byte(i) & 0x3f);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  if (overlong || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) return -1;
  text.remove_prefix(size);
  return point;
}

}  // namespace

bool is_printable_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto point = take_code_point(text);
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return false;
  }
  return true;
}

Result<void> validate_name(NameKind kind, std::string_view name) {
  if (name.empty()) return fail(Errc::InvalidArgument, "a name is empty");
  if (name.size() > kMaxNameBytes) return fail(Errc::InvalidArgument, "a name is longer than 63 bytes");
  if (kind == NameKind::PostgreSql) {
    if (!is_printable_utf8(name)) return fail(Errc::InvalidArgument, "a name holds control characters or is not UTF-8");
    return {};
  }
  bool good = is_word(name.front());
  for (const char c : name)
    good = good && (is_word(c) || c == '.' || c == '-' || (kind == NameKind::Identity && c == '@'));
  if (good) return {};
  return fail(Errc::InvalidArgument,
              kind == NameKind::Identity
                  ? "an identity's name is made of letters, digits and @ . - _ and begins with a letter, digit or _"
                  : "a name is made of letters, digits and . - _ and begins with a letter, digit or _");
}

}  // namespace bartizan::control
