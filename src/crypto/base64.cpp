#include "bartizan/crypto/base64.hpp"

#include <array>
#include <cstdint>

namespace bartizan::crypto {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xff;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

std::uint8_t value_of(char c) noexcept { return kValues[static_cast<unsigned char>(c)]; }

}  // namespace

std::string base64_encode(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto octet = [&](std::size_t at) {
      return at < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at]) : 0U;
    };
    const std::uint32_t group = (octet(i) << 16) | (octet(i + 1) << 8) | octet(i + 2);
    text += kAlphabet[group >> 18];
    text += kAlphabet[(group >> 12) & 63];
    text += i + 1 < bytes.size() ? kAlphabet[(group >> 6) & 63] : '=';
    text += i + 2 < bytes.size() ? kAlphabet[group & 63] : '=';
  }
  return text;
}

Result<Bytes> base64_decode(std::string_view text, std::size_t max_bytes) {
  if (text.size() % 4 != 0) return fail(Errc::Malformed, "base64: length is not a multiple of 4");
  if (text.empty()) return Bytes{};
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t size = text.size() / 4 * 3 - padding;
  if (size > max_bytes) return fail(Errc::TooLarge, "base64: too long");

  Bytes bytes;
  bytes.reserve(size);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::uint8_t value = j < digits ? value_of(text[i + j]) : std::uint8_t{0};
      if (value == kInvalid) return fail(Errc::Malformed, "base64: not a character of the alphabet");
      group = (group << 6) | value;
    }
    const std::uint32_t unused_bits = digits == 4 ? 0U : digits == 3 ? 0xffU : 0xffffU;
    if ((group & unused_bits) != 0) return fail(Errc::Malformed, "base64: bits under the padding");
    for (std::size_t j = 0; j + 1 < digits; ++j)
      bytes.push_back(static_cast<std::byte>((group >> (16 - 8 * j)) & 0xff));
  }
  return bytes;
}

}  // namespace bartizan::crypto
