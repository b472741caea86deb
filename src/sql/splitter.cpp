#include "bartizan/sql/splitter.hpp"

#include "statement_tracker.hpp"

namespace bartizan::sql {

std::vector<StatementRange> split(std::string_view text, LexOptions options) {
  std::vector<StatementRange> ranges;
  Lexer lexer(text, options);
  StatementTracker tracker;
  bool open = false;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (tracker.separates(token, word_of(token, text), text)) {
      open = false;
      continue;
    }
    if (!open && ranges.size() == kMaxStatements) return {{ranges[0].offset, text.size() - ranges[0].offset, false}};
    if (!open) ranges.push_back({token.offset, 0, true});
    open = true;
    ranges.back().length = token.offset + token.length - ranges.back().offset;
    ranges.back().complete = token.kind != TokenKind::Error;
  }
  return ranges;
}

}  // namespace bartizan::sql
