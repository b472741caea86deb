#include "bartizan/sql/digest.hpp"

#include <algorithm>
#include <optional>

#include "bartizan/base/clock.hpp"
#include "literal_folding.hpp"
#include "sip_hash.hpp"
#include "statement_tracker.hpp"
#include "word.hpp"

namespace bartizan::sql {

namespace {

// What is hashed is a sequence of words that can be read back unambiguously. A token is one word
// with its class in the first byte, its length in the second and up to 6 bytes of it above; of a
// longer one the length stands there instead and all of its bytes in the words that follow.
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
constexpr std::uint64_t kFolded = 0x80;      // beside the class: the value does not count
constexpr std::uint64_t kLong = 0xff;        // as length
constexpr std::size_t kMaxShortBytes = 6;

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

std::uint64_t short_token(Class token_class, std::size_t length, std::uint64_t bytes) noexcept {
  return static_cast<std::uint64_t>(token_class) | (static_cast<std::uint64_t>(length) << 8) | (bytes << 16);
}
std::uint64_t long_token(Class token_class, std::size_t length) noexcept {
  return static_cast<std::uint64_t>(token_class) | (kLong << 8) | (static_cast<std::uint64_t>(length) << 16);
}

std::uint64_t domain_header(Domain domain, LexOptions options) noexcept {
  return static_cast<std::uint64_t>(domain) | (options.standard_conforming_strings ? 0x100u : 0u) |
         (options.ascii_safe_encoding ? 0x200u : 0u);
}

// Folds while it hashes, and yields the folded first 16 bytes, which are all that keywords need.
Word hash_name(SipHash128& hash, std::string_view name) noexcept {
  Word word;
  if (name.size() <= kMaxShortBytes) {
    word.first = fold_word(load_word(name.data(), name.size()));
    hash.word(short_token(Class::Name, name.size(), word.first));
    return word;
  }
  hash.word(long_token(Class::Name, name.size()));
  for (std::size_t done = 0; done < name.size(); done += 8) {
    const std::uint64_t folded = fold_word(load_word(name.data() + done, std::min<std::size_t>(name.size() - done, 8)));
    hash.word(folded);
    if (done == 0) word.first = folded;
    if (done == 8) word.second = folded;
  }
  return name.size() <= 16 ? word : Word{};
}

void hash_raw(SipHash128& hash, Class token_class, std::string_view bytes) noexcept {
  if (bytes.size() <= kMaxShortBytes) {
    hash.word(short_token(token_class, bytes.size(), load_word(bytes.data(), bytes.size())));
  } else {
    hash.word(long_token(token_class, bytes.size()));
    hash.bytes(bytes.data(), bytes.size());
  }
}

}  // namespace

DigestKey DigestKey::random(Random& source) {
  DigestKey key;
  source.fill(key.bytes);
  return key;
}

namespace {

/// on_folded: called with each constant that is folded, and whether a minus stands before it.
template <class OnFolded>
DigestResult digest_with(std::string_view text, LexOptions options, const DigestKey& key, OnFolded on_folded) {
  DigestResult result;
  SipHash128 hash(key);
  hash.word(domain_header(Domain::Folded, options));
  Lexer lexer(text, options);
  StatementTracker tracker;
  std::optional<LiteralFolding> folding;  // empty between statements
  bool minus = false;

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
      hash.word(short_token(Class::Statement, 0, 0));
      folding.emplace(token, is_word ? make_word(bytes) : Word{}, text);
    }
    Word word;
    if (is_word) {
      word = hash_name(hash, bytes);
    } else if (is_literal(token.kind) && !folding->keeps(token)) {
      hash.word(short_token(class_of(token.kind), 0, 0) | kFolded);
      on_folded(token, minus);
    } else {
      hash_raw(hash, class_of(token.kind), bytes);
    }
    if (!at_semicolon) tracker.separates(token, word, text);
    folding->advance(token, word, text);
    if (!is_punctuation(token, text, '(')) minus = token.kind == TokenKind::Operator && bytes.back() == '-';
    if (token.kind == TokenKind::Error) result.complete = false;
  }
  result.comments = lexer.saw_comment();
  result.digest = hash.finish();
  return result;
}

}  // namespace

DigestResult digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept {
  return digest_with(text, options, key, [](const Token&, bool) {});
}

DigestResult digest(std::string_view text, LexOptions options, const DigestKey& key,
                    std::vector<FoldedLiteral>& folded) {
  return digest_with(text, options, key, [&](const Token& token, bool minus) { folded.push_back({token, minus}); });
}

Digest exact_digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept {
  SipHash128 hash(key);
  hash.word(domain_header(Domain::Exact, options));
  hash_raw(hash, Class::Rest, text);
  return hash.finish();
}

}  // namespace bartizan::sql
