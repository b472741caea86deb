// Wire bytes as tests write them: pieces of text, of numbers and of strings, joined.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"

namespace bartizan::pgwire::test {

inline std::string i16(int value) { return {static_cast<char>((value >> 8) & 0xff), static_cast<char>(value & 0xff)}; }
inline std::string i32(std::uint32_t value) {
  return i16(static_cast<int>(value >> 16)) + i16(static_cast<int>(value & 0xffff));
}
/// A String: with its terminator.
inline std::string cstr(std::string_view text) { return std::string(text) + '\0'; }

inline std::string join(std::initializer_list<std::string> pieces) {
  std::string all;
  for (const auto& piece : pieces) all += piece;
  return all;
}

/// A typed message around a payload.
inline std::string message(char type, std::string_view payload) {
  return std::string(1, type) + i32(static_cast<std::uint32_t>(payload.size() + 4)) + std::string(payload);
}

/// A startup-phase packet around what follows its length word.
inline std::string packet(std::string_view body) {
  return i32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}

/// A copy in memory of exactly its size, so that a sanitizer sees a read one byte beyond it.
inline Bytes exact(std::string_view text) {
  Bytes bytes(text.size());
  std::copy(as_bytes(text).begin(), as_bytes(text).end(), bytes.begin());
  return bytes;
}

/// Every proper prefix of payload, and payload with one byte more, must be refused by decode.
template <class Decode>
bool accepts_only_the_whole(const std::string& payload, Decode decode) {
  for (std::size_t cut = 0; cut < payload.size(); ++cut) {
    if (decode(exact(payload.substr(0, cut))).has_value()) return false;
  }
  return decode(exact(payload)).has_value() && !decode(exact(payload + '\0')).has_value();
}

}  // namespace bartizan::pgwire::test
