// Tables that a session has made and the catalog, which is read now and then, does not show yet.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::sql {

class EncryptedColumns;

/// A new table holds no cells, so its maker may use it before the catalog is read again. One whose
/// name the catalog knows is left out: it may be another. So is one that names further tables which are
/// unknown or hold cells: a partition of such a table holds cells. One thread's; at most kMost names.
class NewTables {
 public:
  static constexpr std::size_t kMost = 65'536;

  /// CREATE TABLE, CREATE TABLE AS or SELECT INTO, temporary or not.
  [[nodiscard]] static bool makes(const Statement& statement) noexcept;
  /// Statements that make none, or a temporary one, are passed over.
  void note(const Statement& statement, const EncryptedColumns& columns);
  /// Those that the catalog shows by now.
  void forget_known(const Catalog& catalog);
  [[nodiscard]] bool contains(std::string_view schema, std::string_view name) const;
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }

 private:
  std::unordered_set<std::string> keys_;  // schema, a zero byte, name
};

}  // namespace bartizan::sql
