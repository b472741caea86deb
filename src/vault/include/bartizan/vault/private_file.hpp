// A file that nobody else may read, written as a whole.
#pragma once

#include <filesystem>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::vault {

/// NotFound; PermissionDenied unless it is a plain file of this user or root that others may
/// neither read nor write; TooLarge; Io.
[[nodiscard]] Result<SecretBytes> read_private_file(const std::filesystem::path& path, std::size_t max_bytes);

enum class Replace : std::uint8_t { No, Yes };
/// Mode 0600, durable when it returns: the former content or the new one, whenever it is cut.
/// AlreadyExists when it does and replace is No.
[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& path, ByteView content, Replace replace,
                                              Random& random);

}  // namespace bartizan::vault
