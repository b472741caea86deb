// Statements that are no queries: COPY, transactions, settings, prepared statements and cursors.
#include <algorithm>

#include "binder.hpp"
#include "node_access.hpp"
#include "plain_types.hpp"

namespace bartizan::sql {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_utf8_name(std::string_view value) {
  std::string name = lower(value);
  std::erase_if(name, [](char c) { return c == '-' || c == '_' || c == ' '; });
  return name == "utf8" || name == "unicode";
}

bool is_on(const PgQuery__Node& node) {
  const std::string value = lower(string_constant(&node));
  const bool constant = node.node_case == PG_QUERY__NODE__NODE_A_CONST;
  return value == "on" || value == "true" || value == "yes" ||
         (constant && node.a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL && node.a_const->ival->ival == 1) ||
         (constant && node.a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL && node.a_const->boolval->boolval != 0);
}

constexpr std::string_view kOtherIdentity = "Use an identity that is under no mask or filter for it.";

struct KindRule {
  Kind kind;
  std::string_view sqlstate;
  std::string_view hint;
};

constexpr KindRule kKindRules[] = {
    {Kind::Explain, "0A000", "Plans and row counts tell of values that a policy hides."},
    {Kind::Merge, "0A000", "Use INSERT … ON CONFLICT, or UPDATE and INSERT."},
    {Kind::Lock, "42501", "SELECT … FOR UPDATE locks the rows that are visible."},
    {Kind::Listen, "42501", "Notifications reach identities across policies."},
    {Kind::Unlisten, "42501", "Notifications reach identities across policies."},
    {Kind::Notify, "42501", "Notifications reach identities across policies."},
    {Kind::Do, "42501", "Send its statements one by one."},
    {Kind::Call, "42501", "A procedure's statements can't be seen from its call."},
};

constexpr std::string_view kCopyOptions[] = {"delimiter", "escape", "force_quote", "format", "header", "null", "quote"};

}  // namespace

bool Binder::refuse_kind() {
  const auto* const rule = std::find_if(std::begin(kKindRules), std::end(kKindRules),
                                        [&](const KindRule& r) { return r.kind == facts_.kind; });
  const bool listed = rule != std::end(kKindRules);
  return refuse(listed ? rule->sqlstate : "42501",
                std::string(facts_.command_tag) + " is not permitted for identities under a policy", -1,
                listed ? rule->hint : kOtherIdentity);
}

bool Binder::session_name(std::string_view name) {
  if (!name.starts_with("bartizan") && !name.starts_with("bz_")) return true;
  return refuse("42939", "names beginning with bartizan or bz_ are reserved", -1);
}

bool Binder::copy_options(const PgQuery__CopyStmt& copy) {
  for (std::size_t i = 0; i < copy.n_options; ++i) {
    const PgQuery__DefElem& option = *copy.options[i]->def_elem;
    const std::string_view name = option.defname;
    if (name == "encoding" && option.arg != nullptr && is_utf8_name(string_value(option.arg))) continue;
    if (std::find(std::begin(kCopyOptions), std::end(kCopyOptions), name) == std::end(kCopyOptions)) {
      return unsupported("this option of COPY", option.location);
    }
  }
  return true;
}

bool Binder::copy_table(PgQuery__CopyStmt& copy) {
  const CatalogRelation* relation = nullptr;
  const ClassView* view = nullptr;
  if (!base_relation(*copy.relation, relation, view)) return false;
  if (relation->kind == RelKind::Table && relation->has_children) {
    return unsupported("COPY of a table with children", copy.relation->location, "Use COPY (SELECT …) TO STDOUT.");
  }
  PgQuery__SelectStmt* const select = edit_.select();
  for (std::size_t i = 0; i < copy.n_attlist; ++i) {
    edit_.append(select->target_list, select->n_target_list,
                 edit_.target({}, edit_.column_ref({string_value(copy.attlist[i])})));
  }
  for (std::size_t i = 0; copy.n_attlist == 0 && i < view->columns.size(); ++i) {
    const CatalogColumn* const column = relation->column(view->columns[i].attnum);
    if (column == nullptr || !view->columns[i].readable || column->generated != Generated::No) continue;
    edit_.append(select->target_list, select->n_target_list, edit_.target({}, edit_.column_ref({column->name})));
  }
  if (select->n_target_list == 0) {
    return refuse("42501", "permission denied for relation " + std::string(copy.relation->relname),
                  copy.relation->location);
  }
  edit_.append(select->from_clause, select->n_from_clause, edit_.node(copy.relation));
  copy.query = edit_.node(select);
  copy.relation = nullptr;
  copy.n_attlist = 0;
  return true;
}

bool Binder::copy(PgQuery__CopyStmt& copy) {
  if (copy.is_program != 0 || *copy.filename != '\0') {
    return refuse("42501", "COPY from or to the server's files and programs is not permitted", -1,
                  "Use COPY … TO STDOUT.");
  }
  if (copy.is_from != 0) return unsupported("COPY FROM", -1, "Use INSERT with several rows.");
  if (!copy_options(copy)) return false;
  if (copy.relation != nullptr && !copy_table(copy)) return false;
  if (copy.query == nullptr || copy.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unsupported("COPY of this query", -1);
  }
  return top_query(*copy.query);
}

bool Binder::transaction(const PgQuery__TransactionStmt& transaction) {
  switch (transaction.kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK: return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO: return session_name(transaction.savepoint_name);
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT_PREPARED:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_PREPARED:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANSACTION_STMT_KIND_UNDEFINED:
    case _PG_QUERY__TRANSACTION_STMT_KIND_IS_INT_SIZE: break;
  }
  return unsupported("two-phase commit", -1);
}

bool Binder::virtual_setting(const PgQuery__VariableSetStmt& set, std::string name) {
  VirtualSetting setting;
  setting.name = std::move(name);
  setting.local = set.is_local != 0;
  if (set.kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE) {
    setting.action = VirtualSetting::Action::Reset;
  }
  for (std::size_t i = 0; i < set.n_args; ++i) {
    const std::string_view value = string_constant(set.args[i]);
    const bool is_string = set.args[i]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                           set.args[i]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    if (!is_string) return refuse("22023", "invalid value for parameter \"" + setting.name + "\"", -1);
    setting.values.emplace_back(value);
  }
  facts_.virtual_setting = std::move(setting);
  return true;
}

bool Binder::set_values(const PgQuery__VariableSetStmt& set, std::string_view name, SettingRule rule) {
  for (std::size_t i = 0; i < set.n_args; ++i) {
    const PgQuery__Node& value = *set.args[i];
    if (value.node_case != PG_QUERY__NODE__NODE_A_CONST) {
      return unsupported("this kind of value for a setting", -1, "Use a constant.");
    }
    if (rule == SettingRule::Utf8 && !is_utf8_name(string_constant(&value))) {
      return unsupported("a client_encoding other than UTF8", -1);
    }
    if (rule == SettingRule::On && !is_on(value)) {
      return unsupported(std::string(name) + " = off", -1, "Use E'…' for strings with backslashes.");
    }
  }
  return true;
}

bool Binder::set(const PgQuery__VariableSetStmt& set) {
  const std::string name = lower(set.name);
  const auto denied = [&] {
    return refuse("42501", "permission denied to set parameter \"" + name + "\"", -1,
                  "Only settings of the session's output, locale, time-outs and transactions can be set.");
  };
  switch (set.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
      facts_.virtual_setting = VirtualSetting{VirtualSetting::Action::Reset, {}, {}, false};
      return true;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI: {
      if (name != "transaction" && name != "session characteristics") return denied();
      return true;  // the grammar lets nothing else in but access modes and isolation levels
    }
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET: break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT:
    case PG_QUERY__VARIABLE_SET_KIND__VARIABLE_SET_KIND_UNDEFINED:
    case _PG_QUERY__VARIABLE_SET_KIND_IS_INT_SIZE: return denied();
  }
  const SettingRule rule = setting_rule(name);
  switch (rule) {
    case SettingRule::Refused:
    case SettingRule::ShowOnly: return denied();
    case SettingRule::Virtual: return virtual_setting(set, name);
    case SettingRule::Free:
    case SettingRule::Utf8:
    case SettingRule::On: break;
  }
  return set_values(set, name, rule);
}

bool Binder::show(const PgQuery__VariableShowStmt& show) {
  const std::string name = lower(show.name);
  const SettingRule rule = setting_rule(name);
  if (rule == SettingRule::Refused) {
    return refuse("42501", "permission denied to examine \"" + name + "\"", -1);
  }
  if (rule == SettingRule::Virtual) {
    facts_.virtual_setting = VirtualSetting{VirtualSetting::Action::Show, name, {}, false};
  }
  return true;
}

bool Binder::prepare(PgQuery__PrepareStmt& prepare) {
  if (!session_name(prepare.name) || !type_names(prepare.argtypes, prepare.n_argtypes)) return false;
  if (prepare.query == nullptr) return unsupported("this PREPARE", -1);
  if (!top_query(*prepare.query)) return false;
  for (std::size_t i = 0; facts_.plain_parameters && i < prepare.n_argtypes; ++i) {
    const PgQuery__TypeName& type = *prepare.argtypes[i]->type_name;
    const bool plain =
        type.n_names == 2 && string_value(type.names[0]) == "pg_catalog" && is_plain_type(string_value(type.names[1]));
    if (!plain) return unsupported("this type of a parameter beside a table of aggregates alone", type.location);
  }
  return true;
}

bool Binder::execute(PgQuery__ExecuteStmt& execute) {
  Level none;
  facts_.needs_transaction_context = true;  // what it runs was judged when it was prepared
  facts_.output_known = false;
  return session_name(execute.name) && expressions(execute.params, execute.n_params, {none, nullptr});
}

bool Binder::declare(PgQuery__DeclareCursorStmt& declare) {
  if (declare.query == nullptr || declare.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return unsupported("a cursor for this query", -1);
  }
  return session_name(declare.portalname) && top_query(*declare.query);
}

}  // namespace bartizan::sql
