#include "statement_kinds.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "char_class.hpp"
#include "object_tags.hpp"

namespace bartizan::sql {

namespace {

using Node = PgQuery__Node;
using Refine = void (*)(const Node&, Statement&);

constexpr int kCursorHold = 0x0020;  // CURSOR_OPT_HOLD

std::string folded(std::string_view name) {
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(), ascii_lower);
  return result;
}

void select(const Node& node, Statement& statement) {
  const PgQuery__SelectStmt* query = node.select_stmt;
  while (query->larg != nullptr) query = query->larg;  // INTO stands in the first of a UNION
  if (query->into_clause == nullptr) return;
  statement.command_tag = "SELECT INTO";
  statement.may_return_rows = false;
}
void insert(const Node& node, Statement& s) { s.may_return_rows = node.insert_stmt->n_returning_list > 0; }
void update(const Node& node, Statement& s) { s.may_return_rows = node.update_stmt->n_returning_list > 0; }
void remove(const Node& node, Statement& s) { s.may_return_rows = node.delete_stmt->n_returning_list > 0; }

void transaction(const Node& node, Statement& statement) {
  struct Row {
    PgQuery__TransactionStmtKind kind;
    Kind meaning;
    Effect effect;
    std::string_view tag;
  };
  static constexpr std::array<Row, 10> kRows = {{
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN, Kind::Begin, Effect::Session, "BEGIN"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START, Kind::Begin, Effect::Session, "START TRANSACTION"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT, Kind::Commit, Effect::Write, "COMMIT"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK, Kind::Rollback, Effect::Session, "ROLLBACK"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT, Kind::Savepoint, Effect::Session, "SAVEPOINT"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE, Kind::Release, Effect::Session, "RELEASE"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO, Kind::RollbackTo, Effect::Session, "ROLLBACK"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE, Kind::PrepareTransaction, Effect::Write,
       "PREPARE TRANSACTION"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT_PREPARED, Kind::CommitPrepared, Effect::Write,
       "COMMIT PREPARED"},
      {PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_PREPARED, Kind::RollbackPrepared, Effect::Write,
       "ROLLBACK PREPARED"},
  }};
  const PgQuery__TransactionStmt& transaction = *node.transaction_stmt;
  statement.transaction_control = true;
  statement.chain = transaction.chain != 0;
  statement.name = transaction.savepoint_name;  // and not gid, which is a literal
  for (const auto& row : kRows) {
    if (row.kind != transaction.kind) continue;
    statement.kind = row.meaning;
    statement.effect = row.effect;
    statement.command_tag = row.tag;
  }
}

void set(const Node& node, Statement& statement) {
  const PgQuery__VariableSetStmt& set = *node.variable_set_stmt;
  statement.name = folded(set.name);
  if (set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET || set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL) {
    statement.kind = Kind::Reset;
    statement.command_tag = "RESET";
    return;
  }
  const bool transaction_only = statement.name == "transaction" || statement.name == "transaction snapshot";
  if (set.is_local != 0 || transaction_only) {
    statement.kind = Kind::SetLocal;
    statement.sets_path = statement.name == "search_path";
  } else if (set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT) {
    statement.kind = Kind::Reset;
  } else if (!setting_is_reported(statement.name)) {
    statement.pin = PinReason::SetUntracked;
  }
}
void set_constraints(const Node& /*node*/, Statement& s) { s.name = "constraints"; }
void show(const Node& node, Statement& s) {
  const auto name = folded(node.variable_show_stmt->name);
  if (name != "all") s.name = name;
}

void copy(const Node& node, Statement& statement) {
  const PgQuery__CopyStmt& copy = *node.copy_stmt;
  if (copy.is_program != 0 || *copy.filename != '\0') return;  // on the server: Write, whichever way
  statement.kind = copy.is_from != 0 ? Kind::CopyIn : Kind::CopyOut;
  statement.effect = copy.is_from != 0 ? Effect::Write : Effect::Read;
}

void discard(const Node& node, Statement& s) {
  const auto target = node.discard_stmt->target;
  if (target == PG_QUERY__DISCARD_MODE__DISCARD_PLANS) s.name = "plans";
  if (target == PG_QUERY__DISCARD_MODE__DISCARD_SEQUENCES) s.name = "sequences";
  if (target == PG_QUERY__DISCARD_MODE__DISCARD_TEMP) s.name = "temp";
}

void prepare(const Node& node, Statement& s) {
  s.name = node.prepare_stmt->name;
  s.pin = PinReason::SqlPrepare;
}
void execute(const Node& node, Statement& s) { s.name = node.execute_stmt->name; }
void deallocate(const Node& node, Statement& s) { s.name = node.deallocate_stmt->name; }
void declare(const Node& node, Statement& s) {
  s.name = node.declare_cursor_stmt->portalname;
  if ((node.declare_cursor_stmt->options & kCursorHold) != 0) s.pin = PinReason::WithHoldCursor;
}
void fetch(const Node& node, Statement& s) {
  s.name = node.fetch_stmt->portalname;
  if (node.fetch_stmt->ismove == 0) return;
  s.command_tag = "MOVE";
  s.may_return_rows = false;
}
void close(const Node& node, Statement& s) { s.name = node.close_portal_stmt->portalname; }
void listen(const Node& node, Statement& s) {
  s.name = node.listen_stmt->conditionname;
  s.pin = PinReason::Listen;
}
void unlisten(const Node& node, Statement& s) { s.name = node.unlisten_stmt->conditionname; }
void notify(const Node& node, Statement& s) { s.name = node.notify_stmt->conditionname; }
void anonymous_block(const Node& /*node*/, Statement& s) { s.pin = PinReason::Unknown; }
void load(const Node& /*node*/, Statement& s) { s.pin = PinReason::Load; }
void explain(const Node& node, Statement& s) {
  const Node* query = node.explain_stmt->query;
  if (query != nullptr && query->node_case == PG_QUERY__NODE__NODE_EXECUTE_STMT) s.name = query->execute_stmt->name;
  if (inner_query(node) == Inner::Deferred) s.effect = Effect::Read;
}
void grant(const Node& node, Statement& s) { s.command_tag = node.grant_stmt->is_grant != 0 ? "GRANT" : "REVOKE"; }
void grant_role(const Node& node, Statement& s) {
  s.command_tag = node.grant_role_stmt->is_grant != 0 ? "GRANT ROLE" : "REVOKE ROLE";
}
void vacuum(const Node& node, Statement& s) {
  s.command_tag = node.vacuum_stmt->is_vacuumcmd != 0 ? "VACUUM" : "ANALYZE";
}
void create_as(const Node& node, Statement& s) {
  const Node* query = node.create_table_as_stmt->query;
  if (query != nullptr && query->node_case == PG_QUERY__NODE__NODE_EXECUTE_STMT) s.name = query->execute_stmt->name;
  if (node.create_table_as_stmt->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW) {
    s.command_tag = "CREATE MATERIALIZED VIEW";
  }
}
void create_routine(const Node& node, Statement& s) {
  if (node.create_function_stmt->is_procedure != 0) s.command_tag = "CREATE PROCEDURE";
}
void define(const Node& node, Statement& s) { s.command_tag = create_tag(node.define_stmt->kind); }
void drop(const Node& node, Statement& s) { s.command_tag = drop_tag(node.drop_stmt->remove_type); }
void alter_table(const Node& node, Statement& s) { s.command_tag = alter_tag(node.alter_table_stmt->objtype); }
void alter_routine(const Node& node, Statement& s) { s.command_tag = alter_tag(node.alter_function_stmt->objtype); }
void rename(const Node& node, Statement& s) {
  const PgQuery__RenameStmt& rename = *node.rename_stmt;
  const bool part = rename.relation_type != PG_QUERY__OBJECT_TYPE__OBJECT_TYPE_UNDEFINED &&
                    (rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN ||
                     rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_ATTRIBUTE);
  s.command_tag = alter_tag(part ? rename.relation_type : rename.rename_type);
}
void alter_owner(const Node& node, Statement& s) { s.command_tag = alter_tag(node.alter_owner_stmt->object_type); }
void alter_schema(const Node& node, Statement& s) {
  s.command_tag = alter_tag(node.alter_object_schema_stmt->object_type);
}
void alter_depends(const Node& node, Statement& s) {
  s.command_tag = alter_tag(node.alter_object_depends_stmt->object_type);
}
void no_name(const Node& /*node*/, Statement& /*s*/) {}

struct Row {
  PgQuery__Node__NodeCase node;
  Kind kind;
  Effect effect;
  bool rows;
  std::string_view tag;
  Refine refine = no_name;
};

#define BZ_NODE(name) PG_QUERY__NODE__NODE_##name##_STMT
constexpr Row ddl(PgQuery__Node__NodeCase node, std::string_view tag, Refine refine = no_name) {
  return {node, Kind::Ddl, Effect::Write, false, tag, refine};
}

constexpr std::array kRows = {
    Row{BZ_NODE(SELECT), Kind::Select, Effect::Read, true, "SELECT", select},
    Row{BZ_NODE(INSERT), Kind::Insert, Effect::Write, false, "INSERT", insert},
    Row{BZ_NODE(UPDATE), Kind::Update, Effect::Write, false, "UPDATE", update},
    Row{BZ_NODE(DELETE), Kind::Delete, Effect::Write, false, "DELETE", remove},
    Row{BZ_NODE(MERGE), Kind::Merge, Effect::Write, false, "MERGE"},
    Row{BZ_NODE(TRANSACTION), Kind::Unknown, Effect::Write, false, "", transaction},
    Row{BZ_NODE(COPY), Kind::CopyServer, Effect::Write, false, "COPY", copy},
    Row{BZ_NODE(VARIABLE_SET), Kind::Set, Effect::Session, false, "SET", set},
    Row{BZ_NODE(VARIABLE_SHOW), Kind::Show, Effect::Read, true, "SHOW", show},
    Row{BZ_NODE(CONSTRAINTS_SET), Kind::SetLocal, Effect::Session, false, "SET CONSTRAINTS", set_constraints},
    Row{BZ_NODE(DISCARD), Kind::Discard, Effect::Session, false, "DISCARD", discard},
    Row{BZ_NODE(PREPARE), Kind::Prepare, Effect::Session, false, "PREPARE", prepare},
    Row{BZ_NODE(EXECUTE), Kind::Execute, Effect::Write, true, "EXECUTE", execute},
    Row{BZ_NODE(DEALLOCATE), Kind::Deallocate, Effect::Session, false, "DEALLOCATE", deallocate},
    Row{BZ_NODE(DECLARE_CURSOR), Kind::Declare, Effect::Session, false, "DECLARE CURSOR", declare},
    Row{BZ_NODE(FETCH), Kind::Fetch, Effect::Write, true, "FETCH", fetch},
    Row{BZ_NODE(CLOSE_PORTAL), Kind::Close, Effect::Session, false, "CLOSE CURSOR", close},
    Row{BZ_NODE(LISTEN), Kind::Listen, Effect::Session, false, "LISTEN", listen},
    Row{BZ_NODE(UNLISTEN), Kind::Unlisten, Effect::Session, false, "UNLISTEN", unlisten},
    Row{BZ_NODE(NOTIFY), Kind::Notify, Effect::Write, false, "NOTIFY", notify},
    Row{BZ_NODE(EXPLAIN), Kind::Explain, Effect::Read, true, "EXPLAIN", explain},
    Row{BZ_NODE(LOCK), Kind::Lock, Effect::Write, false, "LOCK TABLE"},
    Row{BZ_NODE(DO), Kind::Do, Effect::Write, false, "DO", anonymous_block},
    Row{BZ_NODE(CALL), Kind::Call, Effect::Write, true, "CALL"},
    Row{BZ_NODE(GRANT), Kind::Grant, Effect::Write, false, "GRANT", grant},
    Row{BZ_NODE(GRANT_ROLE), Kind::Grant, Effect::Write, false, "GRANT ROLE", grant_role},
    Row{BZ_NODE(ALTER_DEFAULT_PRIVILEGES), Kind::Grant, Effect::Write, false, "ALTER DEFAULT PRIVILEGES"},
    Row{BZ_NODE(VACUUM), Kind::Utility, Effect::Write, false, "VACUUM", vacuum},
    Row{BZ_NODE(CLUSTER), Kind::Utility, Effect::Write, false, "CLUSTER"},
    Row{BZ_NODE(REINDEX), Kind::Utility, Effect::Write, false, "REINDEX"},
    Row{BZ_NODE(CHECK_POINT), Kind::Utility, Effect::Write, false, "CHECKPOINT"},
    Row{BZ_NODE(LOAD), Kind::Utility, Effect::Write, false, "LOAD", load},
    Row{BZ_NODE(REFRESH_MAT_VIEW), Kind::Utility, Effect::Write, false, "REFRESH MATERIALIZED VIEW"},
    Row{BZ_NODE(TRUNCATE), Kind::Ddl, Effect::Write, false, "TRUNCATE TABLE"},
    ddl(BZ_NODE(CREATE), "CREATE TABLE"),
    ddl(BZ_NODE(CREATE_TABLE_AS), "CREATE TABLE AS", create_as),
    ddl(BZ_NODE(CREATE_FOREIGN_TABLE), "CREATE FOREIGN TABLE"),
    ddl(BZ_NODE(ALTER_TABLE), "ALTER TABLE", alter_table),
    ddl(BZ_NODE(INDEX), "CREATE INDEX"),
    ddl(BZ_NODE(VIEW), "CREATE VIEW"),
    ddl(BZ_NODE(DROP), "DROP", drop),
    ddl(BZ_NODE(RENAME), "ALTER", rename),
    ddl(BZ_NODE(ALTER_OWNER), "ALTER", alter_owner),
    ddl(BZ_NODE(ALTER_OBJECT_SCHEMA), "ALTER", alter_schema),
    ddl(BZ_NODE(ALTER_OBJECT_DEPENDS), "ALTER", alter_depends),
    ddl(BZ_NODE(ALTER_TABLE_MOVE_ALL), "ALTER TABLE"),
    ddl(BZ_NODE(CREATE_FUNCTION), "CREATE FUNCTION", create_routine),
    ddl(BZ_NODE(ALTER_FUNCTION), "ALTER FUNCTION", alter_routine),
    ddl(BZ_NODE(DEFINE), "CREATE", define),
    ddl(BZ_NODE(COMMENT), "COMMENT"),
    ddl(BZ_NODE(SEC_LABEL), "SECURITY LABEL"),
    ddl(BZ_NODE(RULE), "CREATE RULE"),
    ddl(BZ_NODE(CREATE_TRIG), "CREATE TRIGGER"),
    ddl(BZ_NODE(CREATE_EVENT_TRIG), "CREATE EVENT TRIGGER"),
    ddl(BZ_NODE(ALTER_EVENT_TRIG), "ALTER EVENT TRIGGER"),
    ddl(BZ_NODE(CREATE_POLICY), "CREATE POLICY"),
    ddl(BZ_NODE(ALTER_POLICY), "ALTER POLICY"),
    ddl(BZ_NODE(CREATE_SEQ), "CREATE SEQUENCE"),
    ddl(BZ_NODE(ALTER_SEQ), "ALTER SEQUENCE"),
    ddl(BZ_NODE(CREATE_SCHEMA), "CREATE SCHEMA"),
    ddl(BZ_NODE(CREATE_DOMAIN), "CREATE DOMAIN"),
    ddl(BZ_NODE(ALTER_DOMAIN), "ALTER DOMAIN"),
    ddl(BZ_NODE(COMPOSITE_TYPE), "CREATE TYPE"),
    ddl(BZ_NODE(CREATE_ENUM), "CREATE TYPE"),
    ddl(BZ_NODE(CREATE_RANGE), "CREATE TYPE"),
    ddl(BZ_NODE(ALTER_ENUM), "ALTER TYPE"),
    ddl(BZ_NODE(ALTER_TYPE), "ALTER TYPE"),
    ddl(BZ_NODE(ALTER_COLLATION), "ALTER COLLATION"),
    ddl(BZ_NODE(ALTER_OPERATOR), "ALTER OPERATOR"),
    ddl(BZ_NODE(CREATE_CAST), "CREATE CAST"),
    ddl(BZ_NODE(CREATE_CONVERSION), "CREATE CONVERSION"),
    ddl(BZ_NODE(CREATE_OP_CLASS), "CREATE OPERATOR CLASS"),
    ddl(BZ_NODE(CREATE_OP_FAMILY), "CREATE OPERATOR FAMILY"),
    ddl(BZ_NODE(ALTER_OP_FAMILY), "ALTER OPERATOR FAMILY"),
    ddl(BZ_NODE(CREATE_TRANSFORM), "CREATE TRANSFORM"),
    ddl(BZ_NODE(CREATE_AM), "CREATE ACCESS METHOD"),
    ddl(BZ_NODE(CREATE_STATS), "CREATE STATISTICS"),
    ddl(BZ_NODE(ALTER_STATS), "ALTER STATISTICS"),
    ddl(BZ_NODE(CREATE_EXTENSION), "CREATE EXTENSION"),
    ddl(BZ_NODE(ALTER_EXTENSION), "ALTER EXTENSION"),
    ddl(BZ_NODE(ALTER_EXTENSION_CONTENTS), "ALTER EXTENSION"),
    ddl(BZ_NODE(CREATE_PLANG), "CREATE LANGUAGE"),
    ddl(BZ_NODE(CREATE_FDW), "CREATE FOREIGN DATA WRAPPER"),
    ddl(BZ_NODE(ALTER_FDW), "ALTER FOREIGN DATA WRAPPER"),
    ddl(BZ_NODE(CREATE_FOREIGN_SERVER), "CREATE SERVER"),
    ddl(BZ_NODE(ALTER_FOREIGN_SERVER), "ALTER SERVER"),
    ddl(BZ_NODE(CREATE_USER_MAPPING), "CREATE USER MAPPING"),
    ddl(BZ_NODE(ALTER_USER_MAPPING), "ALTER USER MAPPING"),
    ddl(BZ_NODE(DROP_USER_MAPPING), "DROP USER MAPPING"),
    ddl(BZ_NODE(IMPORT_FOREIGN_SCHEMA), "IMPORT FOREIGN SCHEMA"),
    ddl(BZ_NODE(CREATE_PUBLICATION), "CREATE PUBLICATION"),
    ddl(BZ_NODE(ALTER_PUBLICATION), "ALTER PUBLICATION"),
    ddl(BZ_NODE(CREATE_SUBSCRIPTION), "CREATE SUBSCRIPTION"),
    ddl(BZ_NODE(ALTER_SUBSCRIPTION), "ALTER SUBSCRIPTION"),
    ddl(BZ_NODE(DROP_SUBSCRIPTION), "DROP SUBSCRIPTION"),
    ddl(BZ_NODE(ALTER_TSDICTIONARY), "ALTER TEXT SEARCH DICTIONARY"),
    ddl(BZ_NODE(ALTER_TSCONFIGURATION), "ALTER TEXT SEARCH CONFIGURATION"),
    ddl(BZ_NODE(CREATE_TABLE_SPACE), "CREATE TABLESPACE"),
    ddl(BZ_NODE(DROP_TABLE_SPACE), "DROP TABLESPACE"),
    ddl(BZ_NODE(ALTER_TABLE_SPACE_OPTIONS), "ALTER TABLESPACE"),
    ddl(BZ_NODE(CREATEDB), "CREATE DATABASE"),
    ddl(BZ_NODE(DROPDB), "DROP DATABASE"),
    ddl(BZ_NODE(ALTER_DATABASE), "ALTER DATABASE"),
    ddl(BZ_NODE(ALTER_DATABASE_REFRESH_COLL), "ALTER DATABASE"),
    ddl(BZ_NODE(ALTER_DATABASE_SET), "ALTER DATABASE"),
    ddl(BZ_NODE(CREATE_ROLE), "CREATE ROLE"),
    ddl(BZ_NODE(ALTER_ROLE), "ALTER ROLE"),
    ddl(BZ_NODE(ALTER_ROLE_SET), "ALTER ROLE"),
    ddl(BZ_NODE(DROP_ROLE), "DROP ROLE"),
    ddl(BZ_NODE(DROP_OWNED), "DROP OWNED"),
    ddl(BZ_NODE(REASSIGN_OWNED), "REASSIGN OWNED"),
    ddl(BZ_NODE(ALTER_SYSTEM), "ALTER SYSTEM"),
};
#undef BZ_NODE

}  // namespace

bool describe(const PgQuery__Node& node, Statement& statement) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.node == node.node_case; });
  if (row == kRows.end()) return false;
  statement.kind = row->kind;
  statement.effect = row->effect;
  statement.may_return_rows = row->rows;
  statement.command_tag = row->tag;
  statement.pin = PinReason::None;
  row->refine(node, statement);
  return true;
}

Inner inner_query(const PgQuery__Node& node) {
  if (node.node_case == PG_QUERY__NODE__NODE_PREPARE_STMT) return Inner::Deferred;
  if (node.node_case != PG_QUERY__NODE__NODE_EXPLAIN_STMT) return Inner::Runs;
  // ANALYZE in any form, with OFF too: what its literal says is not looked at.
  const PgQuery__ExplainStmt& explain = *node.explain_stmt;
  for (std::size_t i = 0; i < explain.n_options; ++i) {
    const PgQuery__Node& option = *explain.options[i];
    if (option.node_case != PG_QUERY__NODE__NODE_DEF_ELEM) return Inner::Runs;
    if (std::string_view(option.def_elem->defname) == "analyze") return Inner::Runs;
  }
  return Inner::Deferred;
}

}  // namespace bartizan::sql
