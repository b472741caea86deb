#include "literal_folding.hpp"

namespace bartizan::sql {

namespace {

constexpr unsigned kMaxDepth = 63;

bool starts_foldable_statement(const Token& first, Word word, std::string_view text) noexcept {
  return is_punctuation(first, text, '(') ||
         any_of(word, {"select"_w, "insert"_w, "update"_w, "delete"_w, "merge"_w, "with"_w, "values"_w, "table"_w,
                       "declare"_w, "execute"_w, "call"_w});
}

enum class Meaning : std::uint8_t { None, By, Limit, Distinct, On, Grouping, Type, EndsList, As, Materialized };

// Every name of every statement comes through here: a switch over its first eight bytes.
Meaning meaning_of_short(std::uint64_t word) noexcept {
  switch (word) {
    case "by"_w.first: return Meaning::By;
    case "limit"_w.first:
    case "offset"_w.first:
    case "first"_w.first:
    case "next"_w.first: return Meaning::Limit;
    case "distinct"_w.first: return Meaning::Distinct;
    case "on"_w.first: return Meaning::On;
    case "as"_w.first: return Meaning::As;
    case "rollup"_w.first:
    case "cube"_w.first:
    case "sets"_w.first: return Meaning::Grouping;
    case "bit"_w.first:
    case "bpchar"_w.first:
    case "char"_w.first:
    case "dec"_w.first:
    case "decimal"_w.first:
    case "float"_w.first:
    case "interval"_w.first:
    case "nchar"_w.first:
    case "numeric"_w.first:
    case "second"_w.first:
    case "time"_w.first:
    case "timetz"_w.first:
    case "varbit"_w.first:
    case "varchar"_w.first:
    case "varying"_w.first: return Meaning::Type;
    case "except"_w.first:
    case "fetch"_w.first:
    case "for"_w.first:
    case "groups"_w.first:
    case "having"_w.first:
    case "range"_w.first:
    case "rows"_w.first:
    case "select"_w.first:
    case "union"_w.first:
    case "values"_w.first:
    case "window"_w.first: return Meaning::EndsList;
    default: return Meaning::None;
  }
}

Meaning meaning_of(Word word) noexcept {
  if (word.second == 0) return meaning_of_short(word.first);
  if (word == "character"_w || word == "timestamp"_w || word == "timestamptz"_w) return Meaning::Type;
  if (word == "intersect"_w) return Meaning::EndsList;
  return word == "materialized"_w ? Meaning::Materialized : Meaning::None;
}

}  // namespace

LiteralFolding::LiteralFolding(const Token& first, Word word, std::string_view text) noexcept
    : folds_(starts_foldable_statement(first, word, text)) {}

bool LiteralFolding::keeps(const Token& literal) const noexcept {
  if (!folds_ || depth_ == kMaxDepth || last_ == Last::Limit || (kept_lists_ & bit()) != 0) return true;
  if (literal.kind != TokenKind::Integer || (ordinal_lists_ & bit()) == 0) return false;
  return last_ == Last::By || last_ == Last::ListStart;
}

void LiteralFolding::open() noexcept {
  const bool keep = last_ == Last::Limit || last_ == Last::Type || cast_ == Cast::Named;
  const bool in_list = (ordinal_lists_ & bit()) != 0;
  const bool ordinals = last_ == Last::DistinctOn ||
                        (in_list && (last_ == Last::By || last_ == Last::ListStart || last_ == Last::Grouping));
  if (depth_ == kMaxDepth) {
    ++beyond_;
    return;
  }
  ++depth_;
  kept_lists_ = keep ? kept_lists_ | bit() : kept_lists_ & ~bit();
  ordinal_lists_ = ordinals ? ordinal_lists_ | bit() : ordinal_lists_ & ~bit();
}

void LiteralFolding::close() noexcept {
  if (beyond_ > 0) {
    --beyond_;
  } else if (depth_ > 0) {
    --depth_;
  }
}

void LiteralFolding::name(Word word) noexcept {
  const Last before = last_;
  last_ = Last::Other;
  Cast cast = cast_ == Cast::Expected ? Cast::Named : Cast::No;
  switch (meaning_of(word)) {
    case Meaning::None: break;
    case Meaning::By:
      last_ = Last::By;
      ordinal_lists_ |= bit();
      break;
    case Meaning::Limit: last_ = Last::Limit; break;
    case Meaning::Distinct: last_ = Last::Distinct; break;
    case Meaning::On: last_ = before == Last::Distinct ? Last::DistinctOn : Last::Other; break;
    case Meaning::Grouping: last_ = Last::Grouping; break;
    case Meaning::Type: last_ = Last::Type; break;
    case Meaning::EndsList: ordinal_lists_ &= ~bit(); break;
    case Meaning::As: cast = Cast::Expected; break;
    case Meaning::Materialized: cast = Cast::No; break;
  }
  cast_ = cast;
}

void LiteralFolding::advance(const Token& token, Word word, std::string_view text) noexcept {
  if (!folds_) return;
  switch (token.kind) {
    case TokenKind::Identifier:
    case TokenKind::QuotedIdentifier:
    case TokenKind::UnicodeIdentifier: return name(word);
    case TokenKind::TypeCast:
      last_ = Last::Other;
      cast_ = Cast::Expected;
      return;
    case TokenKind::Punctuation: return punctuation(text[token.offset]);
    case TokenKind::End:
    case TokenKind::String:
    case TokenKind::EscapeString:
    case TokenKind::UnicodeString:
    case TokenKind::NationalString:
    case TokenKind::DollarString:
    case TokenKind::BitString:
    case TokenKind::HexString:
    case TokenKind::Integer:
    case TokenKind::Numeric:
    case TokenKind::Parameter:
    case TokenKind::Operator:
    case TokenKind::DotDot:
    case TokenKind::ColonEquals:
    case TokenKind::Error: break;
  }
  last_ = Last::Other;
  cast_ = Cast::No;
}

void LiteralFolding::punctuation(char c) noexcept {
  if (c == '(') open();
  if (c == ')') close();
  last_ = c == '(' || c == ',' ? Last::ListStart : Last::Other;
  cast_ = c == '.' && cast_ == Cast::Named ? Cast::Expected : Cast::No;
}

}  // namespace bartizan::sql
