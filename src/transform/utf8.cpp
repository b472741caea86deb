#include "utf8.hpp"

#include <cstring>

namespace bartizan::transform {
namespace {

unsigned octet(std::string_view text, std::size_t at) noexcept { return static_cast<unsigned char>(text[at]); }

/// Of the sequence that starts at at; 0 when it is not one.
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
  const unsigned first = octet(text, at);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((octet(text, at + i) & 0xC0) != 0x80) return 0;
  const unsigned second = octet(text, at + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

/// How many characters from at on are ASCII and not NUL, by eights.
std::size_t plain_ascii(std::string_view text, std::size_t at) noexcept {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const auto from = at;
  for (; text.size() - at >= 8; at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + at, 8);
    // Without high bits, a byte of zero is the only one from which 1 borrows.
    if ((eight & kHigh) != 0 || ((eight - kOnes) & kHigh) != 0) break;
  }
  return at - from;
}

}  // namespace

std::optional<std::size_t> count_utf8(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (const auto plain = plain_ascii(text, at); plain != 0) {
      at += plain;
      count += plain - 1;
      continue;
    }
    const auto length = sequence_length(text, at);
    if (length == 0) return std::nullopt;
    at += length;
  }
  return count;
}

std::size_t utf8_prefix(std::string_view text, std::size_t count) noexcept {
  std::size_t at = 0;
  for (; count > 0; --count) at += sequence_length(text, at);
  return at;
}

std::size_t encode_utf8(std::uint32_t code_point, char* out) noexcept {
  const auto put = [&](std::size_t at, std::uint32_t value) { out[at] = static_cast<char>(value); };
  if (code_point < 0x80) {
    put(0, code_point);
    return 1;
  }
  if (code_point < 0x800) {
    put(0, 0xC0 | (code_point >> 6));
    put(1, 0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    put(0, 0xE0 | (code_point >> 12));
    put(1, 0x80 | ((code_point >> 6) & 0x3F));
    put(2, 0x80 | (code_point & 0x3F));
    return 3;
  }
  put(0, 0xF0 | (code_point >> 18));
  put(1, 0x80 | ((code_point >> 12) & 0x3F));
  put(2, 0x80 | ((code_point >> 6) & 0x3F));
  put(3, 0x80 | (code_point & 0x3F));
  return 4;
}

}  // namespace bartizan::transform
