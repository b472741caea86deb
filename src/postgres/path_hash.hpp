// A short name for a path: FNV-1a, 32 bits, in hexadecimal. For telling instances apart, not for
// security.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bartizan::postgres {

[[nodiscard]] inline std::string path_hash(std::string_view path) {
  std::uint32_t hash = 2166136261u;
  for (const char c : path) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 16777619u;
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(8, '0');
  for (int i = 7; i >= 0; --i, hash >>= 4) text[static_cast<std::size_t>(i)] = kDigits[hash & 15u];
  return text;
}

}  // namespace bartizan::postgres
