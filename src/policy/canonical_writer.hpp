// The one way to write an outcome as bytes: every text by its length (4 bytes, big-endian) and
// its bytes, every count as 4 bytes, every small value as one. Nothing is implied, nothing
// optional, so equal bytes mean equal values (docs/adr/0041).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::policy {

class CanonicalWriter {
 public:
  /// `format` names what follows and its version.
  explicit CanonicalWriter(std::string_view format) { text(format); }

  void octet(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
  void count(std::size_t value) {
    BZ_ASSERT(value <= std::numeric_limits<std::uint32_t>::max());
    std::byte raw[4];
    store_be32(raw, static_cast<std::uint32_t>(value));
    bytes_.insert(bytes_.end(), std::begin(raw), std::end(raw));
  }
  void text(std::string_view value) {
    count(value.size());
    const ByteView view = as_bytes(value);
    bytes_.insert(bytes_.end(), view.begin(), view.end());
  }
  void texts(const std::vector<std::string>& values) {
    count(values.size());
    for (const std::string& value : values) text(value);
  }
  [[nodiscard]] Bytes bytes() && { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace bartizan::policy
