// HMAC-SHA-256 (RFC 2104) under a key that is used often: its padded key blocks are hashed once,
// a message then costs its own blocks only. For single uses there is hmac_sha256 in hash.hpp.
#pragma once

#include <initializer_list>
#include <memory>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::crypto {

/// One key, wiped at its end. Not thread-safe: make one for each thread.
class HmacSha256Key {
 public:
  explicit HmacSha256Key(ByteView key);
  HmacSha256Key(HmacSha256Key&&) noexcept;
  HmacSha256Key& operator=(HmacSha256Key&&) noexcept;
  ~HmacSha256Key();

  /// Of the parts one after the other; they are not delimited.
  [[nodiscard]] Digest256 mac(std::initializer_list<ByteView> parts);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::crypto
