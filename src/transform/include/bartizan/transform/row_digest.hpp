// What binds a cell to its row: the canonical values of the primary key, hashed.
#pragma once

#include <span>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/cell.hpp"

namespace bartizan::transform {

/// One column of a primary key, in the key's order.
struct RowKeyPart {
  std::uint32_t type_oid = 0;
  ByteView canonical;
};

/// SHA-256("bzr1" || for each part: type oid, length, bytes). InvalidArgument for no part.
[[nodiscard]] Result<RowDigest> row_digest(std::span<const RowKeyPart> parts);

}  // namespace bartizan::transform
