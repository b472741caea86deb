// XAES-256-GCM (C2SP XAES-256-GCM): AES-256-GCM under a key derived from the first half of a
// 192-bit nonce by the counter-mode KDF of NIST SP 800-108r1 with AES-CMAC. Its nonces are long
// enough to be drawn at random for 2^80 messages, and each message has a GCM key of its own.
// It does not commit to its key: whoever opens must know which key it is, never try several.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {

/// One key. Not thread-safe, const or not: it holds OpenSSL's contexts; make one for each thread.
/// The expanded key is wiped at its end. Move-only.
class Xaes256Gcm {
 public:
  static constexpr std::size_t kKeySize = 32;
  static constexpr std::size_t kNonceSize = 24;
  static constexpr std::size_t kTagSize = 16;
  /// Of a message and of its associated data.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
  using NonceView = std::span<const std::byte, kNonceSize>;

  /// InvalidArgument unless the key has kKeySize bytes.
  [[nodiscard]] static Result<Xaes256Gcm> from_key(ByteView key);

  Xaes256Gcm(Xaes256Gcm&&) noexcept;
  Xaes256Gcm& operator=(Xaes256Gcm&&) noexcept;
  ~Xaes256Gcm();

  /// Writes ciphertext and tag. The nonce is the caller's to make unique for this key.
  /// REQUIRES: out.size() == plaintext.size() + kTagSize; both inputs within kMaxBytes; out
  /// overlaps neither.
  void seal(NonceView nonce, ByteView aad, ByteView plaintext, std::span<std::byte> out);

  /// False, with out wiped, unless every bit of nonce, aad and sealed is as it was sealed.
  /// REQUIRES: out.size() + kTagSize == sealed.size(), within kMaxBytes; out does not overlap.
  [[nodiscard]] bool open(NonceView nonce, ByteView aad, ByteView sealed, std::span<std::byte> out);

 private:
  struct State;
  explicit Xaes256Gcm(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::crypto
