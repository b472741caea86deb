// Binds a statement that names a relation with encrypted columns: follows every cell from its table
// to where it stands, and edits the tree where equality is asked, so that the server compares blind
// indexes. A cell where none is permitted ends in a refusal, and so does every node that is not known.
//
// The names' rules are scope.hpp's, shared with layer 1's Binder; unlike there, nothing is hidden and
// no name is changed. One file per part of the grammar: cell_binder_query, _from, _expression,
// _compare (equality, grouping), _modify, _rows (row-bound columns), cell_binder. Used once, for one statement.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "cell_types.hpp"
#include "encryption_scan.hpp"
#include "scope.hpp"
#include "tree_editor.hpp"

namespace bartizan::sql {

/// A kind of place where no cell may stand, and what to do instead.
struct CellPlaceRule {
  std::string_view where;
  std::string_view hint;
};

namespace cell_place {
inline constexpr CellPlaceRule kExpression{"an expression", "Select the column itself and compute in the application."};
inline constexpr CellPlaceRule kFunction{"a function", "Select the column itself and compute in the application."};
inline constexpr CellPlaceRule kAggregate{"an aggregate other than count",
                                          "Select the column itself and compute in the application."};
inline constexpr CellPlaceRule kOrder{"ORDER BY", "Sort in the application, or by a column that is not encrypted."};
inline constexpr CellPlaceRule kOrderComparison{"a comparison of order",
                                                "Only = , <>, IN, ANY and IS [NOT] DISTINCT FROM can be asked of it."};
inline constexpr CellPlaceRule kPattern{"a pattern match", "Keep what is searched for in a column of its own."};
inline constexpr CellPlaceRule kCast{"a cast to another type", "Cast in the application."};
inline constexpr CellPlaceRule kRow{"a row", "Name the columns one by one."};
inline constexpr CellPlaceRule kWindow{"a window", "Use a column that is not encrypted."};
inline constexpr CellPlaceRule kUsing{"USING or NATURAL JOIN", "Join with ON a = b."};
inline constexpr CellPlaceRule kSetOperation{"UNION, INTERSECT or EXCEPT",
                                             "UNION ALL of the same column can be used, or join on equality."};
inline constexpr CellPlaceRule kMerge{"MERGE", "Use INSERT … ON CONFLICT, or UPDATE and INSERT."};
/// The way out of all places for one that is shown masked.
inline constexpr std::string_view kMaskedHint = "Select the column itself: what you see of it can't be asked for.";
}  // namespace cell_place

/// What is put into the place of a node once all of the statement is known.
struct ParameterUse {
  PgQuery__Node* node = nullptr;
  int number = 0;
  CellAction action = CellAction::Pass;
  const EncryptedColumnSpec* column = nullptr;
  Oid client_type = 0;  ///< as the text casts it, or the column's; 0: not known here
  std::uint16_t row = 0;  ///< as ServerParameter's
};

struct LiteralUse {
  PgQuery__Node* node = nullptr;
  CellAction action = CellAction::Encrypt;
  const EncryptedColumnSpec* column = nullptr;
  std::string value;
  Oid type = 0;
  std::uint16_t row = 0;
};

class CellBinder {
 public:
  CellBinder(const EncryptedColumns& columns, const RelationNames& names, Arena& arena)
      : columns_(columns), names_(names), edit_(arena) {}
  CellBinder(const CellBinder&) = delete;
  CellBinder& operator=(const CellBinder&) = delete;

  /// A SELECT, INSERT, UPDATE or DELETE. False: see refusal(); all methods that return bool do so.
  [[nodiscard]] bool query(PgQuery__Node& node);
  [[nodiscard]] bool copy(PgQuery__CopyStmt& copy, CopyPlan& plan);
  /// After query(), of the same node: its output gives the vault's cells in the place of tokens that stand for them.
  [[nodiscard]] bool open_vault(PgQuery__Node& node);

  struct Refusal {
    std::string sqlstate;
    std::string message;
    std::string hint;
    int location = -1;
  };
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
  [[nodiscard]] const Columns& output() const noexcept { return output_; }
  /// Null: it is none, or one whose tokens are shown as they stand.
  [[nodiscard]] const EncryptedColumnSpec* cell(const BoundColumn& column) const noexcept;
  /// The same with those whose tokens are shown: what is written to them is refused.
  [[nodiscard]] const EncryptedColumnSpec* written_cell(const BoundColumn& column) const noexcept;
  /// Whether the text changed otherwise than by parameters and literals.
  [[nodiscard]] bool edited() const noexcept { return edited_; }
  /// Whether a cell was met at all.
  [[nodiscard]] bool met_cell() const noexcept { return met_cell_; }
  std::vector<ParameterUse>& parameters() noexcept { return parameters_; }
  std::vector<LiteralUse>& literals() noexcept { return literals_; }

  /// From here on the keys of rows may be asked for in columns behind those of the client.
  void may_hide_keys() noexcept { may_hide_keys_ = true; }
  [[nodiscard]] std::uint16_t hidden() const noexcept { return hidden_; }
  std::vector<WrittenRow>& rows() noexcept { return rows_; }
  /// Which columns of the output are the key of the row that the cell there is bound to.
  [[nodiscard]] bool row_key_of(std::size_t output, std::vector<RowKeyOutput>& key);
  /// The row of EXECUTE's arguments, to which the literals that follow belong.
  [[nodiscard]] bool key_of_arguments(const WrittenRow& row, PgQuery__Node* const* arguments, std::size_t count);

  /// A constant or NULL for a column: what EXECUTE passes. False and no refusal: none of these.
  bool literal(PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action, bool& done);

 private:
  using Nodes = PgQuery__Node**;
  using Assigned = std::vector<const EncryptedColumnSpec*>;  // by output column; null: not encrypted
  struct At {
    Level& level;
    const CellPlaceRule& place = cell_place::kExpression;
  };
  /// A reference to a cell: which column of which Range.
  struct CellRef {
    const EncryptedColumnSpec* column = nullptr;
    const Range* range = nullptr;
    std::size_t index = 0;
    const Level* level = nullptr;
  };
  /// A target whose value is a bare reference, by output column.
  struct Target {
    PgQuery__Node* value = nullptr;  ///< null: by a star
    PgQuery__ResTarget* target = nullptr;
    CellRef reference;
  };
  using Targets = std::vector<Target>;
  /// The row that a cell which is assigned now will stand in.
  struct Written {
    const std::vector<AttrNumber>* key = nullptr;  ///< null: its table has no row-bound column
    const Range* target = nullptr;
    std::uint16_t row = 0;           ///< number in rows_, from 1; 0: not known
    std::vector<std::size_t> places;  ///< INSERT: where a row of VALUES has the key's columns
    std::vector<const Range*> same;   ///< a cell of these stands in that row already
    std::string missing;              ///< the key's column that the statement does not give
    std::string_view way_out;
  };

  // cell_binder.cpp
  bool refuse(std::string_view sqlstate, std::string message, int location, std::string_view hint = {});
  bool unknown(std::string_view what, int location = -1);
  bool refuse_cell(const EncryptedColumnSpec& column, const CellPlaceRule& place, int location = -1);
  bool not_searchable(const EncryptedColumnSpec& column, std::string_view what);
  bool searchable(const EncryptedColumnSpec& column, std::string_view what, bool one_version);
  /// A masked column may be selected alone: its mask would fall to questions.
  bool refuse_masked(const EncryptedColumnSpec& column, std::string_view what);
  /// What is written without the right to detokenize would stand there as it is.
  bool refuse_shown(const EncryptedColumnSpec& column);
  [[nodiscard]] std::string described(const EncryptedColumnSpec& column) const;
  bool spend(std::size_t units);
  bool has_cell(const Range& range) const;
  bool copy_options(const PgQuery__CopyStmt& copy, CopyPlan& plan);

  // cell_binder_vault.cpp
  bool open_vault(Nodes list, std::size_t count);
  bool open_vault(PgQuery__SelectStmt& select);
  bool copy_vault(bool in);

  // cell_binder_query.cpp
  bool any_query(PgQuery__Node& node, Level* parent, Columns& output);
  bool select(PgQuery__SelectStmt& select, Level* parent, Columns& output, const Assigned* assigned = nullptr);
  bool plain_select(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned);
  bool values(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned);
  bool set_operation(PgQuery__SelectStmt& select, Level& level, Columns& output, const Assigned* assigned);
  bool with_clause(PgQuery__WithClause* clause, Level& level);
  bool with_query(WithQuery& query, Level& level);
  bool with_columns(WithQuery& query, Columns& output);
  bool targets(Nodes& list, std::size_t& count, Level& level, Columns& output, Targets& found,
               const Assigned* assigned);
  bool target(PgQuery__ResTarget& target, Level& level, Columns& output, Targets& found, const Assigned* assigned);
  bool star(PgQuery__ColumnRef& reference, Level& level, Columns& output, Targets& found,
            std::vector<PgQuery__Node*>& expanded);
  bool sort_list(Nodes list, std::size_t count, Level& level, const Columns& output);
  bool window(PgQuery__WindowDef& window, Level& level);
  bool limits(PgQuery__SelectStmt& select, Level& level);

  // cell_binder_from.cpp
  bool from(Nodes list, std::size_t count, Level& level);
  bool from_item(PgQuery__Node& node, Level& level, std::vector<Visible>& out, Range** top);
  bool from_relation(PgQuery__RangeVar& variable, Level& level, std::vector<Visible>& out, Range** top);
  bool from_with_query(const PgQuery__RangeVar& variable, WithLookup found, std::vector<Visible>& out, Range** top);
  bool from_query(PgQuery__RangeSubselect& query, Level& level, std::vector<Visible>& out, Range** top);
  bool from_function(PgQuery__RangeFunction& function, Level& level, std::vector<Visible>& out, Range** top);
  bool from_table_function(PgQuery__RangeTableFunc& function, Level& level, std::vector<Visible>& out, Range** top);
  bool from_join(PgQuery__JoinExpr& join, Level& level, std::vector<Visible>& out, Range** top);
  bool join_columns(PgQuery__JoinExpr& join, const Range& left, const Range& right, Range& merged, Range& result);
  bool no_conflict(const std::vector<Visible>& ours, const std::vector<Visible>& theirs);
  bool rename(Range& range, const PgQuery__Alias* alias);
  Range& new_range(std::string_view name);
  bool table_range(const PgQuery__RangeVar& variable, Range*& range);

  // cell_binder_expression.cpp
  bool expression(PgQuery__Node* node, At at);
  bool expressions(Nodes list, std::size_t count, At at);
  /// A value that may be a cell: a reference, also cast to the column's own type, or a sub-select.
  bool value(PgQuery__Node& node, At at, CellRef& cell);
  bool sub_link(PgQuery__SubLink& link, At at, CellRef* cell);
  bool null_test(PgQuery__NullTest& test, At at);
  bool call(PgQuery__FuncCall& call, At at);
  bool count_cells(PgQuery__FuncCall& call, At at, bool& done);
  bool column_ref(PgQuery__ColumnRef& reference, At at);
  /// found.range null: the server's to resolve, among columns that can't be cells.
  bool resolve(PgQuery__ColumnRef& reference, Level& level, ColumnLookup& found);
  bool resolve_range(const PgQuery__ColumnRef& reference, std::size_t parts, Level& level, RangeLookup& found);
  bool parameter(PgQuery__Node& node);

  // cell_binder_compare.cpp
  bool operator_expression(PgQuery__Node& node, At at);
  bool compare(PgQuery__Node& node, At at);
  bool left_cell(PgQuery__AExpr& comparison, At at, CellRef& reference);
  bool compare_list(PgQuery__Node& node, At at);
  bool compare_array(PgQuery__Node& node, At at);
  bool compare_cells(PgQuery__Node& left, const CellRef& one, PgQuery__Node& right, const CellRef& other);
  bool in_query(PgQuery__SubLink& link, const CellRef& cell, At at);
  /// The other side of a comparison: a parameter, a constant or NULL, cast at most to the column's type.
  bool operand(PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action);
  bool cast_away(PgQuery__Node& node, const EncryptedColumnSpec& column, bool array, Oid& type);
  bool comparable(const EncryptedColumnSpec& one, const EncryptedColumnSpec& other, std::string_view what);
  /// The node, which is a cell, becomes its index.
  void become_index(PgQuery__Node& node, const CellRef& cell);
  PgQuery__Node* index_of(const PgQuery__Node& node, const CellRef& cell);
  bool group_by(PgQuery__SelectStmt& select, Level& level, const Columns& output, const Targets& targets);
  bool group_item(PgQuery__Node& node, Level& level, const Columns& output, const Targets& targets);
  bool is_group_key(const Level& level, const CellRef& cell) const;
  bool distinct(PgQuery__SelectStmt& select, Level& level, const Columns& output, const Targets& targets);
  bool pick_from_groups(const Level& level, const Targets& targets);

  // cell_binder_modify.cpp
  bool assign(PgQuery__Node& node, const EncryptedColumnSpec& column, At at);
  bool assign_plain(PgQuery__Node& node, std::string_view name, At at);
  bool modify_target(const PgQuery__RangeVar& variable, Range*& range);
  bool insert(PgQuery__InsertStmt& insert, Level* parent, Columns& output);
  bool assigned_column(const PgQuery__ResTarget& target, const Range& range, const EncryptedColumnSpec*& column);
  bool insert_columns(PgQuery__InsertStmt& insert, const Range& range, Assigned& assigned);
  bool insert_values(PgQuery__SelectStmt& select, Level& level, const Assigned& assigned);
  bool insert_source(PgQuery__InsertStmt& insert, Level& level, const Assigned& assigned, std::size_t limit);
  bool on_conflict(PgQuery__OnConflictClause& clause, Level& level, const Range& range, bool one_row);
  bool update(PgQuery__UpdateStmt& update, Level* parent, Columns& output);
  bool remove(PgQuery__DeleteStmt& remove, Level* parent, Columns& output);
  bool assignments(Nodes list, std::size_t count, Level& level, const Range& range);
  bool default_is_safe(const Range& range, const EncryptedColumnSpec& column);

  // cell_binder_rows.cpp
  static unsigned row_of(const Range& range);
  void renumber_rows(Columns& columns);
  const std::vector<AttrNumber>* bound_by(const Range& range) const;
  bool key_part(const PgQuery__Node& node, const CatalogColumn& column, bool assigned, WrittenKeyPart& part) const;
  bool keep_row(WrittenRow row);
  void begin_insert(const PgQuery__InsertStmt& insert, const Range& range);
  bool begin_row(const PgQuery__List& items);
  bool begin_update(const PgQuery__Node* where, Level& level, const Range& range);
  bool key_condition(const PgQuery__AExpr& condition, Level& level, const Range& range,
                     std::vector<std::optional<WrittenKeyPart>>& parts);
  void begin_conflict(const PgQuery__OnConflictClause& clause, const Range& range, const Range& excluded, bool one_row);
  bool row_known(const EncryptedColumnSpec& column);
  [[nodiscard]] std::uint16_t row_for(const EncryptedColumnSpec& column, CellAction action) const noexcept {
    return column.row_key.empty() || action != CellAction::Encrypt ? std::uint16_t{0} : written_.row;
  }
  bool constant_row_known(const EncryptedColumnSpec& column);
  bool stays_in_row(const EncryptedColumnSpec& column, const CellRef& source);
  bool key_stays(std::string_view name, const Range& range);
  void common_rows(Columns& output, const Columns& right) const;
  bool give_keys(Nodes& list, std::size_t& count, const Level& level, Columns& output);

  static constexpr std::size_t kWholeRow = static_cast<std::size_t>(-1);

  const EncryptedColumns& columns_;
  const RelationNames& names_;
  TreeEditor edit_;
  std::deque<Range> ranges_;  // stable addresses
  std::vector<ParameterUse> parameters_;
  std::vector<LiteralUse> literals_;
  Columns output_;
  Refusal refusal_;
  std::size_t spent_ = 0;
  bool edited_ = false;
  bool met_cell_ = false;
  Written written_;
  std::vector<WrittenRow> rows_;
  unsigned row_numbers_ = 0;
  std::uint16_t hidden_ = 0;
  bool may_hide_keys_ = false;
};

}  // namespace bartizan::sql
