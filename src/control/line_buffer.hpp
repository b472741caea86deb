// Bytes in, lines out, bounded: the admin socket's framing, without the socket.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::control {

/// Lines may hold passwords, so what was read is wiped once it has been used.
/// Positions: begin_ <= scanned_ <= end_ <= size of bytes_; no newline in [begin_, scanned_).
class LineBuffer {
 public:
  explicit LineBuffer(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}
  /// Where to read into, at least one byte. Ends the life of the last line.
  [[nodiscard]] std::span<std::byte> prepare();
  /// So many of them were read.
  void commit(std::size_t count) noexcept { end_ += count; }
  /// The next whole line, without its newline, valid until the next call of anything here;
  /// nullopt: more bytes are needed. TooLarge: the line is longer than it may be.
  [[nodiscard]] Result<std::optional<std::string_view>> next();
  /// Bytes of a line that has begun.
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

 private:
  void drop_used() noexcept;

  std::size_t max_line_bytes_;
  SecretBytes bytes_;
  std::size_t used_ = 0;  ///< handed out and not yet wiped: [used_, begin_)
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t end_ = 0;
};

}  // namespace bartizan::control
