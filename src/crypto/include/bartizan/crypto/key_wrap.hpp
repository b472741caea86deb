// Keys wrapped under keys: AES key wrap with padding (RFC 5649, "KWP") for any length, and the
// older one without (RFC 3394, "KW") for multiples of 8 bytes; both are NIST SP 800-38F. They
// need no nonce and take no associated data: bind a context by deriving the wrapping key from it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {

enum class KeyWrapMode : std::uint8_t {
  Padded,    ///< RFC 5649
  Unpadded,  ///< RFC 3394: at least 16 bytes, a multiple of 8
};
/// Of what is wrapped: keys, not files.
inline constexpr std::size_t kKeyWrapMaxBytes = 4096;

/// InvalidArgument unless wrapping_key has 16, 24 or 32 bytes and key a length that the mode takes.
[[nodiscard]] Result<Bytes> wrap_key(KeyWrapMode mode, ByteView wrapping_key, const SecretBytes& key);
/// Errc::Crypto with one and the same detail, whatever was wrong with the wrapped bytes.
[[nodiscard]] Result<SecretBytes> unwrap_key(KeyWrapMode mode, ByteView wrapping_key, ByteView wrapped);

}  // namespace bartizan::crypto
