// What is said of rows where columns are bound to them (docs/formats/cell.md, "Row digest"): of a row that is
// written, where the statement has its key; of one that is read, which columns of the result are it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bartizan/sql/catalog.hpp"

namespace bartizan::sql {

/// One column of the key of a row that a statement writes. No constant of a key is a protected value.
struct WrittenKeyPart {
  Oid type = 0;  ///< the column's, by which it is hashed
  std::int32_t typmod = -1;  ///< the column's where the value is assigned to it; -1 where it is compared
  bool parameter = false;
  std::uint16_t client = 0;  ///< which of the client's parameters, from 0
  Oid given = 0;             ///< the parameter's type
  std::string constant;      ///< otherwise: in text format
};
/// In the key's order.
using WrittenRow = std::vector<WrittenKeyPart>;

/// One column of the key of the rows that come back.
struct RowKeyOutput {
  std::uint16_t index = 0;  ///< from 0, in the server's result
  Oid type = 0;
  std::int32_t typmod = -1;
  friend bool operator==(const RowKeyOutput&, const RowKeyOutput&) = default;
};

}  // namespace bartizan::sql
