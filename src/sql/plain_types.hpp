// The types whose comparison with one another fails for no value: where a condition stands on rows that
// may not be told apart, an error that comes for one row and not for the next would tell them apart.
#pragma once

#include <string_view>

#include "bartizan/sql/catalog.hpp"

namespace bartizan::sql {

/// Of pg_catalog, by typname: truth values, numbers, texts, dates and times, uuid.
[[nodiscard]] bool is_plain_type(std::string_view name) noexcept;
/// Those of them that are numbers.
[[nodiscard]] bool is_number_type(std::string_view name) noexcept;
/// date, timestamp, timestamptz.
[[nodiscard]] bool is_calendar_type(std::string_view name) noexcept;

/// pg_catalog's name of a column's type, that of its base for a domain, "enum" for any enum; empty: another schema's.
[[nodiscard]] std::string_view plain_name(const Catalog& catalog, Oid type) noexcept;

}  // namespace bartizan::sql
