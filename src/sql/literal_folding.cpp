#include "literal_folding.hpp"

namespace bartizan::sql {

namespace {

constexpr unsigned kMaxDepth = 63;

bool starts_foldable_statement(const Token& first, Word word, std::string_view text) noexcept {
  return is_punctuation(first, text, '(') ||
         any_of(word, {"select"_w, "insert"_w, "update"_w, "delete"_w, "merge"_w, "with"_w, "values"_w, "table"_w,
                       "declare"_w, "execute"_w, "call"_w});
}

bool ends_ordinal_list(Word word) noexcept {
  return any_of(word, {"select"_w, "limit"_w, "offset"_w, "fetch"_w, "for"_w, "having"_w, "window"_w, "union"_w,
                       "intersect"_w, "except"_w, "rows"_w, "range"_w, "groups"_w, "values"_w});
}

bool takes_type_modifier(Word word) noexcept {
  return any_of(word, {"bit"_w, "char"_w, "character"_w, "varchar"_w, "varying"_w, "nchar"_w, "numeric"_w, "decimal"_w,
                       "dec"_w, "float"_w, "time"_w, "timestamp"_w, "interval"_w, "second"_w, "timetz"_w,
                       "timestamptz"_w, "bpchar"_w, "varbit"_w});
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

void LiteralFolding::name(const Token& token, Word word) noexcept {
  const Last before = last_;
  last_ = Last::Other;
  if (token.kind != TokenKind::Identifier) return;
  if (word == "by"_w) {
    last_ = Last::By;
    ordinal_lists_ |= bit();
  } else if (any_of(word, {"limit"_w, "offset"_w, "first"_w, "next"_w})) {
    last_ = Last::Limit;
  } else if (word == "distinct"_w) {
    last_ = Last::Distinct;
  } else if (word == "on"_w && before == Last::Distinct) {
    last_ = Last::DistinctOn;
  } else if (any_of(word, {"rollup"_w, "cube"_w, "sets"_w})) {
    last_ = Last::Grouping;
  } else if (takes_type_modifier(word)) {
    last_ = Last::Type;
  }
  if ((ordinal_lists_ & bit()) != 0 && ends_ordinal_list(word)) ordinal_lists_ &= ~bit();
}

void LiteralFolding::advance(const Token& token, Word word, std::string_view text) noexcept {
  if (!folds_) return;
  const bool is_name = token.kind == TokenKind::Identifier || token.kind == TokenKind::QuotedIdentifier ||
                       token.kind == TokenKind::UnicodeIdentifier;
  if (is_name) {
    name(token, word);
    if (word == "as"_w) {
      cast_ = Cast::Expected;
    } else {
      cast_ = cast_ == Cast::Expected && word != "materialized"_w ? Cast::Named : Cast::No;
    }
    return;
  }
  const char c = token.kind == TokenKind::Punctuation ? text[token.offset] : '\0';
  if (c == '(') open();
  if (c == ')') close();
  last_ = c == '(' || c == ',' ? Last::ListStart : Last::Other;
  if (token.kind == TokenKind::TypeCast || (c == '.' && cast_ == Cast::Named)) {
    cast_ = Cast::Expected;
  } else {
    cast_ = Cast::No;
  }
}

}  // namespace bartizan::sql
