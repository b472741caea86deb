// A depot with encrypted columns as the data path knows it: what is encrypted (sql::EncryptedColumns
// over one reading of the catalog) and the keys of it, as one immutable value. Whoever holds keys
// makes it (control); sessions read it, and pick up a newer one between two statements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/transform/column_cipher.hpp"
#include "bartizan/transform/format_tokens.hpp"

namespace bartizan::cells {

/// One encrypted column with the keys of everybody whose values stand in it.
struct CellColumn {
  std::uint32_t number = 0;  ///< as in EncryptedColumnSpec, and in the cells
  Uuid id;
  transform::ValueType type = transform::ValueType::Text;
  std::int32_t typmod = -1;
  std::string name;  ///< schema.table.column, for errors and the audit log
  /// Keys of the session's own tenant; otherwise the depot's, under the nil uuid.
  bool per_tenant = false;
  bool row_bound = false;
  bool by_subject = false;  ///< as in transform::CellPlace
  Uuid place_tenant;  ///< what cells are bound to where keys are the depot's
  std::map<Uuid, std::shared_ptr<const transform::ColumnKeySet>> keys;
  std::optional<transform::TokenShape> tokens;  ///< it holds tokens of this shape in place of cells
};

/// Index keys of whoever has the most: more than one while they are rotated.
[[nodiscard]] std::size_t most_indexes(const CellColumn& column) noexcept;

/// Immutable and thread-safe; holds keys, wiped at its end.
struct EncryptedDepot {
  /// Rises with every value published; never the same twice in a process.
  std::uint64_t version = 0;
  /// Which columns are encrypted, and how: a session of another generation has to end.
  std::uint64_t generation = 0;
  /// Null: for now nobody may use the depot. `closed` says why. Columns of tokens are in it as for who may not
  /// detokenize (CellCiphers::columns_for).
  std::shared_ptr<const sql::EncryptedColumns> columns;
  std::string closed;
  std::vector<CellColumn> cells;  ///< by number
  /// By login: what its search_path is where the client states none, "$user" resolved.
  std::map<std::string, std::vector<std::string>, std::less<>> search_paths;
  std::vector<std::string> default_path{"public"};

  [[nodiscard]] const CellColumn* find(std::uint32_t number) const noexcept;
  [[nodiscard]] const std::vector<std::string>& path_of(std::string_view login) const noexcept;
};

/// A list of schemas as SET search_path takes it. nullopt: it can't be read.
/// login stands for "$user", if the depot has a schema of that name.
[[nodiscard]] std::optional<std::vector<std::string>> read_path(std::string_view text, std::string_view login,
                                                                const sql::Catalog& catalog);
/// As a value of search_path in a StartupMessage.
[[nodiscard]] std::string write_path(const std::vector<std::string>& path);

[[nodiscard]] transform::ColumnKeySet clone(const transform::ColumnKeySet& keys);

}  // namespace bartizan::cells
