#include "lexical_classifier.hpp"

#include <array>

#include "known_functions.hpp"
#include "word.hpp"

namespace bartizan::sql {

namespace {

struct Lead {
  Word word;
  Kind kind;
  std::string_view tag;
};

// Only those that the first keyword settles: not SET (LOCAL?), ROLLBACK (TO?), COPY (which way?).
constexpr std::array kLeads = {
    Lead{"select"_w, Kind::Select, "SELECT"},
    Lead{"values"_w, Kind::Select, "SELECT"},
    Lead{"table"_w, Kind::Select, "SELECT"},
    Lead{"insert"_w, Kind::Insert, "INSERT"},
    Lead{"update"_w, Kind::Update, "UPDATE"},
    Lead{"delete"_w, Kind::Delete, "DELETE"},
    Lead{"merge"_w, Kind::Merge, "MERGE"},
    Lead{"begin"_w, Kind::Begin, "BEGIN"},
    Lead{"start"_w, Kind::Begin, "START TRANSACTION"},
    Lead{"savepoint"_w, Kind::Savepoint, "SAVEPOINT"},
    Lead{"release"_w, Kind::Release, "RELEASE"},
    Lead{"explain"_w, Kind::Explain, "EXPLAIN"},
    Lead{"create"_w, Kind::Ddl, "CREATE"},
    Lead{"alter"_w, Kind::Ddl, "ALTER"},
    Lead{"drop"_w, Kind::Ddl, "DROP"},
    Lead{"do"_w, Kind::Do, "DO"},
    Lead{"call"_w, Kind::Call, "CALL"},
    Lead{"grant"_w, Kind::Grant, "GRANT"},
    Lead{"revoke"_w, Kind::Grant, "REVOKE"},
};

bool is_transaction_word(Word word) noexcept {
  return any_of(word, {"begin"_w, "start"_w, "commit"_w, "end"_w, "rollback"_w, "abort"_w, "savepoint"_w, "release"_w,
                       "prepare"_w});
}

// The statement's name token, without quotes. Doubled quotes inside don't matter: no known
// function has them.
std::string_view unquoted(const Token& token, std::string_view text) noexcept {
  auto name = token.in(text);
  if (token.kind == TokenKind::QuotedIdentifier && name.size() >= 2) name = name.substr(1, name.size() - 2);
  return name;
}

// Whether a name token may stand for something that outlives the statement in the session.
bool may_touch_session(const Token& token, Word word, std::string_view text) {
  if (token.kind == TokenKind::UnicodeIdentifier) return true;
  if (any_of(word, {"temp"_w, "temporary"_w, "pg_temp"_w, "hold"_w})) return true;
  std::string folded;
  for (const char c : unquoted(token, text)) {
    folded.push_back(token.kind == TokenKind::Identifier ? ascii_lower(c) : c);
  }
  return folded.starts_with("pg_temp") || folded == "pg_settings" || folded == "pg_prepared_statements" ||
         known_function(folded).pin != PinReason::None;
}

// Words that stand before a parenthesis without being a function's name, and names that do behind INTO.
bool may_call(Word before, Word word, const Token& token, std::string_view text) {
  if (token.kind == TokenKind::UnicodeIdentifier) return true;
  if (any_of(before, {"into"_w, "join"_w})) return false;
  if (token.kind == TokenKind::Identifier &&
      any_of(word, {"in"_w,    "values"_w,    "and"_w,       "or"_w,       "not"_w,      "exists"_w, "any"_w,
                    "all"_w,   "some"_w,      "from"_w,      "where"_w,    "select"_w,   "case"_w,   "when"_w,
                    "then"_w,  "else"_w,      "on"_w,        "using"_w,    "over"_w,     "filter"_w, "as"_w,
                    "by"_w,    "having"_w,    "limit"_w,     "offset"_w,   "union"_w,    "except"_w, "distinct"_w,
                    "set"_w,   "with"_w,      "lateral"_w,   "array"_w,    "row"_w,      "cast"_w,   "is"_w,
                    "like"_w,  "between"_w,   "default"_w,   "conflict"_w, "coalesce"_w, "nullif"_w, "greatest"_w,
                    "least"_w, "returning"_w, "intersect"_w, "varchar"_w}))
    return false;
  std::string folded;
  for (const char c : unquoted(token, text)) folded.push_back(token.kind == TokenKind::Identifier ? ascii_lower(c) : c);
  return !known_function(folded).known;
}

}  // namespace

Statement classify_by_tokens(std::string_view text, LexOptions options) {
  Statement statement;
  Lexer lexer(text, options);
  Token token = lexer.next();
  const Word first = word_of(token, text);
  for (const auto& lead : kLeads) {
    if (first != lead.word) continue;
    statement.kind = lead.kind;
    statement.command_tag = lead.tag;
  }
  statement.transaction_control = is_transaction_word(first);

  const bool is_data = any_of(first, {"select"_w, "values"_w, "table"_w, "insert"_w, "update"_w, "delete"_w, "merge"_w,
                                      "with"_w, "copy"_w}) ||
                       is_punctuation(token, text, '(');
  if (!is_data) return statement;
  Word before{};
  Word word{};
  Token last = token;
  bool last_is_name = false;
  for (; token.kind != TokenKind::End; token = lexer.next()) {
    if (last_is_name && is_punctuation(token, text, '(') && may_call(before, word, last, text))
      statement.calls_unknown = true;
    const bool is_name = token.kind == TokenKind::Identifier || token.kind == TokenKind::QuotedIdentifier ||
                         token.kind == TokenKind::UnicodeIdentifier;
    if (is_name && may_touch_session(token, word_of(token, text), text)) return statement;
    if (is_name) {
      before = last_is_name ? word : Word{};
      word = word_of(token, text);
      last = token;
    }
    last_is_name = is_name;
  }
  statement.pin = PinReason::None;
  return statement;
}

}  // namespace bartizan::sql
