#include "filter_expression.hpp"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "bartizan/sql/lexer.hpp"
#include "filter_vocabulary.hpp"
#include "names.hpp"
#include "quoting.hpp"
#include "same_tree.hpp"

namespace bartizan::policy {
namespace {

constexpr std::string_view kSelect = "SELECT ";

tl::unexpected<Error> refused(std::string what) {
  return fail(Errc::Unsupported, "a filter may not use " + std::move(what));
}

struct TreeDeleter {
  void operator()(PgQuery__ParseResult* tree) const { pg_query__parse_result__free_unpacked(tree, nullptr); }
};
using Tree = std::unique_ptr<PgQuery__ParseResult, TreeDeleter>;

struct Parsed {
  Tree tree;
  std::string deparsed;
};

Result<Parsed> parse_select(const std::string& statement) {
  PgQueryProtobufParseResult result = pg_query_parse_protobuf(statement.c_str());
  const auto release = [&] { pg_query_free_protobuf_parse_result(result); };
  if (result.error != nullptr) {
    release();
    return fail(Errc::Malformed, "not a SQL expression");
  }
  Parsed out;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(result.parse_tree.data);
  out.tree.reset(pg_query__parse_result__unpack(nullptr, result.parse_tree.len, bytes));
  PgQueryDeparseResult deparsed = pg_query_deparse_protobuf(result.parse_tree);
  if (deparsed.error == nullptr && deparsed.query != nullptr) out.deparsed = deparsed.query;
  pg_query_free_deparse_result(deparsed);
  release();
  if (!out.tree || out.deparsed.empty()) return fail(Errc::Unsupported, "a filter that cannot be written back");
  return out;
}

/// The one expression of `SELECT expression`; nullptr if there is anything more to it.
const PgQuery__Node* only_expression(const PgQuery__ParseResult& tree) {
  if (tree.n_stmts != 1 || tree.stmts[0]->stmt == nullptr) return nullptr;
  const PgQuery__Node& node = *tree.stmts[0]->stmt;
  if (node.node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  const PgQuery__SelectStmt& s = *node.select_stmt;
  const bool bare = s.n_distinct_clause == 0 && s.into_clause == nullptr && s.n_target_list == 1 &&
                    s.n_from_clause == 0 && s.where_clause == nullptr && s.n_group_clause == 0 &&
                    s.having_clause == nullptr && s.n_window_clause == 0 && s.n_values_lists == 0 &&
                    s.n_sort_clause == 0 && s.limit_offset == nullptr && s.limit_count == nullptr &&
                    s.n_locking_clause == 0 && s.with_clause == nullptr && s.op == PG_QUERY__SET_OPERATION__SETOP_NONE;
  if (!bare || s.target_list[0]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return nullptr;
  const PgQuery__ResTarget& target = *s.target_list[0]->res_target;
  if (target.n_indirection != 0 || (target.name != nullptr && *target.name != '\0')) return nullptr;
  return target.val;
}

std::span<PgQuery__Node* const> nodes(PgQuery__Node* const* first, std::size_t count) { return {first, count}; }

/// The texts of a list of String nodes; empty if it holds anything else (a `*`).
std::vector<std::string> names_of(std::span<PgQuery__Node* const> list) {
  std::vector<std::string> out;
  for (const PgQuery__Node* node : list) {
    if (node->node_case != PG_QUERY__NODE__NODE_STRING) return {};
    out.emplace_back(node->string->sval);
  }
  return out;
}

/// An unqualified name, or one that says pg_catalog; empty otherwise.
std::string pg_catalog_name(std::vector<std::string> names) {
  if (names.size() == 2 && names[0] == "pg_catalog") return names[1];
  return names.size() == 1 ? names[0] : std::string();
}

/// Walks the tree once and collects what it names. Each method refuses what it does not know.
class Walker {
 public:
  explicit Walker(FilterExpression& out) : out_(out) {}

  Result<void> expression(const PgQuery__Node* node);
  std::vector<std::pair<std::size_t, std::string>> slots;  ///< place of `subject.x`, attribute

 private:
  struct Relation {
    std::string alias;
    std::string schema;
    std::string table;
  };

  Result<void> all(std::span<PgQuery__Node* const> list) {
    for (const PgQuery__Node* node : list) BZ_CHECK(expression(node));
    return {};
  }
  Result<void> column(const PgQuery__ColumnRef& ref);
  Result<void> operation(const PgQuery__AExpr& op);
  Result<void> cast(const PgQuery__TypeCast& cast);
  Result<void> call(const PgQuery__FuncCall& call);
  Result<void> choice(const PgQuery__CaseExpr& choice);
  Result<void> value_function(const PgQuery__SQLValueFunction& function);
  Result<void> sub_link(const PgQuery__SubLink& link);
  Result<void> sub_select(const PgQuery__SelectStmt& select);
  Result<void> from_item(const PgQuery__Node& item);

  FilterExpression& out_;
  std::vector<Relation> scope_;  // of the sub-selects around, the innermost last
  std::size_t depth_ = 0;        // of sub-selects
};

Result<void> Walker::expression(const PgQuery__Node* node) {
  if (node == nullptr) return {};
  switch (static_cast<int>(node->node_case)) {  // as a number: an allow-list, all other kinds go to default
    case PG_QUERY__NODE__NODE_COLUMN_REF: return column(*node->column_ref);
    case PG_QUERY__NODE__NODE_A_CONST: return {};
    case PG_QUERY__NODE__NODE_A_EXPR: return operation(*node->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return all(nodes(node->bool_expr->args, node->bool_expr->n_args));
    case PG_QUERY__NODE__NODE_NULL_TEST: return expression(node->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return expression(node->boolean_test->arg);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return all(nodes(node->coalesce_expr->args, node->coalesce_expr->n_args));
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return all(nodes(node->min_max_expr->args, node->min_max_expr->n_args));
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return all(nodes(node->a_array_expr->elements, node->a_array_expr->n_elements));
    case PG_QUERY__NODE__NODE_LIST: return all(nodes(node->list->items, node->list->n_items));
    case PG_QUERY__NODE__NODE_TYPE_CAST: return cast(*node->type_cast);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return call(*node->func_call);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return choice(*node->case_expr);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return value_function(*node->sqlvalue_function);
    case PG_QUERY__NODE__NODE_SUB_LINK: return sub_link(*node->sub_link);
    default: return refused("this form of expression");
  }
}

Result<void> Walker::column(const PgQuery__ColumnRef& ref) {
  const auto names = names_of(nodes(ref.fields, ref.n_fields));
  if (names.empty() || names.size() > 2) return refused("`*` or a column with more than one qualifier");
  if (names.size() == 1) {
    if (depth_ != 0) return refused("an unqualified column inside a sub-select: " + in_double_quotes(names[0]));
    out_.columns.push_back(names[0]);
    return {};
  }
  if (names[0] == "subject") {
    if (!attribute_name(names[1])) return refused("an attribute's name that is not lower-case letters, digits and _");
    out_.attributes.push_back(names[1]);
    slots.emplace_back(static_cast<std::size_t>(ref.location), names[1]);
    return {};
  }
  for (auto relation = scope_.rbegin(); relation != scope_.rend(); ++relation) {
    if (relation->alias != names[0]) continue;
    out_.mapping.push_back({relation->schema, relation->table, names[1]});
    return {};
  }
  out_.qualifiers.push_back(names[0]);
  out_.columns.push_back(names[1]);
  return {};
}

Result<void> Walker::operation(const PgQuery__AExpr& op) {
  if (op.kind == PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR) return refused("SIMILAR TO");
  const std::string name = pg_catalog_name(names_of(nodes(op.name, op.n_name)));
  if (!filter_operator(name)) return refused("this operator: " + in_double_quotes(name));
  BZ_CHECK(expression(op.lexpr));
  return expression(op.rexpr);
}

Result<void> Walker::cast(const PgQuery__TypeCast& cast) {
  const PgQuery__TypeName* type = cast.type_name;
  if (type == nullptr || type->setof != 0 || type->pct_type != 0) return refused("this type");
  const std::string name = pg_catalog_name(names_of(nodes(type->names, type->n_names)));
  if (!filter_type(name)) return refused("this type: " + in_double_quotes(name));
  return expression(cast.arg);
}

Result<void> Walker::call(const PgQuery__FuncCall& call) {
  const std::string name = pg_catalog_name(names_of(nodes(call.funcname, call.n_funcname)));
  if (!filter_function(name)) {
    return refused("this function, which is not among those known to be free of side effects: " +
                   in_double_quotes(name));
  }
  if (call.n_agg_order != 0 || call.agg_filter != nullptr || call.over != nullptr || call.agg_within_group != 0 ||
      call.agg_star != 0 || call.agg_distinct != 0 || call.func_variadic != 0) {
    return refused("an aggregate, window or variadic call");
  }
  return all(nodes(call.args, call.n_args));
}

Result<void> Walker::choice(const PgQuery__CaseExpr& choice) {
  BZ_CHECK(expression(choice.arg));
  for (const PgQuery__Node* arm : nodes(choice.args, choice.n_args)) {
    if (arm->node_case != PG_QUERY__NODE__NODE_CASE_WHEN) return refused("this CASE");
    BZ_CHECK(expression(arm->case_when->expr));
    BZ_CHECK(expression(arm->case_when->result));
  }
  return expression(choice.defresult);
}

Result<void> Walker::value_function(const PgQuery__SQLValueFunction& function) {
  switch (static_cast<int>(function.op)) {  // an allow-list; the roles are the view owner's, not the subject's
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP: return {};
    default: return refused("current_user and its kin: write subject.identity");
  }
}

Result<void> Walker::sub_link(const PgQuery__SubLink& link) {
  const bool known = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK ||
                     link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK ||
                     link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK;
  if (!known || link.subselect == nullptr || link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return refused("this form of sub-select");
  }
  const auto names = names_of(nodes(link.oper_name, link.n_oper_name));
  if (!names.empty() && !filter_operator(pg_catalog_name(names))) return refused("this operator before a sub-select");
  BZ_CHECK(expression(link.testexpr));
  const std::size_t outer = scope_.size();
  ++depth_;
  auto inside = sub_select(*link.subselect->select_stmt);
  --depth_;
  scope_.resize(outer);
  return inside;
}

Result<void> Walker::sub_select(const PgQuery__SelectStmt& s) {
  const bool plain = s.n_distinct_clause == 0 && s.into_clause == nullptr && s.n_group_clause == 0 &&
                     s.having_clause == nullptr && s.n_window_clause == 0 && s.n_values_lists == 0 &&
                     s.n_sort_clause == 0 && s.limit_offset == nullptr && s.limit_count == nullptr &&
                     s.n_locking_clause == 0 && s.with_clause == nullptr && s.op == PG_QUERY__SET_OPERATION__SETOP_NONE;
  if (!plain || s.n_from_clause == 0) return refused("a sub-select with more than FROM and WHERE");
  for (const PgQuery__Node* item : nodes(s.from_clause, s.n_from_clause)) BZ_CHECK(from_item(*item));
  for (const PgQuery__Node* target : nodes(s.target_list, s.n_target_list)) {
    if (target->node_case != PG_QUERY__NODE__NODE_RES_TARGET || target->res_target->n_indirection != 0) {
      return refused("this output of a sub-select");
    }
    BZ_CHECK(expression(target->res_target->val));
  }
  return expression(s.where_clause);
}

Result<void> Walker::from_item(const PgQuery__Node& item) {
  if (item.node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
    const PgQuery__JoinExpr& join = *item.join_expr;
    if (join.is_natural != 0 || join.n_using_clause != 0 || join.alias != nullptr || join.larg == nullptr ||
        join.rarg == nullptr) {
      return refused("NATURAL, USING or an alias of a join");
    }
    BZ_CHECK(from_item(*join.larg));
    BZ_CHECK(from_item(*join.rarg));
    return expression(join.quals);
  }
  if (item.node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return refused("anything but tables after FROM");
  const PgQuery__RangeVar& table = *item.range_var;
  const std::string schema = table.schemaname == nullptr ? "" : table.schemaname;
  const bool other_database = table.catalogname != nullptr && *table.catalogname != '\0';
  if (schema.empty() || other_database) return refused("a mapping table without its schema");
  if (table.alias != nullptr && table.alias->n_colnames != 0) return refused("an alias with columns");
  Relation relation{table.alias != nullptr ? table.alias->aliasname : table.relname, schema, table.relname};
  if (relation.alias == "subject") return refused("a table called `subject`");
  out_.mapping.push_back({relation.schema, relation.table, ""});
  scope_.push_back(std::move(relation));
  return {};
}

Result<void> check_tokens(std::string_view text) {
  if (text.size() > kMaxFilterBytes)
    return fail(Errc::TooLarge, fmt::format("a filter has at most {} bytes", kMaxFilterBytes));
  sql::Lexer lexer(text, {});
  std::size_t count = 0;
  for (sql::Token token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    if (token.kind == sql::TokenKind::Error) return fail(Errc::Malformed, "not a SQL expression");
    if (token.kind == sql::TokenKind::Punctuation && token.in(text) == ";") return refused("`;`");
    if (++count > kMaxFilterTokens)
      return fail(Errc::TooLarge, fmt::format("a filter has at most {} tokens", kMaxFilterTokens));
  }
  if (lexer.saw_comment()) return refused("comments: say it in the policy's description");
  return {};
}

/// From the first byte of `subject` to the last of the attribute's name.
std::size_t reference_length(std::string_view text, std::size_t offset) {
  sql::Lexer lexer(text.substr(offset), {});
  (void)lexer.next();
  (void)lexer.next();
  const sql::Token last = lexer.next();
  return last.offset + last.length;
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

}  // namespace

Result<FilterExpression> parse_filter(std::string_view text) {
  BZ_CHECK(check_tokens(text));
  BZ_TRY(const Parsed written, parse_select(std::string(kSelect) + std::string(text)));
  if (only_expression(*written.tree) == nullptr)
    return fail(Errc::Malformed, "a filter is one expression and nothing beside it");
  // The places of attributes are those in the canonical text, which must read back to itself.
  BZ_TRY(const Parsed canonical, parse_select(written.deparsed));
  const PgQuery__Node* node = only_expression(*canonical.tree);
  if (node == nullptr || !written.deparsed.starts_with(kSelect)) {
    return fail(Errc::Unsupported, "a filter that does not come back as it was written");
  }
  FilterExpression out;
  out.filter.text = written.deparsed.substr(kSelect.size());
  Walker walker(out);
  BZ_CHECK(walker.expression(node));
  if (!same_tree(*written.tree, *canonical.tree)) {
    return fail(Errc::Unsupported, "a filter that does not come back as it was written");
  }
  std::ranges::sort(walker.slots);
  for (auto& [place, attribute] : walker.slots) {
    const std::size_t offset = place - kSelect.size();
    out.filter.slots.push_back({offset, reference_length(out.filter.text, offset), std::move(attribute)});
  }
  sort_unique(out.columns);
  sort_unique(out.qualifiers);
  sort_unique(out.mapping);
  sort_unique(out.attributes);
  return out;
}

FilterTemplate tenant_filter(std::string_view column) {
  FilterTemplate out;
  out.text = sql_identifier(column) + " = ";
  out.slots.push_back({out.text.size(), std::string_view("subject.tenant").size(), std::string(kTenantAttribute)});
  out.text += "subject.tenant";
  return out;
}

FilterTemplate with_tenant_guard(FilterTemplate filter) {
  const auto tenant = [](const FilterSlot& slot) { return slot.attribute == kTenantAttribute; };
  if (std::ranges::none_of(filter.slots, tenant)) return filter;
  filter.text = "(" + filter.text + ") AND ";
  for (FilterSlot& slot : filter.slots) ++slot.offset;
  filter.slots.push_back(
      {filter.text.size(), std::string_view("subject.tenant").size(), std::string(kTenantAttribute)});
  filter.text += "subject.tenant IS NOT NULL";
  return filter;
}

}  // namespace bartizan::policy
