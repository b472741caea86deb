// Expressions: an allow-list of nodes. Each is visited, its names bound, its columns noted.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr int kNoLocation = -1;
constexpr int kMaxParameters = 65'535;

bool has_operator_name(PgQuery__AExprKind kind) {
  return kind != PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN && kind != PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN &&
         kind != PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM && kind != PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
}

/// Functions whose first argument is a text search configuration when they are given this many.
struct SearchFunction {
  std::string_view name;
  std::size_t with_configuration;
};
constexpr SearchFunction kSearchFunctions[] = {
    {"json_to_tsvector", 3}, {"jsonb_to_tsvector", 3}, {"phraseto_tsquery", 2}, {"plainto_tsquery", 2},
    {"to_tsquery", 2},       {"to_tsvector", 2},       {"ts_headline", 3},      {"websearch_to_tsquery", 2},
};

bool names_column(std::string_view columns, std::string_view name) {
  while (!columns.empty()) {
    const auto comma = columns.find(',');
    if (columns.substr(0, comma) == name) return true;
    columns = comma == std::string_view::npos ? std::string_view{} : columns.substr(comma + 1);
  }
  return false;
}

}  // namespace

bool Binder::expressions(Nodes list, std::size_t count, Expression at) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) { return expression(node, at); });
}

bool Binder::operator_expression(PgQuery__AExpr& expression_node, Expression at) {
  const bool permitted = has_operator_name(expression_node.kind)
                             ? operator_name(expression_node.name, expression_node.n_name, expression_node.location)
                             : implied_operators({"<", "<=", ">", ">="}, expression_node.location);
  if (!permitted) return false;
  return expression(expression_node.lexpr, at) && expression(expression_node.rexpr, at);
}

bool Binder::sub_link(PgQuery__SubLink& link, Expression at) {
  if (at.level.counted != nullptr) {
    return unsupported("a sub-query beside a table of aggregates alone", link.location,
                       "Aggregate the table in a sub-select in FROM, and use its result around it.");
  }
  if (link.n_oper_name != 0 && !operator_name(link.oper_name, link.n_oper_name, link.location)) return false;
  if (link.n_oper_name == 0 && link.testexpr != nullptr && !implied_operators({"="}, link.location)) return false;
  if (!expression(link.testexpr, at)) return false;
  if (link.subselect == nullptr || link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unsupported("this sub-query", link.location);
  }
  Columns output;
  if (!select(*link.subselect->select_stmt, &at.level, output)) return false;
  if (at.sources != nullptr && link.sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) {
    for (const BoundColumn& column : output.list) {
      if (!spend(column.sources.size())) return false;
      at.sources->insert(at.sources->end(), column.sources.begin(), column.sources.end());
    }
  }
  return true;
}

bool Binder::subscripts(Nodes list, std::size_t count, Expression at, bool fields) {
  for (std::size_t i = 0; i < count; ++i) {
    if (list[i]->node_case == PG_QUERY__NODE__NODE_A_INDICES) {
      if (!expression(list[i]->a_indices->lidx, at) || !expression(list[i]->a_indices->uidx, at)) return false;
    } else if (!fields) {
      return unsupported("a field of this expression", kNoLocation,
                         "Fields can be taken from a table's row, a composite column or a function's row.");
    }
  }
  return true;
}

// (x).name is a call of name(x) to PostgreSQL where x has no such field, so the field must be known.
bool Binder::indirection(PgQuery__AIndirection& indirection, Expression at) {
  PgQuery__Node& argument = *indirection.arg;
  const bool field = string_value(indirection.indirection[0]) != std::string_view{};
  if (!field) {
    return expression(&argument, at) && subscripts(indirection.indirection, indirection.n_indirection, at, false);
  }
  const std::string_view name = string_value(indirection.indirection[0]);
  bool known = false;
  if (argument.node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
    ColumnLookup found;
    if (!resolve(*argument.column_ref, at.level, found)) return false;
    if (found.index == kWholeRow) {
      known = find_column_in(*found.range, name).status == Lookup::Found;
    } else {
      const BoundColumn& column = found.range->columns.list[found.index];
      const CatalogRelation* const table =
          column.bare && !column.sources.empty() ? request_.catalog->relation(column.sources[0].relation) : nullptr;
      const CatalogColumn* const stored = table == nullptr ? nullptr : table->column(column.sources[0].attnum);
      const CatalogType* const type = stored == nullptr ? nullptr : request_.catalog->type(stored->type);
      const CatalogRelation* const row = type == nullptr ? nullptr : request_.catalog->relation(type->relation);
      known = row != nullptr && row->column(name) != nullptr;
    }
  } else if (argument.node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    const PgQuery__FuncCall& call = *argument.func_call;
    const PermittedFunction* const function =
        call.n_funcname == 0 ? nullptr : permitted_function(string_value(call.funcname[call.n_funcname - 1]));
    known = function != nullptr && names_column(function->columns, name);
  }
  // What JDBC asks of information_schema's _pg_expandarray; no function has these names.
  if (!known && !request_.views->catalog_functions.empty()) known = name == "n" || name == "x";
  if (!known) {
    return unsupported("field " + std::string(name) + " of this expression", kNoLocation,
                       "Fields can be taken from a table's row, a composite column or a function's row.");
  }
  return expression(&argument, at) && subscripts(indirection.indirection + 1, indirection.n_indirection - 1, at, false);
}

bool Binder::case_expression(PgQuery__CaseExpr& expression_node, Expression at) {
  if (expression_node.arg != nullptr && !implied_operators({"="}, expression_node.location)) return false;
  if (!expression(expression_node.arg, at) || !expression(expression_node.defresult, at)) return false;
  return std::all_of(expression_node.args, expression_node.args + expression_node.n_args, [&](PgQuery__Node* node) {
    if (node->node_case != PG_QUERY__NODE__NODE_CASE_WHEN) return unsupported("this CASE", expression_node.location);
    return expression(node->case_when->expr, at) && expression(node->case_when->result, at);
  });
}

bool Binder::cast(PgQuery__Node& node, Expression at) {
  PgQuery__TypeCast& cast = *node.type_cast;
  // Their input and output look names up, by the server's search_path and whatever the class may see.
  if (const auto function = object_cast(*cast.type_name); !function.empty()) {
    PgQuery__Node* const argument = cast.arg;
    edit_.become_call(node, request_.views->catalog_functions, function);
    edit_.set_list(node.func_call->args, node.func_call->n_args, {argument, path_constant(request_.search_path, true)});
    return expression(argument, at);
  }
  if (!type_name(*cast.type_name) || !expression(cast.arg, at)) return false;
  // The deparser writes 't'::bool as true: let it be so in the tree.
  const std::string_view value = string_constant(cast.arg);
  const bool to_bool = cast.type_name->n_array_bounds == 0 && cast.type_name->n_names == 2 &&
                       string_value(cast.type_name->names[1]) == "bool";
  if (to_bool && (value == "t" || value == "f")) edit_.become_boolean(*cast.arg, value == "t");
  return true;
}

bool Binder::value_function(PgQuery__Node& node, int location) {
  const PgQuery__SQLValueFunctionOp op = node.sqlvalue_function->op;
  if (op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA) {
    const auto path = visible_path();
    edit_.become_constant(node, path.empty() ? std::string_view("pg_catalog") : std::string_view(path.front()), "name");
    return true;
  }
  if (op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE ||
      op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER ||
      op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER || op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER) {
    const ViewName& function = request_.views->user_function;
    if (function.name.empty()) return unsupported("current_user", location);
    edit_.become_call(node, function.schema, function.name);
    facts_.needs_transaction_context = true;
  }
  return true;
}

bool Binder::call_arguments(PgQuery__FuncCall& call, Expression at) {
  if (!expressions(call.args, call.n_args, at) || !expression(call.agg_filter, at)) return false;
  for (std::size_t i = 0; i < call.n_agg_order; ++i) {
    PgQuery__SortBy& sort = *call.agg_order[i]->sort_by;
    if (sort.n_use_op != 0 && !operator_name(sort.use_op, sort.n_use_op, sort.location)) return false;
    if (!expression(sort.node, at)) return false;
  }
  return true;
}

bool Binder::call(PgQuery__Node& node, Expression at) {
  bool done = false;
  if (!special_call(node, done)) return false;
  if (done) return true;
  PgQuery__FuncCall& call = *node.func_call;
  const PermittedFunction* permitted = nullptr;
  if (!function_name(call, permitted, false)) return false;
  if (permitted != nullptr && !search_configuration(call, permitted->name)) return false;
  const bool aggregate = permitted != nullptr && permitted->kind == Permit::Aggregate && call.over == nullptr;
  if (aggregate) ++at.level.in_aggregate;
  const bool bound = call_arguments(call, at) && (call.over == nullptr || window(*call.over, at.level, nullptr));
  if (aggregate) --at.level.in_aggregate;
  // A regtype would make a look-up in the catalog of each constant beside it.
  if (bound && permitted != nullptr && permitted->name == "pg_typeof") {
    edit_.become_cast(node, edit_.moved(node), "text", false);
  }
  return bound;
}

// A constant or parameter in the place of a regconfig is looked up: by its number or in any schema.
bool Binder::search_configuration(const PgQuery__FuncCall& call, std::string_view name) {
  const auto* const found = std::find_if(std::begin(kSearchFunctions), std::end(kSearchFunctions),
                                         [&](const SearchFunction& function) { return function.name == name; });
  if (found == std::end(kSearchFunctions) || call.n_args < found->with_configuration) return true;
  const PgQuery__Node& argument = *call.args[0];
  const std::string_view value = string_constant(&argument);
  // So are all of PostgreSQL's own; the marker of a template is not, since the value matters here.
  const bool plain = value.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
  if (argument.node_case != PG_QUERY__NODE__NODE_PARAM_REF && plain) return true;
  return unsupported("this text search configuration", call.location,
                     "Name one of PostgreSQL's own as a constant, without schema; cast a document to text.");
}

bool Binder::expression(PgQuery__Node* node, Expression at) {
  if (node == nullptr) return true;
  switch (static_cast<int>(node->node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_A_CONST: return true;
    case PG_QUERY__NODE__NODE_COLUMN_REF: return column_ref(*node->column_ref, at);
    case PG_QUERY__NODE__NODE_PARAM_REF:
      if (node->param_ref->number < 1 || node->param_ref->number > kMaxParameters) {
        return refuse("42P02", "there is no such parameter", node->param_ref->location);
      }
      facts_.parameters = std::max(facts_.parameters, static_cast<std::uint16_t>(node->param_ref->number));
      return true;
    case PG_QUERY__NODE__NODE_A_EXPR: return operator_expression(*node->a_expr, at);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return expressions(node->bool_expr->args, node->bool_expr->n_args, at);
    case PG_QUERY__NODE__NODE_LIST: return expressions(node->list->items, node->list->n_items, at);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return call(*node, at);
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: return expression(node->named_arg_expr->arg, at);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return value_function(*node, node->sqlvalue_function->location);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return cast(*node, at);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return collation_name(node->collate_clause->collname, node->collate_clause->n_collname,
                            node->collate_clause->location) &&
             expression(node->collate_clause->arg, at);
    case PG_QUERY__NODE__NODE_SUB_LINK: return sub_link(*node->sub_link, at);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return case_expression(*node->case_expr, at);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return expressions(node->coalesce_expr->args, node->coalesce_expr->n_args, at);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return expressions(node->min_max_expr->args, node->min_max_expr->n_args, at);
    case PG_QUERY__NODE__NODE_NULL_TEST: return expression(node->null_test->arg, at);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return expression(node->boolean_test->arg, at);
    case PG_QUERY__NODE__NODE_ROW_EXPR: return expressions(node->row_expr->args, node->row_expr->n_args, at);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return expressions(node->a_array_expr->elements, node->a_array_expr->n_elements, at);
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return indirection(*node->a_indirection, at);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return expressions(node->grouping_func->args, node->grouping_func->n_args, at);
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR:
      return unsupported("WHERE CURRENT OF", kNoLocation, "Use the primary key.");
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return refuse("42601", "DEFAULT is not allowed in this context", node->set_to_default->location);
    case PG_QUERY__NODE__NODE_XML_EXPR: return unsupported("this XML expression", node->xml_expr->location);
    default: return unsupported("this expression", kNoLocation);
  }
}

// Functions whose answer is the gateway's own, or harmless for some arguments only.
bool Binder::special_call(PgQuery__Node& node, bool& done) {
  PgQuery__FuncCall& call = *node.func_call;
  const NameParts name = parts_of(call.funcname, call.n_funcname);
  if (!name.ok || (!name.schema.empty() && name.schema != "pg_catalog")) return true;
  if (name.name == "current_schema" && call.n_args == 0) {
    const auto path = visible_path();
    edit_.become_constant(node, path.empty() ? std::string_view("pg_catalog") : std::string_view(path.front()), "name");
    done = true;
  } else if (name.name == "current_schemas" && call.n_args == 1) {
    // With and without what is there implicitly.
    const PgQuery__Node& wanted = *call.args[0];
    const bool known =
        wanted.node_case == PG_QUERY__NODE__NODE_A_CONST && wanted.a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL;
    if (!known) return unsupported("current_schemas with this argument", call.location, "Call it with true or false.");
    PgQuery__Node* const path = path_constant(visible_path(), wanted.a_const->boolval->boolval != 0);
    edit_.become_cast(node, path->type_cast->arg, "name", true);
    done = true;
  } else if (name.name == "current_setting" && (call.n_args == 1 || call.n_args == 2)) {
    const SettingRule rule = setting_rule(string_constant(call.args[0]));
    if (rule == SettingRule::Refused || rule == SettingRule::Virtual) {
      return refuse("42501", "permission denied to examine this setting", call.location,
                    "current_setting takes the name of a permitted setting as a constant, in lower case.");
    }
    if (call.agg_filter != nullptr || call.over != nullptr || call.n_agg_order != 0) {
      return unsupported("current_setting as an aggregate", call.location);
    }
    if (call.n_args == 2 && call.args[1]->node_case != PG_QUERY__NODE__NODE_A_CONST) {
      return unsupported("current_setting with this second argument", call.location);
    }
    edit_.set_name(call.funcname, call.n_funcname, "pg_catalog", "current_setting");
    done = true;
  }
  return true;
}

}  // namespace bartizan::sql
