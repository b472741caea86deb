// Random tokens (docs/formats/vault.md): what stands in a column in the place of a value says nothing of it. Which value it
// stands for is in the depot's vault, sealed; here is what a session sends there, and what it gets.
#pragma once

#include "bartizan/base/clock.hpp"
#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/transform/format_tokens.hpp"

namespace bartizan::transform {

/// So many tokens are offered for a value; of a domain that has no more, each of it once.
inline constexpr std::size_t kFewTokens = 1024;
inline constexpr std::size_t kOfferedTokens = 64;

/// Of one column. Not thread-safe; holds no key.
class VaultTokens {
 public:
  /// InvalidArgument: as check_shape().
  [[nodiscard]] static Result<VaultTokens> make(const TokenShape& shape);

  /// Appends the text of an entry: its cell in hexadecimal, then the tokens that it may have, by random; a line each.
  /// InvalidArgument: the value has other characters, or none of the alphabet.
  [[nodiscard]] Result<void> entry(ColumnCipher& cipher, ByteView value, Random& random, BoundedBytes& out) const;
  /// Appends the text by which the entry of a value is found: its blind index.
  [[nodiscard]] static Result<void> looked_for(ColumnCipher& cipher, ByteView value, BoundedBytes& out);
  /// Appends the value of an entry's cell. Crypto, with kCellDoesNotOpen, for what is none.
  [[nodiscard]] static Result<void> open(ColumnCipher& cipher, ByteView text, BoundedBytes& out);

 private:
  explicit VaultTokens(TokenShape shape) : shape_(std::move(shape)) {}
  [[nodiscard]] Result<void> offer(ByteView value, Random& random, BoundedBytes& out) const;
  TokenShape shape_;
};

}  // namespace bartizan::transform
