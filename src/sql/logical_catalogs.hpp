// What the system catalogs say of encrypted columns: pg_attribute and information_schema.columns are
// read through a sub-select that gives their logical types in the place of the cells' domain, and
// leaves stored indexes out (ADR 0165). The sub-select stands in the text, where the relation stood.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bartizan/sql/encryption_plan.hpp"
#include "encryption_scan.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

/// The text of a statement with such sub-selects; nullopt: it reads none of these catalogs, or not in a
/// way that can be replaced, and is to be left as it is. tree: of exactly this text.
[[nodiscard]] std::optional<std::string> with_logical_catalogs(std::string_view text, const PgQuery__Node& tree,
                                                               const EncryptedColumns& columns,
                                                               const RelationNames& names);

}  // namespace bartizan::sql
