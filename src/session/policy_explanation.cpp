#include "policy_explanation.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bartizan/policy/statement_explanation.hpp"
#include "literal.hpp"

namespace bartizan::session {

namespace {

bool is_word(const sql::Token& token, std::string_view text, std::string_view word) {
  const auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return token.kind == sql::TokenKind::Identifier && std::ranges::equal(token.in(text), word, {}, folded);
}

/// The VALUES of the result set.
class Rows {
 public:
  void add(const std::array<std::string, 4>& row) {
    if (!values_.empty()) values_.append(", ");
    values_.push_back('(');
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) values_.append(", ");
      append_literal(values_, row.at(i));
    }
    values_.push_back(')');
  }
  [[nodiscard]] std::string text() const {
    return "SELECT object::pg_catalog.text, use::pg_catalog.text, shown::pg_catalog.text, why::pg_catalog.text FROM (VALUES " +
           values_ + ") AS policy (object, use, shown, why)";
  }

 private:
  std::string values_;
};

}  // namespace

std::optional<std::string_view> explained_by_policy(std::string_view text, sql::LexOptions lex) {
  sql::Lexer lexer(text, lex);
  if (!is_word(lexer.next(), text, "explain")) return std::nullopt;
  const auto second = lexer.next();
  if (!is_word(second, text, "policy")) return std::nullopt;
  return text.substr(second.offset + second.length);
}

ConsumerText explain_policy(std::string_view statement, const ConsumerReading& reading,
                            const policy::Resolution& resolution) {
  sql::RewriteRequest request;
  request.text = statement;
  request.catalog = reading.wall_class->catalog.get();
  request.views = reading.wall_class->views.get();
  request.search_path = *reading.search_path;
  request.standard_conforming_strings = reading.lex.standard_conforming_strings;
  const auto told = policy::explain_statement(request, resolution);
  Rows rows;
  if (told.refusal)
    rows.add({"statement", "", "refused with " + told.refusal->sqlstate,
              told.refusal->message + (told.refusal->hint.empty() ? "" : " (" + told.refusal->hint + ")")});
  for (const auto& one : told.statements) {
    rows.add({"statement", one.command, "permitted", ""});
    for (const auto& use : one.uses) rows.add({use.object, use.use, use.shown, use.why});
  }
  ConsumerText made;
  sql::Statement seen;
  seen.kind = sql::Kind::Select;
  seen.effect = sql::Effect::Read;
  seen.pin = sql::PinReason::None;
  seen.command_tag = "SELECT";
  seen.parsed = true;
  made.analysis.statements.push_back(std::move(seen));
  ConsumerStatement sent;
  sent.server_text = rows.text();
  made.server_text = sent.server_text;
  made.statements.push_back(std::move(sent));
  return made;
}

}  // namespace bartizan::session
