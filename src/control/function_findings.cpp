#include "function_findings.hpp"

#include <algorithm>
#include <set>

#include "bartizan/sql/lexer.hpp"

namespace bartizan::control {
namespace {

/// Functions of PostgreSQL's that run a text.
constexpr std::string_view kRunText[] = {
    "cursor_to_xml",
    "database_to_xml",
    "dblink",
    "dblink_exec",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "schema_to_xml",
    "table_to_xml",
    "ts_stat",
    "ts_rewrite",
};
constexpr std::size_t kMostTables = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// The words of a body, those inside of its strings too, which may be run.
void add_words(std::string_view text, std::set<std::string>& out, int depth) {
  sql::Lexer lexer(text, {});
  for (auto token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    const auto word = token.in(text);
    if (token.kind == sql::TokenKind::Identifier) out.insert(lower(word));
    if (token.kind == sql::TokenKind::QuotedIdentifier) out.insert(std::string(word.substr(1, word.size() - 2)));
    const auto quote = sql::is_string(token.kind) ? word.find_first_of("'$") : std::string_view::npos;
    if (quote != std::string_view::npos && depth > 0) {
      const auto within = word.substr(quote + 1);
      add_words(within.substr(0, within.find_last_of("'$")), out, depth - 1);
    }
    if (token.kind == sql::TokenKind::Error) {
      // Whatever it is, its words are looked at one by one.
      std::string rest(word);
      std::ranges::replace_if(
          rest,
          [](char c) {
            return !(c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
          },
          ' ');
      if (depth > 0) add_words(rest, out, 0);
      return;
    }
  }
}

std::string_view name_of(std::string_view qualified) { return qualified.substr(qualified.rfind('.') + 1); }

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kMostTables; ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostTables) out += " and " + std::to_string(names.size() - kMostTables) + " more";
  return out;
}

class Review {
 public:
  Review(const postgres::FunctionFacts& function, const std::vector<std::string>& relations,
         const std::vector<std::string>& encrypted)
      : function_(function), relations_(relations), encrypted_(encrypted) {
    if (is_text()) add_words(function.body, words_, 1);
  }

  std::vector<FunctionFinding> run() {
    rights();
    names();
    effects();
    text();
    if (!function_.extension.empty())
      add("extension", "belongs to extension " + function_.extension + ": its updates replace it", false);
    return std::move(out_);
  }

 private:
  /// Languages whose bodies are SQL or PL/pgSQL.
  [[nodiscard]] bool is_text() const { return function_.language == "sql" || function_.language == "plpgsql"; }
  [[nodiscard]] bool says(std::string_view word) const { return words_.contains(std::string(word)); }
  void add(std::string_view code, std::string message, bool warning = true) {
    out_.push_back({std::string(code), std::move(message), warning});
  }

  void rights() {
    if (function_.security_definer)
      add("security-definer",
          "runs with the rights of " + function_.owner + (function_.owner_is_superuser ? ", a superuser" : "") +
              ": what it reads is past every mask and filter, and whoever calls it gets its answer");
    if (function_.security_definer && !function_.pins_search_path)
      add("search-path",
          "sets no search_path although it runs with its owner's rights: its caller says what its names mean");
    if (function_.is_trigger)
      add("trigger",
          "is a trigger's: it sees stored rows without masks (OLD and NEW). Classes may write tables whose triggers have "
          "all been reviewed");
  }

  void names() {
    std::vector<std::string> tables;
    std::vector<std::string> cells;
    for (const auto& relation : relations_)
      if (says(name_of(relation))) tables.push_back(relation);
    for (const auto& relation : encrypted_)
      if (says(name_of(relation))) cells.push_back(relation);
    if (!tables.empty())
      add("tables",
          "names " + listed(tables) +
              (function_.security_definer ? ", which it reads as " + function_.owner
                                          : ", on which classes have no right: for them it fails there"),
          function_.security_definer);
    if (!cells.empty()) add("encrypted", "names " + listed(cells) + " with encrypted columns, which are cells to it");
  }

  void effects() {
    if (function_.volatility == sql::Volatility::Volatile && !function_.is_trigger)
      add("volatile", "may write and have other effects, in a SELECT too, each time that it is called");
    if (says("set_config") || (function_.language == "plpgsql" && says("set") && !says("update")))
      add("settings", "may change settings of its session, which the statements after it run under");
  }

  void text() {
    const bool runs = (function_.language == "plpgsql" && says("execute")) ||
                      std::ranges::any_of(kRunText, [&](std::string_view name) { return says(name); });
    if (runs) add("dynamic-sql", "makes up SQL while it runs: what it touches can't be told from its text");
    if (is_text() || function_.language == "internal") return;
    if (function_.extension.empty())
      add("language", "is written in " + function_.language + (function_.trusted ? "" : ", an untrusted language") +
                          ": what it does can't be told from its text");
    else if (function_.takes_text && function_.volatility != sql::Volatility::Immutable)
      add("runs-text", "takes text and is not immutable: it may run it as SQL, as dblink and crosstab do");
  }

  const postgres::FunctionFacts& function_;
  const std::vector<std::string>& relations_;
  const std::vector<std::string>& encrypted_;
  std::set<std::string> words_;
  std::vector<FunctionFinding> out_;
};

}  // namespace

std::vector<FunctionFinding> review(const postgres::FunctionFacts& function, const std::vector<std::string>& relations,
                                    const std::vector<std::string>& encrypted) {
  return Review(function, relations, encrypted).run();
}

const std::vector<std::string_view>& function_finding_codes() {
  static const std::vector<std::string_view> kCodes = {"dynamic-sql", "encrypted",   "extension",        "language",
                                                       "runs-text",   "search-path", "security-definer", "settings",
                                                       "tables",      "trigger",     "volatile"};
  return kCodes;
}

}  // namespace bartizan::control
