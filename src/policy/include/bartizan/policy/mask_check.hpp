// Whether a mask can stand for a column: its type is taken, and what the mask yields fits the
// type's limits, so that a masked read cannot fail nor be cut in silence. Decided when a policy is
// published, and again at evaluation, where what does not fit hides the column.
#pragma once

#include "bartizan/base/result.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

/// InvalidArgument, saying what does not fit. Constants of types that this module cannot read
/// (arrays, enums …) are left to the server, which reads them when the class is compiled.
[[nodiscard]] Result<void> check_mask(const Mask& mask, const sql::CatalogColumn& column, const sql::Catalog& catalog);

/// The column's type is a domain, whose constraint a masked value may fail when it is read.
[[nodiscard]] bool is_domain(const sql::CatalogColumn& column, const sql::Catalog& catalog) noexcept;

}  // namespace bartizan::policy
