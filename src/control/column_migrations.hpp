// Columns that change their form, there and back: one at a time, each step resumable (ADR 0101).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/sql/column_migration.hpp"
#include "column_migrator.hpp"

namespace bartizan::control {

[[nodiscard]] Result<std::vector<store::EncryptedColumn>> read_encrypted_columns(store::Database& database);

/// Thread-safe.
class ColumnMigrations {
 public:
  /// publish: has the data path know what the control database says now.
  ColumnMigrations(const CellSurroundings& around, std::function<Result<void>()> publish)
      : around_(around), publish_(std::move(publish)) {}

  /// A crash in the middle of a cut over: the catalog says on which side of it the column is.
  void repair();
  Result<store::EncryptedColumn> encrypt(const std::string& actor, const policy::Depot& depot,
                                         store::EncryptedColumn wanted);
  Result<void> decrypt(const std::string& actor, const policy::Depot& depot, const std::string& column);
  // column_tokens.cpp: in one transaction, the depot closed.
  Result<store::EncryptedColumn> tokenize(const std::string& actor, const policy::Depot& depot,
                                          store::EncryptedColumn wanted);
  Result<void> detokenize(const std::string& actor, const policy::Depot& depot, const std::string& column);
  /// None runs and none begins while this is held; nothing when one runs.
  [[nodiscard]] std::unique_lock<std::timed_mutex> hold_still() { return {still_mutex_, std::try_to_lock}; }
  /// How far the one that runs is.
  void describe(ColumnProgress& one);

 private:
  /// What one migration works with.
  struct Job {
    postgres::ControlConnection connection;
    sql::CatalogRelation table;  ///< without the twin
    bool expanded = false;
    sql::MigrationColumn column;
    sql::ColumnMigration migration;
    std::unique_ptr<transform::EncryptedColumn> cipher;
    RowKey row_key;  ///< where the column is bound: the primary key, or the subject's column
  };

  /// A migration's right to run, until it goes.
  struct Turn {
    std::unique_lock<std::mutex> alone;
    std::unique_lock<std::timed_mutex> still;
  };
  /// Unavailable at once where another migration runs, and after a while where somebody holds still: counting cells
  /// takes seconds, and is not what an operator can be asked to wait for.
  Result<Turn> turn();
  /// As it is declared, by schema.table.column.
  Result<std::optional<store::EncryptedColumn>> find(const policy::Depot& depot, const std::string& column);
  Result<bool> holds_cells_now(const store::EncryptedColumn& column);
  Result<bool> holds_tokens_now(postgres::ControlConnection& connection, const store::EncryptedColumn& column,
                                SteadyTime until);
  Result<store::EncryptedColumn> declare_tokens(const std::string& actor, const policy::Depot& depot,
                                                store::EncryptedColumn wanted);
  Result<void> exchange(const policy::Depot& depot, const store::EncryptedColumn& column, bool tokenizes);
  /// After an exchange that came to an error: whether it was done nevertheless, since COMMIT's reply may be what was lost.
  /// Tokens without their declaration would be nobody's. Unavailable: nobody knows, and the depot stays closed.
  Result<bool> exchanged_after_all(const policy::Depot& depot, const store::EncryptedColumn& column, bool tokenizes);
  Result<void> bound_as_others(const store::EncryptedColumn& wanted);
  Result<void> keys_stay_plain(const store::EncryptedColumn& wanted);
  Result<store::EncryptedColumn> declare(const std::string& actor, const policy::Depot& depot,
                                         store::EncryptedColumn wanted);
  Result<void> set_state(const std::string& actor, const Uuid& id, store::ColumnState state);
  Result<void> remove(const std::string& actor, const Uuid& id);
  [[nodiscard]] static bool bound_beside(const Job& work);
  Result<std::unique_ptr<Job>> job(const policy::Depot& depot, const store::EncryptedColumn& column, bool encrypts);
  Result<void> close_for(const std::string& actor, const policy::Depot& depot, const store::EncryptedColumn& column,
                         store::ColumnState closed);
  Result<void> migrate(const std::string& actor, const policy::Depot& depot, const store::EncryptedColumn& column,
                       bool encrypts);
  void begin(const Uuid& column);
  void step(const char* what);

  const CellSurroundings around_;
  const std::function<Result<void>()> publish_;
  std::mutex migration_mutex_;  ///< one column at a time
  std::timed_mutex still_mutex_;  ///< after it; who counts what may go holds this one alone
  std::mutex progress_mutex_;
  Uuid migrating_;
  std::string step_;
  MigrationFigures figures_;
};

}  // namespace bartizan::control
