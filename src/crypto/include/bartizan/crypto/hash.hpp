// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), one call each. They cannot fail for a reason
// outside the program: a missing algorithm is a broken installation and aborts.
// Thread-safe. A digest that is itself a secret (a derived key) is the caller's to wipe.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "bartizan/base/bytes.hpp"

namespace bartizan::crypto {

inline constexpr std::size_t kSha256Size = 32;
using Digest256 = std::array<std::byte, kSha256Size>;

[[nodiscard]] Digest256 sha256(ByteView data);
/// The hash of the parts one after the other, without joining them in memory. The parts are not
/// delimited: whoever needs that puts lengths or a prefix among them.
[[nodiscard]] Digest256 sha256_concat(std::initializer_list<ByteView> parts);

[[nodiscard]] Digest256 hmac_sha256(ByteView key, ByteView data);

}  // namespace bartizan::crypto
