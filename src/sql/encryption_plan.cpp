#include "bartizan/sql/encryption_plan.hpp"

#include <algorithm>

#include "bartizan/sql/lexer.hpp"
#include "bartizan/sql/splitter.hpp"
#include "cell_binder.hpp"
#include "deparse.hpp"
#include "encryption_ddl.hpp"
#include "encryption_scan.hpp"
#include "logical_catalogs.hpp"
#include "nesting.hpp"
#include "node_access.hpp"
#include "parameter_plan.hpp"
#include "statement_kinds.hpp"
#include "statement_parser.hpp"
#include "statement_parts.hpp"
#include "utf8.hpp"

namespace bartizan::sql {

namespace {

bool has_backslash_string(std::string_view text, LexOptions options) {
  if (options.standard_conforming_strings) return false;
  Lexer lexer(text, options);
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    const bool plain = token.kind == TokenKind::String || token.kind == TokenKind::NationalString;
    if ((plain && token.in(text).find('\\') != std::string_view::npos) || token.kind == TokenKind::Error) return true;
  }
  return false;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

class Planner {
 public:
  explicit Planner(const EncryptionRequest& request)
      : request_(request),
        temporary_(request.temporary),
        new_tables_(request.new_tables),
        names_(request.columns->catalog(), request.search_path, temporary_, new_tables_) {}

  EncryptionOutcome run() {
    const std::string_view text = request_.text;
    if (request_.columns->empty()) return Untouched{};
    if (text.size() > request_.max_bytes) {
      return refused("54000", "statement is too long to be read, and this database has encrypted columns",
                     "Send fewer rows in one statement, or use COPY.");
    }
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
      return refused("22021", "invalid byte sequence for encoding \"UTF8\"");
    }
    EncryptionPlan plan;
    bool touched = false;
    for (const StatementRange& range : split(text, options_)) {
      PlannedStatement planned;
      if (!statement(range, planned)) return std::move(refused_);
      note_new_tables(range);
      touched = touched || planned.touched;
      plan.statements.push_back(std::move(planned));
    }
    if (!touched) return Untouched{};
    return plan;
  }

 private:
  static Refused refused(std::string_view sqlstate, std::string message, std::string_view hint = {}) {
    return {std::string(sqlstate), std::move(message), std::string(hint), 0};
  }
  bool refuse(Refused refused) {
    refused_ = std::move(refused);
    return false;
  }
  bool refuse(const CellBinder::Refusal& refusal, const StatementRange& range) {
    std::size_t position = 0;
    const auto at = static_cast<std::size_t>(refusal.location);
    if (refusal.location >= 0 && at <= range.length && !replaced_) {
      position = characters(request_.text.substr(0, range.offset + at)) + 1;
    }
    return refuse(Refused{refusal.sqlstate, refusal.message, refusal.hint, position});
  }

  bool statement(const StatementRange& range, PlannedStatement& planned);
  bool plan(ParseTree& tree, const StatementParts& parts, const StatementRange& range, PlannedStatement& planned);
  bool execute(ParseTree& tree, PgQuery__ExecuteStmt& execute, const StatementParts& parts, const StatementRange& range,
               PlannedStatement& planned);
  bool fetch(const PgQuery__FetchStmt& fetch, PlannedStatement& planned);
  void note_new_tables(const StatementRange& range);
  bool finish(ParseTree& tree, CellBinder& binder, bool edited, PlannedStatement& planned);
  void place_literals(std::vector<LiteralUse>& uses, TreeEditor& edit, const PlannedStatement& planned);
  bool find_literals(const std::vector<LiteralUse>& uses, PlannedStatement& planned) const;
  [[nodiscard]] std::string placeholder(std::size_t number) const { return mark_ + std::to_string(number) + ";"; }

  const EncryptionRequest& request_;
  std::unordered_set<std::string> temporary_;  ///< with those that this text makes; so too the next
  NewTables new_tables_;
  RelationNames names_;
  LexOptions options_{request_.standard_conforming_strings, true};
  std::string mark_;
  bool makes_table_ = false;
  bool names_changed_ = false;
  bool session_names_changed_ = false;
  bool replaced_ = false;  ///< the statement's text is not the client's any more
  Refused refused_;
};

/// What a text makes, its later statements may use: should the making fail, they don't run.
void Planner::note_new_tables(const StatementRange& range) {
  if (!makes_table_ || range.offset + range.length == request_.text.size()) return;
  const auto made = parse_statement(range.in(request_.text), {.lex = options_, .max_nesting = request_.max_nesting});
  if (!made) return;
  new_tables_.note(*made, *request_.columns);
  if (made->pin != PinReason::TempTable) return;
  for (const auto& relation : made->relations) {
    if (relation.access == Access::Write) temporary_.insert(relation.name);
  }
}

bool Planner::statement(const StatementRange& range, PlannedStatement& planned) {
  const std::string_view text = range.in(request_.text);
  planned.server_text = text;
  replaced_ = false;
  if (nests_deeply(text, options_, request_.max_nesting)) {
    return refuse(refused("54001", "statement is nested too deeply"));
  }
  if (has_backslash_string(text, options_)) {
    return refuse(refused("0A000", "a backslash in a string while standard_conforming_strings is off is not supported",
                          "Use E'…' for strings with backslashes."));
  }
  ParseTree parsed{std::string(text)};
  Statement described;
  if (parsed.statement() == nullptr || !range.complete || !describe(*parsed.statement(), described)) {
    return refuse(refused("42601", "syntax error, or syntax that the gateway does not read",
                          "This database has encrypted columns: what is not understood is not sent to it."));
  }
  makes_table_ = NewTables::makes(described);
  planned.kind = described.kind;
  planned.name = described.name;
  std::optional<ParseTree> replaced;
  if (reads_rows(*parsed.mutable_statement())) {
    if (auto logical = with_logical_catalogs(text, *parsed.statement(), *request_.columns, names_)) {
      replaced.emplace(*logical);
      replaced_ = planned.touched = planned.reads_catalogs = replaced->statement() != nullptr;
      if (replaced_) planned.server_text = std::move(*logical);
    }
  }
  ParseTree& tree = replaced_ ? *replaced : parsed;
  const StatementParts parts = parts_of(*tree.mutable_statement());
  if (names_changed_ && (parts.query != nullptr || parts.copy != nullptr)) {
    return refuse(refused("0A000",
                          "in one text, a statement after SET search_path, RESET or the end of a transaction "
                          "can't be read for certain, and this database has encrypted columns",
                          "Send it by itself."));
  }
  names_changed_ = names_changed_ || may_change_names(*tree.statement());
  const auto node = static_cast<int>(tree.statement()->node_case);
  if (session_names_changed_ && (parts.execute != nullptr || node == PG_QUERY__NODE__NODE_FETCH_STMT)) {
    return refuse(refused("0A000",
                          "in one text, EXECUTE or FETCH after PREPARE, DEALLOCATE, DECLARE, CLOSE or DISCARD can't "
                          "be read for certain, and this database has encrypted columns",
                          "Send it by itself."));
  }
  session_names_changed_ = session_names_changed_ || node == PG_QUERY__NODE__NODE_PREPARE_STMT ||
                           node == PG_QUERY__NODE__NODE_DEALLOCATE_STMT ||
                           node == PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT ||
                           node == PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT || node == PG_QUERY__NODE__NODE_DISCARD_STMT;
  const PgQuery__Node& looked_at = parts.makes_view && parts.query != nullptr ? *parts.query : *tree.statement();
  const ScanResult scanned =
      scan(looked_at, *request_.columns, names_, parts.query != nullptr || parts.copy != nullptr);
  if (!scanned.sqlstate.empty()) return refuse(refused(scanned.sqlstate, scanned.message, scanned.hint));
  if (parts.execute != nullptr) return execute(tree, *parts.execute, parts, range, planned);
  if (tree.statement()->node_case == PG_QUERY__NODE__NODE_FETCH_STMT) {
    return fetch(*tree.statement()->fetch_stmt, planned);
  }
  if (parts.query == nullptr && parts.copy == nullptr) {
    auto denied = refuse_ddl(*tree.statement(), scanned, *request_.columns, names_);
    return !denied || refuse(std::move(*denied));
  }
  return !scanned.guarded || plan(tree, parts, range, planned);
}

bool Planner::plan(ParseTree& tree, const StatementParts& parts, const StatementRange& range,
                   PlannedStatement& planned) {
  CellBinder binder(*request_.columns, names_, tree.arena());
  if (!parts.makes_view && !parts.makes_table && !parts.explains && parts.copy == nullptr) binder.may_hide_keys();
  CopyPlan copy;
  const bool bound = parts.copy != nullptr ? binder.copy(*parts.copy, copy) : binder.query(*parts.query);
  if (!bound) return refuse(binder.refusal(), range);
  if (!parts.makes_view && parts.query != nullptr && !binder.open_vault(*parts.query))
    return refuse(binder.refusal(), range);
  const Columns& output = binder.output();
  bool cells = false;
  for (std::size_t i = 0; i < output.list.size(); ++i) {
    const EncryptedColumnSpec* const column = binder.cell(output.list[i]);
    if (column == nullptr) continue;
    cells = true;
    if (parts.explains) continue;
    planned.columns.push_back({static_cast<std::uint16_t>(i), column->number, column->type});
    if (parts.makes_view || parts.makes_table || !output.known) continue;
    if (!binder.row_key_of(i, planned.columns.back().key)) return refuse(binder.refusal(), range);
  }
  planned.hidden = binder.hidden();
  if (cells && !output.known) {
    return refuse(refused("0A000", "* with columns that are not known can't be decrypted", "Name the columns."));
  }
  if (cells && parts.makes_table) {
    return refuse(refused("0A000", "encrypted columns can't be copied into a new table",
                          "Create the table, have its column encrypted, and copy through the application."));
  }
  if (parts.makes_view && (binder.edited() || !binder.literals().empty() || !binder.parameters().empty())) {
    return refuse(refused("0A000", "a view can give encrypted columns out, but not compare them",
                          "Compare in the query that reads the view."));
  }
  TreeEditor edit(tree.arena());
  planned.rows = std::move(binder.rows());
  ParameterPlan parameters(request_, binder.parameters(), parts.prepare, planned);
  if (!parameters.make(edit)) return refuse(std::move(parameters.refusal()));
  if (parts.copy != nullptr && binder.met_cell()) planned.copy = std::move(copy);
  if (parts.makes_view) planned.columns.clear();
  const bool edited = binder.edited() || !binder.literals().empty() || !planned.parameters.empty();
  planned.touched = replaced_ || edited || !planned.columns.empty();
  if (!edited && planned.columns.empty()) {
    planned.copy.reset();
    return true;
  }
  if (parts.prepare != nullptr) planned.use = SessionName::Prepares;
  if (planned.kind == Kind::Declare) planned.use = SessionName::Declares;
  return finish(tree, binder, edited, planned);
}

void Planner::place_literals(std::vector<LiteralUse>& uses, TreeEditor& edit, const PlannedStatement& planned) {
  mark_ = "bartizan cell ";
  while (request_.text.find(mark_) != std::string_view::npos) mark_ += 'x';
  for (std::size_t i = 0; i < uses.size(); ++i) {
    PgQuery__Node* const constant = edit.moved(*uses[i].node);
    edit.become_string(*constant, placeholder(i));
    edit.become_cast(*uses[i].node, constant, server_type_name(uses[i].action), makes_array(uses[i].action));
    // What EXECUTE passes meets the function in the statement that was prepared.
    if (planned.use != SessionName::Executes) ask_vault(edit, *uses[i].node, *uses[i].column, uses[i].action);
  }
}

// The deparser may write a node twice or not at all: each placeholder must be found exactly once.
bool Planner::find_literals(const std::vector<LiteralUse>& uses, PlannedStatement& planned) const {
  const std::string_view text = planned.server_text;
  std::vector<char> seen(uses.size(), 0);
  Lexer lexer(text, LexOptions{});
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (token.kind == TokenKind::Error) return false;
    if (token.in(text).find(mark_) == std::string_view::npos) continue;
    if (token.kind != TokenKind::String) return false;
    const std::string_view inside = token.in(text).substr(1, token.length - 2);
    std::size_t number = 0;
    while (number < uses.size() && placeholder(number) != inside) ++number;
    if (number == uses.size() || seen[number] != 0) return false;
    seen[number] = 1;
    const LiteralUse& use = uses[number];
    planned.literals.push_back({token.offset, token.length, use.action, use.column->number,
                                SecretBytes(std::string_view(use.value)), use.type, use.row});
  }
  return std::all_of(seen.begin(), seen.end(), [](char one) { return one != 0; });
}

bool Planner::finish(ParseTree& tree, CellBinder& binder, bool edited, PlannedStatement& planned) {
  if (edited) {
    TreeEditor edit(tree.arena());
    place_literals(binder.literals(), edit, planned);
    auto deparsed = deparse(*tree.mutable_statement());
    if (!deparsed) {
      return refuse(refused("0A000", "this statement on encrypted columns can't be rewritten reliably",
                            "Write it with fewer or simpler expressions."));
    }
    planned.server_text = std::move(deparsed->text);
    if (!find_literals(binder.literals(), planned)) {
      return refuse(refused("0A000", "a constant of this statement can't be encrypted where it stands",
                            "Pass it as a parameter."));
    }
  }
  for (LiteralUse& use : binder.literals()) secure_wipe(use.value.data(), use.value.size());
  if (!cells_stand_where_permitted(*request_.columns, planned)) {
    return refuse(refused("0A000", "this statement on encrypted columns can't be rewritten",
                          "Give columns that are not encrypted names of their own."));
  }
  return true;
}

bool Planner::fetch(const PgQuery__FetchStmt& fetch, PlannedStatement& planned) {
  const auto* const cursors = request_.cursors;
  const auto found = cursors == nullptr ? PlansByName::const_iterator{} : cursors->find(fetch.portalname);
  if (cursors == nullptr || found == cursors->end()) {
    return refuse(refused("34000", "cursor \"" + std::string(fetch.portalname) + "\" does not exist"));
  }
  if (found->second == nullptr || found->second->columns.empty()) return true;
  planned.use = SessionName::Fetches;
  planned.name = fetch.portalname;
  planned.columns = found->second->columns;
  planned.hidden = found->second->hidden;
  planned.touched = true;
  return true;
}

bool Planner::execute(ParseTree& tree, PgQuery__ExecuteStmt& execute, const StatementParts& parts,
                      const StatementRange& range, PlannedStatement& planned) {
  const auto* const prepared = request_.prepared;
  const auto found = prepared == nullptr ? PlansByName::const_iterator{} : prepared->find(execute.name);
  if (prepared == nullptr || found == prepared->end()) {
    return refuse(refused("26000", "prepared statement \"" + std::string(execute.name) + "\" does not exist"));
  }
  if (found->second == nullptr) return true;
  const PlannedStatement& statement = *found->second;
  if (parts.makes_table && !statement.columns.empty()) {
    return refuse(refused("0A000", "encrypted columns can't be copied into a new table"));
  }
  planned.use = SessionName::Executes;
  planned.name = execute.name;
  planned.touched = true;
  if (!parts.explains) {
    planned.columns = statement.columns;
    planned.hidden = statement.hidden;
  }
  CellBinder binder(*request_.columns, names_, tree.arena());
  TreeEditor edit(tree.arena());
  if (statement.parameters.empty()) return finish(tree, binder, false, planned);
  PgQuery__Node** written = nullptr;
  std::size_t count = 0;
  for (const ServerParameter& server : statement.parameters) {
    if (server.client >= execute.n_params) {
      return refuse(
          refused("42601", "wrong number of parameters for prepared statement \"" + std::string(execute.name) + "\""));
    }
    PgQuery__Node* const argument = edit.moved(*execute.params[server.client]);
    if (server.action != CellAction::Pass) {
      const EncryptedColumnSpec* const column = request_.columns->find(server.column);
      bool done = false;
      if (column == nullptr) return refuse(refused("26000", "a prepared statement's column is not encrypted any more"));
      if (server.row != 0 &&
          (server.row > statement.rows.size() ||
           !binder.key_of_arguments(statement.rows[server.row - 1U], execute.params, execute.n_params))) {
        return refuse(binder.refusal(), range);
      }
      if (!binder.literal(*argument, *column, server.action, done)) return refuse(binder.refusal(), range);
      if (!done) {
        return refuse(refused("0A000", "an argument for an encrypted column must be a constant",
                              "Use the protocol's parameters, or write the constant."));
      }
    }
    edit.append(written, count, argument);
  }
  for (std::size_t i = 0; i < execute.n_params; ++i) {
    const auto uses = [&](const ServerParameter& server) { return server.client == i; };
    if (std::none_of(statement.parameters.begin(), statement.parameters.end(), uses)) {
      return refuse(
          refused("42601", "wrong number of parameters for prepared statement \"" + std::string(execute.name) + "\""));
    }
  }
  execute.params = written;
  execute.n_params = count;
  planned.rows = std::move(binder.rows());
  return finish(tree, binder, true, planned);
}

}  // namespace

EncryptionOutcome plan_encryption(const EncryptionRequest& request) { return Planner(request).run(); }

}  // namespace bartizan::sql
