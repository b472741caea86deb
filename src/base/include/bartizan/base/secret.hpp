// Secrets that wipe themselves. Move-only; no comparison, no streaming, no formatting: the
// only way to the bytes is reveal(), which is easy to search for. Compare by crypto::ct_equal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"

namespace bartizan {

/// Overwrites memory in a way that the compiler keeps.
void secure_wipe(void* data, std::size_t size) noexcept;

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  explicit SecretBytes(ByteView source) : bytes_(source.begin(), source.end()) {}
  explicit SecretBytes(std::string_view source) : SecretBytes(as_bytes(source)) {}
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::move(other.bytes_);
    }
    return *this;
  }
  ~SecretBytes() { wipe(); }

  [[nodiscard]] ByteView reveal() const noexcept { return bytes_; }
  [[nodiscard]] std::string_view reveal_chars() const noexcept { return as_chars(bytes_); }
  [[nodiscard]] std::span<std::byte> reveal_mutable() noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] SecretBytes clone() const { return SecretBytes(reveal()); }

 private:
  void wipe() noexcept {
    if (!bytes_.empty()) secure_wipe(bytes_.data(), bytes_.size());
    bytes_.clear();
  }
  Bytes bytes_;
};

}  // namespace bartizan
