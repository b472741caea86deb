// An ext4 file system in a sparse file (docs/formats/at-rest.md): made, mounted, grown with the disk around it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "bartizan/base/result.hpp"

namespace bartizan::atrest {

inline constexpr std::uint64_t kSmallestImage = std::uint64_t{256} << 20;

/// Unsupported, with what is missing: the right to mount, loop devices, mkfs.ext4.
[[nodiscard]] Result<void> can_have_image();
/// A new one. bytes 0: nearly as large as what the disk has free. Unsupported: less than kSmallestImage.
[[nodiscard]] Result<void> make_image(const std::string& image, std::uint64_t bytes);
/// Grown before that, should bytes or the disk's free space (bytes 0) say so. Unavailable: still in use elsewhere
/// when patience is over. REQUIRES: leave_host_mounts().
[[nodiscard]] Result<void> mount_image(const std::string& image, const std::string& folder, std::uint64_t bytes,
                                       std::chrono::milliseconds patience);

}  // namespace bartizan::atrest
