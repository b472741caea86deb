// Writing to a peer that may be slow: what it takes at once, and the rest kept until it can.
#pragma once

#include "bartizan/net/stream.hpp"
#include "bartizan/session/byte_runs.hpp"

namespace bartizan::proxy {

/// Takes count bytes from the front; the place that they and the rest have left is wiped. REQUIRES: count <= size.
void drop_front(Bytes& bytes, std::size_t count) noexcept;

/// Bytes in the order in which they are to be written. Taking from the front is linear in what is
/// taken, however much stands behind it. Not thread-safe.
class WaitingBytes {
 public:
  [[nodiscard]] bool empty() const noexcept { return written_ == bytes_.size(); }
  [[nodiscard]] ByteView left() const noexcept { return ByteView(bytes_).subspan(written_); }
  void append(ByteView more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  /// REQUIRES: count <= left().size()
  void take(std::size_t count);

 private:
  Bytes bytes_;
  std::size_t written_ = 0;  // of bytes_, from the front
};

/// Writes what the peer takes at once; the rest is appended to waiting. False when the peer is gone.
[[nodiscard]] bool send_now(net::Stream& stream, const session::ByteRuns& runs, WaitingBytes& waiting);

/// Until waiting is written, or the stream has ended: false. Both must outlive the coroutine.
[[nodiscard]] net::Task<bool> flush_waiting(net::Stream& stream, WaitingBytes& waiting);

}  // namespace bartizan::proxy
