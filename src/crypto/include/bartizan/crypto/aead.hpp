// Sealing of small secrets at rest (secret columns of the control database) with AES-256-GCM
// (NIST SP 800-38D). A sealed value is: nonce (12 bytes, random) || ciphertext || tag (16).
// The associated data binds it to its place (table, column, row id), so that a sealed value
// copied elsewhere does not open there. It carries no key id and no version: whoever stores it
// says which key it is under. Random nonces: at most 2^32 seals under one key.
#pragma once

#include <cstddef>
#include <utility>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {

inline constexpr std::size_t kSealOverhead = 12 + 16;
/// Of plaintext and of associated data each; secrets are small, and this bounds every length.
inline constexpr std::size_t kSealMaxBytes = std::size_t{16} * 1024 * 1024;

/// A 256-bit key. Move-only, wiped at its end. seal and open are const and thread-safe.
class SealingKey {
 public:
  static constexpr std::size_t kSize = 32;

  /// InvalidArgument unless it is exactly kSize bytes.
  [[nodiscard]] static Result<SealingKey> from_bytes(SecretBytes bytes);
  [[nodiscard]] static SealingKey generate(Random& random);

  /// For writing the key file; nothing else needs it.
  [[nodiscard]] const SecretBytes& bytes() const noexcept { return bytes_; }

  /// TooLarge over kSealMaxBytes; no other failure.
  [[nodiscard]] Result<Bytes> seal(ByteView plaintext, ByteView aad, Random& random) const;
  /// Errc::Crypto with one and the same detail, whatever was wrong: length, key, aad or tag.
  [[nodiscard]] Result<SecretBytes> open(ByteView sealed, ByteView aad) const;

 private:
  explicit SealingKey(SecretBytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes bytes_;
};

}  // namespace bartizan::crypto
