#include "bartizan/policy/statement_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bartizan/policy/access_questions.hpp"

namespace bartizan::policy {
namespace {

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

class Explainer {
 public:
  Explainer(const sql::Catalog& catalog, const Resolution& resolution) : catalog_(catalog), resolution_(resolution) {}

  [[nodiscard]] ExplainedStatement explain(sql::RewrittenStatement&& statement) const {
    ExplainedStatement out{std::string(statement.command_tag), std::move(statement.server_text), {}};
    for (const auto& use : statement.relations) add_table(statement, use, out.uses);
    return out;
  }

 private:
  void add_table(const sql::RewrittenStatement& statement, const sql::RelationUse& use,
                 std::vector<ExplainedUse>& out) const {
    const auto* relation = catalog_.relation(use.relation);
    const auto* table = relation == nullptr ? nullptr : resolution_.outcome.find(relation->schema, relation->name);
    if (table == nullptr) return;
    const auto name = relation->schema + "." + relation->name;
    out.push_back({name, verbs_of(use.verbs), describe_rows(*table),
                   reasons_in_line(resolution_.reasons, relation->schema, relation->name, "")});
    for (const auto& column : relation->columns) {
      const sql::ColumnId id{relation->oid, column.attnum};
      const bool read = std::ranges::find(statement.read, id) != statement.read.end();
      const bool written = std::ranges::find(statement.written, id) != statement.written.end();
      const auto* outcome = table->find(column.name);
      if ((!read && !written) || outcome == nullptr) continue;
      out.push_back({name + "." + column.name,
                     read && written ? "read, write"
                     : read          ? "read"
                                     : "write",
                     describe(outcome->visibility),
                     reasons_in_line(resolution_.reasons, relation->schema, relation->name, column.name)});
    }
  }

  const sql::Catalog& catalog_;
  const Resolution& resolution_;
};

}  // namespace

std::string reasons_in_line(const std::vector<Reason>& reasons, std::string_view schema, std::string_view table,
                            std::string_view column) {
  std::string out;
  for (const auto& reason : reasons) {
    if (reason.schema != schema || reason.table != table || reason.column != column) continue;
    out.append(out.empty() ? "" : "; ").append(reason.policy.empty() ? "" : reason.policy + ": ").append(reason.text);
  }
  return out;
}

std::string describe_rows(const TableOutcome& table) {
  std::string filters;
  for (const auto& filter : table.filters)
    filters.append(filters.empty() ? "" : " AND ").append("(" + filter.text + ")");
  std::string out = filters.empty() ? "all rows" : "rows where " + filters;
  if (table.aggregate_only)
    out += fmt::format(", in aggregates over at least {} distinct {} alone", table.aggregate_only->k,
                       table.aggregate_only->entity_column);
  return out;
}

StatementExplanation explain_statement(const sql::RewriteRequest& request, const Resolution& resolution) {
  StatementExplanation out;
  auto outcome = sql::rewrite(request);
  if (auto* refused = std::get_if<sql::Refused>(&outcome)) {
    out.refusal = std::move(*refused);
    return out;
  }
  const Explainer explainer(*request.catalog, resolution);
  for (auto& one : std::get<sql::Rewritten>(outcome).statements)
    out.statements.push_back(explainer.explain(std::move(one)));
  return out;
}

}  // namespace bartizan::policy
