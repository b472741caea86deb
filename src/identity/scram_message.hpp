// The attribute=value lists that SCRAM messages are (RFC 5802 sections 5.1 and 7). Strict: no
// NUL, no empty attribute, no comma at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::identity {

struct ScramAttribute {
  char name = 0;
  std::string_view value;  ///< of the message; may be empty
};

/// A cursor over a message that it does not own.
class ScramAttributeReaderView {
 public:
  explicit ScramAttributeReaderView(std::string_view message) noexcept : message_(message) {}

  [[nodiscard]] bool at_end() const noexcept { return position_ == message_.size(); }
  /// Where the next attribute begins.
  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] Result<ScramAttribute> next();
  /// The value of the next attribute, which must have this name.
  [[nodiscard]] Result<std::string_view> expect(char name);

 private:
  std::string_view message_;
  std::size_t position_ = 0;
};

/// TooLarge over the limit, Malformed where it holds a NUL.
[[nodiscard]] Result<void> check_scram_message(std::string_view message, std::size_t max_size);

/// Printable ASCII without comma, at least one character (RFC 5802 section 7, "printable").
[[nodiscard]] bool is_scram_nonce(std::string_view text) noexcept;

/// A decimal number from 1 to max, no sign, no leading zero. Malformed; TooLarge over max.
[[nodiscard]] Result<std::uint32_t> parse_iterations(std::string_view text, std::uint32_t max);

}  // namespace bartizan::identity
