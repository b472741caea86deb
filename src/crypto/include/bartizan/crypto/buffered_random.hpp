// A random source in front of another one, for callers that need a few bytes very often: a
// system call for each would cost more than the encryption that they are for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bartizan/base/clock.hpp"

namespace bartizan::crypto {

/// Unlike other Randoms it is NOT thread-safe: one for each thread. Bytes handed out are wiped
/// from the buffer. A buffer filled before fork(2) is not used after it, in parent or child.
/// A virtual machine cloned while it runs clones the buffer too: users hedge against that
/// (docs/formats/cell.md, "Nonce"), or call drop() when they learn of it. The source outlives it.
class BufferedRandom final : public Random {
 public:
  explicit BufferedRandom(Random& source) : source_(source) {}
  BufferedRandom(const BufferedRandom&) = delete;
  BufferedRandom& operator=(const BufferedRandom&) = delete;
  ~BufferedRandom() override;

  void fill(std::span<std::byte> out) override;
  /// Forgets what is buffered.
  void drop() noexcept;

 private:
  Random& source_;
  std::array<std::byte, 4096> buffer_{};
  std::size_t next_ = buffer_.size();
  std::uint64_t fork_epoch_ = 0;
};

}  // namespace bartizan::crypto
