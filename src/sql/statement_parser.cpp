#include "statement_parser.hpp"

#include <algorithm>
#include <string>

#include "nesting.hpp"
#include "parse_tree.hpp"
#include "statement_kinds.hpp"
#include "tree_walker.hpp"
#include "utf8.hpp"

namespace bartizan::sql {

namespace {

bool has_high_byte(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// A string that libpg_query, for which standard_conforming_strings is on, would end elsewhere.
bool ends_elsewhere(const Token& token, std::string_view text, LexOptions options) noexcept {
  const bool plain = token.kind == TokenKind::String || token.kind == TokenKind::NationalString;
  return plain && !options.standard_conforming_strings && token.in(text).find('\\') != std::string_view::npos;
}

// libpg_query wants UTF-8. An Analysis holds no constants, so bytes of constants and comments may
// be written over in other encodings; a name in one makes the text unreadable, and so does the tag
// of a dollar quote, since writing over it could make it equal to something within.
std::optional<std::string> readable_copy(std::string_view text, LexOptions options) {
  std::string copy(text);
  const bool overwrite = !is_utf8(text);
  if (!overwrite && options.standard_conforming_strings) return copy;
  Lexer lexer(text, options);
  std::size_t last_end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (ends_elsewhere(token, text, options)) return std::nullopt;
    const auto end = token.offset + token.length;
    if (overwrite && token.kind == TokenKind::DollarString) {
      const auto tag = text.substr(token.offset, text.find('$', token.offset + 1) - token.offset);
      if (has_high_byte(tag)) return std::nullopt;
    }
    for (std::size_t i = last_end; overwrite && i < (is_string(token.kind) ? end : token.offset); ++i) {
      if (static_cast<unsigned char>(copy[i]) >= 0x80) copy[i] = '?';
    }
    last_end = end;
  }
  if (overwrite && !is_utf8(copy)) return std::nullopt;
  return copy;
}

}  // namespace

std::optional<Statement> parse_statement(std::string_view text, const AnalyseOptions& options) {
  if (nests_deeply(text, options.lex, options.max_nesting)) return std::nullopt;
  const auto copy = readable_copy(text, options.lex);
  if (!copy) return std::nullopt;
  const ParseTree tree(*copy);
  if (tree.statement() == nullptr) return std::nullopt;

  Statement statement;
  if (!describe(*tree.statement(), statement)) return std::nullopt;
  const bool definition = statement.kind == Kind::Ddl || statement.kind == Kind::Grant ||
                          statement.kind == Kind::Utility || statement.kind == Kind::Lock;
  TreeFacts facts = walk(*tree.statement(), definition ? Access::Write : Access::Read);
  if (!facts.complete) return std::nullopt;
  statement.relations = std::move(facts.relations);
  if (inner_query(*tree.statement()) == Inner::Runs) {
    statement.effect = std::max(statement.effect, facts.effect);
    if (statement.pin == PinReason::None) statement.pin = facts.pin;
    statement.calls_unknown = facts.calls_unknown;
    statement.reads_sequence = facts.reads_sequence;
    statement.sets_path = statement.sets_path || facts.sets_path;
  }
  // Planning alone may call those that are not volatile.
  if (statement.kind == Kind::Explain) statement.calls_unknown = facts.calls_unknown;
  if (facts.names_pg_temp && statement.pin == PinReason::None) {
    statement.pin = PinReason::TempTable;
  }
  statement.parsed = true;
  return statement;
}

}  // namespace bartizan::sql
