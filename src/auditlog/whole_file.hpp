// Small files, whole: read with a bound, or replaced so that a crash leaves the old or the new one.
#pragma once

#include <string>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

/// TooLarge over max_bytes.
[[nodiscard]] Result<Bytes> read_whole(FileLayer& files, const std::string& path, std::uint64_t max_bytes);
/// Written and synced; its name is durable only after the folder's sync.
[[nodiscard]] Result<void> write_whole(FileLayer& files, const std::string& path, ByteView bytes);
/// Atomic and durable.
[[nodiscard]] Result<void> replace_whole(FileLayer& files, const std::string& directory, const std::string& name,
                                         ByteView bytes);

}  // namespace bartizan::auditlog
