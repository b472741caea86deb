// Format-preserving tokens (docs/formats/token.md): a text becomes another of the same length over the same
// alphabet, by FF1 under a key of its column; separators stay where they are. Equal values have equal tokens, and
// nothing is authenticated: for systems that take no other shape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/crypto/ff1.hpp"
#include "bartizan/transform/bounded_bytes.hpp"

namespace bartizan::transform {

/// Of which characters values and their tokens are. ASCII alone.
struct TokenShape {
  std::string alphabet;    ///< its name: "digits", "hex", …
  std::string separators;  ///< characters that stay where they are
  bool vaulted = false;  ///< tokens are random (vault_tokens.hpp), and none is computed of its value

  friend bool operator==(const TokenShape&, const TokenShape&) = default;
};

/// The characters of an alphabet by its name, in their order; empty: there is none of this name.
[[nodiscard]] std::string_view alphabet_named(std::string_view name) noexcept;
/// All names, for messages.
[[nodiscard]] std::string alphabet_names();
/// How many characters of the alphabet a value has at least: its domain is a million or more from there on.
[[nodiscard]] std::size_t fewest_characters(std::string_view alphabet) noexcept;
/// InvalidArgument: no such alphabet, a separator that is in it, that stands twice or is not printable ASCII.
[[nodiscard]] Result<void> check_shape(const TokenShape& shape);

/// No token is this: what is equal to nothing is compared with it.
inline constexpr std::string_view kNoToken{"\x01", 1};

/// Of one column of one owner. Not thread-safe; holds a key, wiped at its end. Move-only.
class FormatTokens {
 public:
  /// index_key: the column's (docs/formats/cell.md, "Keys"), of which the key of tokens is derived.
  [[nodiscard]] static Result<FormatTokens> make(const SecretBytes& index_key, const Uuid& tenant, const Uuid& column,
                                                 const TokenShape& shape);

  /// Appends the token of a value. InvalidArgument: it has other characters, or too few of the alphabet.
  [[nodiscard]] Result<void> tokenize(ByteView value, BoundedBytes& out);
  /// Appends the value of a token. Crypto, with kCellDoesNotOpen, for what is none of this shape.
  [[nodiscard]] Result<void> detokenize(ByteView token, BoundedBytes& out);

 private:
  FormatTokens(crypto::Ff1 ff1, Bytes tweak, const TokenShape& shape);
  enum class Way : std::uint8_t { To, From };
  [[nodiscard]] Result<void> exchange(Way way, ByteView text, BoundedBytes& out);

  crypto::Ff1 ff1_;
  Bytes tweak_;
  TokenShape shape_;
  std::string_view characters_;
  std::size_t fewest_ = 0;
};

}  // namespace bartizan::transform
