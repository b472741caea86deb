// The SQL that turns an existing column into an encrypted one, and back: texts alone, which whoever
// holds keys and connections runs step by step (ADR 0101; docs/reference/encryption-sql.md).
//
//   expand ─► read and swap batches until none remain ─► verify ─► cut_over ─► after
//      └────────────── undo, at any time before cut_over ──────────────┘
//
// A twin column takes the new form of each value. All of the state is in the table: a row whose twin
// is NULL though its column isn't is still to be done, so that it goes on after any crash. A trigger
// empties the twin of a row whose column is changed meanwhile. cut_over rewrites the table, so that
// the column keeps its place and the old form leaves the files (not older write-ahead log or backups).
#pragma once

#include <string>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"

namespace bartizan::sql {

struct MigrationColumn {
  const CatalogRelation* table = nullptr;  ///< not null; with a primary key, and neither parent nor child
  AttrNumber column = 0;
  LogicalColumnType type;   ///< as applications see it
  std::string collation;    ///< quoted, with its schema; empty: the type's own
  ViewName cell_domain;     ///< of the cells, there already
  bool searchable = false;  ///< wants an index on the blind index
  bool stored_index = false;  ///< in a generated column
  bool unique = false;      ///< that index is unique
  /// By which its cells are bound, the primary key or a column beside it; empty: they are not. A row that gets another
  /// one is to be done again.
  std::vector<AttrNumber> row_key = {};
};

struct MigrationStep {
  std::string sql;
  bool must_be_zero = false;  ///< it returns a count; if that isn't 0, roll back and do more batches
};

struct ColumnMigration {
  /// What depends on the column, as rows (kind, name). None may be left before expand, save one
  /// with the name of `index` or `stored_index` when decrypting.
  std::string dependents;
  std::vector<MigrationStep> expand;  ///< one transaction; locks the table for a moment
  /// Rows to do, in the key's order: the key's columns, row_key's where that is not the key, xmin as text, the column. The last parameter
  /// is how many; those before it, of the second form, the last key read.
  std::string read_first;
  std::string read_next;
  /// Compare-and-swap of one row: $1 the new form, then the key, then xmin. No row: it was changed
  /// meanwhile and will be read again.
  std::string swap;
  /// The same of a row whose value is lost: its column becomes NULL. The key, then xmin.
  std::string forget;
  std::string remaining;  ///< how many are still to be done
  /// Rows to compare, done or not: the keys' columns, the column, its twin. Parameters as of read.
  std::string verify_first;
  std::string verify_next;
  /// One transaction, under an exclusive lock for as long as the table takes to be copied. The gateway
  /// holds the table's statements back while it runs, and takes the new declaration over with its COMMIT.
  std::vector<MigrationStep> cut_over;
  std::vector<std::string> after;  ///< each by itself, outside a transaction
  std::vector<MigrationStep> undo;  ///< one transaction
  std::string index;  ///< names, for dependents
  std::string stored_index;
};

/// InvalidArgument: no primary key, parents or children, a column that is part of the key, generated
/// or of a type that can't be encrypted.
[[nodiscard]] Result<ColumnMigration> plan_column_encryption(const MigrationColumn& column);
/// Back. The declaration is as it was when the column was encrypted.
[[nodiscard]] Result<ColumnMigration> plan_column_decryption(const MigrationColumn& column);

}  // namespace bartizan::sql
