// The objects of one table's outcome.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/wall/compile.hpp"

namespace bartizan::wall {

/// The relation behind an outcome, after checking that both say the same and that the wall can
/// express it. NotFound or Unsupported.
[[nodiscard]] Result<const sql::CatalogRelation*> relation_of(const sql::Catalog& catalog,
                                                              const policy::ClassOutcome& outcome,
                                                              const policy::TableOutcome& table);

/// True where some column may be assigned that the main view can't take: masked or not readable.
[[nodiscard]] bool needs_write_view(const policy::TableOutcome& table) noexcept;

/// Row-level security is to be had: tables and partitioned tables. Elsewhere filters stand in a
/// barrier view, and writing is not supported.
[[nodiscard]] bool has_row_security(sql::RelKind kind) noexcept;

/// Everything but the class's role.
[[nodiscard]] Result<std::vector<Object>> table_objects(const CompileInput& input, const policy::ClassOutcome& outcome,
                                                        const policy::TableOutcome& table,
                                                        const std::string& class_role);

}  // namespace bartizan::wall
