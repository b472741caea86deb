// A mask as a SQL expression over its column (policy/mask.hpp says what each yields). It stands in
// a view's target list, so below every predicate, join and sort of the class's statements.
#pragma once

#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::wall {

/// Has the column's type and modifier. To be parsed with search_path = pg_catalog: operators stand
/// unqualified. Unsupported: the mask does not take the column's type.
[[nodiscard]] Result<std::string> mask_expression(const sql::Catalog& catalog, const sql::CatalogColumn& column,
                                                  const policy::Mask& mask);

}  // namespace bartizan::wall
