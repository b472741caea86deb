// Output with a limit, and scratch that is wiped: a transformed field may grow (numeric 1e131071
// is eight characters on the wire), so whoever asks for it says how far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::transform {

/// Appends to a Bytes that outlives it, limit bytes at most. An append that would pass the limit
/// adds nothing and sets overflowed(), which sticks: write all, look once. Not thread-safe.
class BoundedBytes {
 public:
  BoundedBytes(Bytes& out, std::size_t limit) noexcept : out_(out), start_(out.size()), limit_(limit) {}

  void append(ByteView bytes) {
    if (take(bytes.size())) out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void append(std::string_view text) { append(as_bytes(text)); }
  void append(char c) {
    if (take(1)) out_.push_back(static_cast<std::byte>(c));
  }
  void append_u8(unsigned value) {
    if (take(1)) out_.push_back(static_cast<std::byte>(value & 0xff));
  }
  void append_be16(std::uint16_t value) { store_be16(extend(2), value); }
  void append_be32(std::uint32_t value) { store_be32(extend(4), value); }
  void append_be64(std::uint64_t value) {
    std::byte* at = extend(8);
    store_be32(at, static_cast<std::uint32_t>(value >> 32));
    store_be32(at + 4, static_cast<std::uint32_t>(value & 0xffffffff));
  }
  /// Room for count bytes, zeroed; empty when it does not fit.
  [[nodiscard]] std::span<std::byte> append_span(std::size_t count) {
    if (!take(count)) return {};
    out_.resize(out_.size() + count);
    return std::span(out_).last(count);
  }

  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// What this object has appended.
  [[nodiscard]] std::size_t size() const noexcept { return out_.size() - start_; }
  [[nodiscard]] std::size_t room() const noexcept { return overflowed_ ? 0 : limit_ - size(); }
  [[nodiscard]] ByteView view() const noexcept { return ByteView(out_).subspan(start_); }
  /// REQUIRES: at < size()
  void patch(std::size_t at, unsigned value) noexcept { out_[start_ + at] = static_cast<std::byte>(value & 0xff); }
  /// Takes back what was appended beyond size, wiping it.
  void truncate(std::size_t size) noexcept {
    secure_wipe(out_.data() + start_ + size, out_.size() - start_ - size);
    out_.resize(start_ + size);
  }

 private:
  bool take(std::size_t count) noexcept {
    if (overflowed_ || count > limit_ - size()) overflowed_ = true;
    return !overflowed_;
  }
  /// Somewhere to write even when it does not fit.
  std::byte* extend(std::size_t count) {
    const auto room = append_span(count);
    return room.empty() ? spare_ : room.data();
  }

  Bytes& out_;
  std::size_t start_;
  std::size_t limit_;
  bool overflowed_ = false;
  std::byte spare_[8]{};
};

/// A buffer for plaintext, used again and again without allocating: wiped whenever it is cleared
/// and at its end. Growing it may leave a copy in freed memory, so reserve for the usual field
/// and use() wipes the old one itself. Move-only. Not thread-safe.
class WipedBytes {
 public:
  WipedBytes() { bytes_.reserve(256); }
  WipedBytes(const WipedBytes&) = delete;
  WipedBytes& operator=(const WipedBytes&) = delete;
  WipedBytes(WipedBytes&&) noexcept = default;
  WipedBytes& operator=(WipedBytes&&) noexcept = default;
  ~WipedBytes() { clear(); }

  /// Empty, with room for at least capacity bytes, so that filling it does not move it.
  [[nodiscard]] Bytes& use(std::size_t capacity) {
    clear();
    if (capacity > bytes_.capacity()) bytes_.reserve(capacity);
    return bytes_;
  }
  [[nodiscard]] ByteView view() const noexcept { return bytes_; }
  /// Adds to what is there; the former place is wiped when it moves.
  void append(ByteView more) {
    if (more.size() > bytes_.capacity() - bytes_.size()) {
      Bytes larger;
      larger.reserve(2 * bytes_.size() + more.size());
      larger.assign(bytes_.begin(), bytes_.end());
      secure_wipe(bytes_.data(), bytes_.size());
      bytes_ = std::move(larger);
    }
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  /// REQUIRES: count <= view().size()
  void drop_front(std::size_t count) noexcept {
    const auto kept = bytes_.size() - count;
    std::memmove(bytes_.data(), bytes_.data() + count, kept);
    secure_wipe(bytes_.data() + kept, count);
    bytes_.resize(kept);
  }
  void clear() noexcept {
    secure_wipe(bytes_.data(), bytes_.size());
    bytes_.clear();
  }

 private:
  Bytes bytes_;
};

}  // namespace bartizan::transform
