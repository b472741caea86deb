// PostgreSQL 15's lexical rules (manual, chapter 4.1; the server's scan.l is the reference) as a
// scanner that allocates nothing, copies nothing and takes linear time whatever the input.
//
// It is what digest, splitter and the guards before the real parser stand on, so its one
// principle is: where the byte boundaries of a token could be read differently by some server
// (other version, other encoding), it yields Error for all of the rest and the caller falls back
// to its most conservative answer. It never guesses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bartizan::sql {

/// The session state that changes where tokens end.
struct LexOptions {
  /// Off: a backslash escapes in '…' as it does in E'…'.
  bool standard_conforming_strings = true;
  /// False for client encodings whose multi-byte characters may hold ASCII bytes: SJIS,
  /// SHIFT_JIS_2004, BIG5, GBK, UHC, GB18030, JOHAB. The first byte >= 0x80 is then an Error.
  bool ascii_safe_encoding = true;

  friend bool operator==(const LexOptions&, const LexOptions&) = default;
};

/// False for the client encodings named above, by any spelling that the server takes.
[[nodiscard]] bool encoding_is_ascii_safe(std::string_view client_encoding) noexcept;

enum class TokenKind : std::uint8_t {
  End,                ///< length 0, for ever after
  Identifier,         ///< keyword or name, unquoted
  QuotedIdentifier,   ///< "…"
  UnicodeIdentifier,  ///< U&"…"
  String,             ///< '…', its continuations on later lines included
  EscapeString,       ///< E'…'
  UnicodeString,      ///< U&'…'
  NationalString,     ///< N'…'
  DollarString,       ///< $tag$…$tag$
  BitString,          ///< B'…'
  HexString,          ///< X'…'
  Integer,            ///< digits that fit 32 bits signed
  Numeric,            ///< larger, or with point or exponent
  Parameter,          ///< $1
  Operator,           ///< any operator of one or more characters, `=>`, `<=`, `<>`, `!=` too
  Punctuation,        ///< one of , ( ) [ ] . ; :
  TypeCast,           ///< ::
  DotDot,             ///< ..
  ColonEquals,        ///< :=
  Error,              ///< everything from here to the end; see Lexer::error()
};

enum class LexError : std::uint8_t {
  None,
  UnterminatedString,
  UnterminatedQuotedIdentifier,
  UnterminatedDollarString,
  UnterminatedComment,
  JunkAfterNumber,       ///< 1a, 0x1F, 1_000: versions differ
  OperatorTooLong,       ///< 64 bytes or more
  UnsafeUnicodeString,   ///< U&'…' while standard_conforming_strings is off
  UnexpectedCharacter,   ///< NUL, control characters, { } \ and others that begin no token
  AmbiguousEncoding,     ///< a byte >= 0x80 in an encoding that is not ASCII safe
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::size_t offset = 0;
  std::size_t length = 0;

  [[nodiscard]] std::string_view in(std::string_view text) const noexcept { return text.substr(offset, length); }
};

[[nodiscard]] constexpr bool is_string(TokenKind kind) noexcept {
  return kind >= TokenKind::String && kind <= TokenKind::HexString;
}
[[nodiscard]] constexpr bool is_literal(TokenKind kind) noexcept {
  return kind >= TokenKind::String && kind <= TokenKind::Numeric;
}

/// One pass over a text that it does not own and that must outlive it. Any one thread.
class Lexer {
 public:
  Lexer(std::string_view text, LexOptions options) noexcept;

  [[nodiscard]] Token next() noexcept;
  [[nodiscard]] LexError error() const noexcept { return error_; }
  /// Whether a comment has been passed so far.
  [[nodiscard]] bool saw_comment() const noexcept { return saw_comment_; }

 private:
  Token scan(std::size_t begin) noexcept;
  Token fail(LexError error, std::size_t begin) noexcept;
  bool skip_space() noexcept;
  bool skip_block_comment() noexcept;
  Token quoted_string(TokenKind kind, std::size_t begin, std::size_t quote) noexcept;
  Token quoted_identifier(TokenKind kind, std::size_t begin, std::size_t quote) noexcept;
  Token identifier_or_string(std::size_t begin) noexcept;
  Token number(std::size_t begin) noexcept;
  Token dollar(std::size_t begin) noexcept;
  Token operator_run(std::size_t begin) noexcept;
  [[nodiscard]] std::size_t continuation(std::size_t after_quote) const noexcept;
  void measure_operator_run(std::size_t begin) noexcept;
  [[nodiscard]] char at(std::size_t i) const noexcept { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  LexOptions options_;
  std::size_t position_ = 0;
  std::size_t first_bad_ = 0;  ///< the first NUL or ambiguous byte: no token may reach over it
  /// The run of operator characters that position_ may stand in, measured once, so that a
  /// megabyte of '+', which is a megabyte of tokens, stays linear.
  std::size_t run_end_ = 0;
  std::size_t run_last_free_ = 0;      ///< one past the last of ~!@#^&|`?%
  std::size_t run_last_unsigned_ = 0;  ///< one past the last that is neither + nor -
  LexError error_ = LexError::None;
  bool saw_comment_ = false;
};

}  // namespace bartizan::sql
