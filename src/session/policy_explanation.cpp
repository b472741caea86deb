#include "policy_explanation.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bartizan/policy/access_questions.hpp"
#include "literal.hpp"

namespace bartizan::session {

namespace {

bool is_word(const sql::Token& token, std::string_view text, std::string_view word) {
  const auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return token.kind == sql::TokenKind::Identifier && std::ranges::equal(token.in(text), word, {}, folded);
}

std::string verbs_of(sql::Verbs verbs) {
  std::string out;
  const auto add = [&](sql::Verbs verb, std::string_view word) {
    if (sql::permits(verbs, verb)) out.append(out.empty() ? "" : ", ").append(word);
  };
  add(sql::Verbs::Select, "read");
  add(sql::Verbs::Insert, "insert");
  add(sql::Verbs::Update, "update");
  add(sql::Verbs::Delete, "delete");
  return out;
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

class Explanation {
 public:
  Explanation(const ConsumerReading& reading, const policy::Resolution& resolution, Rows& rows)
      : catalog_(*reading.wall_class->catalog), resolution_(resolution), rows_(rows) {}

  void add(const sql::RewrittenStatement& statement) {
    rows_.add({"statement", std::string(statement.command_tag), "permitted", ""});
    for (const auto& use : statement.relations) add_table(statement, use);
  }

 private:
  void add_table(const sql::RewrittenStatement& statement, const sql::RelationUse& use) {
    const auto* relation = catalog_.relation(use.relation);
    const auto* table = relation == nullptr ? nullptr : resolution_.outcome.find(relation->schema, relation->name);
    if (table == nullptr) return;
    std::string filters;
    for (const auto& filter : table->filters)
      filters.append(filters.empty() ? "" : " AND ").append("(" + filter.text + ")");
    const auto name = relation->schema + "." + relation->name;
    rows_.add({name, verbs_of(use.verbs), filters.empty() ? "all rows" : "rows where " + filters,
               reasons(relation->schema, relation->name, "")});
    for (const auto& column : relation->columns) {
      const sql::ColumnId id{relation->oid, column.attnum};
      const bool read = std::ranges::find(statement.read, id) != statement.read.end();
      const bool written = std::ranges::find(statement.written, id) != statement.written.end();
      const auto* outcome = table->find(column.name);
      if ((!read && !written) || outcome == nullptr) continue;
      rows_.add({name + "." + column.name,
                 read && written ? "read, write"
                 : read          ? "read"
                                 : "write",
                 policy::describe(outcome->visibility), reasons(relation->schema, relation->name, column.name)});
    }
  }

  [[nodiscard]] std::string reasons(std::string_view schema, std::string_view table, std::string_view column) const {
    std::string out;
    for (const auto& reason : resolution_.reasons) {
      if (reason.schema != schema || reason.table != table || reason.column != column) continue;
      out.append(out.empty() ? "" : "; ").append(reason.policy.empty() ? "" : reason.policy + ": ").append(reason.text);
    }
    return out;
  }

  const sql::Catalog& catalog_;
  const policy::Resolution& resolution_;
  Rows& rows_;
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
  const auto outcome = sql::rewrite(request);
  Rows rows;
  if (const auto* refused = std::get_if<sql::Refused>(&outcome)) {
    rows.add({"statement", "", "refused with " + refused->sqlstate,
              refused->message + (refused->hint.empty() ? "" : " (" + refused->hint + ")")});
  } else {
    Explanation explanation(reading, resolution, rows);
    for (const auto& one : std::get<sql::Rewritten>(outcome).statements) explanation.add(one);
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
