// One column on its way to cells or back: runs sql::ColumnMigration's texts over a connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/sql/column_migration.hpp"
#include "bartizan/transform/encrypted_column.hpp"
#include "row_keys.hpp"

namespace bartizan::control {

inline constexpr const char* kCellSchema = "bartizan_cells";
inline constexpr const char* kCellDomain = "cell";

/// Makes the cells' domain in a database where it is missing.
[[nodiscard]] Result<void> make_cell_domain(postgres::ControlConnection& connection, SteadyTime deadline);
/// The names of the twin column and of the stored index, as sql::ColumnMigration makes them.
[[nodiscard]] std::string twin_of(const std::string& column);
[[nodiscard]] std::string stored_index_of(const std::string& column);

struct MigrationFigures {
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> total{0};
};

/// Used by one thread. The connection prints values as the gateway reads them.
class ColumnMigrator {
 public:
  /// row_key: what the column is bound by, or empty; beside: it is not the primary key, and is read after it.
  ColumnMigrator(postgres::ControlConnection& connection, const sql::ColumnMigration& migration,
                 transform::EncryptedColumn& cipher, bool encrypts, std::size_t key_columns, const RowKey& row_key,
                 bool beside, const Clock& clock, Random& random, MigrationFigures& figures)
      : connection_(connection),
        migration_(migration),
        cipher_(cipher),
        encrypts_(encrypts),
        key_columns_(key_columns),
        row_key_(row_key),
        bound_at_(beside ? key_columns : 0),
        value_at_(key_columns + (beside ? row_key.size() : 0)),
        clock_(clock),
        random_(random),
        figures_(figures) {}

  /// What depends on the column and has to go first; a default may stay.
  [[nodiscard]] Result<std::vector<std::string>> dependents();
  [[nodiscard]] Result<void> expand() { return steps(migration_.expand); }
  /// Until nothing is left to do.
  [[nodiscard]] Result<void> backfill();
  /// Both forms of every row say the same; how many rows that is. Conflict otherwise.
  [[nodiscard]] Result<std::uint64_t> verify();
  /// Conflict: rows are left to do.
  [[nodiscard]] Result<void> cut_over() { return steps(migration_.cut_over); }
  [[nodiscard]] Result<void> after();
  [[nodiscard]] Result<void> undo() { return steps(migration_.undo); }

 private:
  using Row = std::vector<std::optional<std::string>>;
  [[nodiscard]] SteadyTime deadline() const { return clock_.steady() + std::chrono::hours(1); }
  Result<void> steps(const std::vector<sql::MigrationStep>& steps);
  Result<std::vector<Row>> batch(const std::string& first, const std::string& next, const Row& last);
  Result<std::string> other_form(const Row& row);
  Result<bool> swapped(Row& row);
  /// nullopt: the column is not bound.
  Result<std::optional<transform::RowDigest>> digest_of(const Row& row) const;

  postgres::ControlConnection& connection_;
  const sql::ColumnMigration& migration_;
  transform::EncryptedColumn& cipher_;
  bool encrypts_;
  std::size_t key_columns_;
  const RowKey row_key_;
  const std::size_t bound_at_;  ///< where a row that is read has the columns of row_key
  const std::size_t value_at_;  ///< where it has what comes after its keys
  const Clock& clock_;
  Random& random_;
  MigrationFigures& figures_;
};

}  // namespace bartizan::control
