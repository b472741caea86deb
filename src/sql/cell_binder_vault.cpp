// Tokens that stand for entries of the vault (docs/formats/vault.md): what a session sends for them and what it is
// shown pass through functions of ours in the depot. In between, the server has tokens, as of other columns of tokens.
#include <algorithm>

#include "cell_binder.hpp"
#include "parameter_plan.hpp"

namespace bartizan::sql {

namespace {

constexpr std::string_view kSchema = "bartizan_cells";

void become_vault_call(TreeEditor& edit, PgQuery__Node& node, std::string_view function, const std::string& column) {
  PgQuery__Node* const argument = edit.moved(node);
  PgQuery__Node* const id = edit.moved(node);
  edit.become_string(*id, column);
  edit.become_call(node, kSchema, function);
  edit.append(node.func_call->args, node.func_call->n_args, id);
  edit.append(node.func_call->args, node.func_call->n_args, argument);
}

}  // namespace

void ask_vault(TreeEditor& edit, PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action) {
  if (column.vault.empty() || !makes_token(action)) return;
  const std::string_view function = action == CellAction::Token           ? "token_for"
                                    : action == CellAction::TokenCompared ? "token_of"
                                                                          : "tokens_of";
  become_vault_call(edit, node, function, column.vault);
}

bool CellBinder::open_vault(PgQuery__Node& node) {
  const auto vaulted = [&](const BoundColumn& column) {
    return cell(column) != nullptr && !cell(column)->vault.empty();
  };
  if (std::none_of(output_.list.begin(), output_.list.end(), vaulted)) return true;
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_SELECT_STMT: return open_vault(*node.select_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return open_vault(node.insert_stmt->returning_list, node.insert_stmt->n_returning_list);
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return open_vault(node.update_stmt->returning_list, node.update_stmt->n_returning_list);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return open_vault(node.delete_stmt->returning_list, node.delete_stmt->n_returning_list);
    default: return unknown("this kind of query");
  }
}

bool CellBinder::open_vault(PgQuery__SelectStmt& select) {
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE) return open_vault(*select.larg) && open_vault(*select.rarg);
  if (select.n_values_lists != 0) return unknown("VALUES with a column of vaulted tokens");
  return open_vault(select.target_list, select.n_target_list);
}

bool CellBinder::open_vault(Nodes list, std::size_t count) {
  if (!output_.known || count < output_.list.size()) return unknown("* with a column of vaulted tokens");
  for (std::size_t i = 0; i < output_.list.size(); ++i) {
    const EncryptedColumnSpec* const column = cell(output_.list[i]);
    if (column == nullptr || column->vault.empty()) continue;
    PgQuery__ResTarget& target = *list[i]->res_target;
    if (*target.name == '\0') target.name = edit_.text(output_.list[i].name);
    become_vault_call(edit_, *target.val, "sealed_for", column->vault);
    edited_ = true;
  }
  return true;
}

bool CellBinder::copy_vault(bool in) {
  for (const BoundColumn& column : output_.list) {
    const EncryptedColumnSpec* const given = cell(column);
    if (given == nullptr || given->vault.empty()) continue;
    return refuse("0A000", described(*given) + " holds vaulted tokens and can't be copied as a table", -1,
                  in ? "Write its values by INSERT." : "Use COPY (SELECT …) TO STDOUT.");
  }
  return true;
}

}  // namespace bartizan::sql
