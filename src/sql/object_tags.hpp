// Command tags of the statements that work on many kinds of object.
#pragma once

#include <string_view>

#include "parse_tree.hpp"

namespace bartizan::sql {

[[nodiscard]] std::string_view create_tag(PgQuery__ObjectType type) noexcept;
[[nodiscard]] std::string_view alter_tag(PgQuery__ObjectType type) noexcept;
[[nodiscard]] std::string_view drop_tag(PgQuery__ObjectType type) noexcept;

}  // namespace bartizan::sql
