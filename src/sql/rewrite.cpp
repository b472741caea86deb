#include "bartizan/sql/rewrite.hpp"

#include <algorithm>

#include "bartizan/sql/lexer.hpp"
#include "bartizan/sql/splitter.hpp"
#include "binder.hpp"
#include "boolean_operands.hpp"
#include "deparse.hpp"
#include "mentions_only.hpp"
#include "nesting.hpp"
#include "statement_kinds.hpp"
#include "threshold_check.hpp"
#include "tree_walker.hpp"
#include "utf8.hpp"

namespace bartizan::sql {

const ViewColumn* ClassView::column(AttrNumber attnum) const noexcept {
  const auto found = std::lower_bound(columns.begin(), columns.end(), attnum,
                                      [](const ViewColumn& c, AttrNumber wanted) { return c.attnum < wanted; });
  return found == columns.end() || found->attnum != attnum ? nullptr : &*found;
}

namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The byte at which the character (from 1) begins.
std::size_t byte_of(std::string_view text, std::size_t character) {
  std::size_t i = 0;
  while (i < text.size() && character > 1) {
    ++i;
    if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) --character;
  }
  return i;
}

/// PostgreSQL quotes the token at fault, which may be a constant or all that follows it.
std::string without_literals(const std::string& message, std::string_view statement, std::size_t position,
                             LexOptions options) {
  const auto quote = message.find('"');
  if (quote == std::string::npos) return message;
  if (position != 0) {
    const std::size_t at = byte_of(statement, position);
    Lexer lexer(statement, options);
    for (Token token = lexer.next(); token.kind != TokenKind::End && token.offset <= at; token = lexer.next()) {
      const bool name = token.kind != TokenKind::Error && !is_literal(token.kind);
      if (token.offset == at && name) return message;
    }
  }
  static constexpr std::string_view kNear = " at or near ";
  std::string cut = message.substr(0, quote);
  if (cut.ends_with(kNear)) cut.resize(cut.size() - kNear.size());
  return cut;
}

/// With standard_conforming_strings off a backslash escapes, which libpg_query wouldn't know.
bool has_backslash_string(std::string_view text, LexOptions options) {
  if (options.standard_conforming_strings) return false;
  Lexer lexer(text, options);
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    const bool plain = token.kind == TokenKind::String || token.kind == TokenKind::NationalString;
    if ((plain && token.in(text).find('\\') != std::string_view::npos) || token.kind == TokenKind::Error) return true;
  }
  return false;
}

RewrittenStatement facts_of(const PgQuery__Node& node, const Statement& statement) {
  RewrittenStatement facts;
  facts.kind = statement.kind;
  facts.effect = statement.effect;
  facts.pin = statement.pin;
  facts.command_tag = statement.command_tag;
  facts.name = statement.name;
  facts.transaction_control = statement.transaction_control;
  facts.chain = statement.chain;
  if (inner_query(node) == Inner::Runs) {
    const TreeFacts tree = walk(node, Access::Read);
    facts.effect = std::max(facts.effect, tree.effect);
    if (facts.pin == PinReason::None) facts.pin = tree.pin;
  }
  return facts;
}

class Rewriter {
 public:
  explicit Rewriter(const RewriteRequest& request) : request_(request) {}

  RewriteOutcome run() {
    const std::string_view text = request_.text;
    if (text.size() > request_.max_bytes) return refused("54000", "statement is too long");
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
      return refused("22021", "invalid byte sequence for encoding \"UTF8\"");
    }
    Rewritten rewritten;
    for (const StatementRange& range : split(text, options_)) {
      if (!statement(range, rewritten)) return std::move(refused_);
    }
    if (rewritten.statements.empty()) {
      RewrittenStatement empty;
      empty.kind = Kind::Empty;
      empty.effect = Effect::Read;
      rewritten.statements.push_back(std::move(empty));
    }
    return rewritten;
  }

 private:
  static Refused refused(std::string sqlstate, std::string message) {
    return {std::move(sqlstate), std::move(message), {}, 0};
  }
  bool refuse(Refused refused) {
    refused_ = std::move(refused);
    return false;
  }
  bool statement(const StatementRange& range, Rewritten& rewritten);
  bool unreadable(const ParseTree& tree, const StatementRange& range);
  bool finish(ParseTree& tree, RewrittenStatement facts, Rewritten& rewritten);

  const RewriteRequest& request_;
  LexOptions options_{request_.standard_conforming_strings, true};
  Refused refused_;
};

bool Rewriter::unreadable(const ParseTree& tree, const StatementRange& range) {
  if (tree.error().empty()) return refuse(refused("42601", "syntax error"));
  Refused error =
      refused("42601", without_literals(tree.error(), range.in(request_.text), tree.error_position(), options_));
  if (tree.error_position() != 0) {
    error.position = characters(request_.text.substr(0, range.offset)) + tree.error_position();
  }
  return refuse(std::move(error));
}

bool Rewriter::statement(const StatementRange& range, Rewritten& rewritten) {
  const std::string_view text = range.in(request_.text);
  if (nests_deeply(text, options_, request_.max_nesting)) {
    return refuse(refused("54001", "statement is nested too deeply"));
  }
  if (has_backslash_string(text, options_)) {
    return refuse({"0A000", "a backslash in a string while standard_conforming_strings is off is not supported",
                   "Use E'…' for strings with backslashes.", 0});
  }
  ParseTree tree{std::string(text)};
  Statement described;
  if (tree.statement() == nullptr || !range.complete || !describe(*tree.statement(), described)) {
    return unreadable(tree, range);
  }
  Binder binder(request_, tree.arena(), facts_of(*tree.statement(), described));
  if (!binder.statement(*tree.mutable_statement())) {
    const Refusal& refusal = binder.refusal();
    std::size_t position = 0;
    if (refusal.location >= 0 && static_cast<std::size_t>(refusal.location) <= text.size()) {
      position = characters(request_.text.substr(0, range.offset + static_cast<std::size_t>(refusal.location))) + 1;
    }
    return refuse({refusal.sqlstate, refusal.message, refusal.hint, position});
  }
  return finish(tree, std::move(binder).facts(), rewritten);
}

bool Rewriter::finish(ParseTree& tree, RewrittenStatement facts, Rewritten& rewritten) {
  const bool kept_here = facts.virtual_setting.has_value() && !facts.virtual_setting->name.empty();
  if (!kept_here) {
    auto deparsed = deparse(*tree.mutable_statement());
    if (!deparsed) {
      TreeEditor edit(tree.arena());
      if (cast_boolean_operands(*tree.mutable_statement(), edit)) deparsed = deparse(*tree.mutable_statement());
    }
    if (!deparsed) {
      return refuse(
          {"0A000", "this statement can't be rewritten reliably", "Write it with fewer or simpler expressions.", 0});
    }
    const PgQuery__Node& made = *deparsed->tree->statement();
    if (!mentions_only(*request_.views, *request_.catalog, made) ||
        !counts_entities(*request_.views, *request_.catalog, made)) {
      return refuse({"0A000", "this statement can't be rewritten", "It failed the second check: please report it.", 0});
    }
    facts.server_text = std::move(deparsed->text);
  }
  rewritten.statements.push_back(std::move(facts));
  return true;
}

}  // namespace

RewriteOutcome rewrite(const RewriteRequest& request) { return Rewriter(request).run(); }

}  // namespace bartizan::sql
