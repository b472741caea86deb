#include "cell_types.hpp"

#include <algorithm>
#include <iterator>

#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr CellType kTypes[] = {
    {16, "bool", 1000, CellFamily::Bool},
    {17, "bytea", 1001, CellFamily::Bytea},
    {20, "int8", 1016, CellFamily::Integer},
    {21, "int2", 1005, CellFamily::Integer},
    {23, "int4", 1007, CellFamily::Integer},
    {25, "text", 1009, CellFamily::Text},
    {1043, "varchar", 1015, CellFamily::Text},
    {1082, "date", 1182, CellFamily::Date},
    {1114, "timestamp", 1115, CellFamily::Timestamp},
    {1184, "timestamptz", 1185, CellFamily::TimestampTz},
    {1700, "numeric", 1231, CellFamily::Numeric},
    {2950, "uuid", 2951, CellFamily::Uuid},
    {3802, "jsonb", 3807, CellFamily::Jsonb},
};

constexpr std::int32_t kVarHeader = 4;  // VARHDRSZ, which typmods of varchar and numeric include

template <class Matches>
const CellType* find(Matches matches) noexcept {
  const auto* const found = std::find_if(std::begin(kTypes), std::end(kTypes), matches);
  return found == std::end(kTypes) ? nullptr : found;
}

int integer_of(const PgQuery__Node& node) { return is_integer_constant(node) ? node.a_const->ival->ival : -1; }

}  // namespace

const CellType* cell_type(Oid oid) noexcept {
  return find([&](const CellType& type) { return type.oid == oid; });
}

const CellType* cell_type_named(std::string_view name) noexcept {
  return find([&](const CellType& type) { return type.name == name; });
}

NamedCellType named_cell_type(const PgQuery__TypeName& name) {
  NamedCellType result;
  const bool qualified = name.n_names == 2 && string_value(name.names[0]) == "pg_catalog";
  if (name.setof != 0 || name.pct_type != 0 || name.n_array_bounds > 1 || !(name.n_names == 1 || qualified)) return {};
  result.type = cell_type_named(string_value(name.names[name.n_names - 1]));
  result.array = name.n_array_bounds == 1;
  if (result.type == nullptr || name.n_typmods == 0) return result;
  const int first = integer_of(*name.typmods[0]);
  const int second = name.n_typmods == 2 ? integer_of(*name.typmods[1]) : 0;
  if (first < 0 || second < 0 || name.n_typmods > 2) return {};
  if (result.type->family == CellFamily::Numeric) {
    result.typmod = ((first << 16) | (second & 0x7ff)) + kVarHeader;
  } else if (result.type->family == CellFamily::Text && name.n_typmods == 1) {
    result.typmod = first + kVarHeader;
  } else if (name.n_typmods == 1) {
    result.typmod = first;
  } else {
    return {};
  }
  return result;
}

}  // namespace bartizan::sql
