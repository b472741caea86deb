#include "table_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "bartizan/policy/cell_masks.hpp"
#include "bartizan/sql/lexer.hpp"
#include "filter_guard.hpp"
#include "mask_expression.hpp"
#include "sequence_default.hpp"
#include "text.hpp"

namespace bartizan::wall {
namespace {

using policy::ColumnOutcome;
using policy::TableOutcome;
using policy::Verb;

std::string_view sql_verb(Verb verb) noexcept {
  switch (verb) {
    case Verb::Read: return "SELECT";
    case Verb::Insert: return "INSERT";
    case Verb::Update: return "UPDATE";
    case Verb::Delete: return "DELETE";
  }
  return "";
}

bool is_clear(const ColumnOutcome& column) noexcept { return std::holds_alternative<policy::Clear>(column.visibility); }
bool is_masked(const ColumnOutcome& column) noexcept {
  return std::holds_alternative<policy::Masked>(column.visibility);
}

/// A cell without its blind index, so that the class's role can't compare what it only sees masked: bytes 8 to
/// 23 are left out where flag 1 says that they are one (docs/formats/cell.md).
std::string cut_cell(const std::string& name) {
  return fmt::format(
      "(CASE WHEN get_byte({0}::bytea, 1) & 1 = 1 THEN substr({0}::bytea, 1, 8) || substr({0}::bytea, 25) "
      "ELSE {0}::bytea END)::bytea",
      name);
}

/// Whether a name stands in the text; what can't be read may be any name.
bool names(std::string_view text, std::string_view name) {
  sql::Lexer lexer(text, sql::LexOptions{});
  for (auto token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    if (token.kind == sql::TokenKind::Error || token.kind == sql::TokenKind::UnicodeIdentifier) return true;
    std::string found(token.in(text));
    if (token.kind == sql::TokenKind::Identifier)
      std::ranges::transform(found, found.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    else if (token.kind == sql::TokenKind::QuotedIdentifier)
      found = found.substr(1, found.size() - 2);
    else
      continue;
    if (found == name || found.find("\"\"") != std::string::npos) return true;
  }
  return false;
}

tl::unexpected<Error> refused(Errc code, const TableOutcome& table, std::string_view why) {
  return fail(code, fmt::format("{}.{}: {}", table.schema, table.name, why));
}

/// Makes the objects of one table for one class.
class TableCompiler {
 public:
  TableCompiler(const CompileInput& input, const policy::ClassOutcome& outcome, const TableOutcome& table,
                const sql::CatalogRelation& relation, const std::string& class_role)
      : input_(input),
        outcome_(outcome),
        table_(table),
        relation_(relation),
        class_role_(class_role),
        owner_(input.names->view_owner(table.filters, outcome.context)),
        base_(quoted_name(relation.schema, relation.name)) {}

  Result<std::vector<Object>> run() {
    BZ_CHECK(filters_name_no_cell());
    owner_and_grants();
    if (has_row_security(relation_.kind)) policies();
    const auto view = input_.names->view(table_, relation_, outcome_.context);
    BZ_CHECK(add_view(view, false));
    grant_view(view, false);
    if (needs_write_view(table_)) {
      const auto write_view = input_.names->write_view(table_, relation_, outcome_.context);
      BZ_CHECK(add_view(write_view, true));
      grant_view(write_view, true);
    }
    catalog_entry();
    return std::move(objects_);
  }

 private:
  void add(ObjectKind kind, std::string name, std::string create) {
    objects_.push_back({kind, std::move(name), std::move(create)});
  }
  [[nodiscard]] std::string under_oid(std::string_view name) const { return fmt::format("{}/{}", relation_.oid, name); }

  void owner_and_grants() {
    add(ObjectKind::ViewOwner, owner_, create_role_sql(owner_, false, input_.installer));
    for (const Verb verb : policy::kAllVerbs) {
      // UPDATE and DELETE through a view read the base table as the view's owner.
      if (verb != Verb::Read && !table_.verbs.contains(verb)) continue;
      add(ObjectKind::BaseGrant, fmt::format("{}/{}/{}", relation_.oid, policy::to_string(verb), owner_),
          fmt::format("GRANT {} ON {} TO {}", sql_verb(verb), base_, owner_));
    }
  }

  [[nodiscard]] bool holds_cells(const sql::CatalogColumn& column) const noexcept {
    return input_.logical != nullptr && input_.logical->holds_cells(relation_.oid, column.attnum);
  }

  /// The column with the blind indexes of a column that the class has in clear; null: none. It comes after all
  /// others, layer 1 doesn't know it, and the planner of cells leaves it out of every `*`.
  [[nodiscard]] const sql::StoredIndex* stored_index(std::size_t column) const noexcept {
    if (input_.logical == nullptr || !is_clear(table_.columns[column])) return nullptr;
    return input_.logical->stored_index(relation_.oid, relation_.columns[column].attnum);
  }

  /// PostgreSQL would compare cells: a filter of `<>` would let every row pass. Told by names alone, of all tables,
  /// since a filter may look things up in another.
  [[nodiscard]] Result<void> filters_name_no_cell() const {
    if (input_.logical == nullptr || input_.logical->cells.empty()) return {};
    for (const auto& filter : table_.filters)
      for (const auto& [relation, attnums] : input_.logical->cells)
        for (const auto attnum : attnums)
          if (const auto* column = input_.catalog->relation(relation)->column(attnum); names(filter.text, column->name))
            return refused(Errc::Unsupported, table_, "a row filter names the encrypted column " + column->name);
    return {};
  }

  /// All filters, each in parentheses; empty when there is none.
  [[nodiscard]] std::string condition() const {
    std::string out;
    for (const auto& filter : table_.filters) {
      const auto text = filter.render([&](std::string_view name) { return attribute(name); });
      // A line break ends a comment that the text may end with.
      out += (out.empty() ? "(" : " AND (") + text + "\n)";
    }
    return out;
  }
  [[nodiscard]] std::string attribute(std::string_view name) const {
    const auto* declared = outcome_.find_attribute(name);  // relation_of made sure of it
    const auto type = policy::to_string(declared == nullptr ? policy::AttributeType::Text : declared->type);
    // The inner cast is done once a statement. The outer one does nothing, but makes it an expression
    // for the grammar: = ANY ((SELECT …)) would be a comparison with the sub-select's rows.
    return fmt::format("((SELECT bartizan.subject({0})::{1})::{1})", quoted_literal(name), type);
  }

  void policies() {
    const bool own = input_.own_row_security.contains(relation_.oid);
    const auto& prefix = input_.names->prefix();
    if (table_.filters.empty() && !own) return;
    const auto open = own ? owner_ + "_open" : prefix + "open";
    add(ObjectKind::OpenPolicy, under_oid(open),
        fmt::format("CREATE POLICY {} ON {} AS PERMISSIVE FOR ALL TO {} USING (true) WITH CHECK (true)", open, base_,
                    own ? owner_ : "PUBLIC"));
    if (table_.filters.empty()) return;
    const auto text = condition();
    add(ObjectKind::FilterPolicy, under_oid(owner_),
        fmt::format("CREATE POLICY {0} ON {1} AS RESTRICTIVE FOR ALL TO {0} USING ({2}) WITH CHECK ({2})", owner_,
                    base_, text));
    if (!own)
      add(ObjectKind::RowSecurity, std::to_string(relation_.oid),
          "ALTER TABLE " + base_ + " ENABLE ROW LEVEL SECURITY");
  }

  Result<std::string> target(const ColumnOutcome& outcome, const sql::CatalogColumn& column, bool bare) const {
    const auto name = quoted_name(column.name);
    const auto* masked = std::get_if<policy::Masked>(&outcome.visibility);
    if (bare || masked == nullptr) return name;
    if (holds_cells(column) && policy::needs_value(masked->mask)) {
      if (const auto able = policy::check_gateway_mask(masked->mask); !able)
        return refused(Errc::Unsupported, table_, "column " + column.name + ": " + able.error().detail);
      return cut_cell(name) + " AS " + name;
    }
    BZ_TRY(const auto expression, mask_expression(*input_.catalog, column, masked->mask));
    return expression + " AS " + name;
  }

  /// A view of the readable columns, or (bare) of the readable and the writable ones.
  Result<void> add_view(const sql::ViewName& view, bool bare) {
    const auto name = quoted_name(view.schema, view.name);
    std::string targets;
    std::string defaults;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const auto& outcome = table_.columns[i];
      const auto& column = relation_.columns[i];
      const bool readable = is_clear(outcome) || is_masked(outcome);
      if (!readable && !(bare && !outcome.writes.empty())) continue;
      BZ_TRY(const auto text, target(outcome, column, bare));
      targets += (targets.empty() ? " " : ", ") + text;
      const bool stored = bare || is_clear(outcome);
      if (stored && table_.verbs.contains(Verb::Insert)) {
        if (const auto* sequence = default_sequence(*input_.catalog, column)) {
          add_sequence(*sequence);
          defaults += fmt::format("; ALTER VIEW {} ALTER COLUMN {} SET DEFAULT bartizan.nextval_{}()", name,
                                  quoted_name(column.name), sequence->oid);
        }
      }
    }
    // Behind row filters no expression of a cell finds an index: what the class may compare, it compares by this.
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      if (const auto* index = stored_index(i)) targets += ", " + quoted_name(index->name);
    const bool barrier = !has_row_security(relation_.kind) && !table_.filters.empty();
    add(ObjectKind::View, view.name,
        fmt::format("CREATE VIEW {}{} AS SELECT{} FROM {}{}{}; {}", name, barrier ? " WITH (security_barrier)" : "",
                    targets, base_, barrier ? " WHERE " + condition() : guard(view.name, bare), defaults,
                    to_owner(name)));
    return {};
  }

  /// Rows are not looked at by it: it is asked once a statement. Inserting asks by the check option.
  [[nodiscard]] std::string guard(const std::string& view, bool bare) const {
    if (input_.installer.superuser || table_.filters.empty()) return "";
    const bool inserts = table_.verbs.contains(Verb::Insert) && (bare || std::ranges::any_of(table_.columns, is_clear));
    return " WHERE " + filter_guard(relation_.oid, owner_, view) + (inserts ? " WITH LOCAL CHECK OPTION" : "");
  }

  /// Who is no superuser hands a view only to a role that could have made it there.
  [[nodiscard]] std::string to_owner(const std::string& view) const {
    const auto alter = fmt::format("ALTER VIEW {} OWNER TO {}", view, owner_);
    if (input_.installer.superuser) return alter;
    return fmt::format("GRANT CREATE ON SCHEMA {0} TO {1}; {2}; REVOKE CREATE ON SCHEMA {0} FROM {1}", kViewSchema,
                       owner_, alter);
  }

  void add_sequence(const sql::CatalogRelation& sequence) {
    const auto name = quoted_name(sequence.schema, sequence.name);
    const auto& wall = input_.names->wall_owner();
    add(ObjectKind::SequenceFunction, std::to_string(sequence.oid),
        fmt::format(
            "CREATE OR REPLACE FUNCTION bartizan.nextval_{0}() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER "
            "SET search_path = pg_catalog, pg_temp AS {1}; "
            "ALTER FUNCTION bartizan.nextval_{0}() OWNER TO {2}; "
            "GRANT EXECUTE ON FUNCTION bartizan.nextval_{0}() TO PUBLIC; GRANT USAGE ON SEQUENCE {3} TO {2}",
            sequence.oid, fmt::format("'SELECT nextval({}::oid::regclass)'", sequence.oid), wall, name));
  }

  [[nodiscard]] std::string columns_for(Verb verb, bool bare) const {
    std::string out;
    for (const auto& column : table_.columns)
      if (column.writes.contains(verb) && (bare || is_clear(column)))
        out += (out.empty() ? "" : ", ") + quoted_name(column.name);
    return out;
  }
  [[nodiscard]] std::string clear_columns() const {
    std::string out;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (!is_clear(table_.columns[i])) continue;
      out += (out.empty() ? "" : ", ") + quoted_name(table_.columns[i].name);
      if (const auto* index = stored_index(i)) out += ", " + quoted_name(index->name);
    }
    return out;
  }

  void grant_view(const sql::ViewName& view, bool bare) {
    const auto name = quoted_name(view.schema, view.name);
    std::string privileges;
    const auto allow = [&](std::string_view privilege) {
      privileges += (privileges.empty() ? "" : ", ") + std::string(privilege);
    };
    if (table_.verbs.contains(Verb::Read)) {
      if (!bare) allow("SELECT");
      if (const auto columns = clear_columns(); bare && !columns.empty()) allow("SELECT (" + columns + ")");
    }
    for (const Verb verb : {Verb::Insert, Verb::Update}) {
      const auto columns = columns_for(verb, bare);
      if (table_.verbs.contains(verb) && !columns.empty()) allow(fmt::format("{} ({})", sql_verb(verb), columns));
    }
    if (!bare && table_.verbs.contains(Verb::Delete)) allow("DELETE");
    if (privileges.empty()) return;
    add(ObjectKind::ViewGrant, view.name + "/" + class_role_,
        fmt::format("GRANT {} ON {} TO {}", privileges, name, class_role_));
  }

  /// Which columns the class is shown in the catalogs, which of them unmasked, its verbs as PostgreSQL
  /// writes privileges, and the types of those that hold cells, as applications see them.
  void catalog_entry() {
    std::string readable;
    std::string clear;
    std::string logical;
    const auto put = [](std::string& list, sql::AttrNumber attnum) {
      list += (list.empty() ? "" : ",") + std::to_string(attnum);
    };
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const auto& column = table_.columns[i];
      if (is_clear(column) || is_masked(column)) put(readable, relation_.columns[i].attnum);
      if (is_clear(column)) put(clear, relation_.columns[i].attnum);
      if (const auto& known = relation_.columns[i]; holds_cells(known))
        logical +=
            fmt::format("{}\"{}\": [{}, {}]", logical.empty() ? "" : ", ", known.attnum, known.type, known.typmod);
    }
    std::string verbs;
    for (const auto& [verb, letter] :
         {std::pair{Verb::Read, 'r'}, {Verb::Insert, 'a'}, {Verb::Update, 'w'}, {Verb::Delete, 'd'}})
      if (table_.verbs.contains(verb)) verbs += letter;
    add(ObjectKind::CatalogEntry, under_oid(class_role_),
        fmt::format(
            "INSERT INTO bartizan.class_relation AS c VALUES ('{0}', {1}, '{{{2}}}', '{{{3}}}', '{4}', '{{{5}}}') ON CONFLICT "
            "(class_role, relation) DO UPDATE SET readable = EXCLUDED.readable, clear = EXCLUDED.clear, "
            "verbs = EXCLUDED.verbs, logical = EXCLUDED.logical",
            class_role_, relation_.oid, readable, clear, verbs, logical));
  }

  const CompileInput& input_;
  const policy::ClassOutcome& outcome_;
  const TableOutcome& table_;
  const sql::CatalogRelation& relation_;
  const std::string& class_role_;
  std::string owner_;
  std::string base_;
  std::vector<Object> objects_;
};

Result<void> check_columns(const TableOutcome& table, const sql::CatalogRelation& relation) {
  if (table.columns.size() != relation.columns.size())
    return refused(Errc::NotFound, table, "the outcome's columns are not the table's");
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& outcome = table.columns[i];
    if (outcome.name != relation.columns[i].name)
      return refused(Errc::NotFound, table, "the outcome's columns are not the table's, or in another order");
    if (std::holds_alternative<policy::Hidden>(outcome.visibility) && !outcome.writes.empty())
      return refused(Errc::InvalidArgument, table, "a hidden column can't be written");
  }
  return {};
}

Result<void> check_writes(const TableOutcome& table, const sql::CatalogRelation& relation) {
  if ((table.verbs - policy::VerbSet{Verb::Read}).empty()) return {};
  if (!has_row_security(relation.kind))
    return refused(Errc::Unsupported, table, "only tables can be written through the wall");
  // They would run as the class and see what it must not.
  if (relation.has_user_triggers)
    return refused(Errc::Unsupported, table, "its triggers are not reviewed, so no write verb can be given");
  return {};
}

/// Layer 1 counts the entities in the view, and no row may be made up or found by writing.
Result<void> check_aggregates(const TableOutcome& table) {
  if (!table.aggregate_only) return {};
  const auto* entity = table.find(table.aggregate_only->entity_column);
  if (entity == nullptr || (!is_clear(*entity) && !is_masked(*entity)))
    return refused(Errc::InvalidArgument, table, "what aggregates alone are counted by can't be read");
  if (table.aggregate_only->k < 2 || table.verbs != policy::VerbSet{Verb::Read})
    return refused(Errc::InvalidArgument, table, "aggregates alone are of two at least, and are read alone");
  return {};
}

}  // namespace

bool has_row_security(sql::RelKind kind) noexcept {
  return kind == sql::RelKind::Table || kind == sql::RelKind::PartitionedTable;
}

bool needs_write_view(const TableOutcome& table) noexcept {
  return std::ranges::any_of(table.columns,
                             [](const ColumnOutcome& column) { return !column.writes.empty() && !is_clear(column); });
}

Result<const sql::CatalogRelation*> relation_of(const sql::Catalog& catalog, const policy::ClassOutcome& outcome,
                                                const TableOutcome& table) {
  const auto* relation = catalog.relation(table.schema, table.name);
  if (relation == nullptr) return refused(Errc::NotFound, table, "not in the catalog");
  const bool stored = has_row_security(relation->kind) || relation->kind == sql::RelKind::MaterializedView ||
                      relation->kind == sql::RelKind::ForeignTable;
  // A view of the owner's shows what its owner sees, past every mask: it needs one of its own.
  if (!stored) return refused(Errc::Unsupported, table, "only tables and stored copies can stand behind the wall");
  if (relation->has_rules) return refused(Errc::Unsupported, table, "it has rewrite rules");
  if (table.verbs.empty()) return refused(Errc::InvalidArgument, table, "no verb is given");
  BZ_CHECK(check_columns(table, *relation));
  BZ_CHECK(check_writes(table, *relation));
  BZ_CHECK(check_aggregates(table));
  for (const auto& filter : table.filters)
    for (const auto& slot : filter.slots)
      if (outcome.find_attribute(slot.attribute) == nullptr)
        return refused(Errc::InvalidArgument, table, "a filter uses an attribute that the class has not");
  return relation;
}

Result<std::vector<Object>> table_objects(const CompileInput& input, const policy::ClassOutcome& outcome,
                                          const TableOutcome& table, const std::string& class_role) {
  BZ_TRY(const auto* relation, relation_of(*input.catalog, outcome, table));
  return TableCompiler(input, outcome, table, *relation, class_role).run();
}

}  // namespace bartizan::wall
