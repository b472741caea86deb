// Entry bundles as Zstandard frames (RFC 8878), as cold ones stand on disk (docs/formats/audit-log.md,
// "Cold bundles"). What a frame holds is the bundle's bytes, so no hash and no proof knows of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/audit/tile.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

/// "tile/entries/x001/234.zst": of a full bundle.
[[nodiscard]] std::string compressed_path(std::uint64_t bundle);
/// Behind that name, until it is whole.
inline constexpr std::string_view kHalfMade = ".new";

/// One frame that says its content's size and checksum.
[[nodiscard]] Result<Bytes> compress_bundle(ByteView bundle);
/// Malformed unless it is exactly one such frame, of at most max_bytes of content.
[[nodiscard]] Result<Bytes> decompress_bundle(ByteView frame, std::size_t max_bytes);

}  // namespace bartizan::auditlog
