// What PUBLIC holds in a PostgreSQL that a class must not (DESIGN, "The wall", point 6).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "bartizan/postgres/control_connection.hpp"
#include "wall_hardening_statements.hpp"

namespace bartizan::postgres {

/// Functions of pg_catalog, by name with every overload, whose EXECUTE is taken.
[[nodiscard]] std::span<const std::string_view> hardened_functions() noexcept;
/// Relations of pg_catalog whose SELECT is taken: other sessions' statements and statistics of rows.
[[nodiscard]] std::span<const std::string_view> hardened_relations() noexcept;

/// One row a right that PUBLIC holds now.
[[nodiscard]] std::string public_rights_sql();

/// A row of it.
struct HeldRight {
  PublicRight right;          ///< target as GRANT takes it
  bool takeable = true;       ///< the login has the rights of the object's owner
  bool of_extension = false;  ///< a relation or routine of one
  bool of_catalog = false;    ///< one of pg_catalog
};
[[nodiscard]] HeldRight held_right(const Rows& rows, std::size_t row);

}  // namespace bartizan::postgres
