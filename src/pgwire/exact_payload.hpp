// The last step of every decoder: a message is good only when its payload ends with its last
// field. Bytes that one side would skip are bytes that two sides can read differently.
#pragma once

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/decode_error.hpp"

namespace bartizan::pgwire {

[[nodiscard]] inline tl::unexpected<DecodeError> truncated() noexcept { return tl::unexpected(DecodeError::Truncated); }

template <class Message>
[[nodiscard]] Decoded<Message> at_end(const ByteReaderView& reader, const Message& message) noexcept {
  if (!reader.at_end()) return tl::unexpected(DecodeError::TrailingBytes);
  return message;
}

}  // namespace bartizan::pgwire
