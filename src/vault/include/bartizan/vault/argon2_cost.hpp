// How costly it is to try a passphrase.
#pragma once

#include <cstdint>

namespace bartizan::vault {

/// The parameters of Argon2id (RFC 9106). By default its section 4, second recommended choice.
struct Argon2Cost {
  std::uint32_t memory_kib = 64 * 1024;  ///< at least 8 for each lane, at most 4 GiB
  std::uint32_t passes = 3;              ///< 1 to 64
  std::uint32_t lanes = 4;               ///< 1 to 16
  friend bool operator==(const Argon2Cost&, const Argon2Cost&) = default;

  [[nodiscard]] bool is_valid() const noexcept {
    return lanes >= 1 && lanes <= 16 && passes >= 1 && passes <= 64 && memory_kib >= 8 * lanes &&
           memory_kib <= 4 * 1024 * 1024;
  }
};

}  // namespace bartizan::vault
