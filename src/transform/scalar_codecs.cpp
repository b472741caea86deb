#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "bartizan/transform/encrypted_column.hpp"
#include "codecs.hpp"
#include "utf8.hpp"

namespace bartizan::transform {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

struct IntegerRange {
  std::size_t size;
  std::int64_t least;
  std::int64_t most;
};

template <class Int>
constexpr IntegerRange range_of_int() {
  return {sizeof(Int), std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()};
}
IntegerRange range_of(ValueType type) noexcept {
  if (type == ValueType::Int2) return range_of_int<std::int16_t>();
  if (type == ValueType::Int4) return range_of_int<std::int32_t>();
  return range_of_int<std::int64_t>();
}

/// parse_bool of PostgreSQL: any unambiguous beginning of a word.
std::optional<bool> parse_bool(std::string_view text) noexcept {
  if (text == "1") return true;
  if (text == "0") return false;
  const auto begins = [&](std::string_view word, std::size_t least) {
    return text.size() >= least && text.size() <= word.size() && same_word(text, word.substr(0, text.size()));
  };
  if (begins("true", 1) || begins("yes", 1) || begins("on", 2)) return true;
  if (begins("false", 1) || begins("no", 1) || begins("off", 2)) return false;
  return std::nullopt;
}

Result<void> bytea_from_hex(std::string_view digits, BoundedBytes& out) {
  for (std::size_t i = 0; i < digits.size();) {
    const char c = digits[i];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++i;
      continue;
    }
    const int high = hex_value(c);
    const int low = i + 1 < digits.size() ? hex_value(digits[i + 1]) : -1;
    if (high < 0 || low < 0) return invalid_input(ValueType::Bytea);
    out.append_u8(static_cast<unsigned>(high) << 4 | static_cast<unsigned>(low));
    i += 2;
  }
  return {};
}

Result<void> bytea_from_escape(std::string_view text, BoundedBytes& out) {
  const auto octal = [&](std::size_t at, char most) {
    return at < text.size() && text[at] >= '0' && text[at] <= most ? text[at] - '0' : -1;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out.append(text[i++]);
      continue;
    }
    const int a = octal(i + 1, '3'), b = octal(i + 2, '7'), c = octal(i + 3, '7');
    if (i + 1 < text.size() && text[i + 1] == '\\') {
      out.append('\\');
      i += 2;
    } else if (a >= 0 && b >= 0 && c >= 0) {
      out.append_u8(static_cast<unsigned>(a * 64 + b * 8 + c));
      i += 4;
    } else {
      return invalid_input(ValueType::Bytea);
    }
  }
  return {};
}

void bytea_to_escape(ByteView bytes, BoundedBytes& out) {
  for (const auto byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    if (value == '\\') {
      out.append(std::string_view("\\\\"));
    } else if (value < 0x20 || value > 0x7e) {
      const char octal[] = {'\\', static_cast<char>('0' + (value >> 6)), static_cast<char>('0' + ((value >> 3) & 7)),
                            static_cast<char>('0' + (value & 7))};
      out.append(std::string_view(octal, sizeof octal));
    } else {
      out.append(static_cast<char>(value));
    }
  }
}

/// uuid_in of PostgreSQL: braces around it, a hyphen after any second byte.
std::optional<std::array<std::byte, 16>> parse_uuid(std::string_view text) noexcept {
  if (text.starts_with('{')) {
    if (!text.ends_with('}')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  std::array<std::byte, 16> bytes{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (text.size() - at < 2) return std::nullopt;
    const int high = hex_value(text[at]), low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::byte>(high << 4 | low);
    at += 2;
    if (i % 2 == 1 && i + 1 < bytes.size() && at < text.size() && text[at] == '-') ++at;
  }
  if (at != text.size()) return std::nullopt;
  return bytes;
}

}  // namespace

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool same_word(std::string_view text, std::string_view word) noexcept {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != word[i]) return false;
  }
  return true;
}

std::int64_t load_signed(ByteView bytes) noexcept {
  if (bytes.size() == 2) return static_cast<std::int16_t>(load_be16(bytes.data()));
  if (bytes.size() == 4) return static_cast<std::int32_t>(load_be32(bytes.data()));
  return static_cast<std::int64_t>((std::uint64_t{load_be32(bytes.data())} << 32) | load_be32(bytes.data() + 4));
}

Result<void> bool_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) {
    if (wire.size() != 1) return malformed_binary(how.type);
    out.append_u8(wire[0] != std::byte{0} ? 1 : 0);
    return {};
  }
  const auto value = parse_bool(trimmed(as_chars(wire)));
  if (!value) return invalid_input(how.type);
  out.append_u8(*value ? 1 : 0);
  return {};
}

Result<void> bool_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  if (canonical.size() != 1 || canonical[0] > std::byte{1}) return not_canonical();
  if (how.format == WireFormat::Binary)
    out.append(canonical);
  else
    out.append(canonical[0] == std::byte{1} ? 't' : 'f');
  return {};
}

Result<void> integer_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  const auto range = range_of(how.type);
  std::int64_t value = 0;
  if (how.format == WireFormat::Binary) {
    if (wire.size() != range.size) return malformed_binary(how.type);
    value = load_signed(wire);
  } else {
    auto text = trimmed(as_chars(wire));
    if (text.starts_with('+') && text.size() > 1 && is_digit(text[1])) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return out_of_range(how.type);
    if (error != std::errc() || end != text.data() + text.size()) return invalid_input(how.type);
    if (value < range.least || value > range.most) return out_of_range(how.type);
  }
  out.append_be64(static_cast<std::uint64_t>(value));
  return {};
}

Result<void> integer_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  const auto range = range_of(how.type);
  if (canonical.size() != 8) return not_canonical();
  const auto value = load_signed(canonical);
  if (value < range.least || value > range.most) return not_canonical();
  if (how.format == WireFormat::Binary) {
    out.append(canonical.last(range.size));
    return {};
  }
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(std::string_view(digits, end));
  secure_wipe(digits, sizeof digits);
  return {};
}

Result<void> text_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  const auto text = as_chars(wire);
  const auto count = count_utf8(text);
  if (!count) return invalid_input(how.type);
  if (how.type == ValueType::Varchar && how.typmod >= 4) {
    const auto most = static_cast<std::size_t>(how.typmod - 4);
    if (*count > most) {
      const auto kept = utf8_prefix(text, most);
      // The SQL standard lets spaces beyond the length go, and nothing else.
      if (text.find_first_not_of(' ', kept) != std::string_view::npos) return out_of_range(how.type);
      out.append(wire.first(kept));
      return {};
    }
  }
  out.append(wire);
  return {};
}

Result<void> text_from_canonical(const Writing&, ByteView canonical, BoundedBytes& out) {
  out.append(canonical);
  return {};
}

Result<void> bytea_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) {
    out.append(wire);
    return {};
  }
  const auto text = as_chars(wire);
  if (text.starts_with("\\x")) return bytea_from_hex(text.substr(2), out);
  return bytea_from_escape(text, out);
}

Result<void> bytea_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) {
    out.append(canonical);
  } else if (how.settings.bytea_output == ByteaOutput::Escape) {
    bytea_to_escape(canonical, out);
  } else {
    append_bytea_hex(canonical, out);
  }
  return {};
}

void append_bytea_hex(ByteView bytes, BoundedBytes& out) {
  if (bytes.size() > out.room() / 2 || out.room() < 2) {
    (void)out.append_span(out.room() + 1);  // too long: makes it overflow
    return;
  }
  out.append(std::string_view("\\x"));
  const auto digits = out.append_span(2 * bytes.size());
  // Indexed lookups, not arithmetic: two digits a step, which is most of what a COPY of cells writes.
  static constexpr auto kPairs = [] {
    std::array<std::array<std::byte, 2>, 256> pairs{};
    for (std::size_t value = 0; value < pairs.size(); ++value)
      pairs[value] = {static_cast<std::byte>(kHexDigits[value >> 4]), static_cast<std::byte>(kHexDigits[value & 15])};
    return pairs;
  }();
  for (std::size_t i = 0; i < digits.size() / 2; ++i)
    std::memcpy(digits.data() + 2 * i, kPairs[std::to_integer<unsigned>(bytes[i])].data(), 2);
}

Result<void> uuid_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  if (how.format == WireFormat::Binary) {
    if (wire.size() != 16) return malformed_binary(how.type);
    out.append(wire);
    return {};
  }
  const auto bytes = parse_uuid(as_chars(wire));
  if (!bytes) return invalid_input(how.type);
  out.append(*bytes);
  return {};
}

Result<void> uuid_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  if (canonical.size() != 16) return not_canonical();
  if (how.format == WireFormat::Binary) {
    out.append(canonical);
    return {};
  }
  for (std::size_t i = 0; i < canonical.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.append('-');
    const auto value = std::to_integer<unsigned>(canonical[i]);
    out.append(kHexDigits[value >> 4]);
    out.append(kHexDigits[value & 15]);
  }
  return {};
}

}  // namespace bartizan::transform
