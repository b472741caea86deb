// The second check of layer 1, which shares nothing with the binder: see rewrite.hpp.
#pragma once

#include "bartizan/sql/rewrite.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

[[nodiscard]] bool mentions_only(const ViewMap& views, const Catalog& catalog, const PgQuery__Node& statement);

}  // namespace bartizan::sql
