// What limits the rows of one table for one subject: the tenant's filter, authored filters,
// aggregates only. Filters are parsed once per evaluation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"
#include "filter_expression.hpp"
#include "subject_view.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {

struct RowRules {
  std::vector<FilterTemplate> filters;  ///< sorted by text, unique
  std::optional<AggregateOnly> aggregate_only;
  std::vector<ContextAttribute> attributes;  ///< that the filters name
};

/// The tenancy's word on one table.
struct TenantColumn {
  enum class Kind : std::uint8_t { Free, Filtered, Missing } kind = Kind::Free;
  std::string column;
  const Tenancy* tenancy = nullptr;
};
[[nodiscard]] std::vector<TenantColumn> tenant_columns(const PolicySet& policies, const TableFacts& table);

/// The type of subject.tenant on the depot; nullopt where tenancies contradict one another.
[[nodiscard]] std::optional<AttributeType> tenant_type(const PolicySet& policies, std::string_view depot,
                                                       const sql::Catalog& catalog);

/// The type of an attribute; nullopt if nobody declared it.
[[nodiscard]] std::optional<AttributeType> attribute_type(const PolicySet& policies, std::string_view name,
                                                          AttributeType of_tenant);

/// What a filter names exists: columns, mapping tables and theirs, declared attributes. The first
/// thing that does not, in words.
[[nodiscard]] Result<void> check_filter(const FilterExpression& expression, const PolicySet& policies,
                                        const TableFacts& table, const sql::Catalog& catalog);

/// Views its arguments, which outlive it. One per evaluation.
class RowRuleReader {
 public:
  RowRuleReader(const PolicySet& policies, const SubjectView& subject, const sql::Catalog& catalog,
                AttributeType of_tenant)
      : policies_(policies), subject_(subject), catalog_(catalog), of_tenant_(of_tenant) {}

  /// An error: the table must be taken away, and why. Reasons are added where not null.
  [[nodiscard]] Result<RowRules> read(const TableFacts& table, std::vector<Reason>* reasons);

 private:
  Result<void> add_tenancy(const TableFacts& table, RowRules& out, std::vector<Reason>* reasons);
  Result<void> add_filters(const DataPolicy& policy, const FilterRule& rule, const TableFacts& table, RowRules& out,
                           std::vector<Reason>* reasons);
  Result<void> add_aggregate(const DataPolicy& policy, const AggregateRule& rule, const TableFacts& table,
                             RowRules& out, std::vector<Reason>* reasons);
  const Result<FilterExpression>& parsed(const std::string& text);

  const PolicySet& policies_;
  const SubjectView& subject_;
  const sql::Catalog& catalog_;
  AttributeType of_tenant_;
  std::map<std::string, Result<FilterExpression>> parsed_;
};

}  // namespace bartizan::policy
