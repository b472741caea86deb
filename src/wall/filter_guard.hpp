// Where no event trigger can close a view whose filter somebody has taken away (the managed grade), the
// view itself asks: once a statement, of the catalogs as they are, before any row is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bartizan::wall {

/// The table of filters as the wall made them, and the question. REQUIRES: the schema, as the role that owns it.
[[nodiscard]] std::string filter_guard_sql();

/// The condition of a view: true, or an error as of a view that is gone.
[[nodiscard]] std::string filter_guard(std::uint32_t relation, std::string_view view_owner, std::string_view view);

}  // namespace bartizan::wall
