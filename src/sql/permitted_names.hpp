// What of pg_catalog a statement may name, and which settings it may touch: the allow-lists of
// layer 1. What does not stand here is refused, whatever it is (DESIGN.md, "The wall").
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/sql/setting_rule.hpp"

namespace bartizan::sql {

enum class Permit : std::uint8_t { Plain, Aggregate, Window };

struct PermittedFunction {
  std::string_view name;
  std::uint8_t least;
  std::uint8_t most;  ///< 255: variadic
  Permit kind;
  bool in_from;              ///< may stand in FROM: it returns a set
  std::string_view columns;  ///< names of its columns there, with commas; empty: one, named like the function
};

/// nullptr: none of that name. Of pg_catalog.
[[nodiscard]] const PermittedFunction* permitted_function(std::string_view name) noexcept;

/// Of pg_catalog, by pg_type.typname; _name for its array.
[[nodiscard]] bool permitted_type(std::string_view name) noexcept;

[[nodiscard]] bool permitted_operator(std::string_view name) noexcept;

/// A collation's name as PostgreSQL, libc or ICU spell them; that it is one of pg_catalog is seen to
/// by qualifying it.
[[nodiscard]] bool permitted_collation(std::string_view name) noexcept;

}  // namespace bartizan::sql
