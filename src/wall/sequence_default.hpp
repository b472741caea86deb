// Which sequence a column's default draws from, when it is nothing but nextval.
#pragma once

#include "bartizan/sql/catalog.hpp"

namespace bartizan::wall {

/// nullptr for other defaults, for identity columns (PostgreSQL asks no right on their sequences)
/// and for sequences that the catalog does not hold.
[[nodiscard]] const sql::CatalogRelation* default_sequence(const sql::Catalog& catalog,
                                                           const sql::CatalogColumn& column);

}  // namespace bartizan::wall
