// A catalog as policies and the wall read it: encrypted columns by the types that applications see, and
// without the columns that hold blind indexes. Which of them hold cells goes beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::sql {

/// A column that is declared as encrypted and holds cells.
struct LogicalColumn {
  std::string schema;
  std::string table;
  std::string column;
  Oid type = 0;
  std::int32_t typmod = -1;
  std::string stored_index;  ///< the generated column beside it; empty: none
};

/// A generated column with the blind indexes of another. The logical catalog has it not.
struct StoredIndex {
  AttrNumber of = 0;
  std::string name;
};

struct LogicalCatalog {
  std::shared_ptr<const Catalog> catalog;
  /// By relation: those of its columns that hold cells, partitions' and children's too.
  std::unordered_map<Oid, std::vector<AttrNumber>> cells;
  std::unordered_map<Oid, std::vector<StoredIndex>> stored;

  [[nodiscard]] bool holds_cells(Oid relation, AttrNumber column) const noexcept;
  /// Of a column of cells; null: none.
  [[nodiscard]] const StoredIndex* stored_index(Oid relation, AttrNumber column) const noexcept;
};

/// The catalog itself where no column is given. What the catalog has not, or in plain, is left as it is.
/// Malformed: a type that can't be encrypted.
[[nodiscard]] Result<LogicalCatalog> with_logical_types(std::shared_ptr<const Catalog> catalog,
                                                        const std::vector<LogicalColumn>& columns);

}  // namespace bartizan::sql
