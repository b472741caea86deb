// CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells torn or rotten bytes from good ones. It
// proves nothing against someone who writes the file; that is the tree's work.
#pragma once

#include <cstdint>

#include "bartizan/base/bytes.hpp"

namespace bartizan::auditlog {

[[nodiscard]] std::uint32_t crc32c(ByteView bytes) noexcept;

}  // namespace bartizan::auditlog
