// Binds one statement's tree to catalog and view map, in place: relations become views, functions,
// types and collations are qualified, and whatever is not known and permitted ends in a refusal.
//
// An allow-list throughout: each method knows the nodes that may stand where it is called and
// refuses every other. One file per part of the grammar: binder_query (SELECT and what is around
// it), binder_from, binder_expression, binder_names, binder_modify (INSERT, UPDATE, DELETE),
// binder_utility. Used once, for one statement.
#pragma once

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/rewrite.hpp"
#include "permitted_names.hpp"
#include "scope.hpp"
#include "tree_editor.hpp"

namespace bartizan::sql {

/// A refusal whose place is still a byte of the statement's text.
struct Refusal {
  std::string sqlstate;
  std::string message;
  std::string hint;
  int location = -1;
};

class Binder {
 public:
  /// facts: those that the statement's top node tells.
  Binder(const RewriteRequest& request, Arena& arena, RewrittenStatement facts)
      : request_(request), edit_(arena), facts_(std::move(facts)) {}
  Binder(const Binder&) = delete;
  Binder& operator=(const Binder&) = delete;

  /// False: see refusal(). All methods that return bool do so.
  [[nodiscard]] bool statement(PgQuery__Node& node);

  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
  /// What it was given and what was found.
  [[nodiscard]] RewrittenStatement facts() &&;

 private:
  using Nodes = PgQuery__Node**;
  struct Expression {  // where an expression stands, and where its sources go
    Level& level;
    Sources* sources;
  };

  // binder.cpp
  bool refuse(std::string_view sqlstate, std::string message, int location, std::string_view hint = {});
  bool unsupported(std::string what, int location, std::string_view hint = {});
  /// Work is bounded by a budget: columns copied and sources joined can grow faster than the text.
  bool spend(std::size_t units);
  void touch(const Sources& sources);
  bool top_query(PgQuery__Node& node);
  void use(const CatalogRelation& relation, Verbs verb);

  // binder_utility.cpp
  bool refuse_kind();
  bool copy(PgQuery__CopyStmt& copy);
  bool copy_table(PgQuery__CopyStmt& copy);
  bool copy_options(const PgQuery__CopyStmt& copy);
  bool transaction(const PgQuery__TransactionStmt& transaction);
  bool set(const PgQuery__VariableSetStmt& set);
  bool set_values(const PgQuery__VariableSetStmt& set, std::string_view name, SettingRule rule);
  bool virtual_setting(const PgQuery__VariableSetStmt& set, std::string name);
  bool show(const PgQuery__VariableShowStmt& show);
  bool prepare(PgQuery__PrepareStmt& prepare);
  bool execute(PgQuery__ExecuteStmt& execute);
  bool declare(PgQuery__DeclareCursorStmt& declare);
  bool session_name(std::string_view name);

  // binder_query.cpp
  bool query(PgQuery__Node& node, Level* parent, Columns& output);
  bool select(PgQuery__SelectStmt& select, Level* parent, Columns& output);
  bool plain_select(PgQuery__SelectStmt& select, Level& level, Columns& output);
  bool values(PgQuery__SelectStmt& select, Level& level, Columns& output);
  bool set_operation(PgQuery__SelectStmt& select, Level& level, Columns& output);
  bool with_clause(PgQuery__WithClause* clause, Level& level);
  bool with_query(WithQuery& query, Level& level);
  bool with_columns(WithQuery& query, Columns& output);
  bool targets(Nodes list, std::size_t count, Level& level, Columns& output);
  bool target(PgQuery__ResTarget& target, Level& level, Columns& output);
  bool star(PgQuery__ColumnRef& reference, Level& level, Columns& output);
  void expand(const Range& range, Level& level, Columns& output, bool note_grouped);
  bool locking(Nodes list, std::size_t count, const Level& level, std::size_t first_use);
  bool limits(PgQuery__SelectStmt& select, Level& level);

  // binder_grouping.cpp
  bool sort_list(Nodes list, std::size_t count, Level& level, const Columns& output);
  bool sort_output(Nodes list, std::size_t count, const Columns& output);
  bool distinct(PgQuery__SelectStmt& select, Level& level, const Columns& output);
  bool group_by(PgQuery__SelectStmt& select, Level& level, const Columns& output);
  bool group_item(PgQuery__Node& node, Level& level, const Columns& output);
  bool windows(Nodes list, std::size_t count, Level& level, const Columns* output);
  bool window(PgQuery__WindowDef& window, Level& level, const Columns* output);
  /// GROUP BY a primary key: a view has none, so the table's columns that are used are added.
  bool complete_grouping(PgQuery__SelectStmt& select, Level& level, const Columns& output);

  // binder_counted.cpp
  bool counted_clauses(const PgQuery__SelectStmt& select, const Level& level);
  bool counted_select(PgQuery__SelectStmt& select, Level& level, const Columns& output);
  std::size_t counted_column(const PgQuery__Node* node, Level& level);
  bool counted_condition(const PgQuery__Node* node, Level& level);
  bool counted_comparison(const PgQuery__AExpr& comparison, Level& level);
  bool counted_grouping(const PgQuery__SelectStmt& select, Level& level, const Columns& output,
                        std::vector<std::size_t>& grouped);
  bool counted_group_item(const PgQuery__Node& node, Level& level, std::vector<std::size_t>& grouped);
  bool counted_values(const PgQuery__SelectStmt& select, Level& level, const Columns& output,
                      const std::vector<std::size_t>& grouped, std::vector<std::size_t>& aggregated);
  bool counted_aggregate(const PgQuery__FuncCall& call, Level& level, std::vector<std::size_t>& aggregated);
  void require_entities(PgQuery__SelectStmt& select, const Level& level, const std::vector<std::size_t>& aggregated);
  bool refuse_single_rows(const Level& level, int location);

  // binder_from.cpp
  bool from(Nodes list, std::size_t count, Level& level);
  bool from_item(PgQuery__Node& node, Level& level, std::vector<Visible>& out, Range** top);
  bool from_relation(PgQuery__RangeVar& variable, Level& level, std::vector<Visible>& out, Range** top);
  bool from_with_query(PgQuery__RangeVar& variable, WithLookup found, std::vector<Visible>& out, Range** top);
  bool from_catalog_view(PgQuery__RangeVar& variable, const CatalogView& view, std::vector<Visible>& out, Range** top);
  bool from_query(PgQuery__RangeSubselect& query, Level& level, std::vector<Visible>& out, Range** top);
  bool from_function(PgQuery__RangeFunction& function, Level& level, std::vector<Visible>& out, Range** top);
  bool function_columns(PgQuery__Node& item, Level& level, PgQuery__RangeFunction& function, Columns& out);
  void current_schema_in_from(PgQuery__FuncCall& call, PgQuery__RangeFunction& function);
  bool column_definitions(Nodes list, std::size_t count, const Sources& sources, Columns& out);
  // binder_join.cpp
  bool from_join(PgQuery__JoinExpr& join, Level& level, std::vector<Visible>& out, Range** top);
  bool join_columns(PgQuery__JoinExpr& join, const Range& left, const Range& right, Range& merged, Range& result);
  // binder_from.cpp again
  bool no_conflict(const std::vector<Visible>& ours, const std::vector<Visible>& theirs, int location);
  bool rename(Range& range, const PgQuery__Alias* alias, int location);
  Range& new_range(std::string_view name);
  Range& table_range(const CatalogRelation& relation, const ClassView& view, const PgQuery__RangeVar& variable);

  // binder_expression.cpp
  bool expression(PgQuery__Node* node, Expression at);
  bool expressions(Nodes list, std::size_t count, Expression at);
  bool operator_expression(PgQuery__AExpr& expression, Expression at);
  bool sub_link(PgQuery__SubLink& link, Expression at);
  bool indirection(PgQuery__AIndirection& indirection, Expression at);
  bool subscripts(Nodes list, std::size_t count, Expression at, bool fields);
  bool case_expression(PgQuery__CaseExpr& expression, Expression at);
  bool cast(PgQuery__Node& node, Expression at);
  bool value_function(PgQuery__Node& node, int location);
  bool call(PgQuery__Node& node, Expression at);
  bool search_configuration(const PgQuery__FuncCall& call, std::string_view name);
  bool call_arguments(PgQuery__FuncCall& call, Expression at);
  bool column_ref(PgQuery__ColumnRef& reference, Expression at);

  // binder_names.cpp
  struct NameParts {
    std::string_view schema;
    std::string_view name;
    bool ok = false;
  };
  static NameParts parts_of(PgQuery__Node* const* list, std::size_t count);
  bool relation_name(const PgQuery__RangeVar& variable, const CatalogRelation*& relation, const CatalogView*& view);
  bool base_relation(const PgQuery__RangeVar& variable, const CatalogRelation*& relation, const ClassView*& view);
  const CatalogRelation* visible_relation(std::string_view schema, std::string_view name) const;
  bool function_name(PgQuery__FuncCall& call, const PermittedFunction*& permitted, bool in_from);
  bool user_function(PgQuery__FuncCall& call, NameParts name);
  /// found: the name of one of catalog_functions.hpp, of which the call now is.
  bool catalog_call(PgQuery__FuncCall& call, NameParts name, const PermittedFunction*& found);
  /// The client's search_path as a name[]; with pg_catalog where it implicitly is.
  [[nodiscard]] PgQuery__Node* path_constant(const std::vector<std::string>& path, bool with_catalog);
  /// Of the client's search_path what the class sees something in. The first is the current schema.
  [[nodiscard]] std::vector<std::string> visible_path() const;
  [[nodiscard]] std::string_view object_cast(const PgQuery__TypeName& type) const;
  bool special_call(PgQuery__Node& node, bool& done);
  bool type_name(PgQuery__TypeName& type);
  bool type_names(Nodes list, std::size_t count);
  bool operator_name(PgQuery__Node* const* list, std::size_t count, int location);
  bool closed_operator(std::string_view name, int location);  ///< refuses
  /// Of operators that PostgreSQL looks up by itself: USING, CASE x WHEN, IN (SELECT …), BETWEEN.
  bool implied_operators(std::initializer_list<std::string_view> names, int location);
  bool collation_name(PgQuery__Node**& list, std::size_t& count, int location);
  /// The reference's column, or the whole row of a Range (column == npos).
  bool resolve(PgQuery__ColumnRef& reference, Level& level, ColumnLookup& found);
  bool resolve_range(PgQuery__ColumnRef& reference, std::size_t parts, Level& level, RangeLookup& found);
  bool read(const BoundColumn& column, int location);
  bool take_whole(const Range& range, int location);

  // binder_modify.cpp
  struct Target {
    const CatalogRelation* relation = nullptr;
    const ClassView* view = nullptr;
    Range* range = nullptr;
    bool through_write_view = false;
  };
  using Assigned = std::vector<std::pair<Nodes, std::size_t>>;  // lists of ResTarget
  bool modify_target(PgQuery__RangeVar& variable, Verbs verb, const Assigned& assigned, Target& target);
  bool insert(PgQuery__InsertStmt& insert, Level* parent, Columns& output);
  bool insert_source(PgQuery__InsertStmt& insert, Level& level, Columns& source);
  bool name_insert_columns(PgQuery__InsertStmt& insert, const Columns& source, const CatalogRelation& relation,
                           const ClassView& view);
  bool on_conflict(PgQuery__OnConflictClause& clause, Level& level, const Target& target);
  bool inference(PgQuery__InferClause& clause, Level& level, const Target& target);
  bool update(PgQuery__UpdateStmt& update, Level* parent, Columns& output);
  bool remove(PgQuery__DeleteStmt& remove, Level* parent, Columns& output);
  bool returning(Nodes list, std::size_t count, Level& level, Columns& output);
  bool assignments(Nodes list, std::size_t count, Level& level, const Target& target);
  bool assigned(const PgQuery__ResTarget& assignment, const Target& target);

  static constexpr std::size_t kWholeRow = static_cast<std::size_t>(-1);

  const RewriteRequest& request_;
  TreeEditor edit_;
  std::deque<Range> ranges_;  // stable addresses
  Refusal refusal_;
  std::size_t spent_ = 0;
  RewrittenStatement facts_;
};

}  // namespace bartizan::sql
