// 64-bit big-endian integers, as the journal and the state file have them.
#pragma once

#include <cstdint>

#include "bartizan/base/bytes.hpp"

namespace bartizan::auditlog {

inline void store_be64(std::byte* p, std::uint64_t v) noexcept {
  store_be32(p, static_cast<std::uint32_t>(v >> 32));
  store_be32(p + 4, static_cast<std::uint32_t>(v));
}
[[nodiscard]] inline std::uint64_t load_be64(const std::byte* p) noexcept {
  return (std::uint64_t{load_be32(p)} << 32) | load_be32(p + 4);
}

}  // namespace bartizan::auditlog
