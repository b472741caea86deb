// The second check of plan_encryption(): by names alone, without scopes, over a tree of its own. What
// it can't tell from an encrypted column it takes for one, so it may refuse, never permit too much.
// Of tokens, which everybody may see, it looks at what is written alone: no value may get there as it is.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/sql/lexer.hpp"
#include "nesting.hpp"
#include "node_access.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

using Guarded = EncryptedColumns::Guarded;
using Names = std::set<std::string, std::less<>>;

bool names(const PgQuery__TypeName& type, std::string_view name) {
  return type.n_names != 0 && string_value(type.names[type.n_names - 1]) == name && type.n_array_bounds <= 1;
}

bool is_null(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->isnull != 0;
}

bool is_index_call(const PgQuery__FuncCall& call) {
  const auto is = [&](std::size_t i, int value) {
    return is_integer_constant(*call.args[i]) && call.args[i]->a_const->ival->ival == value;
  };
  return call.n_funcname == 2 && string_value(call.funcname[0]) == "pg_catalog" &&
         string_value(call.funcname[1]) == "substr" && call.n_args == 3 && is(1, 9) && is(2, 16);
}

bool is_call(const PgQuery__FuncCall& call, std::string_view name) {
  return call.n_funcname != 0 && string_value(call.funcname[call.n_funcname - 1]) == name && call.n_args == 1 &&
         call.over == nullptr && call.n_agg_order == 0;
}

bool is_cast_to_bytea(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_TYPE_CAST && names(*node.type_cast->type_name, "bytea");
}

class CellCheck {
 public:
  CellCheck(const EncryptedColumns& columns, const PlannedStatement& planned) : columns_(columns), planned_(planned) {}

  bool run() {
    static constexpr std::size_t kMaxNesting = 4000;  // deparsing adds brackets
    const std::string& text = planned_.server_text;
    if (text.find('\0') != std::string::npos || nests_deeply(text, LexOptions{}, kMaxNesting)) return false;
    for (const LiteralOp& literal : planned_.literals) {
      if (literal.length < 2 || literal.offset + literal.length > text.size()) return false;
      (makes_token(literal.action) ? token_placeholders_ : placeholders_)
          .insert(text.substr(literal.offset + 1, literal.length - 2));
    }
    const ParseTree tree{text};
    if (tree.statement() == nullptr) return false;
    collect(*tree.statement());
    stack_.push_back({&tree.statement()->base, 0});
    while (!stack_.empty()) {
      const Place place = stack_.back();
      stack_.pop_back();
      if (!look(*place.message, place.bits)) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned kCell = 1;   // a cell may stand here
  static constexpr unsigned kBytea = 2;  // directly below a cast to bytea
  static constexpr unsigned kPicked = 4;  // directly below [1]
  static constexpr unsigned kText = 8;    // directly below a cast to text
  enum class Holds : std::uint8_t { Neither, Cells, Tokens };
  struct Place {
    const ProtobufCMessage* message;
    unsigned bits;
  };

  std::vector<const Guarded*> guarded_named(const PgQuery__RangeVar& variable) const {
    std::vector<const Guarded*> found;
    for (const auto& [oid, guarded] : columns_.all()) {
      const bool schema = *variable.schemaname == '\0' || guarded.relation->schema == variable.schemaname;
      if (schema && guarded.relation->name == variable.relname) found.push_back(&guarded);
    }
    return found;
  }

  // Which names may be cells: the columns', then whatever a select list or alias calls them.
  void collect(const PgQuery__Node& statement) {
    std::vector<const ProtobufCMessage*> all;
    std::vector<const ProtobufCMessage*> stack{&statement.base};
    while (!stack.empty()) {
      all.push_back(stack.back());
      stack.pop_back();
      push_children(*all.back(), stack);
    }
    for (const ProtobufCMessage* message : all) {
      if (message->descriptor == &pg_query__range_var__descriptor) table(as_message<PgQuery__RangeVar>(*message));
    }
    for (std::size_t before = 0; before != names_.size();) {
      before = names_.size();
      for (const ProtobufCMessage* message : all) {
        if (message->descriptor == &pg_query__res_target__descriptor) {
          const auto& target = as_message<PgQuery__ResTarget>(*message);
          if (target.val != nullptr && *target.name != '\0' && gives_cell(*target.val)) names_.insert(target.name);
        } else if (message->descriptor == &pg_query__range_subselect__descriptor) {
          const auto& query = as_message<PgQuery__RangeSubselect>(*message);
          if (query.alias != nullptr) renamed(query.subquery, query.alias->colnames, query.alias->n_colnames);
        } else if (message->descriptor == &pg_query__common_table_expr__descriptor) {
          const auto& query = as_message<PgQuery__CommonTableExpr>(*message);
          renamed(query.ctequery, query.aliascolnames, query.n_aliascolnames);
        } else if (message->descriptor == &pg_query__join_expr__descriptor) {
          const auto& join = as_message<PgQuery__JoinExpr>(*message);
          for (std::size_t i = 0; join.alias != nullptr && i < join.alias->n_colnames; ++i) {
            names_.emplace(string_value(join.alias->colnames[i]));  // by place they can't be told
          }
        }
      }
    }
  }

  void table(const PgQuery__RangeVar& variable) {
    const std::string name = variable.alias != nullptr ? variable.alias->aliasname : variable.relname;
    bool cells = false;
    for (const Guarded* guarded : guarded_named(variable)) {
      std::size_t shown = 0;
      for (std::size_t i = 0; i < guarded->columns.size(); ++i) {
        if (guarded->columns[i].hidden) continue;
        std::string column = guarded->relation->columns[i].name;
        if (variable.alias != nullptr && shown < variable.alias->n_colnames) {
          column = string_value(variable.alias->colnames[shown]);
        }
        ++shown;
        if (guarded->columns[i].cell == nullptr || guarded->columns[i].cell->tokens == TokenUse::Shown) continue;
        if (guarded->columns[i].cell->tokens == TokenUse::Exchanged) {
          token_names_.insert(guarded->relation->columns[i].name);
          continue;
        }
        cells = true;
        names_.insert(std::move(column));
      }
    }
    (cells ? guarded_aliases_ : other_aliases_).insert(name);
  }

  void renamed(const PgQuery__Node* query, PgQuery__Node* const* names, std::size_t count) {
    if (query == nullptr || count == 0) return;
    const PgQuery__SelectStmt* select =
        query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT ? query->select_stmt : nullptr;
    while (select != nullptr && select->larg != nullptr) select = select->larg;
    for (std::size_t i = 0; i < count; ++i) {
      bool may_be = select == nullptr || i >= select->n_target_list;
      for (std::size_t k = 0; !may_be && k <= i; ++k) {
        const PgQuery__Node* const value = select->target_list[k]->res_target->val;
        const bool star = value != nullptr && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                          is_star(value->column_ref->fields[value->column_ref->n_fields - 1]);
        may_be = star || (k == i && value != nullptr && gives_cell(*value));
      }
      if (may_be && select != nullptr && select->n_values_lists != 0) may_be = false;
      if (may_be) names_.emplace(string_value(names[i]));
    }
  }

  /// Whether the node is, or may give out, a cell.
  bool gives_cell(const PgQuery__Node& node) const {
    if (node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF) return is_cell(*node.column_ref);
    if (node.node_case == PG_QUERY__NODE__NODE_A_INDIRECTION) return is_picked(*node.a_indirection);
    if (node.node_case == PG_QUERY__NODE__NODE_SUB_LINK &&
        node.sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) {
      const PgQuery__SelectStmt* select = node.sub_link->subselect->select_stmt;
      while (select != nullptr && select->larg != nullptr) select = select->larg;
      return select != nullptr && select->n_target_list == 1 && select->target_list[0]->res_target->val != nullptr &&
             gives_cell(*select->target_list[0]->res_target->val);
    }
    return false;
  }

  bool is_cell(const PgQuery__ColumnRef& reference) const {
    const std::string_view name = string_value(reference.fields[reference.n_fields - 1]);
    if (name.empty() || names_.find(name) == names_.end()) return false;
    if (reference.n_fields == 1) return true;
    const std::string_view qualifier = string_value(reference.fields[reference.n_fields - 2]);
    return other_aliases_.find(qualifier) == other_aliases_.end() ||
           guarded_aliases_.find(qualifier) != guarded_aliases_.end();
  }

  bool is_whole_row(const PgQuery__ColumnRef& reference) const {
    const bool star = is_star(reference.fields[reference.n_fields - 1]);
    if (star) return true;
    if (reference.n_fields != 1) return false;
    const std::string_view name = string_value(reference.fields[0]);
    return guarded_aliases_.find(name) != guarded_aliases_.end() && names_.find(name) == names_.end();
  }

  bool is_picked(const PgQuery__AIndirection& indirection) const {
    return indirection.arg->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && indirection.n_indirection == 1 &&
           is_call(*indirection.arg->func_call, "array_agg") && gives_cell(*indirection.arg->func_call->args[0]);
  }

  // What is stored in an encrypted column.
  bool is_stored(const PgQuery__Node& node) const {
    switch (static_cast<int>(node.node_case)) {
      case PG_QUERY__NODE__NODE_TYPE_CAST: return is_cast_to_bytea(node);
      case PG_QUERY__NODE__NODE_A_CONST: return is_null(node);
      case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return true;
      case PG_QUERY__NODE__NODE_COLUMN_REF:
      case PG_QUERY__NODE__NODE_A_INDIRECTION:
      case PG_QUERY__NODE__NODE_SUB_LINK: return gives_cell(node);
      case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return std::all_of(node.coalesce_expr->args, node.coalesce_expr->args + node.coalesce_expr->n_args,
                           [&](const PgQuery__Node* item) { return is_stored(*item); });
      case PG_QUERY__NODE__NODE_CASE_EXPR: {
        const PgQuery__CaseExpr& choice = *node.case_expr;
        return (choice.defresult == nullptr || is_stored(*choice.defresult)) &&
               std::all_of(choice.args, choice.args + choice.n_args,
                           [&](const PgQuery__Node* item) { return is_stored(*item->case_when->result); });
      }
      default: return false;
    }
  }

  /// What is written to a column of tokens: made by us, there already, or nothing. What the planner lets
  /// another column or a sub-query give is one's tokens.
  bool is_stored_token(const PgQuery__Node& node) const {
    switch (static_cast<int>(node.node_case)) {
      case PG_QUERY__NODE__NODE_TYPE_CAST: {
        const PgQuery__Node* const inner = node.type_cast->arg;
        return inner != nullptr && names(*node.type_cast->type_name, "text") &&
               (is_token_placeholder(*inner) || is_token_parameter(*inner));
      }
      case PG_QUERY__NODE__NODE_FUNC_CALL: return is_vaulted(*node.func_call);
      case PG_QUERY__NODE__NODE_A_CONST: return is_null(node);
      case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      case PG_QUERY__NODE__NODE_COLUMN_REF:
      case PG_QUERY__NODE__NODE_SUB_LINK: return true;
      case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return std::all_of(node.coalesce_expr->args, node.coalesce_expr->args + node.coalesce_expr->n_args,
                           [&](const PgQuery__Node* item) { return is_stored_token(*item); });
      case PG_QUERY__NODE__NODE_CASE_EXPR: {
        const PgQuery__CaseExpr& choice = *node.case_expr;
        return (choice.defresult == nullptr || is_stored_token(*choice.defresult)) &&
               std::all_of(choice.args, choice.args + choice.n_args,
                           [&](const PgQuery__Node* item) { return is_stored_token(*item->case_when->result); });
      }
      default: return false;
    }
  }

  /// A token that the vault gives for what the session has made.
  bool is_vaulted(const PgQuery__FuncCall& call) const {
    return call.n_funcname == 2 && string_value(call.funcname[0]) == "bartizan_cells" &&
           string_value(call.funcname[1]) == "token_for" && call.n_args == 2 &&
           call.args[1]->node_case == PG_QUERY__NODE__NODE_TYPE_CAST && is_stored_token(*call.args[1]);
  }

  bool is_token_placeholder(const PgQuery__Node& node) const {
    return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL &&
           token_placeholders_.find(std::string_view(node.a_const->sval->sval)) != token_placeholders_.end();
  }
  bool is_token_parameter(const PgQuery__Node& node) const {
    if (node.node_case != PG_QUERY__NODE__NODE_PARAM_REF) return false;
    const auto number = static_cast<std::size_t>(node.param_ref->number);
    return number >= 1 && number <= planned_.parameters.size() && makes_token(planned_.parameters[number - 1].action);
  }

  // The other side of a comparison of indexes.
  static bool is_index(const PgQuery__Node& node) {
    switch (static_cast<int>(node.node_case)) {
      case PG_QUERY__NODE__NODE_TYPE_CAST: return is_cast_to_bytea(node);
      case PG_QUERY__NODE__NODE_A_CONST: return is_null(node);
      case PG_QUERY__NODE__NODE_FUNC_CALL: return is_index_call(*node.func_call);
      case PG_QUERY__NODE__NODE_COLUMN_REF: return true;  // a stored index, or refused for being a cell
      case PG_QUERY__NODE__NODE_LIST:
        return std::all_of(node.list->items, node.list->items + node.list->n_items,
                           [](const PgQuery__Node* item) { return is_index(*item); });
      default: return false;
    }
  }

  static bool compares_index(const PgQuery__Node* node) {
    return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && is_index_call(*node->func_call);
  }

  void push(const PgQuery__Node* node, unsigned bits) {
    if (node != nullptr) stack_.push_back({&node->base, bits});
  }
  void push_all(const ProtobufCMessage& message) {
    std::vector<const ProtobufCMessage*> children;
    push_children(message, children);
    for (const ProtobufCMessage* child : children) stack_.push_back({child, 0});
  }

  bool look(const ProtobufCMessage& message, unsigned bits);
  bool function(const PgQuery__FuncCall& call, unsigned bits);
  bool select(const PgQuery__SelectStmt& select);
  bool insert(const PgQuery__InsertStmt& insert);
  bool assignments(PgQuery__Node* const* list, std::size_t count) const;
  static Holds held_by(const EncryptedColumns::Column& column) {
    if (column.cell == nullptr || column.cell->tokens == TokenUse::Shown) return Holds::Neither;
    return column.cell->tokens == TokenUse::None ? Holds::Cells : Holds::Tokens;
  }
  Holds held_by(const std::vector<const Guarded*>& tables, std::string_view name) const;

  const EncryptedColumns& columns_;
  const PlannedStatement& planned_;
  Names placeholders_;
  Names token_placeholders_;
  Names token_names_;
  Names names_;
  Names guarded_aliases_;
  Names other_aliases_;
  std::vector<Place> stack_;
};

CellCheck::Holds CellCheck::held_by(const std::vector<const Guarded*>& tables, std::string_view name) const {
  auto held = Holds::Neither;
  for (const Guarded* const guarded : tables) {
    const CatalogColumn* const column = guarded->relation->column(name);
    if (column == nullptr) continue;
    const auto here = held_by(guarded->columns[static_cast<std::size_t>(column - guarded->relation->columns.data())]);
    if (held != Holds::Cells && here != Holds::Neither) held = here;
  }
  return held;
}

bool CellCheck::function(const PgQuery__FuncCall& call, unsigned bits) {
  const bool takes_cell = is_index_call(call) || (is_call(call, "count") && call.agg_distinct == 0) ||
                          (is_call(call, "array_agg") && (bits & kPicked) != 0);
  for (std::size_t i = 0; i < call.n_args; ++i) push(call.args[i], takes_cell && i == 0 ? kCell : 0);
  for (std::size_t i = 0; i < call.n_agg_order; ++i) push(call.agg_order[i], 0);
  push(call.agg_filter, 0);
  if (call.over != nullptr) stack_.push_back({&call.over->base, 0});
  return true;
}

bool CellCheck::select(const PgQuery__SelectStmt& select) {
  const auto gives = [&](const PgQuery__Node* node) {
    return node->node_case == PG_QUERY__NODE__NODE_RES_TARGET && node->res_target->val != nullptr &&
           gives_cell(*node->res_target->val);
  };
  const bool any = std::any_of(select.target_list, select.target_list + select.n_target_list, gives);
  const bool plain_distinct =
      select.n_distinct_clause != 0 && select.distinct_clause[0]->node_case == PG_QUERY__NODE__NODE__NOT_SET;
  if (any && plain_distinct) return false;
  const bool union_all = select.op == PG_QUERY__SET_OPERATION__SETOP_UNION && select.all != 0;
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE && !union_all) {
    for (const PgQuery__SelectStmt* arm : {select.larg, select.rarg}) {
      if (arm != nullptr && std::any_of(arm->target_list, arm->target_list + arm->n_target_list, gives)) return false;
    }
  }
  for (std::size_t i = 0; i < select.n_sort_clause; ++i) {
    const PgQuery__Node* const node = select.sort_clause[i]->sort_by->node;
    if (!is_integer_constant(*node)) continue;
    const int place = node->a_const->ival->ival;
    if (place >= 1 && static_cast<std::size_t>(place) <= select.n_target_list &&
        gives(select.target_list[static_cast<std::size_t>(place) - 1])) {
      return false;
    }
  }
  push_all(select.base);
  return true;
}

bool CellCheck::assignments(PgQuery__Node* const* list, std::size_t count) const {
  return std::all_of(list, list + count, [&](const PgQuery__Node* node) {
    const PgQuery__ResTarget& target = *node->res_target;
    if (token_names_.find(std::string_view(target.name)) != token_names_.end())
      return target.val != nullptr && is_stored_token(*target.val);
    return names_.find(std::string_view(target.name)) == names_.end() ||
           (target.val != nullptr && is_stored(*target.val));
  });
}

bool CellCheck::insert(const PgQuery__InsertStmt& insert) {
  const auto tables = guarded_named(*insert.relation);
  std::vector<Holds> held;
  for (std::size_t i = 0; i < insert.n_cols; ++i) held.push_back(held_by(tables, insert.cols[i]->res_target->name));
  for (std::size_t i = 0; insert.n_cols == 0 && !tables.empty() && i < tables[0]->columns.size(); ++i) {
    held.push_back(held_by(tables[0]->columns[i]));
  }
  if (insert.select_stmt != nullptr && insert.select_stmt->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    const PgQuery__SelectStmt& source = *insert.select_stmt->select_stmt;
    for (std::size_t row = 0; row < source.n_values_lists; ++row) {
      const PgQuery__List& items = *source.values_lists[row]->list;
      for (std::size_t i = 0; i < items.n_items; ++i) {
        if (i >= held.size() || held[i] == Holds::Neither) continue;
        if (held[i] == Holds::Cells ? !is_stored(*items.items[i]) : !is_stored_token(*items.items[i])) return false;
      }
    }
  }
  const PgQuery__OnConflictClause* const conflict = insert.on_conflict_clause;
  if (conflict != nullptr && !assignments(conflict->target_list, conflict->n_target_list)) return false;
  push_all(insert.base);
  return true;
}

bool CellCheck::look(const ProtobufCMessage& message, unsigned bits) {
  const ProtobufCMessageDescriptor* const type = message.descriptor;
  if (type == &pg_query__node__descriptor) {
    const auto& node = as_message<PgQuery__Node>(message);
    if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack_.push_back({&node.alias->base, bits});
    return true;
  }
  if (type == &pg_query__column_ref__descriptor) {
    const auto& reference = as_message<PgQuery__ColumnRef>(message);
    return (bits & kCell) != 0 || !(is_cell(reference) || is_whole_row(reference));
  }
  if (type == &pg_query__param_ref__descriptor) {
    const auto number = static_cast<std::size_t>(as_message<PgQuery__ParamRef>(message).number);
    const bool transformed = number >= 1 && number <= planned_.parameters.size() &&
                             planned_.parameters[number - 1].action != CellAction::Pass;
    return !transformed || (bits & (makes_token(planned_.parameters[number - 1].action) ? kText : kBytea)) != 0;
  }
  if (type == &pg_query__a__const__descriptor) {
    const auto& constant = as_message<PgQuery__AConst>(message);
    if (constant.val_case != PG_QUERY__A__CONST__VAL_SVAL) return true;
    const std::string_view value = constant.sval->sval;
    if (token_placeholders_.find(value) != token_placeholders_.end()) return (bits & kText) != 0;
    return placeholders_.find(value) == placeholders_.end() || (bits & kBytea) != 0;
  }
  if (type == &pg_query__type_cast__descriptor) {
    const auto& cast = as_message<PgQuery__TypeCast>(message);
    push(cast.arg, names(*cast.type_name, "bytea") ? kBytea : names(*cast.type_name, "text") ? kText : 0U);
    return true;
  }
  if (type == &pg_query__res_target__descriptor) {
    push(as_message<PgQuery__ResTarget>(message).val, kCell);
    for (std::size_t i = 0; i < as_message<PgQuery__ResTarget>(message).n_indirection; ++i) {
      push(as_message<PgQuery__ResTarget>(message).indirection[i], 0);
    }
    return true;
  }
  if (type == &pg_query__null_test__descriptor) {
    push(as_message<PgQuery__NullTest>(message).arg, kCell);
    return true;
  }
  if (type == &pg_query__a__indirection__descriptor) {
    const auto& indirection = as_message<PgQuery__AIndirection>(message);
    push(indirection.arg, is_picked(indirection) && (bits & kCell) != 0 ? kPicked : 0);
    for (std::size_t i = 0; i < indirection.n_indirection; ++i) push(indirection.indirection[i], 0);
    return true;
  }
  if (type == &pg_query__coalesce_expr__descriptor && (bits & kCell) != 0) {
    const auto& choice = as_message<PgQuery__CoalesceExpr>(message);
    const bool stored = std::all_of(choice.args, choice.args + choice.n_args,
                                    [&](const PgQuery__Node* item) { return is_stored(*item); });
    for (std::size_t i = 0; i < choice.n_args; ++i) push(choice.args[i], stored ? kCell : 0);
    return true;
  }
  if (type == &pg_query__case_expr__descriptor && (bits & kCell) != 0) {
    PgQuery__Node node = PG_QUERY__NODE__INIT;
    node.node_case = PG_QUERY__NODE__NODE_CASE_EXPR;
    const auto& choice = as_message<PgQuery__CaseExpr>(message);
    node.case_expr = const_cast<PgQuery__CaseExpr*>(&choice);
    const unsigned result = is_stored(node) ? kCell : 0;
    push(choice.arg, 0);
    push(choice.defresult, result);
    for (std::size_t i = 0; i < choice.n_args; ++i) {
      push(choice.args[i]->case_when->expr, 0);
      push(choice.args[i]->case_when->result, result);
    }
    return true;
  }
  if (type == &pg_query__a__expr__descriptor) {
    const auto& comparison = as_message<PgQuery__AExpr>(message);
    const bool left = compares_index(comparison.lexpr);
    const bool right = compares_index(comparison.rexpr);
    if (left && (comparison.rexpr == nullptr || !is_index(*comparison.rexpr))) return false;
    if (right && (comparison.lexpr == nullptr || !is_index(*comparison.lexpr))) return false;
    push(comparison.lexpr, 0);
    push(comparison.rexpr, 0);
    return true;
  }
  if (type == &pg_query__func_call__descriptor) return function(as_message<PgQuery__FuncCall>(message), bits);
  if (type == &pg_query__select_stmt__descriptor) return select(as_message<PgQuery__SelectStmt>(message));
  if (type == &pg_query__insert_stmt__descriptor) return insert(as_message<PgQuery__InsertStmt>(message));
  if (type == &pg_query__update_stmt__descriptor) {
    const auto& update = as_message<PgQuery__UpdateStmt>(message);
    if (!assignments(update.target_list, update.n_target_list)) return false;
  }
  if (type == &pg_query__index_elem__descriptor &&
      names_.find(std::string_view(as_message<PgQuery__IndexElem>(message).name)) != names_.end()) {
    return false;
  }
  if (type == &pg_query__join_expr__descriptor) {
    const auto& join = as_message<PgQuery__JoinExpr>(message);
    const auto named = [&](const PgQuery__Node* node) { return names_.find(string_value(node)) != names_.end(); };
    if (std::any_of(join.using_clause, join.using_clause + join.n_using_clause, named)) return false;
  }
  push_all(message);
  return true;
}

}  // namespace

bool cells_stand_where_permitted(const EncryptedColumns& columns, const PlannedStatement& statement) {
  return CellCheck(columns, statement).run();
}

}  // namespace bartizan::sql
