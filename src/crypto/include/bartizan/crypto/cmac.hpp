// AES-CMAC (NIST SP 800-38B, RFC 4493).
#pragma once

#include <array>
#include <cstddef>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::crypto {

inline constexpr std::size_t kCmacSize = 16;

/// InvalidArgument unless the key has 16, 24 or 32 bytes.
[[nodiscard]] Result<std::array<std::byte, kCmacSize>> aes_cmac(ByteView key, ByteView data);

}  // namespace bartizan::crypto
