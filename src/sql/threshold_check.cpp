#include "threshold_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "node_access.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

struct Counted {
  std::uint32_t k = 0;
  std::string entity;
};

class Checker {
 public:
  Checker(const ViewMap& views, const Catalog& catalog) {
    for (const auto& [oid, view] : views.relations) {
      if (!view.threshold) continue;
      const CatalogRelation* const relation = catalog.relation(oid);
      const CatalogColumn* const column = relation == nullptr ? nullptr : relation->column(view.threshold->entity);
      counted_.emplace(view.view, Counted{view.threshold->k, column == nullptr ? std::string() : column->name});
    }
  }

  bool run(const PgQuery__Node& statement) {
    if (counted_.empty()) return true;
    std::vector<const ProtobufCMessage*> stack{&statement.base};
    while (!stack.empty()) {
      const ProtobufCMessage& message = *stack.back();
      stack.pop_back();
      if (message.descriptor == &pg_query__select_stmt__descriptor) admit(as_message<PgQuery__SelectStmt>(message));
      if (message.descriptor == &pg_query__range_var__descriptor && find(as_message<PgQuery__RangeVar>(message)) &&
          !admitted_.contains(&message))
        return false;
      push_children(message, stack);
    }
    return true;
  }

 private:
  const Counted* find(const PgQuery__RangeVar& variable) const {
    const auto found = counted_.find({variable.schemaname, variable.relname});
    return found == counted_.end() ? nullptr : &found->second;
  }

  /// Its FROM, if all that must be said of it is said.
  void admit(const PgQuery__SelectStmt& select) {
    if (select.n_from_clause != 1 || select.from_clause[0]->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return;
    const PgQuery__RangeVar& variable = *select.from_clause[0]->range_var;
    const Counted* const counted = find(variable);
    if (counted == nullptr || counted->k < 2 || counted->entity.empty()) return;
    const bool plain = select.n_locking_clause == 0 && select.n_window_clause == 0 && select.n_distinct_clause == 0 &&
                       select.n_values_lists == 0 && select.op == PG_QUERY__SET_OPERATION__SETOP_NONE;
    const bool fenced = select.limit_offset != nullptr;
    if (plain && fenced && !has_sub_query(select) && guards(select.having_clause, *counted))
      admitted_.insert(&variable.base);
  }

  static bool has_sub_query(const PgQuery__SelectStmt& select) {
    std::vector<const ProtobufCMessage*> stack;
    for (const PgQuery__Node* const one : {select.where_clause, select.having_clause})
      if (one != nullptr) stack.push_back(&one->base);
    for (std::size_t i = 0; i < select.n_target_list; ++i) stack.push_back(&select.target_list[i]->base);
    for (std::size_t i = 0; i < select.n_group_clause; ++i) stack.push_back(&select.group_clause[i]->base);
    for (std::size_t i = 0; i < select.n_sort_clause; ++i) stack.push_back(&select.sort_clause[i]->base);
    while (!stack.empty()) {
      const ProtobufCMessage& message = *stack.back();
      stack.pop_back();
      if (message.descriptor == &pg_query__sub_link__descriptor) return true;
      push_children(message, stack);
    }
    return false;
  }

  /// CASE WHEN count(DISTINCT entity) >= k [AND …] THEN … ELSE false END
  static bool guards(const PgQuery__Node* having, const Counted& counted) {
    if (having == nullptr || having->node_case != PG_QUERY__NODE__NODE_CASE_EXPR) return false;
    const PgQuery__CaseExpr& guard = *having->case_expr;
    const bool shape = guard.arg == nullptr && guard.n_args == 1 &&
                       guard.args[0]->node_case == PG_QUERY__NODE__NODE_CASE_WHEN && is_false(guard.defresult);
    if (!shape) return false;
    const PgQuery__Node* condition = guard.args[0]->case_when->expr;
    if (condition != nullptr && condition->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR) {
      const PgQuery__BoolExpr& all = *condition->bool_expr;
      if (all.boolop != PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR || all.n_args == 0) return false;
      condition = all.args[0];
    }
    return is_threshold(condition, counted);
  }

  static bool is_false(const PgQuery__Node* node) {
    return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull == 0 &&
           node->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL && node->a_const->boolval->boolval == 0;
  }

  static bool is_threshold(const PgQuery__Node* node, const Counted& counted) {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_A_EXPR) return false;
    const PgQuery__AExpr& comparison = *node->a_expr;
    if (comparison.kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || comparison.n_name != 1 ||
        string_value(comparison.name[0]) != ">=" || comparison.lexpr == nullptr || comparison.rexpr == nullptr ||
        comparison.lexpr->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || !is_integer_constant(*comparison.rexpr))
      return false;
    const int bound = comparison.rexpr->a_const->ival->ival;
    const PgQuery__FuncCall& call = *comparison.lexpr->func_call;
    const bool counts = call.n_funcname == 2 && string_value(call.funcname[0]) == "pg_catalog" &&
                        string_value(call.funcname[1]) == "count" && call.agg_distinct != 0 && call.n_args == 1 &&
                        call.agg_filter == nullptr && call.over == nullptr &&
                        call.args[0]->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    if (!counts || bound < 0 || static_cast<std::uint32_t>(bound) < counted.k) return false;
    const PgQuery__ColumnRef& entity = *call.args[0]->column_ref;
    return entity.n_fields != 0 && string_value(entity.fields[entity.n_fields - 1]) == counted.entity;
  }

  std::map<ViewName, Counted> counted_;
  std::set<const ProtobufCMessage*> admitted_;
};

}  // namespace

bool counts_entities(const ViewMap& views, const Catalog& catalog, const PgQuery__Node& statement) {
  return Checker(views, catalog).run(statement);
}

}  // namespace bartizan::sql
