// INSERT, UPDATE and DELETE: what is assigned to an encrypted column becomes a cell on its way.
#include <algorithm>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

bool is_constant_or_parameter(const PgQuery__Node& node) {
  const PgQuery__Node* inner = &node;
  if (inner->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) inner = inner->type_cast->arg;
  return inner != nullptr &&
         (inner->node_case == PG_QUERY__NODE__NODE_A_CONST || inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF);
}

}  // namespace

bool CellBinder::default_is_safe(const Range& range, const EncryptedColumnSpec& column) {
  const CatalogRelation* const relation =
      range.relation != nullptr ? range.relation : columns_.catalog().relation(column.column.relation);
  const std::string& name = columns_.catalog().relation(column.column.relation)->column(column.column.attnum)->name;
  const CatalogColumn* const stored = relation->column(name);
  if (stored == nullptr || (!stored->has_default && stored->identity == Identity::No)) return true;
  return refuse("0A000", described(column) + " is encrypted and has a default, which the server would store as it is",
                -1, "Give a value, or drop the default.");
}

// Each value that may come out is a constant or a parameter, which becomes a cell, or is one of the
// same column already.
bool CellBinder::assign(PgQuery__Node& node, const EncryptedColumnSpec& column, At at) {
  if (column.masked) return refuse_masked(column, "assignment");
  if (column.tokens == TokenUse::Shown) return refuse_shown(column);
  met_cell_ = true;
  if (is_constant_or_parameter(node)) {
    return operand(node, column, column.tokens == TokenUse::None ? CellAction::Encrypt : CellAction::Token);
  }
  switch (static_cast<int>(node.node_case)) {
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return default_is_safe(Range{}, column);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return std::all_of(node.coalesce_expr->args, node.coalesce_expr->args + node.coalesce_expr->n_args,
                         [&](PgQuery__Node* item) { return assign(*item, column, at); });
    case PG_QUERY__NODE__NODE_CASE_EXPR: {
      PgQuery__CaseExpr& choice = *node.case_expr;
      if (!expression(choice.arg, at)) return false;
      for (std::size_t i = 0; i < choice.n_args; ++i) {
        if (choice.args[i]->node_case != PG_QUERY__NODE__NODE_CASE_WHEN) return unknown("this CASE");
        PgQuery__CaseWhen& when = *choice.args[i]->case_when;
        if (!expression(when.expr, at) || !assign(*when.result, column, at)) return false;
      }
      return choice.defresult == nullptr || assign(*choice.defresult, column, at);
    }
    case PG_QUERY__NODE__NODE_COLUMN_REF:
    case PG_QUERY__NODE__NODE_SUB_LINK:
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      CellRef source;
      if (!value(node, at, source)) return false;
      if (source.column != nullptr && source.column->number == column.number) return stays_in_row(column, source);
      if (source.column != nullptr) {
        return refuse("0A000",
                      described(*source.column) + " can't be copied into " + described(column) +
                          ": they are encrypted under different keys",
                      -1, "Read it and write it through the application.");
      }
      break;
    }
    default: break;
  }
  return refuse("0A000", described(column) + " is encrypted: a value that the server computes can't be stored in it",
                -1, "Pass the value as a parameter or a constant.");
}

bool CellBinder::assign_plain(PgQuery__Node& node, std::string_view name, At at) {
  CellRef source;
  if (!value(node, at, source)) return false;
  return source.column == nullptr || refuse("0A000",
                                            described(*source.column) + " is encrypted and can't be copied into " +
                                                (name.empty() ? "another column" : "column " + quoted(name)),
                                            -1, "Read it and write it through the application.");
}

bool CellBinder::modify_target(const PgQuery__RangeVar& variable, Range*& range) {
  if (!table_range(variable, range)) return false;
  const auto* const guarded = range->relation == nullptr ? nullptr : columns_.guarded(range->relation->oid);
  if (guarded != nullptr && range->relation->kind == RelKind::View) {
    return refuse("0A000", "view " + quoted(range->relation->name) + " has encrypted columns and can't be written to",
                  variable.location, "Write to the table.");
  }
  return true;
}

/// column: null where it is none that is encrypted.
bool CellBinder::assigned_column(const PgQuery__ResTarget& target, const Range& range,
                                 const EncryptedColumnSpec*& column) {
  const ColumnLookup found = find_column_in(range, target.name);
  if (found.status != Lookup::Found && range.columns.known) {
    return refuse("42703", "column " + quoted(target.name) + " of relation " + quoted(range.name) + " does not exist",
                  target.location);
  }
  column = found.status == Lookup::Found ? written_cell(range.columns.list[found.index]) : nullptr;
  return column == nullptr || target.n_indirection == 0 || refuse_cell(*column, cell_place::kExpression);
}

bool CellBinder::insert_columns(PgQuery__InsertStmt& insert, const Range& range, Assigned& assigned) {
  for (std::size_t i = 0; i < insert.n_cols; ++i) {
    const PgQuery__ResTarget& target = *insert.cols[i]->res_target;
    const EncryptedColumnSpec* column = nullptr;
    if (!assigned_column(target, range, column)) return false;
    assigned.push_back(column);
  }
  for (std::size_t i = 0; insert.n_cols == 0 && i < range.columns.list.size(); ++i) {
    assigned.push_back(written_cell(range.columns.list[i]));
  }
  return true;
}

bool CellBinder::insert_values(PgQuery__SelectStmt& select, Level& level, const Assigned& assigned) {
  Level inside;
  inside.parent = &level;
  for (std::size_t row = 0; row < select.n_values_lists; ++row) {
    if (select.values_lists[row]->node_case != PG_QUERY__NODE__NODE_LIST) return unknown("these VALUES");
    const PgQuery__List& items = *select.values_lists[row]->list;
    if (!begin_row(items)) return false;
    for (std::size_t i = 0; i < items.n_items; ++i) {
      if (i >= assigned.size() && !assigned.empty()) {
        return refuse("42601", "INSERT has more expressions than target columns", -1);
      }
      const EncryptedColumnSpec* const column = i < assigned.size() ? assigned[i] : nullptr;
      if (column != nullptr ? !assign(*items.items[i], *column, {inside})
                            : !assign_plain(*items.items[i], {}, {inside})) {
        return false;
      }
    }
  }
  return true;
}

bool CellBinder::insert_source(PgQuery__InsertStmt& insert, Level& level, const Assigned& assigned, std::size_t limit) {
  if (insert.select_stmt == nullptr) return true;  // DEFAULT VALUES
  if (insert.select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return unknown("this INSERT");
  PgQuery__SelectStmt& select = *insert.select_stmt->select_stmt;
  const bool plain_values = select.n_values_lists != 0 && select.with_clause == nullptr && select.n_sort_clause == 0 &&
                            select.limit_count == nullptr && select.limit_offset == nullptr;
  if (plain_values) return insert_values(select, level, assigned);
  Columns source;
  if (!this->select(select, &level, source, &assigned)) return false;
  const bool encrypts =
      std::any_of(assigned.begin(), assigned.end(), [](const auto* column) { return column != nullptr; });
  if (!source.known && encrypts) return unknown("INSERT … SELECT of columns that are not known");
  if (source.list.size() > limit) return refuse("42601", "INSERT has more expressions than target columns", -1);
  for (std::size_t i = 0; i < source.list.size(); ++i) {
    const EncryptedColumnSpec* const from = cell(source.list[i]);
    const EncryptedColumnSpec* const into = i < assigned.size() ? assigned[i] : nullptr;
    if (from == nullptr && into == nullptr) continue;
    if (into != nullptr && into->tokens == TokenUse::Shown) return refuse_shown(*into);
    if (into != nullptr && !into->row_key.empty()) {
      return refuse("0A000", described(*into) + " is bound to its row: no INSERT … SELECT into it", -1,
                    "Insert the row's key and its values by VALUES.");
    }
    if (from != nullptr && into != nullptr && from->number == into->number) continue;
    const EncryptedColumnSpec& column = from != nullptr ? *from : *into;
    if (from == nullptr) {
      return refuse("0A000",
                    described(column) + " is encrypted: a value that the server computes can't be stored in it", -1,
                    "Pass the value as a parameter or a constant.");
    }
    return refuse("0A000", described(column) + " is encrypted and can't be copied into another column", -1,
                  "Read it and write it through the application.");
  }
  return true;
}

bool CellBinder::insert(PgQuery__InsertStmt& insert, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(insert.with_clause, level)) return false;
  Range* range = nullptr;
  Assigned assigned;
  if (!modify_target(*insert.relation, range) || !insert_columns(insert, *range, assigned)) return false;
  const Written outer = std::move(written_);
  begin_insert(insert, *range);
  const std::size_t limit = range->columns.known || insert.n_cols != 0 ? assigned.size() : kWholeRow;
  if (!insert_source(insert, level, assigned, limit)) return false;
  const auto* const guarded = range->relation == nullptr ? nullptr : columns_.guarded(range->relation->oid);
  for (std::size_t i = 0; i < range->columns.list.size(); ++i) {
    const EncryptedColumnSpec* const column = written_cell(range->columns.list[i]);
    const bool named = std::find(assigned.begin(), assigned.end(), column) != assigned.end() && insert.n_cols != 0;
    if (column != nullptr && !named && !default_is_safe(*range, *column)) return false;
  }
  if (guarded != nullptr && guarded->hides && insert.n_cols == 0 && insert.select_stmt != nullptr) {
    const PgQuery__SelectStmt& select = *insert.select_stmt->select_stmt;
    if (select.n_values_lists == 0 || select.values_lists[0]->node_case != PG_QUERY__NODE__NODE_LIST) {
      return unknown("INSERT … SELECT without a list of columns into a table with a stored index");
    }
    for (std::size_t i = 0; i < select.values_lists[0]->list->n_items; ++i) {
      edit_.append(insert.cols, insert.n_cols, edit_.target(range->columns.list[i].name, nullptr));
    }
    edited_ = true;
  }
  level.visible.push_back({.range = range});
  const bool one_row = insert.select_stmt != nullptr && insert.select_stmt->select_stmt->n_values_lists == 1;
  if (insert.on_conflict_clause != nullptr && !on_conflict(*insert.on_conflict_clause, level, *range, one_row)) {
    return false;
  }
  written_ = outer;
  Targets found;
  return targets(insert.returning_list, insert.n_returning_list, level, output, found, nullptr) &&
         give_keys(insert.returning_list, insert.n_returning_list, level, output);
}

bool CellBinder::on_conflict(PgQuery__OnConflictClause& clause, Level& level, const Range& range, bool one_row) {
  if (clause.infer != nullptr) {
    PgQuery__InferClause& infer = *clause.infer;
    for (std::size_t i = 0; i < infer.n_index_elems; ++i) {
      if (infer.index_elems[i]->node_case != PG_QUERY__NODE__NODE_INDEX_ELEM) return unknown("this ON CONFLICT");
      PgQuery__IndexElem& element = *infer.index_elems[i]->index_elem;
      if (*element.name == '\0') {
        if (!expression(element.expr, {level})) return false;
        continue;
      }
      const ColumnLookup found = find_column_in(range, element.name);
      if (found.status != Lookup::Found && range.columns.known) {
        return refuse("42703", "column " + quoted(element.name) + " does not exist", clause.location);
      }
      const EncryptedColumnSpec* const column =
          found.status == Lookup::Found ? cell(range.columns.list[found.index]) : nullptr;
      if (column == nullptr) continue;
      met_cell_ = true;
      if (!searchable(*column, "ON CONFLICT", true)) return false;
      if (element.n_collation != 0 || element.n_opclass != 0) return refuse_cell(*column, cell_place::kExpression);
      if (column->tokens != TokenUse::None) continue;
      PgQuery__Node* const index = index_of(*edit_.column_ref({element.name}), {column, &range, found.index, &level});
      if (index->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        element.name = edit_.text(string_value(index->column_ref->fields[index->column_ref->n_fields - 1]));
      } else {
        element.name = edit_.text("");
        element.expr = index;
      }
    }
    if (!expression(infer.where_clause, {level})) return false;
  }
  if (clause.action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE) return true;
  Range& excluded = new_range("excluded");
  excluded.columns = range.columns;
  for (std::size_t i = 0; i < excluded.columns.list.size(); ++i) {
    excluded.columns.list[i].origin = &excluded;
    excluded.columns.list[i].origin_index = i;
  }
  renumber_rows(excluded.columns);
  begin_conflict(clause, range, excluded, one_row);
  level.visible.push_back({.range = &excluded});
  const bool bound =
      assignments(clause.target_list, clause.n_target_list, level, range) && expression(clause.where_clause, {level});
  level.visible.pop_back();
  return bound;
}

bool CellBinder::assignments(Nodes list, std::size_t count, Level& level, const Range& range) {
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET || list[i]->res_target->val == nullptr) {
      return unknown("this SET");
    }
    PgQuery__ResTarget& target = *list[i]->res_target;
    const EncryptedColumnSpec* column = nullptr;
    if (!key_stays(target.name, range) || !assigned_column(target, range, column)) return false;
    if (!expressions(target.indirection, target.n_indirection, {level})) return false;
    if (target.val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      const PgQuery__MultiAssignRef& part = *target.val->multi_assign_ref;
      const bool row = part.source != nullptr && part.source->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
      const auto place = static_cast<std::size_t>(part.colno - 1);
      if (row && part.colno >= 1 && place < part.source->row_expr->n_args) {
        target.val = part.source->row_expr->args[place];  // (a, b) = (x, y) is a = x, b = y
        edited_ = true;
      } else if (column != nullptr || part.source == nullptr || row) {
        return unknown("SET (…) = of this kind", target.location);
      } else if (!expression(part.source, {level})) {
        return false;
      } else {
        continue;
      }
    }
    if (column != nullptr ? !assign(*target.val, *column, {level}) : !assign_plain(*target.val, target.name, {level})) {
      return false;
    }
  }
  return true;
}

bool CellBinder::update(PgQuery__UpdateStmt& update, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(update.with_clause, level)) return false;
  Range* range = nullptr;
  if (!modify_target(*update.relation, range)) return false;
  level.visible.push_back({.range = range, .lateral_only = true, .lateral_ok = false});
  Targets found;
  const Written outer = std::move(written_);
  if (!from(update.from_clause, update.n_from_clause, level) || !begin_update(update.where_clause, level, *range) ||
      !assignments(update.target_list, update.n_target_list, level, *range)) {
    return false;
  }
  written_ = outer;
  return expression(update.where_clause, {level}) &&
         targets(update.returning_list, update.n_returning_list, level, output, found, nullptr) &&
         give_keys(update.returning_list, update.n_returning_list, level, output);
}

bool CellBinder::remove(PgQuery__DeleteStmt& remove, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(remove.with_clause, level)) return false;
  Range* range = nullptr;
  if (!modify_target(*remove.relation, range)) return false;
  level.visible.push_back({.range = range, .lateral_only = true, .lateral_ok = false});
  Targets found;
  return from(remove.using_clause, remove.n_using_clause, level) && expression(remove.where_clause, {level}) &&
         targets(remove.returning_list, remove.n_returning_list, level, output, found, nullptr) &&
         give_keys(remove.returning_list, remove.n_returning_list, level, output);
}

}  // namespace bartizan::sql
