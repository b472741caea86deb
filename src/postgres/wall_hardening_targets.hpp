// What PUBLIC holds in a PostgreSQL that a class must not (DESIGN, "The wall", point 6).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bartizan::postgres {

/// Functions of pg_catalog, by name with every overload, whose EXECUTE is taken.
[[nodiscard]] std::span<const std::string_view> hardened_functions() noexcept;
/// Relations of pg_catalog whose SELECT is taken: other sessions' statements and statistics of rows.
[[nodiscard]] std::span<const std::string_view> hardened_relations() noexcept;

/// One row a right that PUBLIC holds now: class, target as GRANT takes it, privilege.
[[nodiscard]] std::string public_rights_sql();

}  // namespace bartizan::postgres
