// Transparent column encryption, the part between a client's text and the cells: which parameters,
// constants and output columns of a statement belong to an encrypted column, and the text by which
// the server is asked (docs/reference/encryption-sql.md; docs/formats/cell.md).
//
// An allow-list: a statement that may touch an encrypted column is understood wholly or refused.
// What touches none goes on as it is. Pure; the plan of a text holds for one (EncryptedColumns,
// search_path, names of the session), and one without literals may be cached under these.
//
// What cannot be seen here, and must be kept by others: bodies of functions and triggers that were
// reviewed or stand on unencrypted tables; a search_path or a catalog that is not the server's own;
// PostgreSQL's FunctionCall message, which names a function by its oid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "bartizan/base/secret.hpp"
#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/new_tables.hpp"
#include "bartizan/sql/rewrite.hpp"
#include "bartizan/sql/row_binding.hpp"

namespace bartizan::sql {

/// A type as applications see it.
struct LogicalColumnType {
  Oid oid = 0;
  std::int16_t typlen = -1;
  std::int32_t typmod = -1;
};

/// A column that holds tokens of its values instead of cells (docs/formats/token.md). In the catalog it has its own type,
/// and the server compares tokens as it compares values.
enum class TokenUse : std::uint8_t {
  None,  ///< it holds cells
  Exchanged,  ///< of a session that may detokenize: values on its side, tokens on the server's
  Shown,  ///< of any other: tokens are read as they stand, and nothing is written
};

/// One encrypted column, as the control plane declares it. In the catalog its type is the cells' domain.
struct EncryptedColumnSpec {
  ColumnId column;
  std::uint32_t number = 0;  ///< the caller's; cells of two columns may stand in one another only if it is equal
  LogicalColumnType type;  ///< of a type that transform::value_type_of knows
  bool searchable = false;  ///< its cells have a blind index
  std::uint64_t join_domain = 0;  ///< equal: indexes of equal values are equal
  AttrNumber index_column = 0;  ///< a stored generated column that holds the index; 0: it stands in the cell alone
  std::uint8_t index_versions = 1;  ///< more than one while the index root is being rotated
  /// Of a consumer who may see a mask of it alone: the column may be selected, and nothing else.
  bool masked = false;
  TokenUse tokens = TokenUse::None;
  /// Of tokens that stand for entries of the vault: the column's id there (docs/formats/vault.md). Empty: of others.
  std::string vault = {};
  /// Bound to its row: the relation's key by which it is, in its order, and 0 for what a consumer can't see of it.
  /// Empty: not bound.
  std::vector<AttrNumber> row_key = {};
};

/// What is encrypted in one database: the declared columns, those of partitions and inheritance
/// children, and those that views give out. Immutable and thread-safe.
class EncryptedColumns {
 public:
  /// reviewed: functions that were found not to touch an encrypted column.
  /// Malformed: a column that the catalog has not, twice one column, a type that can't be encrypted.
  [[nodiscard]] static Result<std::shared_ptr<const EncryptedColumns>> make(std::shared_ptr<const Catalog> catalog,
                                                                            std::vector<EncryptedColumnSpec> columns,
                                                                            std::unordered_set<Oid> reviewed = {});

  struct Column {
    const EncryptedColumnSpec* cell = nullptr;  ///< null: the column is not encrypted
    bool hidden = false;  ///< holds a blind index: clients don't see it
    /// Equal numbers: of one row of a table, of which it is the column attnum, unchanged. 0: not known.
    unsigned row = 0;
    AttrNumber attnum = 0;
  };
  /// A relation with a cell in it.
  struct Guarded {
    const CatalogRelation* relation = nullptr;
    std::vector<Column> columns;  ///< as the relation's
    std::string unusable;  ///< not empty: why no statement may name it
    bool hides = false;
  };

  [[nodiscard]] const Catalog& catalog() const noexcept { return *catalog_; }
  [[nodiscard]] bool empty() const noexcept { return specs_.empty(); }
  [[nodiscard]] const Guarded* guarded(Oid relation) const noexcept;
  /// By the declared column; nullptr: none.
  [[nodiscard]] const EncryptedColumnSpec* find(ColumnId column) const noexcept;
  [[nodiscard]] const EncryptedColumnSpec* find(std::uint32_t number) const noexcept;
  [[nodiscard]] bool reviewed(Oid function) const noexcept { return reviewed_.contains(function); }
  [[nodiscard]] const std::unordered_set<Oid>& reviewed() const noexcept { return reviewed_; }
  [[nodiscard]] const std::unordered_map<Oid, Guarded>& all() const noexcept { return guarded_; }

 private:
  EncryptedColumns() = default;
  Result<void> declare();
  void inherit();
  void see_views();

  std::shared_ptr<const Catalog> catalog_;
  std::vector<EncryptedColumnSpec> specs_;
  std::unordered_set<Oid> reviewed_;
  std::unordered_map<Oid, Guarded> guarded_;
};

/// What becomes of a client's value on its way to the server.
enum class CellAction : std::uint8_t {
  Pass,
  Encrypt,  ///< bytea: the cell
  BlindIndex,  ///< bytea: the index of the value
  BlindIndexes,  ///< bytea[]: its index under each key in use
  BlindIndexElements,  ///< the value is an array; bytea[]: the indexes of its elements
  Token,  ///< text: the token of a value that is to be stored
  TokenCompared,  ///< text: the token that the value would have
  TokenElements,  ///< the value is an array; text[]: the tokens that its elements would have
};

[[nodiscard]] constexpr bool makes_token(CellAction action) noexcept {
  return action == CellAction::Token || action == CellAction::TokenCompared || action == CellAction::TokenElements;
}
[[nodiscard]] constexpr bool takes_array(CellAction action) noexcept {
  return action == CellAction::BlindIndexElements || action == CellAction::TokenElements;
}
[[nodiscard]] constexpr bool makes_array(CellAction action) noexcept {
  return action == CellAction::BlindIndexes || action == CellAction::BlindIndexElements ||
         action == CellAction::TokenElements;
}

/// One parameter of the server's statement, from $1 on.
struct ServerParameter {
  std::uint16_t client = 0;  ///< which of the client's, from 0; one may feed several
  CellAction action = CellAction::Pass;
  std::uint32_t column = 0;  ///< EncryptedColumnSpec::number, unless Pass
  Oid server_type = 0;  ///< to be declared in Parse; 0: what the client declared
  std::uint16_t row = 0;  ///< Encrypt, row-bound: which of PlannedStatement::rows, from 1
};

/// A constant of the text, or an argument of EXECUTE: `length` bytes at `offset` of server_text, a
/// quoted string, are to be exchanged for a bytea constant (E'\\x…'), or for a token.
struct LiteralOp {
  std::size_t offset = 0;
  std::size_t length = 0;
  CellAction action = CellAction::Encrypt;
  std::uint32_t column = 0;
  SecretBytes value;  ///< in text format, to be read as type
  Oid type = 0;
  std::uint16_t row = 0;  ///< as ServerParameter's; no part of its key is a parameter
};

struct OutputOp {
  std::uint16_t index = 0;  ///< from 0
  std::uint32_t column = 0;
  LogicalColumnType type;  ///< what RowDescription says
  std::vector<RowKeyOutput> key = {};  ///< row-bound: by which columns of the same row
};

struct CopyPlan {
  bool in = false;
  enum class Format : std::uint8_t { Text, Csv, Binary } format = Format::Text;
  std::string delimiter;  ///< these four: empty where the statement leaves them to their defaults
  std::optional<std::string> null_text;
  std::string quote;
  std::string escape;
  bool header = false;
  std::uint16_t width = 0;  ///< columns in each row
};

enum class SessionName : std::uint8_t { None, Prepares, Declares, Executes, Fetches };

struct PlannedStatement {
  Kind kind = Kind::Unknown;
  /// False: the client's own text, and nothing is to be done.
  bool touched = false;
  bool reads_catalogs = false;  ///< and is shown the logical types there
  std::string server_text;
  /// One for each parameter of the server's statement; empty unless one is not passed as it is.
  std::vector<ServerParameter> parameters;
  /// What ParameterDescription says, by the client's numbers; 0: what the server says of that number.
  std::vector<Oid> parameter_types;
  std::vector<LiteralOp> literals;  ///< by offset
  std::vector<OutputOp> columns;  ///< by index; of COPY: of its rows
  std::vector<WrittenRow> rows;  ///< that row-bound values are written to
  std::uint16_t hidden = 0;  ///< so many columns, the last ones, the client has not asked for: keys of rows
  std::optional<CopyPlan> copy;
  /// PREPARE and DECLARE: the caller keeps this plan under the name. EXECUTE and FETCH: the columns
  /// are already those of the plan that was kept.
  SessionName use = SessionName::None;
  std::string name;
};

struct Untouched {};
struct EncryptionPlan {
  std::vector<PlannedStatement> statements;  ///< of the text, in order; one at least is touched
};
using EncryptionOutcome = std::variant<Untouched, Refused, EncryptionPlan>;

/// What a session's names stand for; the plan null if the statement touches nothing.
using PlansByName = std::unordered_map<std::string, std::shared_ptr<const PlannedStatement>>;

struct EncryptionRequest {
  std::string_view text;
  const EncryptedColumns* columns = nullptr;  ///< not null
  /// The server's own, "$user" resolved; without pg_catalog unless it is named.
  std::vector<std::string> search_path;
  /// Temporary tables that the session has made.
  std::unordered_set<std::string> temporary;
  NewTables new_tables;
  /// Parse's parameter types; empty or 0: not declared.
  std::vector<Oid> parameter_types;
  const PlansByName* prepared = nullptr;
  const PlansByName* cursors = nullptr;
  bool standard_conforming_strings = true;
  std::size_t max_bytes = std::size_t{64} * 1024;
  std::size_t max_nesting = 1000;
};

/// Total and thread-safe. Refusals hold names, never constants. REQUIRES: 4 MiB of stack.
[[nodiscard]] EncryptionOutcome plan_encryption(const EncryptionRequest& request);

/// The second check, by a walk that shares nothing with the planner and goes by names alone: whether
/// a name of an encrypted column stands only where cells may stand, and parameters and constants that
/// are cells or indexes only as bytea. False also for a text that does not parse.
[[nodiscard]] bool cells_stand_where_permitted(const EncryptedColumns& columns, const PlannedStatement& statement);

}  // namespace bartizan::sql
