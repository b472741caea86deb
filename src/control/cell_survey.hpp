// Where cells stand in a database, and how many are under one key: asked of PostgreSQL's catalog, not of
// what is declared, so that a renamed column, a twin or a table nobody has told of counts as well.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bartizan/keys/owner.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/transform/encrypted_column.hpp"
#include "row_keys.hpp"

namespace bartizan::control {

/// One column of cells of one table.
struct CellPosition {
  std::string schema;
  std::string table;
  std::string column;
  [[nodiscard]] std::string shown() const { return schema + "." + table + "." + column; }
};

/// Used by one thread. The connection is a superuser's and outlives it; stopped is asked between two
/// statements and ends the work with Cancelled.
class CellSurvey {
 public:
  CellSurvey(postgres::ControlConnection& connection, const Clock& clock, std::function<bool()> stopped)
      : connection_(connection), clock_(clock), stopped_(std::move(stopped)) {}

  /// Settings that the rest relies on: triggers stay still, nobody's lock is waited for long.
  [[nodiscard]] Result<void> prepare();
  /// In this database, save those of temporary tables, which end with their sessions.
  [[nodiscard]] Result<std::vector<CellPosition>> positions();
  struct Counted {
    std::uint64_t cells = 0;
    std::uint64_t destroyed = 0;  ///< of data subjects whose keys were destroyed: nobody can seal them again
  };
  /// In one snapshot over the whole table. Where the column is by subject: row_key and the owner's tree.
  [[nodiscard]] Result<Counted> count(const CellPosition& position, keys::KeyId key, const RowKey& row_key,
                                      const keys::SubjectTree* subjects);
  /// Transactions of clients that have begun longer than that ago, and prepared ones.
  [[nodiscard]] Result<std::uint64_t> transactions_older_than(std::chrono::milliseconds age);

  struct Resealed {
    std::uint64_t cells = 0;
    std::uint64_t damaged = 0;    ///< they don't open: left as they are
    std::uint64_t destroyed = 0;  ///< of destroyed data subjects: left as they are
  };
  /// One pass over a table: its cells under `from` are sealed anew by the cipher's active key, each by
  /// compare-and-swap on the cell itself, and none whose row somebody has locked. paced is told how many
  /// cells a batch had, and takes its time.
  /// row_key: by which the cells are bound, or empty. A row's key changes by a new version of the row alone, whose
  /// ctid is another: what is swapped is bound to the key that was read.
  [[nodiscard]] Result<Resealed> reseal(const CellPosition& position, keys::KeyId from, transform::ColumnCipher& cipher,
                                        const RowKey& row_key, Random& random,
                                        const std::function<void(std::uint64_t)>& paced);

 private:
  [[nodiscard]] SteadyTime deadline() const { return clock_.steady() + std::chrono::minutes(10); }
  Result<std::uint64_t> blocks_of(const CellPosition& position);
  Result<Counted> count_in_snapshot(const CellPosition& position, keys::KeyId key, const RowKey& row_key,
                                    const keys::SubjectTree* subjects);
  Result<void> reseal_rows(const CellPosition& position, const postgres::Rows& rows, transform::ColumnCipher& cipher,
                           const RowKey& row_key, Random& random, Resealed& done);

  postgres::ControlConnection& connection_;
  const Clock& clock_;
  std::function<bool()> stopped_;
};

}  // namespace bartizan::control
