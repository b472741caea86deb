#include "terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace bartizan::cli {
namespace {

struct Decoded {
  char32_t code_point = 0;
  std::size_t bytes = 0;  ///< 0: not UTF-8
};

/// The first character (RFC 3629: no surrogates, no overlong forms). REQUIRES: text is not empty.
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < count) return {};
  char32_t value = first & (0xffu >> (count + 1));
  for (std::size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3f);
  }
  static constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[count] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, count};
}

struct Range {
  char32_t first;
  char32_t last;
};

bool in(char32_t c, const auto& ranges) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

/// C1 controls, soft hyphen, zero-width and bidirectional formatting (Unicode categories Cc, Cf,
/// Zl, Zp), tags and interlinear marks: all that changes the line without being seen.
constexpr std::array kHidden = {Range{0x80, 0x9f},     Range{0xad, 0xad},     Range{0x600, 0x605},
                                Range{0x61c, 0x61c},   Range{0x6dd, 0x6dd},   Range{0x180e, 0x180e},
                                Range{0x200b, 0x200f}, Range{0x2028, 0x202e}, Range{0x2060, 0x206f},
                                Range{0xfeff, 0xfeff}, Range{0xfff9, 0xfffb}, Range{0xe0000, 0xe007f}};

constexpr std::array kCombining = {Range{0x300, 0x36f},   Range{0x483, 0x489},   Range{0x591, 0x5bd},
                                   Range{0x64b, 0x65f},   Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff},
                                   Range{0x20d0, 0x20ff}, Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}};
constexpr std::array kWide = {Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
                              Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
                              Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
                              Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1faff}, Range{0x20000, 0x3fffd}};

void append_escape(std::string& out, char32_t c) {
  const auto value = static_cast<std::uint32_t>(c);
  out += value > 0xffff ? fmt::format("\\U{:08x}", value) : fmt::format("\\u{:04x}", value);
}

/// RFC 8259 section 7: beyond the basic plane as a surrogate pair.
void append_json_escape(std::string& out, char32_t c) {
  auto value = static_cast<std::uint32_t>(c);
  if (value > 0xffff) {
    value -= 0x10000;
    fmt::format_to(std::back_inserter(out), "\\u{:04x}\\u{:04x}", 0xd800 + (value >> 10), 0xdc00 + (value & 0x3ff));
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", value);
  }
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [c, bytes] = decode(text);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (bytes == 0 || c < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(text.front()));
    } else if (in(c, kHidden)) {
      append_escape(out, c);
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

std::string visible_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const auto [c, bytes] = decode(json);
    if (bytes == 0) {
      append_json_escape(out, 0xfffd);
    } else if (c == 0x7f || in(c, kHidden)) {
      append_json_escape(out, c);
    } else {
      out.append(json.substr(0, bytes));
    }
    json.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = decode(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto [c, bytes] = decode(text);
    columns += in(c, kCombining) ? 0u : in(c, kWide) ? 2u : 1u;
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return columns;
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t used = indent;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    if (used > indent && used + 1 + width(word) > columns) {
      out.append(1, '\n').append(indent, ' ');
      used = indent;
    } else if (used > indent) {
      out.push_back(' ');
      ++used;
    }
    out.append(word);
    used += width(word);
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
  }
  return out;
}

}  // namespace bartizan::cli
