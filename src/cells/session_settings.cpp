#include "session_settings.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "bartizan/sql/splitter.hpp"

namespace bartizan::cells {

namespace {

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// What follows `=`, TO or NAMES, its parts folded and without quotes, commas between.
std::string value_of(std::string_view statement, sql::LexOptions lex) {
  std::string value;
  bool behind = false;
  sql::Lexer lexer(statement, lex);
  for (auto token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    auto word = folded(token.in(statement));
    if (token.kind == sql::TokenKind::Error) return "?";
    if (!behind) {
      behind = word == "=" || word == "to" || word == "names";
      continue;
    }
    if (token.kind == sql::TokenKind::String || token.kind == sql::TokenKind::QuotedIdentifier)
      word = word.substr(1, word.size() - 2);
    value += word;
  }
  return value;
}

struct Watched {
  std::string_view name;
  std::array<std::string_view, 5> permitted;
};
constexpr std::array kWatched = {
    Watched{"standard_conforming_strings", {"on", "true", "yes", "1", "default"}},
    Watched{"client_encoding", {"utf8", "utf-8", "unicode", "default", "default"}},
    Watched{"bytea_output", {"hex", "default", "default", "default", "default"}},
    Watched{"backslash_quote", {"default", "safe_encoding", "default", "default", "default"}},
};

}  // namespace

policy::Refuse refusal(std::string_view sqlstate, std::string message, std::string hint, std::string reason) {
  policy::Refuse refuse;
  std::copy_n(sqlstate.begin(), refuse.sqlstate.size(), refuse.sqlstate.begin());
  refuse.message = std::move(message);
  refuse.hint = std::move(hint);
  refuse.reasons.push_back(std::move(reason));
  return refuse;
}

std::optional<policy::Refuse> refuse_setting(std::string_view text, const sql::Analysis& analysis, sql::LexOptions lex,
                                             bool kept_path) {
  const auto sets = [](const sql::Statement& each) {
    return each.kind == sql::Kind::Set || each.kind == sql::Kind::SetLocal;
  };
  if (std::ranges::none_of(analysis.statements, sets)) return std::nullopt;
  const auto ranges = sql::split(text, lex);
  for (std::size_t i = 0; i < analysis.statements.size(); ++i) {
    const auto& each = analysis.statements[i];
    if (!sets(each)) continue;
    const auto name = folded(each.name);
    const auto value = i < ranges.size() ? value_of(ranges[i].in(text), lex) : "?";
    bool permitted = true;
    if (name == "search_path") permitted = kept_path || value == "default";
    if (name == "datestyle") permitted = value == "iso" || value.starts_with("iso,") || value == "default";
    for (const auto& watched : kWatched)
      if (watched.name == name) permitted = std::ranges::find(watched.permitted, value) != watched.permitted.end();
    if (permitted) continue;
    return refusal(
        "0A000", "\"" + name + "\" can't be set to this in a database with encrypted columns",
        name == "search_path" ? "State it when connecting: options='-c search_path=…'." : "Leave it at its default.",
        "cells.setting");
  }
  return std::nullopt;
}

}  // namespace bartizan::cells
