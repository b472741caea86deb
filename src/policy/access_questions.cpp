#include "bartizan/policy/access_questions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "bartizan/sql/catalog.hpp"
#include "column_access.hpp"

namespace bartizan::policy {
namespace {

std::string reason_line(const Reason& reason) {
  return fmt::format("      {}{}\n", reason.policy.empty() ? "" : reason.policy + ": ", reason.text);
}

/// Those of a table (column empty) or of one column.
std::string reason_lines(const Resolution& resolution, std::string_view schema, std::string_view table,
                         std::string_view column) {
  std::string out;
  for (const Reason& reason : resolution.reasons) {
    if (reason.schema == schema && reason.table == table && reason.column == column) out += reason_line(reason);
  }
  return out;
}

std::string table_text(const Resolution& resolution, const TableOutcome& table) {
  std::string out = fmt::format("{}.{}: {}\n", table.schema, table.name, verb_list(table.verbs));
  for (const FilterTemplate& filter : table.filters) out += fmt::format("    rows where {}\n", filter.text);
  if (table.aggregate_only)
    out += fmt::format("    aggregates alone, over at least {} distinct {}\n", table.aggregate_only->k,
                       table.aggregate_only->entity_column);
  out += reason_lines(resolution, table.schema, table.name, "");
  for (const ColumnOutcome& column : table.columns) {
    out += fmt::format("    {}: {}{}\n", column.name, describe(column.visibility),
                       column.writes.empty() ? "" : ", may " + verb_list(column.writes));
    out += reason_lines(resolution, table.schema, table.name, column.name);
  }
  return out;
}

}  // namespace

std::string describe(const Visibility& visibility) {
  struct Describe {
    std::string operator()(const Clear&) const { return "clear"; }
    std::string operator()(const Masked& masked) const { return describe(masked.mask); }
    std::string operator()(const Hidden&) const { return "hidden"; }
    std::string operator()(const WriteOnly&) const { return "write_only"; }
  };
  return std::visit(Describe{}, visibility);
}

Result<std::vector<ColumnSight>> who_can_see(const PolicySet& policies, std::span<const SubjectFacts> subjects,
                                             std::string_view depot, const sql::Catalog& catalog,
                                             const ObjectName& column) {
  const sql::CatalogRelation* relation = catalog.relation(column.schema, column.table);
  if (relation == nullptr || relation->column(column.column) == nullptr) {
    return fail(Errc::NotFound, fmt::format("there is no column {}.{}.{}", column.schema, column.table, column.column));
  }
  std::vector<ColumnSight> out;
  for (const SubjectFacts& subject : subjects) {
    Resolution resolution = resolve(policies, subject, depot, catalog, Explain::Yes);
    const TableOutcome* table = resolution.outcome.find(column.schema, column.table);
    const ColumnOutcome* found = table == nullptr ? nullptr : table->find(column.column);
    if (found == nullptr || std::holds_alternative<Hidden>(found->visibility)) continue;
    ColumnSight sight{
        subject.identity, subject.purpose, found->visibility, found->writes, {}, table->aggregate_only, {}};
    for (const FilterTemplate& filter : table->filters) sight.filters.push_back(filter.text);
    std::ranges::copy_if(resolution.reasons, std::back_inserter(sight.reasons), [&](const Reason& r) {
      return r.schema == column.schema && r.table == column.table && (r.column.empty() || r.column == column.column);
    });
    out.push_back(std::move(sight));
  }
  return out;
}

std::string explain_text(const Resolution& resolution, std::span<const std::string> tables) {
  std::string out = fmt::format("class {:016x}\ncontext:", class_id(resolution.outcome).get());
  for (const ContextValue& value : resolution.context) {
    out += fmt::format(" {} {}{}", value.name, to_string(value.type), value.value ? "" : " (none)");
  }
  out += "\n";
  if (tables.empty()) {
    for (const TableOutcome& table : resolution.outcome.tables) out += table_text(resolution, table);
    return out;
  }
  for (const std::string& name : tables) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    const std::string_view schema = std::string_view(name).substr(0, dot);
    const std::string_view table = dot == name.size() ? std::string_view() : std::string_view(name).substr(dot + 1);
    if (const TableOutcome* found = resolution.outcome.find(schema, table)) {
      out += table_text(resolution, *found);
    } else {
      out += fmt::format("{}: not to be seen\n", name) + reason_lines(resolution, schema, table, "");
    }
  }
  return out;
}

}  // namespace bartizan::policy
