// The parts of an index segment that are compressed: lists of positions as gaps or as bits, whichever
// is shorter, and times as differences (docs/formats/audit-index.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bartizan/base/bytes.hpp"

namespace bartizan::auditlog {

/// REQUIRES: positions rise and are below count.
void append_positions(Bytes& out, std::span<const std::uint32_t> positions, std::uint32_t count);
/// nullopt unless bytes are such a list.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> decode_positions(ByteView bytes, std::uint32_t count);

/// Sets their bits. False unless bytes are such a list. REQUIRES: bits has room for count.
[[nodiscard]] bool mark_positions(ByteView bytes, std::uint32_t count, std::span<std::uint64_t> bits);

void append_times(Bytes& out, std::span<const std::int64_t> times, std::int64_t base);
[[nodiscard]] std::optional<std::vector<std::int64_t>> decode_times(ByteView bytes, std::uint32_t count,
                                                                    std::int64_t base);

}  // namespace bartizan::auditlog
