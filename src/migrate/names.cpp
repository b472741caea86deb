#include "names.hpp"

#include <algorithm>
#include <cstdint>

namespace bartizan::migrate {
namespace {

constexpr std::size_t kMaxNameBytes = 63;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// The code point at the front of text, which gets shorter by it; negative if it is none (RFC 3629).
std::int32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  std::size_t size = 1;
  if (first >= 0x80) size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return -1;
  auto point = static_cast<std::int32_t>(size == 1 ? first : first & (0xffU >> (size + 1)));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return -1;
    point = (point << 6) | (byte(i) & 0x3f);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  if (overlong || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) return -1;
  text.remove_prefix(size);
  return point;
}

bool is_ascii_name(std::string_view name, bool at_sign) {
  return !name.empty() && name.size() <= kMaxNameBytes && is_word(name.front()) &&
         std::ranges::all_of(name,
                             [at_sign](char c) { return is_word(c) || c == '.' || c == '-' || (at_sign && c == '@'); });
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (take_code_point(text) < 0) return false;
  }
  return true;
}

bool is_resource_name(std::string_view name) noexcept { return is_ascii_name(name, false); }

bool is_identity_name(std::string_view name) noexcept { return is_ascii_name(name, true); }

bool is_postgresql_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  while (!name.empty()) {
    const auto point = take_code_point(name);
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return false;
  }
  return true;
}

}  // namespace bartizan::migrate
