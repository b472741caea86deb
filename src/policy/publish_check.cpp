#include "bartizan/policy/publish_check.hpp"

#include <tuple>

#include "column_access.hpp"
#include "findings.hpp"
#include "row_rules.hpp"

namespace bartizan::policy {
namespace {

void check_classifications(const PolicySet& policies, std::string_view depot, const sql::Catalog& catalog,
                           Findings& findings) {
  const PolicyHead nobody;
  for (const ColumnClassification& c : policies.classifications) {
    if (c.depot != depot) continue;
    const sql::CatalogRelation* relation = catalog.relation(c.schema, c.table);
    const bool there = relation != nullptr && (c.column.empty() || relation->column(c.column) != nullptr);
    if (!there)
      findings.add(
          "stale_classification", nobody,
          c.schema + "." + c.table + (c.column.empty() ? "" : "." + c.column) + " is classified and does not exist");
  }
}

/// Policies that speak of this depot and meet none of its tables.
void check_matches(const PolicySet& policies, std::string_view depot, const std::vector<TableFacts>& tables,
                   Findings& findings) {
  for (const DataPolicy& policy : policies.data) {
    if (!policy.dataset.matches_depot(depot)) continue;
    const auto* mask = std::get_if<MaskRule>(&policy.rule);
    const bool meets = std::ranges::any_of(tables, [&](const TableFacts& table) {
      if (!policy.dataset.matches_table(table.name())) return false;
      return mask == nullptr ||
             std::ranges::any_of(table.columns, [&](const ColumnFacts& c) { return selects(mask->columns, c); });
    });
    if (!meets)
      findings.add("matches_nothing", policy.head,
                   mask == nullptr ? "matches no table" : "selects no column of any table");
  }
  for (const AccessPolicy& policy : policies.access) {
    const bool speaks =
        std::ranges::any_of(policy.paths, [&](const ObjectPattern& p) { return p.matches_depot(depot); });
    const bool meets = std::ranges::any_of(tables, [&](const TableFacts& table) {
      return covers(policy, table) ||
             std::ranges::any_of(table.columns, [&](const ColumnFacts& c) { return covers(policy, table, c); });
    });
    if (speaks && !meets) findings.add("matches_nothing", policy.head, "its paths match no table or column");
  }
}

void check_columns(const TableFacts& table, Findings& findings) {
  for (const ColumnFacts& column : table.columns) {
    if (!column.tags.empty() && !column.covered) {
      findings.add("tag_unmasked", nullptr, table, column.column->name,
                   "it is tagged and no mask policy covers it: whoever may read it reads it in clear");
    }
    if (table.is_protected && !column.classified && !column.covered) {
      findings.add("unclassified", nullptr, table, column.column->name,
                   "it is hidden until it is classified or an access policy allows it by name");
    }
  }
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::Error: return "error";
    case Severity::Warning: return "warning";
    case Severity::Note: return "note";
  }
  return "?";
}

const std::vector<FindingCode>& finding_codes() {
  using enum Severity;
  static const std::vector<FindingCode> codes{
      {"aggregate_entity", Error,
       "the entity column of an aggregate rule is not there, or two rules count different entities"},
      {"aggregate_reads_alone", Note,
       "whoever sees the table in aggregates alone can't write it, whatever allows that"},
      {"clear_exception", Warning, "pass_through below priority 99 that no purpose limits"},
      {"domain_check", Note,
       "the column's type is a domain: its constraint may refuse the masked value when it is read"},
      {"filter_invalid", Error, "a filter names a column, mapping table or attribute that is not there"},
      {"foreign_key_reveals", Warning,
       "writers can tell by a foreign key which rows exist in a table that they see in part"},
      {"grant_without_end", Warning, "a grant that never ends"},
      {"insert_needs_value", Note, "a masked column that INSERT must set is not writable"},
      {"mask_on_key", Warning, "a mask on a key or foreign key column: joins and look-ups by it see the mask"},
      {"mask_type", Error, "the mask does not take the column's type, or does not fit its length"},
      {"masks_tie", Error, "two masks of one priority that may meet and can't be ordered"},
      {"matches_nothing", Note, "the policy matches nothing of this depot"},
      {"regex_may_not_match", Note, "a value that the pattern does not match is shown as it is"},
      {"rules_as_class", Warning, "the table has rewrite rules, which writes of the class would run"},
      {"stale_classification", Note, "what is classified does not exist"},
      {"tag_unmasked", Note, "a tagged column that no mask policy covers"},
      {"tenancies_contradict", Error, "two tenancies of the depot give subject.tenant different types"},
      {"tenant_column_missing", Error, "a table of a tenancy has no tenant column and is not named as shared"},
      {"tenant_type", Error, "the tenant column's type is not the tenancy's"},
      {"token_writable", Warning, "a token beside the right to write the column: who inserts a guess reads its token"},
      {"trigger_as_class", Warning, "the table has user triggers, which writes of the class would run"},
      {"unclassified", Note, "a column of a protected table that nobody has classified: it is hidden"},
      {"unique_reveals", Warning, "writers can tell by a unique key which values exist in rows that they do not see"},
  };
  return codes;
}

void Findings::put(std::string_view code, const PolicyHead* head, std::string_view schema, std::string_view table,
                   std::string_view column, std::string message) {
  const auto known = std::ranges::find(finding_codes(), code, &FindingCode::code);
  BZ_ASSERT(known != finding_codes().end());
  Finding finding{known->severity,     std::string(code),  head == nullptr ? "" : head->name,
                  std::string(schema), std::string(table), std::string(column),
                  std::move(message)};
  finding.acknowledged = head != nullptr && known->severity == Severity::Warning &&
                         std::ranges::find(head->acknowledged, code) != head->acknowledged.end();
  list_.push_back(std::move(finding));
}

std::vector<Finding> Findings::sorted() && {
  const auto key = [](const Finding& f) {
    return std::tie(f.severity, f.schema, f.table, f.column, f.code, f.policy, f.message);
  };
  std::ranges::sort(list_, {}, key);
  list_.erase(std::ranges::unique(list_).begin(), list_.end());
  return std::move(list_);
}

bool anyone_may(const PolicySet& policies, const TableFacts& table, VerbSet verbs) {
  return std::ranges::any_of(policies.access, [&](const AccessPolicy& policy) {
    if (!policy.allow || (policy.verbs & verbs).empty()) return false;
    return std::ranges::any_of(table.columns, [&](const ColumnFacts& column) { return covers(policy, table, column); });
  });
}

std::vector<Finding> publish_check(const PolicySet& policies, std::string_view depot, const sql::Catalog& catalog) {
  Findings findings;
  const FactsIndex index(policies, depot);
  std::vector<TableFacts> tables;
  for (const sql::CatalogRelation& relation : catalog.contents().relations) {
    if (is_policy_object(relation)) tables.push_back(index.facts(relation));
  }
  if (!tenant_type(policies, depot, catalog)) {
    findings.add("tenancies_contradict", PolicyHead{}, "give all tenancies of the depot the same type");
  }
  for (const TableFacts& table : tables) {
    check_columns(table, findings);
    check_masks(policies, table, catalog, findings);
    check_rows(policies, table, catalog, findings);
  }
  for (const PurposeGrant& grant : policies.grants) {
    if (!grant.time.until) findings.add("grant_without_end", grant.head, "say until when it is needed");
  }
  check_classifications(policies, depot, catalog, findings);
  check_matches(policies, depot, tables, findings);
  return std::move(findings).sorted();
}

bool publishable(const std::vector<Finding>& findings) noexcept {
  return std::ranges::none_of(findings, [](const Finding& f) {
    return f.severity == Severity::Error || (f.severity == Severity::Warning && !f.acknowledged);
  });
}

}  // namespace bartizan::policy
