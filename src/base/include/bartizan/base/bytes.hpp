// Byte ranges and the bounded cursors over them. Readers never read past their span; a failed
// read leaves the cursor where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_chars(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes to_bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

[[nodiscard]] std::string hex_encode(ByteView bytes);
/// nullopt unless text is an even number of hexadecimal digits.
[[nodiscard]] std::optional<Bytes> hex_decode(std::string_view text);

[[nodiscard]] inline std::uint16_t load_be16(const std::byte* p) noexcept {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(p[0]) << 8) | std::to_integer<unsigned>(p[1]));
}
[[nodiscard]] inline std::uint32_t load_be32(const std::byte* p) noexcept {
  return (std::to_integer<std::uint32_t>(p[0]) << 24) | (std::to_integer<std::uint32_t>(p[1]) << 16) |
         (std::to_integer<std::uint32_t>(p[2]) << 8) | std::to_integer<std::uint32_t>(p[3]);
}
inline void store_be16(std::byte* p, std::uint16_t v) noexcept {
  p[0] = static_cast<std::byte>(v >> 8);
  p[1] = static_cast<std::byte>(v & 0xff);
}
inline void store_be32(std::byte* p, std::uint32_t v) noexcept {
  p[0] = static_cast<std::byte>(v >> 24);
  p[1] = static_cast<std::byte>((v >> 16) & 0xff);
  p[2] = static_cast<std::byte>((v >> 8) & 0xff);
  p[3] = static_cast<std::byte>(v & 0xff);
}

/// Big-endian cursor over a view that it does not own. Thread: any one; lifetime: the view's.
class ByteReaderView {
 public:
  explicit ByteReaderView(ByteView bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] bool at_end() const noexcept { return remaining() == 0; }

  [[nodiscard]] std::optional<std::uint8_t> u8() noexcept {
    if (remaining() < 1) return std::nullopt;
    return std::to_integer<std::uint8_t>(bytes_[position_++]);
  }
  [[nodiscard]] std::optional<std::uint16_t> be16() noexcept {
    if (remaining() < 2) return std::nullopt;
    const auto v = load_be16(bytes_.data() + position_);
    position_ += 2;
    return v;
  }
  [[nodiscard]] std::optional<std::uint32_t> be32() noexcept {
    if (remaining() < 4) return std::nullopt;
    const auto v = load_be32(bytes_.data() + position_);
    position_ += 4;
    return v;
  }
  [[nodiscard]] std::optional<ByteView> bytes(std::size_t count) noexcept {
    if (remaining() < count) return std::nullopt;
    const auto v = bytes_.subspan(position_, count);
    position_ += count;
    return v;
  }
  /// Up to and not including the next NUL, which is consumed too.
  [[nodiscard]] std::optional<std::string_view> cstring() noexcept {
    const auto rest = as_chars(bytes_.subspan(position_));
    const auto nul = rest.find('\0');
    if (nul == std::string_view::npos) return std::nullopt;
    position_ += nul + 1;
    return rest.substr(0, nul);
  }

 private:
  ByteView bytes_;
  std::size_t position_ = 0;
};

}  // namespace bartizan
