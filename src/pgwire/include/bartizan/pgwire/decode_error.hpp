// Why a payload could not be decoded: one byte in the hot path, made an Error (with its text)
// only where a session ends because of it.
#pragma once

#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>

#include "bartizan/base/result.hpp"

namespace bartizan::pgwire {

enum class DecodeError : std::uint8_t {
  Truncated,      ///< a field reaches beyond the message, or a string has no end
  TrailingBytes,  ///< bytes after the last field
  BadValue,       ///< a field has a value that the protocol does not know
};

template <class T>
using Decoded = tl::expected<T, DecodeError>;

/// In PostgreSQL's words.
[[nodiscard]] std::string_view to_string(DecodeError error) noexcept;

/// Errc::Malformed, naming the message ("Bind: insufficient data left in message").
[[nodiscard]] Error as_error(DecodeError error, std::string_view message_name);

}  // namespace bartizan::pgwire
