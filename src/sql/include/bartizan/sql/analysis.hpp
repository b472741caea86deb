// sql::Analysis: what the gateway knows of a text from the text alone; the seam between parsing
// and policy, pooling and audit (DESIGN.md, "Seams").
//
// It holds no literal and no position, so that one Analysis serves all texts of one digest:
// byte ranges come from split(). Names are as the server reads them (folded, unquoted), not yet
// bound to a catalog: a relation is what is written, and a function is told by its name. What a
// function's, view's or trigger's body does is not seen here.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::sql {

enum class Kind : std::uint8_t {
  Select,  ///< VALUES, TABLE and SELECT INTO too
  Insert,
  Update,
  Delete,
  Merge,
  CopyIn,      ///< COPY … FROM STDIN: the client sends CopyData
  CopyOut,     ///< COPY … TO STDOUT: the server sends CopyData
  CopyServer,  ///< from or to a file or program on the server
  Begin,
  Commit,
  Rollback,
  Savepoint,
  Release,
  RollbackTo,
  PrepareTransaction,
  CommitPrepared,
  RollbackPrepared,
  Set,
  SetLocal,  ///< SET LOCAL, SET TRANSACTION, SET CONSTRAINTS: gone at the end of the transaction
  Reset,
  Show,
  Discard,
  Prepare,
  Execute,
  Deallocate,
  Declare,
  Fetch,  ///< MOVE too
  Close,
  Listen,
  Unlisten,
  Notify,
  Explain,
  Lock,
  Do,
  Call,
  Ddl,
  Grant,    ///< GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, role membership
  Utility,  ///< VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT, LOAD, …
  Empty,
  Unknown,  ///< not read
};

/// In rising order of what has to be durable before it may happen.
enum class Effect : std::uint8_t {
  Read,     ///< changes nothing
  Session,  ///< changes only this session's or transaction's state
  Write,    ///< takes effect on data or on others, or might
};

/// Why the session must keep its server connection once the statement has succeeded.
enum class PinReason : std::uint8_t {
  None,
  TempTable,        ///< an object in pg_temp that outlives the transaction
  SqlPrepare,       ///< PREPARE
  Listen,
  AdvisoryLock,     ///< a session-level one
  WithHoldCursor,
  SetUntracked,     ///< SET of a setting that the server does not report
  SequenceValue,    ///< currval, lastval, setval, and what they may ask for
  Load,
  SessionFunction,  ///< another function that keeps session state: dblink_connect, setseed, …
  Unknown,          ///< not read, or DO
};

enum class Access : std::uint8_t { Read, Write };

struct Relation {
  std::string schema;  ///< empty when not written
  std::string name;
  Access access = Access::Read;
  friend auto operator<=>(const Relation&, const Relation&) = default;
};

struct Statement {
  Kind kind = Kind::Unknown;
  Effect effect = Effect::Write;
  PinReason pin = PinReason::Unknown;
  /// Static text, near to what the server's CommandComplete will say: "SELECT", "CREATE TABLE".
  std::string_view command_tag = "UNKNOWN";
  /// The setting, prepared statement, cursor, savepoint or channel that it names, or what DISCARD is for;
  /// empty if none or ALL.
  std::string name;
  /// Without names of WITH queries; each once. Empty when not parsed.
  std::vector<Relation> relations;
  bool transaction_control = false;  ///< changes or ends the transaction, savepoints included
  bool chain = false;                ///< COMMIT or ROLLBACK AND CHAIN
  bool may_return_rows = true;
  /// Calls a function that is not one of PostgreSQL's own: what it leaves in the session is not known.
  bool calls_unknown = false;
  /// Calls currval or lastval: what the session's earlier statements did to sequences shows.
  bool reads_sequence = false;
  /// Sets search_path until the transaction's end: what is created then may be temporary.
  bool sets_path = false;
  /// False: kind is that of the leading keyword and the rest is the worst case; if not even the end
  /// of the statement could be told, kind is Unknown and transaction_control true.
  bool parsed = false;
  friend bool operator==(const Statement&, const Statement&) = default;
};

/// Immutable once made; shared between threads as shared_ptr<const Analysis>.
struct Analysis {
  std::vector<Statement> statements;  ///< never empty

  [[nodiscard]] Effect effect() const noexcept;          ///< the strongest of all
  [[nodiscard]] PinReason pin() const noexcept;          ///< the first that is not None
  [[nodiscard]] bool parsed() const noexcept;            ///< all of them
  [[nodiscard]] bool transaction_control() const noexcept;  ///< any of them
  [[nodiscard]] std::size_t bytes() const noexcept;      ///< memory held, for the caches' bound
  friend bool operator==(const Analysis&, const Analysis&) = default;
};

[[nodiscard]] std::string_view to_string(Kind kind) noexcept;
[[nodiscard]] std::string_view to_string(Effect effect) noexcept;
[[nodiscard]] std::string_view to_string(PinReason pin) noexcept;

/// True for settings whose changes the server tells by ParameterStatus, which the session can
/// therefore follow and set again: a SET of these does not pin. Name in lower case.
[[nodiscard]] bool setting_is_reported(std::string_view name) noexcept;

}  // namespace bartizan::sql
