#include "encryption_ddl.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "bartizan/sql/lexer.hpp"
#include "node_access.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

constexpr std::string_view kDecryptFirst = "Decrypt the column first (bartizan encryption decrypt), or leave it out.";

constexpr std::string_view kDetokenizeFirst =
    "Detokenize the column first (bartizan column detokenize), or leave it out.";

Refused refusal(std::string_view sqlstate, std::string message, std::string_view hint = {}) {
  return {std::string(sqlstate), std::move(message), std::string(hint), 0};
}

std::vector<const EncryptedColumns::Guarded*> named_in(const PgQuery__Node& statement, const EncryptedColumns& columns,
                                                       const RelationNames& names) {
  std::vector<const EncryptedColumns::Guarded*> found;
  std::vector<const ProtobufCMessage*> stack{&statement.base};
  while (!stack.empty()) {
    const ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    if (message.descriptor == &pg_query__range_var__descriptor) {
      const auto relation = names.find(as_message<PgQuery__RangeVar>(message)).relation;
      const auto* const guarded = relation == nullptr ? nullptr : columns.guarded(relation->oid);
      if (guarded != nullptr) found.push_back(guarded);
    }
    push_children(message, stack);
  }
  return found;
}

/// No constant in it, which would be a value beside tokens.
bool indexes_names_alone(const PgQuery__Node& statement) {
  if (statement.node_case != PG_QUERY__NODE__NODE_INDEX_STMT || statement.index_stmt->where_clause != nullptr)
    return false;
  const PgQuery__IndexStmt& index = *statement.index_stmt;
  return std::all_of(index.index_params, index.index_params + index.n_index_params, [](const PgQuery__Node* node) {
    return node->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM && node->index_elem->expr == nullptr;
  });
}

/// Names an encrypted column, or one that holds an index, anywhere. An index over tokens is one as over any text.
std::optional<Refused> names_cells(const PgQuery__Node& statement,
                                   const std::vector<const EncryptedColumns::Guarded*>& named) {
  for (const auto* const guarded : named) {
    for (std::size_t i = 0; i < guarded->columns.size(); ++i) {
      const std::string& name = guarded->relation->columns[i].name;
      if ((guarded->columns[i].cell == nullptr && !guarded->columns[i].hidden) || !has_text(statement.base, name)) {
        continue;
      }
      const bool tokens = guarded->columns[i].cell != nullptr && guarded->columns[i].cell->tokens != TokenUse::None;
      if (tokens && indexes_names_alone(statement)) continue;
      return refusal("0A000",
                     "column \"" + name + "\" of \"" + guarded->relation->name +
                         (tokens ? "\" is tokenised" : "\" is encrypted") + ": this can't be done to it",
                     tokens ? kDetokenizeFirst : kDecryptFirst);
    }
  }
  return std::nullopt;
}

/// Names a column of the key that row-bound cells are bound by: what changes or drops it would shut them.
std::optional<Refused> names_row_key(const PgQuery__Node& statement,
                                     const std::vector<const EncryptedColumns::Guarded*>& named) {
  for (const auto* const guarded : named) {
    for (const auto& column : guarded->columns) {
      if (column.cell == nullptr) continue;
      for (const AttrNumber attnum : column.cell->row_key) {
        const CatalogColumn* const part = guarded->relation->column(attnum);
        if (part == nullptr || !has_text(statement.base, part->name)) continue;
        return refusal("0A000",
                       "column \"" + part->name + "\" of \"" + guarded->relation->name +
                           "\" can't be altered: encrypted values are bound to it",
                       kDecryptFirst);
      }
    }
  }
  return std::nullopt;
}

// Its rows' shape and name stay as they are; that no encrypted column is named was seen.
bool may_alter(const PgQuery__AlterTableCmd& command) {
  switch (static_cast<int>(command.subtype)) {
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AddInherit:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_DropInherit:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AddOf:
    case PG_QUERY__ALTER_TABLE_TYPE__AT_DropOf: return false;
    default: return true;
  }
}

bool may_name_guarded(const PgQuery__Node& statement) {
  switch (static_cast<int>(statement.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
    case PG_QUERY__NODE__NODE_CLUSTER_STMT:
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
    case PG_QUERY__NODE__NODE_LOCK_STMT:
    case PG_QUERY__NODE__NODE_GRANT_STMT:
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
    case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
    case PG_QUERY__NODE__NODE_INDEX_STMT:
    case PG_QUERY__NODE__NODE_CREATE_STATS_STMT:
    case PG_QUERY__NODE__NODE_CREATE_POLICY_STMT:
    case PG_QUERY__NODE__NODE_ALTER_POLICY_STMT:
    case PG_QUERY__NODE__NODE_CREATE_PUBLICATION_STMT:
    case PG_QUERY__NODE__NODE_ALTER_PUBLICATION_STMT: return true;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT: {
      const PgQuery__AlterTableStmt& alter = *statement.alter_table_stmt;
      return std::all_of(alter.cmds, alter.cmds + alter.n_cmds, [](const PgQuery__Node* node) {
        return node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_CMD && may_alter(*node->alter_table_cmd);
      });
    }
    case PG_QUERY__NODE__NODE_CREATE_STMT: {
      const PgQuery__CreateStmt& create = *statement.create_stmt;
      const auto is_like = [](const PgQuery__Node* node) {
        return node->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE;
      };
      return (create.n_inh_relations == 0 || create.partbound != nullptr) &&
             std::none_of(create.table_elts, create.table_elts + create.n_table_elts, is_like);
    }
    default: return false;
  }
}

bool is_identifier(TokenKind kind) {
  return kind == TokenKind::Identifier || kind == TokenKind::QuotedIdentifier || kind == TokenKind::UnicodeIdentifier;
}

std::string unquoted(std::string_view token) {
  std::string result;
  if (token.starts_with('"') && token.size() >= 2) {
    for (std::size_t i = 1; i + 1 < token.size(); ++i) {
      if (token[i] == '"') ++i;
      result += token[i];
    }
    return result;
  }
  for (const char c : token) result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

/// Whether a function's body may speak of what is encrypted, as far as its words tell.
bool body_mentions(std::string_view body, const EncryptedColumns& columns) {
  Lexer lexer(body, LexOptions{});
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    if (token.kind == TokenKind::Error || token.kind == TokenKind::UnicodeIdentifier) return true;
    const bool string = is_string(token.kind);  // it may be run
    if (!string && !is_identifier(token.kind)) continue;
    const std::string name = unquoted(token.in(body));
    for (const auto& [oid, guarded] : columns.all()) {
      if (string ? name.find(guarded.relation->name) != std::string::npos : guarded.relation->name == name) return true;
    }
  }
  return false;
}

std::optional<Refused> create_function(const PgQuery__CreateFunctionStmt& create, const EncryptedColumns& columns,
                                       const ScanResult& scanned) {
  const std::string_view name =
      create.n_funcname == 0 ? std::string_view{} : string_value(create.funcname[create.n_funcname - 1]);
  bool mentions = scanned.guarded;
  for (std::size_t i = 0; i < create.n_options && !mentions; ++i) {
    const PgQuery__DefElem& option = *create.options[i]->def_elem;
    if (std::string_view(option.defname) != "as" || option.arg == nullptr ||
        option.arg->node_case != PG_QUERY__NODE__NODE_LIST) {
      continue;
    }
    const PgQuery__List& parts = *option.arg->list;
    mentions = std::any_of(parts.items, parts.items + parts.n_items,
                           [&](const PgQuery__Node* part) { return body_mentions(string_value(part), columns); });
  }
  if (mentions) {
    return refusal("0A000", "function \"" + std::string(name) + "\" names a table with encrypted columns",
                   "What a function does with them can't be seen: do it in the application.");
  }
  const bool replaces =
      create.replace != 0 && std::any_of(columns.reviewed().begin(), columns.reviewed().end(), [&](Oid oid) {
        const auto* const function = columns.catalog().function(oid);
        return function != nullptr && function->name == name;
      });
  if (replaces) {
    return refusal("0A000", "function \"" + std::string(name) + "\" was reviewed and can't be replaced",
                   "Withdraw its review first.");
  }
  return std::nullopt;
}

/// Objects that have no RangeVar: a schema with encrypted tables, the cells' domain.
std::optional<Refused> reaches_otherwise(const PgQuery__Node& statement, const EncryptedColumns& columns) {
  const auto node = static_cast<int>(statement.node_case);
  const bool renames = node == PG_QUERY__NODE__NODE_RENAME_STMT;
  const bool alters_domain = node == PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT;
  const bool drops = node == PG_QUERY__NODE__NODE_DROP_STMT &&
                     (statement.drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN ||
                      statement.drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE);
  const bool moves = node == PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT;
  if (!renames && !alters_domain && !drops && !moves) return std::nullopt;
  for (const auto& [oid, guarded] : columns.all()) {
    if (renames && statement.rename_stmt->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA &&
        guarded.relation->schema == statement.rename_stmt->subname) {
      return refusal("0A000", "schema \"" + guarded.relation->schema +
                                  "\" has tables with encrypted columns and can't be renamed");
    }
    for (std::size_t i = 0; i < guarded.columns.size(); ++i) {
      if (guarded.columns[i].cell == nullptr) continue;
      const CatalogType* const type = columns.catalog().type(guarded.relation->columns[i].type);
      if (type == nullptr || type->kind != TypeKind::Domain || !has_text(statement.base, type->name)) continue;
      return refusal("0A000", "\"" + type->name + "\" is the type of encrypted columns: this can't be done to it");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refused> refuse_ddl(const PgQuery__Node& statement, const ScanResult& scanned,
                                  const EncryptedColumns& columns, const RelationNames& names) {
  switch (static_cast<int>(statement.node_case)) {
    case PG_QUERY__NODE__NODE_DO_STMT:
      return refusal("0A000", "DO can't be seen into, and this database has encrypted columns",
                     "Send its statements one by one.");
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
      return create_function(*statement.create_function_stmt, columns, scanned);
    default: break;
  }
  if (auto refused = reaches_otherwise(statement, columns)) return refused;
  if (!scanned.guarded) return std::nullopt;
  const auto named = named_in(statement, columns, names);
  const std::string table = named.empty() ? "it" : "\"" + named.front()->relation->name + "\"";
  if (!may_name_guarded(statement)) {
    return refusal("0A000", table + " has encrypted columns: this statement is not supported on it", kDecryptFirst);
  }
  const auto node = static_cast<int>(statement.node_case);
  const bool harmless = node == PG_QUERY__NODE__NODE_TRUNCATE_STMT || node == PG_QUERY__NODE__NODE_VACUUM_STMT ||
                        node == PG_QUERY__NODE__NODE_LOCK_STMT || node == PG_QUERY__NODE__NODE_GRANT_STMT;
  if (node == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
    if (auto refused = names_row_key(statement, named)) return refused;
  }
  return harmless ? std::nullopt : names_cells(statement, named);
}

}  // namespace bartizan::sql
