// Ed25519 (RFC 8032) over OpenSSL, as notes need it: a 32-byte seed signs, a 32-byte key verifies.
#pragma once

#include <array>

#include "bartizan/base/bytes.hpp"

namespace bartizan::audit {

inline constexpr std::size_t kEd25519Seed = 32;
inline constexpr std::size_t kEd25519Signature = 64;

/// REQUIRES: seed is 32 bytes. A failure of the library aborts.
[[nodiscard]] std::array<std::byte, 32> ed25519_public_key(ByteView seed);
[[nodiscard]] std::array<std::byte, 64> ed25519_sign(ByteView seed, ByteView message);
[[nodiscard]] bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

}  // namespace bartizan::audit
