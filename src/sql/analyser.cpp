#include "bartizan/sql/analyser.hpp"

#include <optional>
#include <utility>

#include "bartizan/sql/splitter.hpp"
#include "lexical_classifier.hpp"
#include "statement_parser.hpp"

namespace bartizan::sql {

namespace {

Statement empty_statement() {
  Statement statement;
  statement.kind = Kind::Empty;
  statement.effect = Effect::Read;
  statement.pin = PinReason::None;
  statement.command_tag = "";
  statement.may_return_rows = false;
  statement.parsed = true;
  return statement;
}

// Nothing is known of it, not even that it is one statement.
Statement unknown_statement() {
  Statement statement;
  statement.transaction_control = true;
  return statement;
}

}  // namespace

// Each statement is parsed by itself. If each is exactly one to the grammar, then the whole text
// is these statements to the server too, since the grammar of a text is statements and semicolons;
// if one is not, it is not parsed, and a server of the same grammar refuses the whole text.
Analysis analyse(std::string_view text, const AnalyseOptions& options) {
  const auto ranges = split(text, options.lex);
  Analysis analysis;
  analysis.statements.reserve(ranges.size());
  std::size_t budget = options.max_parse_bytes;
  for (const auto& range : ranges) {
    const auto statement = range.in(text);
    std::optional<Statement> parsed;
    if (range.complete && statement.size() <= budget) {
      budget -= statement.size();
      parsed = parse_statement(statement, options);
    }
    if (parsed) {
      analysis.statements.push_back(std::move(*parsed));
    } else {
      analysis.statements.push_back(range.complete ? classify_by_tokens(statement, options.lex) : unknown_statement());
    }
  }
  if (analysis.statements.empty()) analysis.statements.push_back(empty_statement());
  return analysis;
}

}  // namespace bartizan::sql
