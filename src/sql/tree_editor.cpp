#include "tree_editor.hpp"

#include <algorithm>

#include "bartizan/base/result.hpp"

namespace bartizan::sql {

void* TreeEditor::allocate(std::size_t size) {
  void* const result = arena_.allocate(size);
  BZ_ASSERT(result != nullptr);
  return result;
}

char* TreeEditor::text(std::string_view value) {
  char* const copy = static_cast<char*>(allocate(value.size() + 1));
  std::copy(value.begin(), value.end(), copy);
  copy[value.size()] = '\0';
  return copy;
}

PgQuery__Node* TreeEditor::string(std::string_view value) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_STRING;
  result->string = make(pg_query__string__init);
  result->string->sval = text(value);
  return result;
}

PgQuery__Node* TreeEditor::node(PgQuery__ColumnRef* reference) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_COLUMN_REF;
  result->column_ref = reference;
  return result;
}

PgQuery__Node* TreeEditor::column_ref(std::initializer_list<std::string_view> parts) {
  PgQuery__ColumnRef* const reference = make(pg_query__column_ref__init);
  reference->location = -1;
  for (const std::string_view part : parts) append(reference->fields, reference->n_fields, string(part));
  return node(reference);
}

PgQuery__Node* TreeEditor::copy(const PgQuery__ColumnRef& reference) {
  PgQuery__ColumnRef* const result = make(pg_query__column_ref__init);
  *result = reference;  // its fields may be shared: nothing changes them
  return node(result);
}

PgQuery__Node* TreeEditor::target(std::string_view name, PgQuery__Node* value) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  result->res_target = make(pg_query__res_target__init);
  result->res_target->location = -1;
  if (!name.empty()) result->res_target->name = text(name);
  result->res_target->val = value;
  return result;
}

PgQuery__Node* TreeEditor::index_elem(std::string_view column) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_INDEX_ELEM;
  result->index_elem = make(pg_query__index_elem__init);
  result->index_elem->name = text(column);
  result->index_elem->ordering = PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT;
  result->index_elem->nulls_ordering = PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT;
  return result;
}

PgQuery__Alias* TreeEditor::alias(std::string_view name) {
  PgQuery__Alias* const result = make(pg_query__alias__init);
  result->aliasname = text(name);
  return result;
}

PgQuery__SelectStmt* TreeEditor::select() {
  PgQuery__SelectStmt* const result = make(pg_query__select_stmt__init);
  result->limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  result->op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  return result;
}

PgQuery__Node* TreeEditor::node(PgQuery__SelectStmt* select) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  result->select_stmt = select;
  return result;
}

PgQuery__Node* TreeEditor::node(PgQuery__RangeVar* variable) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_RANGE_VAR;
  result->range_var = variable;
  return result;
}

void TreeEditor::become_constant(PgQuery__Node& node, std::string_view value, std::string_view pg_catalog_type) {
  PgQuery__Node* const constant = fresh();
  constant->node_case = PG_QUERY__NODE__NODE_A_CONST;
  constant->a_const = make(pg_query__a__const__init);
  constant->a_const->val_case = PG_QUERY__A__CONST__VAL_SVAL;
  constant->a_const->sval = make(pg_query__string__init);
  constant->a_const->sval->sval = text(value);
  node.node_case = PG_QUERY__NODE__NODE_TYPE_CAST;
  node.type_cast = make(pg_query__type_cast__init);
  node.type_cast->arg = constant;
  PgQuery__TypeName* const type = make(pg_query__type_name__init);
  type->typemod = -1;
  set_name(type->names, type->n_names, "pg_catalog", pg_catalog_type);
  node.type_cast->type_name = type;
}

void TreeEditor::become_boolean(PgQuery__Node& constant, bool value) {
  constant.a_const = make(pg_query__a__const__init);
  constant.a_const->val_case = PG_QUERY__A__CONST__VAL_BOOLVAL;
  constant.a_const->boolval = make(pg_query__boolean__init);
  constant.a_const->boolval->boolval = value ? 1 : 0;
}

void TreeEditor::become_call(PgQuery__Node& node, std::string_view schema, std::string_view name) {
  node.node_case = PG_QUERY__NODE__NODE_FUNC_CALL;
  node.func_call = make(pg_query__func_call__init);
  node.func_call->funcformat = PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
  set_name(node.func_call->funcname, node.func_call->n_funcname, schema, name);
}

PgQuery__Node* TreeEditor::moved(const PgQuery__Node& node) {
  PgQuery__Node* const result = fresh();
  *result = node;
  return result;
}

PgQuery__Node* TreeEditor::integer(int value) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_A_CONST;
  result->a_const = make(pg_query__a__const__init);
  result->a_const->val_case = PG_QUERY__A__CONST__VAL_IVAL;
  result->a_const->ival = make(pg_query__integer__init);
  result->a_const->ival->ival = value;
  return result;
}

PgQuery__TypeName* TreeEditor::type_name(std::string_view pg_catalog_type, bool array) {
  PgQuery__TypeName* const type = make(pg_query__type_name__init);
  type->typemod = -1;
  set_name(type->names, type->n_names, "pg_catalog", pg_catalog_type);
  if (array) {
    PgQuery__Node* const bound = fresh();
    bound->node_case = PG_QUERY__NODE__NODE_INTEGER;
    bound->integer = make(pg_query__integer__init);
    bound->integer->ival = -1;
    append(type->array_bounds, type->n_array_bounds, bound);
  }
  return type;
}

PgQuery__Node* TreeEditor::node(PgQuery__TypeName* type) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_TYPE_NAME;
  result->type_name = type;
  return result;
}

void TreeEditor::become_cast(PgQuery__Node& node, PgQuery__Node* argument, std::string_view pg_catalog_type,
                             bool array) {
  node.node_case = PG_QUERY__NODE__NODE_TYPE_CAST;
  node.type_cast = make(pg_query__type_cast__init);
  node.type_cast->arg = argument;
  node.type_cast->type_name = type_name(pg_catalog_type, array);
}

void TreeEditor::become_string(PgQuery__Node& node, std::string_view value) {
  node.node_case = PG_QUERY__NODE__NODE_A_CONST;
  node.a_const = make(pg_query__a__const__init);
  node.a_const->val_case = PG_QUERY__A__CONST__VAL_SVAL;
  node.a_const->sval = make(pg_query__string__init);
  node.a_const->sval->sval = text(value);
}

void TreeEditor::become_parameter(PgQuery__Node& node, int number) {
  node.node_case = PG_QUERY__NODE__NODE_PARAM_REF;
  node.param_ref = make(pg_query__param_ref__init);
  node.param_ref->number = number;
}

void TreeEditor::become_element(PgQuery__Node& node, PgQuery__Node* argument, int index) {
  PgQuery__Node* const place = fresh();
  place->node_case = PG_QUERY__NODE__NODE_A_INDICES;
  place->a_indices = make(pg_query__a__indices__init);
  place->a_indices->uidx = integer(index);
  node.node_case = PG_QUERY__NODE__NODE_A_INDIRECTION;
  node.a_indirection = make(pg_query__a__indirection__init);
  node.a_indirection->arg = argument;
  append(node.a_indirection->indirection, node.a_indirection->n_indirection, place);
}

void TreeEditor::become_operator(PgQuery__Node& node, PgQuery__AExprKind kind, std::string_view name,
                                 PgQuery__Node* left, PgQuery__Node* right) {
  node.node_case = PG_QUERY__NODE__NODE_A_EXPR;
  node.a_expr = make(pg_query__a__expr__init);
  node.a_expr->kind = kind;
  append(node.a_expr->name, node.a_expr->n_name, string(name));
  node.a_expr->lexpr = left;
  node.a_expr->rexpr = right;
}

void TreeEditor::become_bool(PgQuery__Node& node, PgQuery__BoolExprType type) {
  node.node_case = PG_QUERY__NODE__NODE_BOOL_EXPR;
  node.bool_expr = make(pg_query__bool_expr__init);
  node.bool_expr->boolop = type;
}

PgQuery__Node* TreeEditor::boolean(bool value) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_A_CONST;
  become_boolean(*result, value);
  return result;
}

PgQuery__Node* TreeEditor::guarded(PgQuery__Node* condition, PgQuery__Node* value) {
  PgQuery__Node* const when = fresh();
  when->node_case = PG_QUERY__NODE__NODE_CASE_WHEN;
  when->case_when = make(pg_query__case_when__init);
  when->case_when->expr = condition;
  when->case_when->result = value;
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_CASE_EXPR;
  result->case_expr = make(pg_query__case_expr__init);
  append(result->case_expr->args, result->case_expr->n_args, when);
  result->case_expr->defresult = boolean(false);
  return result;
}

PgQuery__Node* TreeEditor::is_not_null(PgQuery__Node* argument) {
  PgQuery__Node* const result = fresh();
  result->node_case = PG_QUERY__NODE__NODE_NULL_TEST;
  result->null_test = make(pg_query__null_test__init);
  result->null_test->arg = argument;
  result->null_test->nulltesttype = PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
  return result;
}

void TreeEditor::set_list(PgQuery__Node**& list, std::size_t& count, std::initializer_list<PgQuery__Node*> items) {
  list = static_cast<PgQuery__Node**>(allocate(items.size() * sizeof(PgQuery__Node*)));
  std::copy(items.begin(), items.end(), list);
  count = items.size();
}

void TreeEditor::append(PgQuery__Node**& list, std::size_t& count, PgQuery__Node* item) {
  PgQuery__Node** const longer = static_cast<PgQuery__Node**>(allocate((count + 1) * sizeof(PgQuery__Node*)));
  std::copy(list, list + count, longer);
  longer[count++] = item;
  list = longer;
}

void TreeEditor::set_name(PgQuery__Node**& list, std::size_t& count, std::string_view schema, std::string_view name) {
  set_list(list, count, {string(schema), string(name)});
}

}  // namespace bartizan::sql
