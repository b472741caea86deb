// Row-bound columns: where a statement has the key of the row that a cell is written to, and which columns of a
// result are the key of the row that a cell is read from. What can't be told is refused.
#include <algorithm>
#include <map>

#include "cell_binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kMaxRows = 65'535;

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

bool is_equality(const PgQuery__AExpr& expression) {
  const bool ours =
      expression.n_name == 1 || (expression.n_name == 2 && string_value(expression.name[0]) == "pg_catalog");
  return ours && string_value(expression.name[expression.n_name - 1]) == "=";
}

/// As it would be read for a column of that family. nullopt: PostgreSQL would convert it, or it is NULL.
std::optional<std::string> constant_for(const PgQuery__AConst& constant, CellFamily family) {
  if (constant.isnull != 0) return std::nullopt;
  switch (static_cast<int>(constant.val_case)) {
    case PG_QUERY__A__CONST__VAL_SVAL: return std::string(constant.sval->sval);
    case PG_QUERY__A__CONST__VAL_IVAL:
      if (family != CellFamily::Integer) return std::nullopt;
      return std::to_string(constant.ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
      // An integer beyond int4; 1.5 is none, and is found out when it is read as one.
      if (family != CellFamily::Integer) return std::nullopt;
      return std::string(constant.fval->fval);
    default: return std::nullopt;
  }
}

}  // namespace

unsigned CellBinder::row_of(const Range& range) {
  for (const BoundColumn& column : range.columns.list)
    if (column.row != 0) return column.row;
  return 0;
}

void CellBinder::renumber_rows(Columns& columns) {
  std::map<unsigned, unsigned> fresh;
  for (BoundColumn& column : columns.list) {
    if (column.row == 0) continue;
    const auto [at, is_new] = fresh.try_emplace(column.row, row_numbers_ + 1);
    if (is_new) ++row_numbers_;
    column.row = at->second;
  }
}

const std::vector<AttrNumber>* CellBinder::bound_by(const Range& range) const {
  const auto* const guarded = range.relation == nullptr ? nullptr : columns_.guarded(range.relation->oid);
  for (std::size_t i = 0; guarded != nullptr && i < guarded->columns.size(); ++i) {
    const auto* const column = guarded->columns[i].cell;
    if (column != nullptr && !column->row_key.empty()) return &column->row_key;
  }
  return nullptr;
}

// A node of a statement for a key column: a parameter or a constant, cast at most within its type's family.
bool CellBinder::key_part(const PgQuery__Node& node, const CatalogColumn& column, bool assigned,
                          WrittenKeyPart& part) const {
  const CellType* const own = cell_type(column.type);
  if (own == nullptr) return false;
  part.type = part.given = column.type;
  part.typmod = assigned ? column.typmod : -1;
  const PgQuery__Node* inner = &node;
  if (inner->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
    const NamedCellType named = named_cell_type(*inner->type_cast->type_name);
    if (named.type == nullptr || named.array || named.type->family != own->family || named.typmod != -1) return false;
    part.given = named.type->oid;
    inner = inner->type_cast->arg;
  }
  if (inner == nullptr) return false;
  if (inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
    part.parameter = true;
    part.client = static_cast<std::uint16_t>(inner->param_ref->number - 1);
    return inner->param_ref->number >= 1 && static_cast<std::size_t>(inner->param_ref->number) <= kMaxRows;
  }
  if (inner->node_case != PG_QUERY__NODE__NODE_A_CONST) return false;
  auto text = constant_for(*inner->a_const, own->family);
  if (!text) return false;
  part.constant = std::move(*text);
  return true;
}

bool CellBinder::keep_row(WrittenRow row) {
  if (rows_.size() >= kMaxRows) return refuse("54000", "too many rows in one statement on row-bound columns", -1);
  rows_.push_back(std::move(row));
  written_.row = static_cast<std::uint16_t>(rows_.size());
  return true;
}

void CellBinder::begin_insert(const PgQuery__InsertStmt& insert, const Range& range) {
  written_ = {};
  written_.key = bound_by(range);
  written_.target = &range;
  if (written_.key == nullptr) return;
  written_.way_out =
      "Give the key as a constant or a parameter: a uuid that the client makes, or what nextval gave it.";
  const bool overridden = insert.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE;
  for (const AttrNumber attnum : *written_.key) {
    const CatalogColumn* const column = range.relation->column(attnum);
    std::size_t place = kWholeRow;
    for (std::size_t i = 0; column != nullptr && !overridden && i < insert.n_cols; ++i)
      if (insert.cols[i]->res_target->name == column->name && insert.cols[i]->res_target->n_indirection == 0) place = i;
    for (std::size_t i = 0; column != nullptr && !overridden && insert.n_cols == 0 && i < range.columns.list.size();
         ++i)
      if (range.columns.list[i].attnum == attnum) place = i;
    written_.places.push_back(place);
  }
}

// One row of VALUES.
bool CellBinder::begin_row(const PgQuery__List& items) {
  written_.row = 0;
  if (written_.key == nullptr) return true;
  WrittenRow row;
  for (std::size_t i = 0; i < written_.key->size(); ++i) {
    const CatalogColumn* const column = written_.target->relation->column((*written_.key)[i]);
    const std::size_t place = written_.places[i];
    WrittenKeyPart part;
    if (column == nullptr || place >= items.n_items || !key_part(*items.items[place], *column, true, part)) {
      written_.missing = column == nullptr ? std::string() : column->name;
      return true;
    }
    row.push_back(std::move(part));
  }
  return keep_row(std::move(row));
}

// The conjuncts of WHERE that say key = value. They are read before anything is edited.
bool CellBinder::begin_update(const PgQuery__Node* where, Level& level, const Range& range) {
  written_ = {};
  written_.key = bound_by(range);
  written_.target = &range;
  if (written_.key == nullptr) return true;
  written_.same = {&range};
  const CatalogKey* const primary = range.relation->primary_key();
  written_.way_out = primary != nullptr && primary->columns == *written_.key
                         ? "Update by the whole primary key, = a constant or a parameter, row by row."
                         : "Name the column that says whose the row is in WHERE, = a constant or a parameter.";
  std::vector<std::optional<WrittenKeyPart>> parts(written_.key->size());
  std::vector<const PgQuery__Node*> conjuncts{where};
  while (!conjuncts.empty()) {
    const PgQuery__Node* const node = conjuncts.back();
    conjuncts.pop_back();
    if (node == nullptr) continue;
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
      conjuncts.insert(conjuncts.end(), node->bool_expr->args, node->bool_expr->args + node->bool_expr->n_args);
    } else if (node->node_case == PG_QUERY__NODE__NODE_A_EXPR && !key_condition(*node->a_expr, level, range, parts)) {
      return false;
    }
  }
  WrittenRow row;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const CatalogColumn* const column = range.relation->column((*written_.key)[i]);
    if (!parts[i]) {
      written_.missing = column == nullptr ? std::string() : column->name;
      return true;
    }
    row.push_back(std::move(*parts[i]));
  }
  return keep_row(std::move(row));
}

bool CellBinder::key_condition(const PgQuery__AExpr& condition, Level& level, const Range& range,
                               std::vector<std::optional<WrittenKeyPart>>& parts) {
  const bool plain = condition.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP;
  const bool list = condition.kind == PG_QUERY__A__EXPR__KIND__AEXPR_IN && condition.rexpr != nullptr &&
                    condition.rexpr->node_case == PG_QUERY__NODE__NODE_LIST && condition.rexpr->list->n_items == 1;
  if ((!plain && !list) || !is_equality(condition) || condition.lexpr == nullptr || condition.rexpr == nullptr)
    return true;
  const PgQuery__Node* const right = list ? condition.rexpr->list->items[0] : condition.rexpr;
  const PgQuery__Node* const left = condition.lexpr;
  for (const auto& [reference, value] : {std::pair{left, right}, std::pair{right, left}}) {
    if (reference->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) continue;
    const PgQuery__ColumnRef& names = *reference->column_ref;
    const std::string_view name = string_value(names.fields[names.n_fields - 1]);
    if (name.empty() || find_column_in(range, name).status != Lookup::Found) continue;
    ColumnLookup found;
    if (!resolve(*reference->column_ref, level, found)) return false;
    if (found.range == nullptr || found.index == kWholeRow) continue;
    const BoundColumn& column = found.range->columns.list[found.index];
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const AttrNumber attnum = (*written_.key)[i];
      const CatalogColumn* const known = range.relation->column(attnum);
      WrittenKeyPart part;
      if (column.row == 0 || column.row != row_of(range) || column.attnum != attnum || known == nullptr) continue;
      if (!parts[i] && key_part(*value, *known, false, part)) parts[i] = std::move(part);
    }
  }
  return true;
}

// The row that is in the way is the one that was to be inserted only where the key says so.
void CellBinder::begin_conflict(const PgQuery__OnConflictClause& clause, const Range& range, const Range& excluded,
                                bool one_row) {
  if (written_.key == nullptr) return;
  bool by_key = false;
  if (const PgQuery__InferClause* const infer = clause.infer; infer != nullptr && infer->where_clause == nullptr) {
    std::vector<AttrNumber> key = *written_.key;
    std::sort(key.begin(), key.end());
    // Rows that are equal in more columns than the key are equal in the key.
    const auto holds_key = [&](std::vector<AttrNumber> columns) {
      std::sort(columns.begin(), columns.end());
      return std::includes(columns.begin(), columns.end(), key.begin(), key.end());
    };
    by_key = *infer->conname != '\0' &&
             std::any_of(range.relation->keys.begin(), range.relation->keys.end(), [&](const CatalogKey& one) {
               return one.constraint && one.name == infer->conname && holds_key(one.columns);
             });
    std::vector<AttrNumber> named;
    for (std::size_t i = 0; i < infer->n_index_elems; ++i) {
      const PgQuery__IndexElem& element = *infer->index_elems[i]->index_elem;
      const CatalogColumn* const column = range.relation->column(std::string_view(element.name));
      const bool plain = column != nullptr && element.n_collation == 0 && element.n_opclass == 0;
      named.push_back(plain ? column->attnum : AttrNumber{0});
    }
    by_key = by_key || (infer->n_index_elems > 0 && holds_key(std::move(named)));
  }
  written_.same = {&range};
  if (by_key) written_.same.push_back(&excluded);
  written_.way_out =
      "ON CONFLICT by the primary key can set it to EXCLUDED's value; or update by the primary key in a statement of "
      "its own.";
  if (by_key && one_row) return;
  written_.row = 0;
  written_.missing.clear();
}

bool CellBinder::row_known(const EncryptedColumnSpec& column) {
  if (column.row_key.empty() || written_.row != 0) return true;
  return refuse("0A000",
                described(column) + " is bound to its row: the row's key" +
                    (written_.missing.empty() ? std::string() : " column " + quoted(written_.missing)) +
                    " must be given in the statement",
                -1, written_.way_out);
}

bool CellBinder::constant_row_known(const EncryptedColumnSpec& column) {
  if (!row_known(column)) return false;
  if (column.row_key.empty()) return true;
  const WrittenRow& row = rows_[written_.row - 1U];
  return std::none_of(row.begin(), row.end(), [](const WrittenKeyPart& part) { return part.parameter; }) ||
         refuse("0A000",
                described(column) + " is bound to its row: its value is a constant, and the row's key a parameter", -1,
                "Pass the value as a parameter too.");
}

bool CellBinder::stays_in_row(const EncryptedColumnSpec& column, const CellRef& source) {
  if (column.row_key.empty()) return true;
  const bool same = source.range != nullptr &&
                    std::find(written_.same.begin(), written_.same.end(), source.range) != written_.same.end();
  return same || refuse("0A000", described(column) + " is bound to its row and can't be copied into another", -1,
                        "Read it and write it through the application.");
}

bool CellBinder::key_stays(std::string_view name, const Range& range) {
  const std::vector<AttrNumber>* const key = bound_by(range);
  const CatalogColumn* const column = key == nullptr ? nullptr : range.relation->column(name);
  if (column == nullptr || std::find(key->begin(), key->end(), column->attnum) == key->end()) return true;
  return refuse("0A000",
                "column " + quoted(name) + " of " + quoted(range.relation->name) +
                    " is a key that encrypted values are bound to, and can't be changed",
                -1, "Insert the row under its new key, and delete the old one.");
}

bool CellBinder::key_of_arguments(const WrittenRow& row, PgQuery__Node* const* arguments, std::size_t count) {
  WrittenRow made;
  for (const WrittenKeyPart& part : row) {
    made.push_back(part);
    if (!part.parameter) continue;
    CatalogColumn column;
    column.type = part.type;
    column.typmod = part.typmod;
    WrittenKeyPart given;
    const bool constant =
        part.client < count && key_part(*arguments[part.client], column, part.typmod != -1, given) && !given.parameter;
    if (!constant) {
      return refuse("0A000", "an argument for a key that encrypted values are bound to must be a constant", -1,
                    "Use the protocol's parameters, or write the constant.");
    }
    made.back() = std::move(given);
  }
  return keep_row(std::move(made));
}

// Both sides of UNION ALL give their rows' keys in the same columns, or those are keys no more.
void CellBinder::common_rows(Columns& output, const Columns& right) const {
  std::map<unsigned, unsigned> rows;
  const auto other = [&](std::size_t i) -> const BoundColumn* {
    return i < right.list.size() ? &right.list[i] : nullptr;
  };
  for (std::size_t i = 0; i < output.list.size(); ++i) {
    if (cell(output.list[i]) == nullptr || output.list[i].row == 0) continue;
    const BoundColumn* const theirs = other(i);
    const unsigned row = theirs == nullptr ? 0 : theirs->row;
    const auto [at, is_new] = rows.try_emplace(output.list[i].row, row);
    if (row == 0 || at->second != row) output.list[i].row = 0;
  }
  for (std::size_t i = 0; i < output.list.size(); ++i) {
    BoundColumn& ours = output.list[i];
    if (ours.row == 0 || cell(ours) != nullptr) continue;
    const auto found = rows.find(ours.row);
    const BoundColumn* const theirs = other(i);
    const bool same = found != rows.end() && found->second != 0 && theirs != nullptr && theirs->row == found->second &&
                      theirs->attnum == ours.attnum;
    if (!same) ours.row = 0;
  }
}

// Of the outermost query: what tells the rows of its cells, and was not asked for, is asked for too.
bool CellBinder::give_keys(Nodes& list, std::size_t& count, const Level& level, Columns& output) {
  if (!may_hide_keys_ || level.parent != nullptr || !output.known) return true;
  for (std::size_t i = 0; i < output.list.size(); ++i) {
    const EncryptedColumnSpec* const column = cell(output.list[i]);
    for (std::size_t k = 0; column != nullptr && output.list[i].row != 0 && k < column->row_key.size(); ++k) {
      const AttrNumber attnum = column->row_key[k];
      const unsigned row = output.list[i].row;
      const auto is_it = [&](const BoundColumn& one) { return one.row == row && one.attnum == attnum; };
      if (attnum == 0 || std::any_of(output.list.begin(), output.list.end(), is_it)) continue;
      for (const Visible& visible : level.visible) {
        const auto& columns = visible.range->columns.list;
        const auto found = std::find_if(columns.begin(), columns.end(), is_it);
        if (!visible.by_name || visible.range->name.empty() || found == columns.end()) continue;
        if (output.list.size() >= 1664) return refuse("54011", "target lists can have at most 1664 entries", -1);
        const std::string name = "bartizan_key_" + std::to_string(++hidden_);
        edit_.append(list, count, edit_.target(name, edit_.column_ref({visible.range->name, found->name})));
        BoundColumn added = *found;
        added.name = edit_.text(name);
        output.list.push_back(std::move(added));
        edited_ = true;
        break;
      }
    }
  }
  return true;
}

bool CellBinder::row_key_of(std::size_t output, std::vector<RowKeyOutput>& key) {
  const BoundColumn& given = output_.list[output];
  const EncryptedColumnSpec& column = *cell(given);
  const CatalogRelation* const relation = columns_.catalog().relation(column.column.relation);
  for (const AttrNumber attnum : column.row_key) {
    const CatalogColumn* const part = relation->column(attnum);
    if (part == nullptr) {
      return refuse("0A000", described(column) + " is bound to its row, whose key is not shown to you", -1,
                    "Its values can be read where the primary key can.");
    }
    std::size_t place = 0;
    while (place < output_.list.size() &&
           (given.row == 0 || output_.list[place].row != given.row || output_.list[place].attnum != attnum))
      ++place;
    if (place == output_.list.size()) {
      return refuse("0A000",
                    described(column) + " is bound to its row: the row's key column " + quoted(part->name) +
                        " must stand beside it here",
                    -1, "Select or copy the whole primary key along with it, from the same table.");
    }
    key.push_back({static_cast<std::uint16_t>(place), part->type, part->typmod});
  }
  return true;
}

}  // namespace bartizan::sql
