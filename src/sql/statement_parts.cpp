#include "statement_parts.hpp"

#include "encryption_scan.hpp"

namespace bartizan::sql {
namespace {

bool is_query(const PgQuery__Node& node) {
  switch (static_cast<int>(node.node_case)) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
    case PG_QUERY__NODE__NODE_MERGE_STMT: return true;
    default: return false;
  }
}

}  // namespace

StatementParts parts_of(PgQuery__Node& statement) {
  StatementParts parts;
  PgQuery__Node* node = &statement;
  if (node->node_case == PG_QUERY__NODE__NODE_EXPLAIN_STMT) {
    parts.explains = true;
    node = node->explain_stmt->query;
  }
  switch (node == nullptr ? 0 : static_cast<int>(node->node_case)) {
    case PG_QUERY__NODE__NODE_COPY_STMT: parts.copy = node->copy_stmt; break;
    case PG_QUERY__NODE__NODE_EXECUTE_STMT: parts.execute = node->execute_stmt; break;
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      parts.prepare = node->prepare_stmt;
      parts.query = node->prepare_stmt->query;
      break;
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT: parts.query = node->declare_cursor_stmt->query; break;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      parts.makes_table = true;
      parts.query = node->create_table_as_stmt->query;
      if (parts.query != nullptr && parts.query->node_case == PG_QUERY__NODE__NODE_EXECUTE_STMT) {
        parts.execute = parts.query->execute_stmt;
        parts.query = nullptr;
      }
      break;
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      parts.makes_view = true;
      parts.query = node->view_stmt->query;
      break;
    default: parts.query = node != nullptr && is_query(*node) ? node : nullptr;
  }
  return parts;
}

bool reads_rows(PgQuery__Node& statement) {
  const StatementParts parts = parts_of(statement);
  return !parts.makes_view && (parts.query != nullptr || parts.copy != nullptr);
}

bool may_change_names(const PgQuery__Node& statement) {
  switch (static_cast<int>(statement.node_case)) {
    case PG_QUERY__NODE__NODE_DISCARD_STMT: return true;
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT: {
      const PgQuery__VariableSetStmt& set = *statement.variable_set_stmt;
      return set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL || is_watched_setting(set.name);
    }
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:  // SET LOCAL ends, SET may be undone
      return statement.transaction_stmt->kind != PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN &&
             statement.transaction_stmt->kind != PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START &&
             statement.transaction_stmt->kind != PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT &&
             statement.transaction_stmt->kind != PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE;
    default: return false;
  }
}

}  // namespace bartizan::sql
