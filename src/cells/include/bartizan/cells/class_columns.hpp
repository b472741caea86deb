// Encrypted columns as one class of consumers has them: which columns of its views are cells. What the class
// sees bare is opened as for an owner. A column whose mask needs the value is a cell without its index, which
// may be selected alone; one with another mask is none, since its view gives a constant.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/cell_masks.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::cells {

/// What a session is told about its class. Two classes of one version are the same.
struct ClassFacts {
  policy::ClassVersion version;
  std::shared_ptr<const sql::Catalog> catalog;  ///< by logical types
  std::shared_ptr<const sql::ViewMap> views;
  std::shared_ptr<const policy::CellMasks> masks = nullptr;  ///< null: none needs a value
};

/// Numbers from here on are of columns that are seen masked; no column of a depot has one.
inline constexpr std::uint32_t kFirstMasked = 0x10000;

/// A column of cells that the class sees masked.
struct MaskedColumn {
  std::uint32_t number = 0;  ///< the depot's
  const policy::Mask* mask = nullptr;
};

/// Immutable. Holds for one class and one EncryptedColumns.
struct ClassColumns {
  /// Over a catalog of the class's views alone, the form that layer 1's texts are in.
  std::shared_ptr<const sql::EncryptedColumns> columns;
  std::vector<std::pair<std::string, std::string>> names;  ///< a view's, and that of its relation
  policy::ClassVersion version;
  std::shared_ptr<const policy::CellMasks> masks;
  std::vector<MaskedColumn> masked;  ///< the first has number kFirstMasked, and so on

  /// Null: the number is none of a masked column.
  [[nodiscard]] const MaskedColumn* find_masked(std::uint32_t number) const noexcept {
    return number >= kFirstMasked && number - kFirstMasked < masked.size() ? &masked[number - kFirstMasked] : nullptr;
  }

  /// A message that names views, by the relations' names.
  [[nodiscard]] std::string shown(std::string message) const;
};

[[nodiscard]] Result<std::shared_ptr<const ClassColumns>> class_columns(const sql::EncryptedColumns& depot,
                                                                        const ClassFacts& of);

}  // namespace bartizan::cells
