// The types that can be encrypted, as statements name them: a list beside transform's, which this
// module can't see.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/sql/catalog.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

/// Types of one family have values that compare with each other and the same canonical form.
enum class CellFamily : std::uint8_t {
  None,
  Bool,
  Bytea,
  Integer,
  Text,
  Date,
  Timestamp,
  TimestampTz,
  Numeric,
  Uuid,
  Jsonb,
};

struct CellType {
  Oid oid = 0;
  std::string_view name;  ///< pg_type.typname
  Oid array = 0;
  CellFamily family = CellFamily::None;
};

inline constexpr Oid kByteaOid = 17, kByteaArrayOid = 1001, kTextOid = 25, kTextArrayOid = 1009, kUnknownOid = 705;

/// nullptr: not one of them.
[[nodiscard]] const CellType* cell_type(Oid oid) noexcept;
[[nodiscard]] const CellType* cell_type_named(std::string_view name) noexcept;

/// What a type name in a statement stands for, of these; typmod -1 if it has none.
struct NamedCellType {
  const CellType* type = nullptr;  ///< null: none of them
  std::int32_t typmod = -1;
  bool array = false;
};
[[nodiscard]] NamedCellType named_cell_type(const PgQuery__TypeName& name);

}  // namespace bartizan::sql
