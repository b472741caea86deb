// Whether a folder's files lie encrypted, as far as the system shows it: fscrypt on the folder (its v2 ioctls,
// Linux), dm-crypt below the device, gocryptfs as the mount. What is not known to be so is said not to be held.
#pragma once

#include <filesystem>
#include <string>

namespace bartizan::atrest {

struct Finding {
  bool held = false;
  std::string how;  ///< "fscrypt, AES-256-XTS", or why it is not held
};

[[nodiscard]] Finding inspect(const std::filesystem::path& folder);

}  // namespace bartizan::atrest
