// FigureColname of the server: what an output column is called that was given no name.
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

std::string_view value_function_name(PgQuery__SQLValueFunctionOp op) {
  switch (op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE: return "current_date";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N: return "current_time";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N: return "current_timestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N: return "localtime";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N: return "localtimestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE: return "current_role";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER: return "current_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER: return "user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER: return "session_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG: return "current_catalog";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA: return "current_schema";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SQLVALUE_FUNCTION_OP_UNDEFINED:
    case _PG_QUERY__SQLVALUE_FUNCTION_OP_IS_INT_SIZE: break;
  }
  return "?column?";
}

}  // namespace

std::string_view output_name(const PgQuery__Node& node) {
  const PgQuery__Node* at = &node;
  std::string_view weak;  // of a type cast: stands if what is cast has none
  const auto last_string = [](PgQuery__Node* const* list, std::size_t count) {
    std::string_view name;
    for (std::size_t i = 0; i < count; ++i) {
      if (const auto value = string_value(list[i]); !value.empty()) name = value;
    }
    return name;
  };
  const auto or_weak = [&](std::string_view name) {
    return !name.empty() ? name : !weak.empty() ? weak : std::string_view("?column?");
  };
  while (at != nullptr) {
    switch (static_cast<int>(at->node_case)) {  // others have no name
      case PG_QUERY__NODE__NODE_COLUMN_REF:
        return or_weak(last_string(at->column_ref->fields, at->column_ref->n_fields));
      case PG_QUERY__NODE__NODE_A_INDIRECTION: {
        const auto name = last_string(at->a_indirection->indirection, at->a_indirection->n_indirection);
        if (!name.empty()) return name;
        at = at->a_indirection->arg;
        break;
      }
      case PG_QUERY__NODE__NODE_FUNC_CALL:
        return or_weak(last_string(at->func_call->funcname, at->func_call->n_funcname));
      case PG_QUERY__NODE__NODE_A_EXPR:
        return at->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF ? "nullif" : or_weak({});
      case PG_QUERY__NODE__NODE_TYPE_CAST:
        if (weak.empty()) {
          weak = last_string(at->type_cast->type_name->names, at->type_cast->type_name->n_names);
        }
        at = at->type_cast->arg;
        break;
      case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: at = at->collate_clause->arg; break;
      case PG_QUERY__NODE__NODE_CASE_EXPR:
        if (weak.empty()) weak = "case";
        at = at->case_expr->defresult;
        break;
      case PG_QUERY__NODE__NODE_SUB_LINK: {
        const auto type = at->sub_link->sub_link_type;
        if (type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) return "exists";
        if (type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) return "array";
        const PgQuery__SelectStmt* select = at->sub_link->subselect->select_stmt;
        while (select != nullptr && select->larg != nullptr) select = select->larg;
        if (type != PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK || select == nullptr || select->n_target_list == 0) {
          return or_weak({});
        }
        const PgQuery__ResTarget& target = *select->target_list[0]->res_target;
        if (*target.name != '\0') return target.name;
        at = target.val;
        break;
      }
      case PG_QUERY__NODE__NODE_COALESCE_EXPR: return "coalesce";
      case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return at->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
      case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return "array";
      case PG_QUERY__NODE__NODE_ROW_EXPR: return "row";
      case PG_QUERY__NODE__NODE_GROUPING_FUNC: return "grouping";
      case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return value_function_name(at->sqlvalue_function->op);
      default: return or_weak({});
    }
  }
  return or_weak({});
}

}  // namespace bartizan::sql
