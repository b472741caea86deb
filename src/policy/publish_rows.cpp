#include <fmt/format.h>

#include <algorithm>

#include "bartizan/policy/detokenize.hpp"
#include "bartizan/policy/mask_registry.hpp"
#include "column_access.hpp"
#include "findings.hpp"
#include "quoting.hpp"
#include "row_rules.hpp"

namespace bartizan::policy {
namespace {

/// What limits the rows of a table for anybody, and the column by which, if there is one.
struct RowLimit {
  const PolicyHead* head = nullptr;
  std::string tenant_column;
};

std::vector<RowLimit> row_limits(const PolicySet& policies, const TableFacts& table) {
  std::vector<RowLimit> out;
  for (const TenantColumn& tenant : tenant_columns(policies, table)) {
    if (tenant.kind == TenantColumn::Kind::Filtered) out.push_back({&tenant.tenancy->head, tenant.column});
  }
  for (const DataPolicy& policy : policies.data) {
    const bool filter = std::holds_alternative<FilterRule>(policy.rule);
    if (filter && policy.dataset.matches_table(table.name())) out.push_back({&policy.head, ""});
  }
  return out;
}

bool type_agrees(AttributeType type, TypeFamily family) {
  switch (type) {
    case AttributeType::Text: return family == TypeFamily::Text;
    case AttributeType::Bigint:
      return family == TypeFamily::Bigint || family == TypeFamily::Integer || family == TypeFamily::Smallint;
    case AttributeType::Numeric: return family == TypeFamily::Numeric;
    case AttributeType::Uuid: return family == TypeFamily::Uuid;
    case AttributeType::Boolean:
    case AttributeType::Date:
    case AttributeType::Timestamptz:
    case AttributeType::TextArray: return false;  // nothing that tells tenants apart
  }
  return false;
}

/// The server alone sets the key: a client cannot try values.
bool chosen_by_server(const TableFacts& table, const sql::CatalogKey& key) {
  return !key.columns.empty() && std::ranges::any_of(key.columns, [&](sql::AttrNumber number) {
    const sql::CatalogColumn* column = table.relation->column(number);
    return column != nullptr && column->identity == sql::Identity::Always;
  });
}

void check_tenancy(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog,
                   Findings& findings) {
  for (const TenantColumn& tenant : tenant_columns(policies, table)) {
    if (tenant.kind == TenantColumn::Kind::Missing) {
      findings.add("tenant_column_missing", &tenant.tenancy->head, table, "",
                   fmt::format("it has no column {}: name the table under shared if its rows belong to no tenant",
                               in_double_quotes(tenant.column)));
      continue;
    }
    const TypeFamily family = type_family(table.relation->column(tenant.column)->type, catalog);
    if (!type_agrees(tenant.tenancy->type, family)) {
      findings.add("tenant_type", &tenant.tenancy->head, table, tenant.column,
                   fmt::format("the tenancy says {}, the column is of another type ({})",
                               to_string(tenant.tenancy->type), to_string(family)));
    }
  }
}

void check_filters(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog,
                   Findings& findings) {
  const AggregateRule* first = nullptr;
  for (const DataPolicy& policy : policies.data) {
    if (!policy.dataset.matches_table(table.name())) continue;
    if (const auto* rule = std::get_if<FilterRule>(&policy.rule)) {
      for (const std::string& text : rule->expressions) {
        const auto parsed = parse_filter(text);
        const auto good = parsed ? check_filter(*parsed, policies, table, catalog)
                                 : Result<void>(fail(parsed.error().code, parsed.error().detail));
        if (!good) findings.add("filter_invalid", &policy.head, table, "", good.error().detail);
      }
    }
    if (const auto* rule = std::get_if<AggregateRule>(&policy.rule)) {
      const bool there = table.relation->column(rule->entity_column) != nullptr;
      if (!there)
        findings.add("aggregate_entity", &policy.head, table, "",
                     "there is no column " + in_double_quotes(rule->entity_column));
      if (first != nullptr && first->entity_column != rule->entity_column)
        findings.add("aggregate_entity", &policy.head, table, "", "another aggregate rule counts a different entity");
      first = rule;
      if (there && anyone_may(policies, table, {Verb::Insert, Verb::Update, Verb::Delete}))
        findings.add("aggregate_reads_alone", &policy.head, table, "",
                     "a policy allows writes, which those whom this rule concerns don't get");
    }
  }
}

void check_keys(const PolicySet& policies, const TableFacts& table, Findings& findings) {
  if (!anyone_may(policies, table, {Verb::Insert, Verb::Update})) return;
  for (const RowLimit& limit : row_limits(policies, table)) {
    const sql::CatalogColumn* tenant =
        limit.tenant_column.empty() ? nullptr : table.relation->column(limit.tenant_column);
    for (const sql::CatalogKey& key : table.relation->keys) {
      const bool within_tenant =
          tenant != nullptr && std::ranges::find(key.columns, tenant->attnum) != key.columns.end();
      if (within_tenant || chosen_by_server(table, key)) continue;
      findings.add(
          "unique_reveals", limit.head, table, "",
          fmt::format(
              "the key {} reaches over rows that a writer does not see: a refused write tells that a value exists",
              in_double_quotes(key.name)));
    }
  }
}

void check_foreign_keys(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog,
                        Findings& findings) {
  if (!anyone_may(policies, table, {Verb::Insert, Verb::Update})) return;
  const FactsIndex index(policies, table.depot);
  for (const sql::CatalogForeignKey& key : table.relation->foreign_keys) {
    const sql::CatalogRelation* parent = catalog.relation(key.referenced);
    if (parent == nullptr || !is_policy_object(*parent)) continue;
    for (const RowLimit& limit : row_limits(policies, index.facts(*parent))) {
      findings.add("foreign_key_reveals", limit.head, table, "",
                   fmt::format("the foreign key {} tells a writer which rows of {}.{} exist that it does not see",
                               in_double_quotes(key.name), parent->schema, parent->name));
    }
  }
}

}  // namespace

void check_rows(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog, Findings& findings) {
  check_tenancy(policies, table, catalog, findings);
  check_filters(policies, table, catalog, findings);
  check_keys(policies, table, findings);
  check_foreign_keys(policies, table, catalog, findings);
  for (const AccessPolicy& policy : policies.access) {
    const bool writes = policy.allow && !(policy.verbs - VerbSet{Verb::Read, kDetokenize}).empty();
    const bool here = covers(policy, table) || std::ranges::any_of(table.columns, [&](const ColumnFacts& c) {
                        return covers(policy, table, c);
                      });
    if (!writes || !here) continue;
    if (table.relation->has_user_triggers)
      findings.add("trigger_as_class", &policy.head, table, "",
                   "review what its triggers read and write, then acknowledge");
    if (table.relation->has_rules)
      findings.add("rules_as_class", &policy.head, table, "", "review what its rules do, then acknowledge");
  }
}

}  // namespace bartizan::policy
