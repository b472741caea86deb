// A type with its modifier as SQL text, as format_type would mean it.
#pragma once

#include <cstdint>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::wall {

/// "pg_catalog"."varchar"(20), "public"."mood". NotFound: the catalog does not know the type;
/// Unsupported: a modifier of a type whose modifiers are not known here.
[[nodiscard]] Result<std::string> type_name(const sql::Catalog& catalog, sql::Oid type, std::int32_t typmod);

/// n of varchar(n) and char(n); nullopt for others and without a limit.
[[nodiscard]] std::optional<std::int32_t> character_limit(const sql::Catalog& catalog, sql::Oid type,
                                                          std::int32_t typmod);

}  // namespace bartizan::wall
