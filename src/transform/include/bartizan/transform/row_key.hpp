// From the fields of a primary key, as a client or a server sends them, to the digest that binds a row's
// cells (docs/formats/cell.md, "Row digest"). Only types whose equal values have one canonical form may be
// keys: numeric 1.0 and 1.00 are one key to PostgreSQL, and would be two digests.
#pragma once

#include <optional>
#include <span>

#include "bartizan/base/result.hpp"
#include "bartizan/transform/row_digest.hpp"
#include "bartizan/transform/value.hpp"

namespace bartizan::transform {

/// Integers, uuid, text, varchar and bytea.
[[nodiscard]] bool can_be_row_key(ValueType type) noexcept;

/// A column of the key, and where a message or a row of COPY has it.
struct RowKeyColumn {
  std::uint16_t index = 0;  ///< from 0
  ValueType type = ValueType::Int8;
  std::int32_t typmod = kNoTypmod;  ///< the column's where the value is assigned to it
  friend bool operator==(const RowKeyColumn&, const RowKeyColumn&) = default;
};

/// One value of a key. field: no value where it is NULL.
struct RowKeyField {
  ValueType type = ValueType::Int8;
  std::int32_t typmod = kNoTypmod;
  WireFormat format = WireFormat::Text;
  std::optional<ByteView> field;
  /// Of integers, that a client may send in another width than the column's.
  std::optional<ValueType> given = {};
};

/// In the key's order. InvalidArgument for no field, a NULL, a type that can't be a key, or what is not a
/// value of its type.
[[nodiscard]] Result<RowDigest> row_digest_of(std::span<const RowKeyField> fields);

}  // namespace bartizan::transform
