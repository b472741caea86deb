// Whether a class stays the same to its sessions when the depot's catalog has become another one.
#pragma once

#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::control {

/// True: what statements of a class are read by (its relations, the types that its statements may name, what it is
/// shown of the catalogs) is as it was, so that a text read by the one catalog means the same by the other.
/// Tables, indexes and types that came, and what the class never had, make no difference.
[[nodiscard]] bool same_for_class(const sql::Catalog& before, const sql::Catalog& now, const sql::ViewMap& views);

}  // namespace bartizan::control
