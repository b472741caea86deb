// A row filter's SQL, read: one boolean expression of known nodes, over the protected table's
// columns, `subject.<attribute>` and sub-selects of mapping tables. Everything else is refused, so
// that what becomes a row-level security policy cannot write, wait, read other tables or differ
// from one call to the next (docs/reference/policies.md, "Filters"). Parsed by libpg_query; the
// canonical text is the deparsed tree, so spacing and case make no two classes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/outcome.hpp"

namespace bartizan::policy {

inline constexpr std::size_t kMaxFilterBytes = 4096;
inline constexpr std::size_t kMaxFilterTokens = 512;

struct FilterExpression {
  FilterTemplate filter;
  /// Names of columns of the protected table, sorted, each once.
  std::vector<std::string> columns;
  /// Table qualifiers used for them (`orders.region`): the protected table must be called so.
  std::vector<std::string> qualifiers;
  struct MappingColumn {
    std::string schema;
    std::string table;
    std::string column;  ///< empty: the table itself is read
    friend auto operator<=>(const MappingColumn&, const MappingColumn&) = default;
  };
  std::vector<MappingColumn> mapping;   ///< sorted, each once
  std::vector<std::string> attributes;  ///< sorted, each once
};

/// Malformed or Unsupported, saying which part is not permitted; TooLarge over the limits above.
[[nodiscard]] Result<FilterExpression> parse_filter(std::string_view text);

/// `"column" = subject.tenant`, as parse_filter would give it.
[[nodiscard]] FilterTemplate tenant_filter(std::string_view column);

/// An authored filter that uses subject.tenant is only true where there is a tenant, whatever it
/// makes of NULL. Others come back as they are.
[[nodiscard]] FilterTemplate with_tenant_guard(FilterTemplate filter);

}  // namespace bartizan::policy
