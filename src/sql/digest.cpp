#include "bartizan/sql/digest.hpp"

#include <optional>

#include "bartizan/base/clock.hpp"
#include "literal_folding.hpp"
#include "sip_hash.hpp"
#include "statement_tracker.hpp"
#include "word.hpp"

namespace bartizan::sql {

namespace {

// What is hashed is a sequence of words that can be read back unambiguously: one header for each
// token, which says its class and how many bytes of it follow in the next words.
enum class Domain : std::uint64_t { Folded = 1, Exact = 2 };
enum class Class : std::uint64_t {
  Statement = 1,
  Name,
  QuotedName,
  UnicodeName,
  String,
  UnicodeString,
  NationalString,
  BitString,
  HexString,
  Integer,
  Numeric,
  Symbol,
  Rest,  // after a lexical error
};
constexpr std::uint64_t kFolded = std::uint64_t{1} << 8;

Class class_of(TokenKind kind) noexcept {
  switch (kind) {
    case TokenKind::Identifier: return Class::Name;
    case TokenKind::QuotedIdentifier: return Class::QuotedName;
    case TokenKind::UnicodeIdentifier: return Class::UnicodeName;
    case TokenKind::String:
    case TokenKind::EscapeString:
    case TokenKind::DollarString: return Class::String;
    case TokenKind::UnicodeString: return Class::UnicodeString;
    case TokenKind::NationalString: return Class::NationalString;
    case TokenKind::BitString: return Class::BitString;
    case TokenKind::HexString: return Class::HexString;
    case TokenKind::Integer: return Class::Integer;
    case TokenKind::Numeric: return Class::Numeric;
    case TokenKind::Parameter:
    case TokenKind::Operator:
    case TokenKind::Punctuation:
    case TokenKind::TypeCast:
    case TokenKind::DotDot:
    case TokenKind::ColonEquals: return Class::Symbol;
    case TokenKind::Error:
    case TokenKind::End: break;
  }
  return Class::Rest;
}

std::uint64_t header(Class token_class, std::size_t length) noexcept {
  return static_cast<std::uint64_t>(token_class) | (static_cast<std::uint64_t>(length) << 16);
}

std::uint64_t domain_header(Domain domain, LexOptions options) noexcept {
  return static_cast<std::uint64_t>(domain) | (options.standard_conforming_strings ? 0x100u : 0u) |
         (options.ascii_safe_encoding ? 0x200u : 0u);
}

// Folds while it hashes, and yields the folded first 16 bytes, which are all that keywords need.
Word hash_name(SipHash128& hash, std::string_view name) noexcept {
  hash.word(header(Class::Name, name.size()));
  Word word;
  const char* data = name.data();
  std::size_t left = name.size();
  for (std::size_t i = 0; left > 0; ++i) {
    const std::size_t count = left < 8 ? left : 8;
    const std::uint64_t folded = fold_word(load_word(data, count));
    hash.word(folded);
    if (i == 0) word.first = folded;
    if (i == 1) word.second = folded;
    data += count;
    left -= count;
  }
  return name.size() <= 16 ? word : Word{};
}

void hash_raw(SipHash128& hash, Class token_class, std::string_view bytes) noexcept {
  hash.word(header(token_class, bytes.size()));
  hash.bytes(bytes.data(), bytes.size());
}

}  // namespace

DigestKey DigestKey::random(Random& source) {
  DigestKey key;
  source.fill(key.bytes);
  return key;
}

DigestResult digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept {
  DigestResult result;
  SipHash128 hash(key);
  hash.word(domain_header(Domain::Folded, options));
  Lexer lexer(text, options);
  StatementTracker tracker;
  std::optional<LiteralFolding> folding;  // empty between statements

  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    const std::string_view bytes = token.in(text);
    const bool is_word = token.kind == TokenKind::Identifier;
    const bool at_semicolon = is_punctuation(token, text, ';');
    if (at_semicolon && tracker.separates(token, {}, text)) {
      folding.reset();
      continue;
    }
    if (!folding) {
      ++result.statements;
      hash.word(header(Class::Statement, 0));
      folding.emplace(token, is_word ? make_word(bytes) : Word{}, text);
    }
    Word word;
    if (is_word) {
      word = hash_name(hash, bytes);
    } else if (is_literal(token.kind) && !folding->keeps(token)) {
      hash.word(header(class_of(token.kind), 0) | kFolded);
    } else {
      hash_raw(hash, class_of(token.kind), bytes);
    }
    if (!at_semicolon) tracker.separates(token, word, text);
    folding->advance(token, word, text);
    if (token.kind == TokenKind::Error) result.complete = false;
  }
  result.comments = lexer.saw_comment();
  result.digest = hash.finish();
  return result;
}

Digest exact_digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept {
  SipHash128 hash(key);
  hash.word(domain_header(Domain::Exact, options));
  hash_raw(hash, Class::Rest, text);
  return hash.finish();
}

}  // namespace bartizan::sql
