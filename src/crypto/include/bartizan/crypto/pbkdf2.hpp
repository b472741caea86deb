// PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2). Slow on purpose: never on an I/O loop with a
// count that a peer chose. The bounds on iterations and lengths are the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {

/// REQUIRES: 1 <= iterations <= 2^31-1, 1 <= length <= 1024, password and salt under 1 MiB.
[[nodiscard]] SecretBytes pbkdf2_hmac_sha256(ByteView password, ByteView salt, std::uint32_t iterations,
                                             std::size_t length);

}  // namespace bartizan::crypto
