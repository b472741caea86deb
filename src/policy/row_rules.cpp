#include "row_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "quoting.hpp"

namespace bartizan::policy {
namespace {

Reason reason(Reason::Effect effect, const TableFacts& table, const PolicyHead& head, std::string text) {
  return {effect, table.relation->schema, table.relation->name, "", head.name, std::move(text)};
}

bool matches_any(const std::vector<ObjectPattern>& patterns, const ObjectName& name) {
  return std::ranges::any_of(patterns, [&](const ObjectPattern& p) { return p.matches_table(name); });
}

}  // namespace

std::vector<TenantColumn> tenant_columns(const PolicySet& policies, const TableFacts& table) {
  std::vector<TenantColumn> out;
  for (const Tenancy& tenancy : policies.tenancies) {
    if (!matches_any(tenancy.tables, table.name()) || matches_any(tenancy.shared, table.name())) continue;
    const bool there = table.relation->column(tenancy.column) != nullptr;
    out.push_back({there ? TenantColumn::Kind::Filtered : TenantColumn::Kind::Missing, tenancy.column, &tenancy});
  }
  return out;
}

std::optional<AttributeType> tenant_type(const PolicySet& policies, std::string_view depot,
                                         const sql::Catalog& catalog) {
  std::optional<AttributeType> found;
  for (const Tenancy& tenancy : policies.tenancies) {
    const bool here = std::ranges::any_of(catalog.contents().relations, [&](const sql::CatalogRelation& relation) {
      return is_policy_object(relation) && matches_any(tenancy.tables, {depot, relation.schema, relation.name, {}});
    });
    if (!here) continue;
    if (found && *found != tenancy.type) return std::nullopt;
    found = tenancy.type;
  }
  return found.value_or(AttributeType::Text);
}

std::optional<AttributeType> attribute_type(const PolicySet& policies, std::string_view name, AttributeType of_tenant) {
  if (name == kTenantAttribute) return of_tenant;
  if (name == "identity" || name == "purpose") return AttributeType::Text;
  const auto found = std::ranges::find(policies.attributes, name, &AttributeDeclaration::name);
  return found == policies.attributes.end() ? std::nullopt : std::optional(found->type);
}

Result<void> check_filter(const FilterExpression& expression, const PolicySet& policies, const TableFacts& table,
                          const sql::Catalog& catalog) {
  for (const std::string& column : expression.columns) {
    if (table.relation->column(column) == nullptr)
      return fail(Errc::NotFound, fmt::format("{} has no column {}", table.text(), in_double_quotes(column)));
  }
  for (const std::string& qualifier : expression.qualifiers) {
    if (qualifier != table.relation->name)
      return fail(Errc::NotFound, fmt::format("{} is not the table's name", in_double_quotes(qualifier)));
  }
  for (const auto& used : expression.mapping) {
    const sql::CatalogRelation* relation = catalog.relation(used.schema, used.table);
    const bool permitted = matches_any(policies.mapping_tables, {table.depot, used.schema, used.table, {}});
    if (!permitted)
      return fail(Errc::FailedPrecondition,
                  fmt::format("{}.{} is not declared as a mapping table", used.schema, used.table));
    if (relation == nullptr || !is_policy_object(*relation))
      return fail(Errc::NotFound, fmt::format("there is no table {}.{}", used.schema, used.table));
    if (!used.column.empty() && relation->column(used.column) == nullptr) {
      return fail(Errc::NotFound,
                  fmt::format("{}.{} has no column {}", used.schema, used.table, in_double_quotes(used.column)));
    }
  }
  for (const std::string& attribute : expression.attributes) {
    if (!attribute_type(policies, attribute, AttributeType::Text)) {
      return fail(Errc::NotFound,
                  fmt::format("subject.{} is not declared: add it to a manifest of type attributes", attribute));
    }
  }
  return {};
}

const Result<FilterExpression>& RowRuleReader::parsed(const std::string& text) {
  const auto found = parsed_.find(text);
  return found != parsed_.end() ? found->second : parsed_.emplace(text, parse_filter(text)).first->second;
}

Result<RowRules> RowRuleReader::read(const TableFacts& table, std::vector<Reason>* reasons) {
  RowRules out;
  BZ_CHECK(add_tenancy(table, out, reasons));
  for (const DataPolicy& policy : policies_.data) {
    if (std::holds_alternative<MaskRule>(policy.rule) || !policy.dataset.matches_table(table.name())) continue;
    // A restriction that cannot be decided for want of an attribute applies.
    if (!subject_.matches(policy.users) || subject_.holds(policy.condition) == Holds::No) continue;
    if (const auto* filter = std::get_if<FilterRule>(&policy.rule))
      BZ_CHECK(add_filters(policy, *filter, table, out, reasons));
    if (const auto* aggregate = std::get_if<AggregateRule>(&policy.rule))
      BZ_CHECK(add_aggregate(policy, *aggregate, table, out, reasons));
  }
  std::ranges::sort(out.filters, {}, &FilterTemplate::text);
  out.filters.erase(std::ranges::unique(out.filters).begin(), out.filters.end());
  return out;
}

Result<void> RowRuleReader::add_tenancy(const TableFacts& table, RowRules& out, std::vector<Reason>* reasons) {
  for (const TenantColumn& tenant : tenant_columns(policies_, table)) {
    if (tenant.kind == TenantColumn::Kind::Missing) {
      return fail(Errc::FailedPrecondition,
                  fmt::format("it has no column {} to tell tenants apart by", in_double_quotes(tenant.column)));
    }
    out.filters.push_back(tenant_filter(tenant.column));
    out.attributes.push_back({std::string(kTenantAttribute), of_tenant_});
    if (reasons != nullptr) {
      reasons->push_back(reason(Reason::Effect::TenantFilter, table, tenant.tenancy->head,
                                "rows of the subject's tenant alone: " + out.filters.back().text));
    }
  }
  return {};
}

Result<void> RowRuleReader::add_filters(const DataPolicy& policy, const FilterRule& rule, const TableFacts& table,
                                        RowRules& out, std::vector<Reason>* reasons) {
  for (const std::string& text : rule.expressions) {
    const auto& expression = parsed(text);
    if (!expression)
      return fail(expression.error().code,
                  fmt::format("the filter of {}: {}", policy.head.name, expression.error().detail));
    if (auto good = check_filter(*expression, policies_, table, catalog_); !good) {
      return fail(good.error().code, fmt::format("the filter of {}: {}", policy.head.name, good.error().detail));
    }
    for (const std::string& name : expression->attributes) {
      const AttributeType type = *attribute_type(policies_, name, of_tenant_);
      const auto value = subject_.attribute(name);
      // No tenant is a signed value of its own; no other attribute may be missing.
      if (name != kTenantAttribute && (!value || !typed_value(*value, type))) {
        return fail(Errc::PermissionDenied,
                    fmt::format("the filter of {} needs the attribute {} as {}, which the subject lacks",
                                policy.head.name, name, to_string(type)));
      }
      out.attributes.push_back({name, type});
    }
    out.filters.push_back(with_tenant_guard(expression->filter));
    if (reasons != nullptr)
      reasons->push_back(reason(Reason::Effect::FilterApplied, table, policy.head, out.filters.back().text));
  }
  return {};
}

Result<void> RowRuleReader::add_aggregate(const DataPolicy& policy, const AggregateRule& rule, const TableFacts& table,
                                          RowRules& out, std::vector<Reason>* reasons) {
  if (table.relation->column(rule.entity_column) == nullptr) {
    return fail(Errc::NotFound, fmt::format("the entity of {}: there is no column {}", policy.head.name,
                                            in_double_quotes(rule.entity_column)));
  }
  if (out.aggregate_only && out.aggregate_only->entity_column != rule.entity_column) {
    return fail(Errc::FailedPrecondition, "two aggregate rules count different entities");
  }
  const std::uint32_t k = out.aggregate_only ? std::max(out.aggregate_only->k, rule.k) : rule.k;
  out.aggregate_only = AggregateOnly{k, rule.entity_column};
  if (reasons != nullptr) {
    reasons->push_back(
        reason(Reason::Effect::AggregateOnly, table, policy.head,
               fmt::format("aggregates alone, over at least {} distinct {}", rule.k, rule.entity_column)));
  }
  return {};
}

}  // namespace bartizan::policy
