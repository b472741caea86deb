// Layer 1 of the wall: binds every name of a client's text to the catalog, refuses what is not on
// the allow-lists, turns every relation into the class's view, and gives back the deparsed tree,
// never the client's text (DESIGN.md, "The wall", Layer 1; docs/reference/sql-for-consumers.md).
//
// A pure function of (text, catalog, view map, search_path, standard_conforming_strings): its
// result may be cached under these and serves all identities of a class. Nothing is passed through
// that was not understood: the outcome is a statement made of known nodes, or a refusal.
//
// The server connection must run with pg_catalog and the view map's operator_schemas as its search_path: operators
// are checked by name and stand unqualified in the text, and the server chooses among them by type, and by the right
// to execute their functions; everything else is qualified.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::sql {

/// What may be done with a relation through its view; a set of bits.
enum class Verbs : std::uint8_t { None = 0, Select = 1, Insert = 2, Update = 4, Delete = 8, All = 15 };
[[nodiscard]] constexpr Verbs operator|(Verbs a, Verbs b) noexcept {
  return static_cast<Verbs>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool permits(Verbs granted, Verbs wanted) noexcept {
  return (static_cast<std::uint8_t>(granted) & static_cast<std::uint8_t>(wanted)) == static_cast<std::uint8_t>(wanted);
}

struct ViewName {
  std::string schema;
  std::string name;
  friend auto operator<=>(const ViewName&, const ViewName&) = default;
};

/// A column that the class may read, write or both. Columns that are not listed do not exist for it.
struct ViewColumn {
  AttrNumber attnum = 0;
  bool readable = true;   ///< stands in the view
  bool writable = false;  ///< may be named by INSERT and UPDATE
  bool masked = false;    ///< what is read is not what is stored
};

/// Rows may be read in aggregates over at least k distinct values of a column alone.
struct Threshold {
  std::uint32_t k = 0;
  AttrNumber entity = 0;  ///< a readable column of the view
};

/// How the class sees one base relation.
struct ClassView {
  /// Has exactly the readable columns, by the base relation's names and in its order.
  ViewName view;
  /// Has all readable or writable columns, bare. Empty name: none. Statements that assign a column
  /// that is masked or not readable go here, and may then read no such column.
  ViewName write_view;
  Verbs verbs = Verbs::None;
  std::vector<ViewColumn> columns;  ///< by attnum
  std::optional<Threshold> threshold = std::nullopt;  ///< then verbs are Select alone

  [[nodiscard]] const ViewColumn* column(AttrNumber attnum) const noexcept;
};

/// A view in the place of a relation of pg_catalog or information_schema.
struct CatalogView {
  ViewName view;
  std::vector<std::string> columns;
};

/// What a class sees. Immutable; shared by all sessions of the class.
struct ViewMap {
  std::unordered_map<Oid, ClassView> relations;
  /// Key: "pg_catalog.pg_class", "information_schema.tables". Absent ones are refused.
  std::unordered_map<std::string, CatalogView> catalog_views;
  /// The schema of the functions in the place of those of pg_catalog that tell of objects by oid or name
  /// (sql/catalog_functions.hpp). Empty: these are refused.
  std::string catalog_functions;
  /// Reviewed user functions (function allow) and user types (enums, domains) that may be named.
  std::unordered_set<Oid> functions;
  std::unordered_set<Oid> types;
  /// Schemas whose operators the server finds after pg_catalog's, in the order of its search_path.
  std::vector<std::string> operator_schemas;
  /// Names of operators there, beside those that pg_catalog has, of which one at least has been reviewed.
  std::unordered_set<std::string> operators;
  /// Names of operators there of which a user's own, over PostgreSQL's types, has not been reviewed: refused.
  std::unordered_set<std::string> closed_operators;
  /// Called in the place of current_user, session_user and user; empty name: these are refused.
  ViewName user_function;
};

struct RewriteRequest {
  std::string_view text;
  const Catalog* catalog = nullptr;
  const ViewMap* views = nullptr;
  /// The client's, without pg_catalog unless it was set explicitly; never the server's.
  std::vector<std::string> search_path;
  bool standard_conforming_strings = true;
  std::size_t max_bytes = std::size_t{64} * 1024;
  std::size_t max_nesting = 1000;
};

/// One column of one base relation. relation 0: a column of a catalog view, by its number.
struct ColumnId {
  Oid relation = 0;
  AttrNumber attnum = 0;
  friend auto operator<=>(const ColumnId&, const ColumnId&) = default;
};

struct RelationUse {
  Oid relation = 0;
  Verbs verbs = Verbs::None;
  friend auto operator<=>(const RelationUse&, const RelationUse&) = default;
};

struct OutputColumn {
  std::string name;
  /// Every base column that its value is computed from, sorted.
  std::vector<ColumnId> sources;
  /// A bare reference to sources[0]: through sub-selects, CTEs and joins, not through set operations.
  bool bare = false;
};

/// A setting that the gateway keeps itself; nothing is sent for it.
struct VirtualSetting {
  enum class Action : std::uint8_t { Set, Reset, Show };
  Action action = Action::Set;
  std::string name;                 ///< search_path, bartizan.tenant, bartizan.purpose
  std::vector<std::string> values;  ///< of Set
  bool local = false;
};

struct RewrittenStatement {
  std::string server_text;  ///< empty only with virtual_setting or Kind::Empty
  Kind kind = Kind::Unknown;
  Effect effect = Effect::Write;
  PinReason pin = PinReason::None;
  std::string_view command_tag;  ///< static
  std::string name;              ///< the prepared statement, cursor, savepoint or setting
  bool transaction_control = false;
  bool chain = false;
  /// Reads or writes a view, so that the signed context must stand before it in its transaction.
  bool needs_transaction_context = false;
  /// Parameters may be declared as plain types alone (is_plain_type): a conversion that fails for some rows
  /// and not for others would tell of single ones.
  bool plain_parameters = false;
  std::optional<VirtualSetting> virtual_setting;
  std::vector<RelationUse> relations;  ///< base relations, each once
  std::vector<ColumnId> read;          ///< touched anywhere in it, predicates too; sorted, each once
  std::vector<ColumnId> written;
  std::vector<OutputColumn> output;    ///< empty also where the number of columns isn't known: see output_known
  bool output_known = true;
  std::uint16_t parameters = 0;  ///< the highest $n
};

struct Rewritten {
  std::vector<RewrittenStatement> statements;  ///< in order, never empty
};

/// Holds names, never literals.
struct Refused {
  std::string sqlstate;
  std::string message;
  std::string hint;
  std::size_t position = 0;  ///< in characters from 1, as in ErrorResponse; 0: none
};

using RewriteOutcome = std::variant<Rewritten, Refused>;

/// Total, thread-safe; linear in the text's length save for deparsing. All statements of a text are
/// rewritten or none is. REQUIRES: catalog and views not null; 4 MiB of stack.
[[nodiscard]] RewriteOutcome rewrite(const RewriteRequest& request);

/// As what a parameter may be declared where plain_parameters says so; 0 leaves it to the server.
[[nodiscard]] bool is_plain_parameter_type(Oid type) noexcept;

/// Whether every relation that the text names is a WITH name or a view of the map, and every
/// function and type qualified and permitted, by a walk of its own over a tree of its own: the
/// second check before rewrite() returns, and the fuzz target's. False also if it doesn't parse.
[[nodiscard]] bool mentions_only(const ViewMap& views, const Catalog& catalog, std::string_view server_text);

}  // namespace bartizan::sql
