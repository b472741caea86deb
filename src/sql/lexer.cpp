#include "bartizan/sql/lexer.hpp"

#include <algorithm>
#include <array>

#include "char_class.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kMaxOperatorBytes = 63;  // NAMEDATALEN - 1

std::size_t first_bad_byte(std::string_view text, bool ascii_safe) noexcept {
  const std::size_t end = std::min(text.find('\0'), text.size());
  if (ascii_safe) return end;
  const auto high = std::find_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end),
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return static_cast<std::size_t>(high - text.begin());
}

bool fits_int32(std::string_view digits) noexcept {
  const auto nonzero = digits.find_first_not_of('0');
  if (nonzero == std::string_view::npos) return true;
  digits.remove_prefix(nonzero);
  constexpr std::string_view kMax = "2147483647";
  return digits.size() < kMax.size() || (digits.size() == kMax.size() && digits <= kMax);
}

bool is_newline(char c) noexcept { return c == '\n' || c == '\r'; }

}  // namespace

bool encoding_is_ascii_safe(std::string_view client_encoding) noexcept {
  // The server compares names by their letters and digits alone, folded.
  std::array<char, 16> folded{};
  std::size_t size = 0;
  for (const char c : client_encoding) {
    if (!is(c, kIdentCont) || c == '_' || c == '$') continue;
    if (size == folded.size()) return true;  // longer than all of those below
    folded[size++] = ascii_lower(c);
  }
  static constexpr std::array<std::string_view, 17> kUnsafe = {
      "sjis", "shiftjis", "mskanji",    "win932", "windows932", "shiftjis2004", "big5",    "win950", "windows950",
      "gbk",  "win936",   "windows936", "uhc",    "win949",     "windows949",   "gb18030", "johab"};
  return std::find(kUnsafe.begin(), kUnsafe.end(), std::string_view(folded.data(), size)) == kUnsafe.end();
}

Lexer::Lexer(std::string_view text, LexOptions options) noexcept
    : text_(text), options_(options), first_bad_(first_bad_byte(text, options.ascii_safe_encoding)) {}

Token Lexer::fail(LexError error, std::size_t begin) noexcept {
  error_ = error;
  position_ = text_.size();
  return {TokenKind::Error, begin, text_.size() - begin};
}

Token Lexer::next() noexcept {
  if (position_ == text_.size()) return {TokenKind::End, position_, 0};
  const std::size_t before_space = position_;
  if (!skip_space()) return fail(LexError::UnterminatedComment, before_space);
  const std::size_t begin = position_;
  const Token token = begin == text_.size() ? Token{TokenKind::End, begin, 0} : scan(begin);
  if (token.kind == TokenKind::Error) return token;
  position_ = token.offset + token.length;
  if (position_ > first_bad_) {
    const bool nul = text_[first_bad_] == '\0';
    return fail(nul ? LexError::UnexpectedCharacter : LexError::AmbiguousEncoding, std::min(begin, first_bad_));
  }
  return token;
}

bool Lexer::skip_space() noexcept {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (is(c, kSpace)) {
      ++position_;
    } else if (c == '-' && at(position_ + 1) == '-') {
      saw_comment_ = true;
      while (position_ < text_.size() && !is_newline(text_[position_])) ++position_;
    } else if (c == '/' && at(position_ + 1) == '*') {
      saw_comment_ = true;
      if (!skip_block_comment()) return false;
    } else {
      break;
    }
  }
  return true;
}

bool Lexer::skip_block_comment() noexcept {
  std::size_t depth = 0;
  while (position_ + 1 < text_.size()) {
    const char c = text_[position_];
    const char next = text_[position_ + 1];
    if (c == '/' && next == '*') {
      ++depth;
      position_ += 2;
    } else if (c == '*' && next == '/') {
      position_ += 2;
      if (--depth == 0) return true;
    } else {
      ++position_;
    }
  }
  return false;
}

Token Lexer::scan(std::size_t begin) noexcept {
  const char c = text_[begin];
  if (is(c, kIdentStart)) return identifier_or_string(begin);
  if (is(c, kDigit)) return number(begin);
  if (is(c, kOperator)) return operator_run(begin);
  const char next = at(begin + 1);
  switch (c) {
    case '\'': return quoted_string(TokenKind::String, begin, begin);
    case '"': return quoted_identifier(TokenKind::QuotedIdentifier, begin, begin);
    case '$': return dollar(begin);
    case '.':
      if (is(next, kDigit)) return number(begin);
      if (next == '.') return {TokenKind::DotDot, begin, 2};
      return {TokenKind::Punctuation, begin, 1};
    case ':':
      if (next == ':') return {TokenKind::TypeCast, begin, 2};
      if (next == '=') return {TokenKind::ColonEquals, begin, 2};
      return {TokenKind::Punctuation, begin, 1};
    case ',':
    case '(':
    case ')':
    case '[':
    case ']':
    case ';': return {TokenKind::Punctuation, begin, 1};
    default: return fail(LexError::UnexpectedCharacter, begin);
  }
}

Token Lexer::identifier_or_string(std::size_t begin) noexcept {
  const char next = at(begin + 1);
  const char first = ascii_lower(text_[begin]);
  if (next == '\'') {
    if (first == 'e') return quoted_string(TokenKind::EscapeString, begin, begin + 1);
    if (first == 'b') return quoted_string(TokenKind::BitString, begin, begin + 1);
    if (first == 'x') return quoted_string(TokenKind::HexString, begin, begin + 1);
    if (first == 'n') return quoted_string(TokenKind::NationalString, begin, begin + 1);
  } else if (next == '&' && first == 'u') {
    const char quote = at(begin + 2);
    if (quote == '"') return quoted_identifier(TokenKind::UnicodeIdentifier, begin, begin + 2);
    if (quote == '\'') {
      if (!options_.standard_conforming_strings) return fail(LexError::UnsafeUnicodeString, begin);
      return quoted_string(TokenKind::UnicodeString, begin, begin + 2);
    }
  }
  std::size_t end = begin + 1;
  while (end < text_.size() && is(text_[end], kIdentCont)) ++end;
  return {TokenKind::Identifier, begin, end - begin};
}

// A string goes on after its closing quote if only white space and -- comments with at least one
// newline stand before the next quote. Returns the place after that quote, or 0.
std::size_t Lexer::continuation(std::size_t after_quote) const noexcept {
  bool newline = false;
  for (std::size_t i = after_quote; i < text_.size();) {
    const char c = text_[i];
    if (is(c, kSpace)) {
      newline = newline || is_newline(c);
      ++i;
    } else if (c == '-' && at(i + 1) == '-') {
      while (i < text_.size() && !is_newline(text_[i])) ++i;
    } else {
      return c == '\'' && newline ? i + 1 : 0;
    }
  }
  return 0;
}

Token Lexer::quoted_string(TokenKind kind, std::size_t begin, std::size_t quote) noexcept {
  const bool plain = kind == TokenKind::String || kind == TokenKind::NationalString;
  const bool backslash = kind == TokenKind::EscapeString || (plain && !options_.standard_conforming_strings);
  const bool doubling = kind != TokenKind::BitString && kind != TokenKind::HexString;
  std::size_t i = quote + 1;
  while (i < text_.size()) {
    const char c = text_[i];
    if (c == '\\' && backslash) {
      i += 2;
    } else if (c != '\'') {
      ++i;
    } else if (doubling && at(i + 1) == '\'') {
      i += 2;
    } else if (const std::size_t more = continuation(i + 1); more != 0) {
      i = more;
    } else {
      return {kind, begin, i + 1 - begin};
    }
  }
  return fail(LexError::UnterminatedString, begin);
}

Token Lexer::quoted_identifier(TokenKind kind, std::size_t begin, std::size_t quote) noexcept {
  std::size_t i = quote + 1;
  while (true) {
    i = text_.find('"', i);
    if (i == std::string_view::npos) return fail(LexError::UnterminatedQuotedIdentifier, begin);
    if (at(i + 1) != '"') return {kind, begin, i + 1 - begin};
    i += 2;
  }
}

Token Lexer::number(std::size_t begin) noexcept {
  std::size_t end = begin;
  const auto digits = [&] {
    while (is(at(end), kDigit)) ++end;
  };
  digits();
  auto kind = fits_int32(text_.substr(begin, end - begin)) ? TokenKind::Integer : TokenKind::Numeric;
  // 1..10 is an integer and two dots, as PL/pgSQL's loops want it.
  if (at(end) == '.' && !(at(end + 1) == '.' && end > begin)) {
    kind = TokenKind::Numeric;
    ++end;
    digits();
  }
  if (ascii_lower(at(end)) == 'e') {
    const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
    if (!is(at(end + 1 + sign), kDigit)) return fail(LexError::JunkAfterNumber, begin);
    kind = TokenKind::Numeric;
    end += 1 + sign;
    digits();
  }
  if (is(at(end), kIdentStart)) return fail(LexError::JunkAfterNumber, begin);
  return {kind, begin, end - begin};
}

Token Lexer::dollar(std::size_t begin) noexcept {
  std::size_t end = begin + 1;
  if (is(at(end), kDigit)) {
    while (is(at(end), kDigit)) ++end;
    if (is(at(end), kIdentStart)) return fail(LexError::JunkAfterNumber, begin);
    return {TokenKind::Parameter, begin, end - begin};
  }
  while (is(at(end), kIdentCont) && at(end) != '$') ++end;
  if (at(end) != '$') return fail(LexError::UnexpectedCharacter, begin);
  ++end;
  // Linear though tags may be long: a tag holds $ at its ends alone, so that a failed comparison
  // never goes further than the next place where one can begin.
  const auto close = text_.find(text_.substr(begin, end - begin), end);
  if (close == std::string_view::npos) return fail(LexError::UnterminatedDollarString, begin);
  return {TokenKind::DollarString, begin, close + (end - begin) - begin};
}

void Lexer::measure_operator_run(std::size_t begin) noexcept {
  std::size_t i = begin;
  run_last_free_ = begin;
  run_last_unsigned_ = begin;
  for (; i < text_.size() && is(text_[i], kOperator); ++i) {
    const char c = text_[i];
    if ((c == '-' && at(i + 1) == '-') || (c == '/' && at(i + 1) == '*')) break;  // a comment begins
    if (is(c, kFreeOperator)) run_last_free_ = i + 1;
    if (c != '+' && c != '-') run_last_unsigned_ = i + 1;
  }
  run_end_ = i;
}

Token Lexer::operator_run(std::size_t begin) noexcept {
  if (begin >= run_end_) measure_operator_run(begin);
  std::size_t end = run_end_;
  // '=-' is two operators, '@-' is one: trailing signs fall off unless one of ~!@#^&|`?% is in it.
  const bool signed_end = run_last_unsigned_ < end;
  if (signed_end && run_last_free_ <= begin) end = std::max(begin + 1, run_last_unsigned_);
  if (end - begin > kMaxOperatorBytes) return fail(LexError::OperatorTooLong, begin);
  return {TokenKind::Operator, begin, end - begin};
}

}  // namespace bartizan::sql
