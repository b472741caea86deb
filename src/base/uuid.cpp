#include "bartizan/base/uuid.hpp"

#include "bartizan/base/bytes.hpp"

namespace bartizan {

std::string Uuid::to_string() const {
  auto hex = hex_encode(std::as_bytes(std::span(octets)));
  for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
  return hex;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits.push_back(text[i]);
  }
  const auto bytes = hex_decode(digits);
  if (!bytes) return std::nullopt;
  Uuid id;
  for (std::size_t i = 0; i < 16; ++i) id.octets[i] = std::to_integer<std::uint8_t>((*bytes)[i]);
  return id;
}

Uuid Uuid::random(Random& random) {
  Uuid id;
  random.fill(std::as_writable_bytes(std::span(id.octets)));
  id.octets[6] = static_cast<std::uint8_t>((id.octets[6] & 0x0f) | 0x40);
  id.octets[8] = static_cast<std::uint8_t>((id.octets[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace bartizan
