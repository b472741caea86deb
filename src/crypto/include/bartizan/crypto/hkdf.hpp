// HKDF with SHA-256 (RFC 5869): keys from a key. Not for passwords (see pbkdf2.hpp).
#pragma once

#include <cstddef>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {

/// RFC 5869 section 2.3: L <= 255 * HashLen.
inline constexpr std::size_t kHkdfMaxLength = 255 * 32;

/// Section 2.2: the pseudo-random key, 32 bytes. An empty salt is the RFC's string of zeros.
[[nodiscard]] SecretBytes hkdf_extract(ByteView salt, ByteView input_key);
/// Section 2.3. InvalidArgument when length is 0 or over kHkdfMaxLength.
[[nodiscard]] Result<SecretBytes> hkdf_expand(ByteView pseudo_random_key, ByteView info, std::size_t length);
/// Both steps.
[[nodiscard]] Result<SecretBytes> hkdf(ByteView input_key, ByteView salt, ByteView info, std::size_t length);

}  // namespace bartizan::crypto
