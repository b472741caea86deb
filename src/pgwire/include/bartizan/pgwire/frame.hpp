// Where a message starts and ends: type byte, then a length word that counts itself but not the
// type (PostgreSQL manual, "Message Formats"). The relay's hot path: no allocation, no payload
// byte touched. Limits are the caller's, by message type and phase: see message_types.hpp.
#pragma once

#include <cstdint>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/message_types.hpp"

namespace bartizan::pgwire {

enum class FrameStatus : std::uint8_t {
  NeedMore,   ///< the header is not complete
  Ok,
  Malformed,  ///< a length no sender can mean: the stream can't be followed any further
};

inline constexpr std::size_t kFrameHeaderBytes = 5;

struct FrameHeader {
  char type = 0;
  std::uint32_t length = 4;  ///< as on the wire: itself and the payload

  /// 64 bits: a hostile length must not wrap.
  [[nodiscard]] constexpr std::uint64_t total_bytes() const noexcept { return std::uint64_t{1} + length; }
  [[nodiscard]] constexpr std::uint32_t payload_bytes() const noexcept { return length - 4; }
};

/// Reads the header at the front of bytes, which may hold more or less than that message.
/// header is written only with Ok, and then 4 <= length <= INT32_MAX.
[[nodiscard]] inline FrameStatus peek_frame(ByteView bytes, FrameHeader& header) noexcept {
  if (bytes.size() < kFrameHeaderBytes) return FrameStatus::NeedMore;
  const auto length = load_be32(bytes.data() + 1);
  if (length - 4 > 0x7fffffffu - 4) return FrameStatus::Malformed;  // below 4, or negative in Int32
  header.type = std::to_integer<char>(bytes[0]);
  header.length = length;
  return FrameStatus::Ok;
}

/// The same for a packet of the startup phase, which has no type byte; length counts itself.
/// Malformed where PostgreSQL says "invalid length of startup packet".
[[nodiscard]] inline FrameStatus peek_startup(ByteView bytes, std::uint32_t& length) noexcept {
  if (bytes.size() < 4) return FrameStatus::NeedMore;
  const auto wire = load_be32(bytes.data());
  if (wire < 8 || wire > kMaxStartupBytes + 4) return FrameStatus::Malformed;
  length = wire;
  return FrameStatus::Ok;
}

}  // namespace bartizan::pgwire
