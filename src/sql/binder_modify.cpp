// INSERT, UPDATE and DELETE: through the class's view, or its write view where a masked or
// write-only column is assigned, which that statement may then not read.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::string text_of(std::string_view name) { return "\"" + std::string(name) + "\""; }

// Stands in the write view alone.
bool needs_write_view(const ViewColumn& column) { return column.masked || !column.readable; }

}  // namespace

// What the statement assigns tells through which of the views it goes.
bool Binder::modify_target(PgQuery__RangeVar& variable, Verbs verb, const Assigned& assigned, Target& target) {
  const CatalogRelation* relation = nullptr;
  const ClassView* view = nullptr;
  if (!base_relation(variable, relation, view)) return false;
  if (!permits(view->verbs, verb)) {
    return refuse("42501", "permission denied for relation " + std::string(variable.relname), variable.location);
  }
  if (variable.inh == 0 && relation->has_children) {
    return unsupported("ONLY for a table with partitions or children", variable.location);
  }
  target.relation = relation;
  target.view = view;
  for (const auto& [list, count] : assigned) {
    for (std::size_t i = 0; i < count; ++i) {
      const CatalogColumn* const column = relation->column(std::string_view(list[i]->res_target->name));
      const ViewColumn* const visible = column == nullptr ? nullptr : view->column(column->attnum);
      if (visible != nullptr && needs_write_view(*visible)) target.through_write_view = true;
    }
  }
  const ViewName& name = target.through_write_view ? view->write_view : view->view;
  if (name.name.empty()) {
    return refuse("42501", "permission denied for relation " + std::string(variable.relname), variable.location,
                  "There is no view that these columns could be written through.");
  }
  Range& range = table_range(*relation, *view, variable);
  const bool may_read = permits(view->verbs, Verbs::Select);
  for (BoundColumn& column : range.columns.list) {
    const ViewColumn& visible = *view->column(column.sources[0].attnum);
    column.unreadable = !may_read || (target.through_write_view && needs_write_view(visible));
  }
  range.partly_readable = target.through_write_view && std::any_of(view->columns.begin(), view->columns.end(),
                                                                   [](const ViewColumn& c) { return !c.readable; });
  use(*relation, verb);
  if (variable.alias == nullptr) variable.alias = edit_.alias(variable.relname);
  variable.catalogname = edit_.text("");
  variable.schemaname = edit_.text(name.schema);
  variable.relname = edit_.text(name.name);
  variable.inh = 1;
  target.range = &range;
  return true;
}

bool Binder::assigned(const PgQuery__ResTarget& assignment, const Target& target) {
  const CatalogColumn* const column = target.relation->column(std::string_view(assignment.name));
  const ViewColumn* const visible = column == nullptr ? nullptr : target.view->column(column->attnum);
  if (visible == nullptr) {
    return refuse(
        "42703",
        "column " + text_of(assignment.name) + " of relation " + text_of(target.relation->name) + " does not exist",
        assignment.location);
  }
  if (!visible->writable) {
    return refuse("42501",
                  "permission denied to write column " + text_of(assignment.name) + " of relation " +
                      text_of(target.relation->name),
                  assignment.location,
                  visible->masked ? "What is read from it is masked: leave it out of what is saved." : "");
  }
  if (assignment.n_indirection != 0 && target.through_write_view && needs_write_view(*visible)) {
    return unsupported("an assignment to a part of a column that can't be read", assignment.location);
  }
  facts_.written.push_back({target.relation->oid, visible->attnum});
  return true;
}

bool Binder::assignments(Nodes list, std::size_t count, Level& level, const Target& target) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return unsupported("this SET", -1);
    PgQuery__ResTarget& assignment = *node->res_target;
    if (!assigned(assignment, target) ||
        !subscripts(assignment.indirection, assignment.n_indirection, {level, nullptr}, true)) {
      return false;
    }
    PgQuery__Node* value = assignment.val;
    if (value != nullptr && value->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      value = value->multi_assign_ref->source;  // each column of (a, b) = … holds a copy of it
      if (value != nullptr && value->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const PgQuery__RowExpr& row = *value->row_expr;
        return std::all_of(row.args, row.args + row.n_args, [&](PgQuery__Node* item) {
          return item->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT || expression(item, {level, nullptr});
        });
      }
    }
    if (value != nullptr && value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) return true;
    return expression(value, {level, nullptr});
  });
}

bool Binder::returning(Nodes list, std::size_t count, Level& level, Columns& output) {
  return targets(list, count, level, output);
}

bool Binder::insert_source(PgQuery__InsertStmt& insert, Level& level, Columns& source) {
  if (insert.select_stmt == nullptr) return true;  // DEFAULT VALUES
  if (insert.select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return unsupported("this INSERT", -1);
  PgQuery__SelectStmt& select = *insert.select_stmt->select_stmt;
  const bool plain_values = select.n_values_lists != 0 && select.with_clause == nullptr &&
                            select.n_locking_clause == 0 && select.n_sort_clause == 0 &&
                            select.limit_count == nullptr && select.limit_offset == nullptr;
  if (!plain_values) return this->select(select, &level, source);
  Level inside;
  inside.parent = &level;
  std::size_t width = 0;
  for (std::size_t row = 0; row < select.n_values_lists; ++row) {
    if (select.values_lists[row]->node_case != PG_QUERY__NODE__NODE_LIST) return unsupported("these VALUES", -1);
    const PgQuery__List& items = *select.values_lists[row]->list;
    width = std::max(width, items.n_items);
    for (std::size_t i = 0; i < items.n_items; ++i) {
      if (items.items[i]->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) continue;
      if (!expression(items.items[i], {inside, nullptr})) return false;
    }
  }
  source.list.resize(width);
  return true;
}

// Without a list of columns the first ones that the class sees are meant: they are written out,
// since the view may change.
bool Binder::name_insert_columns(PgQuery__InsertStmt& insert, const Columns& source, const CatalogRelation& relation,
                                 const ClassView& view) {
  if (insert.n_cols != 0 || insert.select_stmt == nullptr) return true;
  if (!source.known) return unsupported("INSERT without a list of columns here", -1, "Name the columns.");
  for (const ViewColumn& visible : view.columns) {
    if (insert.n_cols == source.list.size()) break;
    const CatalogColumn* const column = relation.column(visible.attnum);
    if (column != nullptr) edit_.append(insert.cols, insert.n_cols, edit_.target(column->name, nullptr));
  }
  if (insert.n_cols < source.list.size()) {
    return refuse("42601", "INSERT has more expressions than target columns", -1,
                  "Columns that this identity can't see don't count.");
  }
  return true;
}

bool Binder::insert(PgQuery__InsertStmt& insert, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(insert.with_clause, level)) return false;
  Columns source;
  if (!insert_source(insert, level, source)) return false;
  const CatalogRelation* relation = nullptr;
  const ClassView* view = nullptr;
  if (!base_relation(*insert.relation, relation, view)) return false;
  if (!name_insert_columns(insert, source, *relation, *view)) return false;
  PgQuery__OnConflictClause* const conflict = insert.on_conflict_clause;
  Assigned assigns{{insert.cols, insert.n_cols}};
  Verbs verbs = Verbs::Insert;
  if (conflict != nullptr && conflict->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE) {
    assigns.emplace_back(conflict->target_list, conflict->n_target_list);
    verbs = verbs | Verbs::Update;
  }
  Target target;
  if (!modify_target(*insert.relation, verbs, assigns, target)) return false;
  for (std::size_t i = 0; i < insert.n_cols; ++i) {
    const PgQuery__ResTarget& column = *insert.cols[i]->res_target;
    if (!assigned(column, target) || !subscripts(column.indirection, column.n_indirection, {level, nullptr}, true)) {
      return false;
    }
  }
  level.visible.push_back({.range = target.range});
  if (conflict != nullptr && !on_conflict(*conflict, level, target)) return false;
  return returning(insert.returning_list, insert.n_returning_list, level, output);
}

bool Binder::inference(PgQuery__InferClause& clause, Level& level, const Target& target) {
  if (*clause.conname != '\0') {  // a view has no constraints: its columns say the same
    const auto& keys = target.relation->keys;
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const CatalogKey& k) { return k.constraint && k.name == clause.conname; });
    const auto hidden = [&](AttrNumber attnum) { return target.view->column(attnum) == nullptr; };
    if (key == keys.end() || key->partial || key->columns.empty() ||
        std::any_of(key->columns.begin(), key->columns.end(), hidden)) {
      return refuse("42704", "constraint " + text_of(clause.conname) + " of this table does not exist",
                    clause.location);
    }
    for (const AttrNumber attnum : key->columns) {
      edit_.append(clause.index_elems, clause.n_index_elems, edit_.index_elem(target.relation->column(attnum)->name));
    }
    clause.conname = edit_.text("");
    return true;
  }
  for (std::size_t i = 0; i < clause.n_index_elems; ++i) {
    if (clause.index_elems[i]->node_case != PG_QUERY__NODE__NODE_INDEX_ELEM) return unsupported("this ON CONFLICT", -1);
    PgQuery__IndexElem& element = *clause.index_elems[i]->index_elem;
    if (element.n_opclass != 0 || element.n_opclassopts != 0) {
      return unsupported("an operator class in ON CONFLICT", clause.location);
    }
    if (element.n_collation != 0 && !collation_name(element.collation, element.n_collation, clause.location))
      return false;
    if (*element.name != '\0') {
      const CatalogColumn* const column = target.relation->column(std::string_view(element.name));
      if (column == nullptr || target.view->column(column->attnum) == nullptr) {
        return refuse("42703", "column " + text_of(element.name) + " does not exist", clause.location);
      }
    } else if (!expression(element.expr, {level, nullptr})) {
      return false;
    }
  }
  return expression(clause.where_clause, {level, nullptr});
}

bool Binder::on_conflict(PgQuery__OnConflictClause& clause, Level& level, const Target& target) {
  if (clause.infer != nullptr && !inference(*clause.infer, level, target)) return false;
  if (clause.action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE) return true;
  Range& excluded = new_range("excluded");
  excluded.partly_readable = target.range->partly_readable;
  excluded.columns = target.range->columns;
  for (BoundColumn& column : excluded.columns.list) column.origin = nullptr;
  // What the client itself proposes may be read, also where the stored value may not.
  for (const ViewColumn& visible : target.view->columns) {
    const CatalogColumn* const column = target.relation->column(visible.attnum);
    if (column == nullptr) continue;
    const ColumnLookup found = find_column_in(excluded, column->name);
    if (found.status == Lookup::Found) {
      if (visible.writable) excluded.columns.list[found.index].unreadable = false;
    } else if (visible.writable && target.through_write_view) {
      BoundColumn proposed;
      proposed.name = column->name;
      proposed.sources.push_back({target.relation->oid, column->attnum});
      excluded.columns.list.push_back(std::move(proposed));
    }
  }
  level.visible.push_back({.range = &excluded});
  const bool bound = assignments(clause.target_list, clause.n_target_list, level, target) &&
                     expression(clause.where_clause, {level, nullptr});
  level.visible.pop_back();
  return bound;
}

bool Binder::update(PgQuery__UpdateStmt& update, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(update.with_clause, level)) return false;
  Target target;
  if (!modify_target(*update.relation, Verbs::Update, {{update.target_list, update.n_target_list}}, target))
    return false;
  level.visible.push_back({.range = target.range, .lateral_only = true, .lateral_ok = false});
  return from(update.from_clause, update.n_from_clause, level) &&
         assignments(update.target_list, update.n_target_list, level, target) &&
         expression(update.where_clause, {level, nullptr}) &&
         returning(update.returning_list, update.n_returning_list, level, output);
}

bool Binder::remove(PgQuery__DeleteStmt& remove, Level* parent, Columns& output) {
  Level level;
  level.parent = parent;
  if (!with_clause(remove.with_clause, level)) return false;
  Target target;
  if (!modify_target(*remove.relation, Verbs::Delete, {}, target)) return false;
  level.visible.push_back({.range = target.range, .lateral_only = true, .lateral_ok = false});
  return from(remove.using_clause, remove.n_using_clause, level) && expression(remove.where_clause, {level, nullptr}) &&
         returning(remove.returning_list, remove.n_returning_list, level, output);
}

}  // namespace bartizan::sql
