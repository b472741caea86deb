// Tells which semicolons of a token stream end a statement: those outside of parentheses
// (CREATE RULE … DO (…; …)) and outside of the BEGIN ATOMIC … END body of a routine.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/sql/lexer.hpp"
#include "word.hpp"

namespace bartizan::sql {

/// One per text; fed every token in order.
class StatementTracker {
 public:
  /// True if the token is a semicolon that ends a statement (or an empty one).
  /// word: word_of(token).
  bool separates(const Token& token, Word word, std::string_view text) noexcept {
    if (token.kind == TokenKind::Punctuation) {
      const char c = text[token.offset];
      if (c == '(') ++parentheses_;
      if (c == ')' && parentheses_ > 0) --parentheses_;
      if (c == ';' && parentheses_ == 0 && blocks_ == 0) {
        stage_ = Stage::Start;
        return true;
      }
    }
    if (stage_ != Stage::Other) advance(word);
    return false;
  }

 private:
  enum class Stage : std::uint8_t { Start, Create, CreateOr, CreateOrReplace, Routine, RoutineBegin, Body, Other };

  void advance(Word word) noexcept {
    switch (stage_) {
      case Stage::Start: stage_ = word == "create"_w ? Stage::Create : Stage::Other; return;
      case Stage::CreateOr: stage_ = word == "replace"_w ? Stage::CreateOrReplace : Stage::Other; return;
      case Stage::Create:
        if (word == "or"_w) {
          stage_ = Stage::CreateOr;
          return;
        }
        [[fallthrough]];
      case Stage::CreateOrReplace:
        stage_ = word == "function"_w || word == "procedure"_w ? Stage::Routine : Stage::Other;
        return;
      case Stage::RoutineBegin:
        if (word == "atomic"_w) {
          stage_ = Stage::Body;
          blocks_ = 1;
          return;
        }
        stage_ = Stage::Routine;
        [[fallthrough]];
      case Stage::Routine:
        if (word == "begin"_w && parentheses_ == 0) stage_ = Stage::RoutineBegin;
        return;
      case Stage::Body:
        if (parentheses_ > 0) return;
        if (word == "case"_w) ++blocks_;
        if (word == "end"_w && --blocks_ == 0) stage_ = Stage::Other;
        return;
      case Stage::Other: return;
    }
  }

  Stage stage_ = Stage::Start;
  std::uint64_t parentheses_ = 0;
  std::uint64_t blocks_ = 0;
};

}  // namespace bartizan::sql
