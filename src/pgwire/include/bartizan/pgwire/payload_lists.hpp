// The repeated fields inside a payload, iterated in place. Each type is made by read(), which
// walks the list once and consumes it, so that iterating needs no further check. All are views:
// valid as long as the payload's bytes are, copied freely, used by any one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/decode_error.hpp"

namespace bartizan::pgwire {

/// Int16[count] (format codes).
class Int16ListView {
 public:
  Int16ListView() = default;
  /// Reads the Int16 count and that many elements.
  [[nodiscard]] static Decoded<Int16ListView> read(ByteReaderView& reader) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / 2; }
  /// REQUIRES: i < size()
  [[nodiscard]] std::int16_t operator[](std::size_t i) const noexcept {
    return static_cast<std::int16_t>(load_be16(bytes_.subspan(2 * i, 2).data()));
  }
  /// The elements as on the wire, for relaying them.
  [[nodiscard]] ByteView wire() const noexcept { return bytes_; }

 private:
  ByteView bytes_;
};

/// Int32[count] (type oids).
class OidListView {
 public:
  OidListView() = default;
  [[nodiscard]] static Decoded<OidListView> read(ByteReaderView& reader) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / 4; }
  /// REQUIRES: i < size()
  [[nodiscard]] std::uint32_t operator[](std::size_t i) const noexcept {
    return load_be32(bytes_.subspan(4 * i, 4).data());
  }
  [[nodiscard]] ByteView wire() const noexcept { return bytes_; }

 private:
  ByteView bytes_;
};

/// The format code of parameter or column i under the protocol's rule: none given means text
/// for all, one given means that one for all. REQUIRES: formats.size() is 0, 1 or above i.
[[nodiscard]] inline std::int16_t format_of(const Int16ListView& formats, std::size_t i) noexcept {
  if (formats.size() == 0) return 0;
  return formats.size() == 1 ? formats[0] : formats[i];
}

/// Length-prefixed values (Bind parameters, DataRow columns): nullopt is SQL NULL (length -1).
class ValueListView {
 public:
  class Iterator {
   public:
    using value_type = std::optional<ByteView>;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    [[nodiscard]] value_type operator*() const noexcept {
      const auto length = load_be32(at_);
      if (length == kNull) return std::nullopt;
      return ByteView(at_ + 4, length);
    }
    Iterator& operator++() noexcept {
      const auto length = load_be32(at_);
      at_ += 4 + (length == kNull ? 0 : length);
      --left_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return left_ == other.left_; }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return left_ == 0; }

   private:
    friend class ValueListView;
    Iterator(const std::byte* at, std::size_t left) noexcept : at_(at), left_(left) {}
    const std::byte* at_ = nullptr;
    std::size_t left_ = 0;
  };

  ValueListView() = default;
  /// Reads the Int16 count and that many values. A length below -1 is BadValue.
  [[nodiscard]] static Decoded<ValueListView> read(ByteReaderView& reader) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Iterator begin() const noexcept { return {bytes_.data(), count_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  /// Lengths and values as on the wire.
  [[nodiscard]] ByteView wire() const noexcept { return bytes_; }

 private:
  static constexpr std::uint32_t kNull = 0xffffffff;
  ByteView bytes_;
  std::size_t count_ = 0;
};

/// NUL-terminated strings, one after the other.
class StringListView {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    [[nodiscard]] std::string_view operator*() const noexcept { return rest_.substr(0, rest_.find('\0')); }
    Iterator& operator++() noexcept {
      rest_.remove_prefix(rest_.find('\0') + 1);
      return *this;
    }
    Iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return rest_.size() == other.rest_.size(); }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return rest_.empty(); }

   private:
    friend class StringListView;
    explicit Iterator(std::string_view rest) noexcept : rest_(rest) {}
    std::string_view rest_;
  };

  StringListView() = default;
  /// Exactly count strings.
  [[nodiscard]] static Decoded<StringListView> read(ByteReaderView& reader, std::size_t count) noexcept;
  /// Strings until an empty one, which is consumed and not part of the list.
  [[nodiscard]] static Decoded<StringListView> read_until_empty(ByteReaderView& reader) noexcept;
  [[nodiscard]] bool empty() const noexcept { return chars_.empty(); }
  [[nodiscard]] bool contains(std::string_view text) const noexcept;
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(chars_); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::string_view chars_;  ///< with every terminator
};

}  // namespace bartizan::pgwire
