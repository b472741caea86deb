#include "wall_hardening_targets.hpp"

#include <array>

#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::array<std::string_view, 78> kFunctions{
    // dynamic SQL in a function's clothes
    "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema",
    "table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema",
    "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema",
    "ts_stat", "ts_rewrite",
    // large objects
    "lo_open", "lo_close", "lo_creat", "lo_create", "lo_unlink", "lo_get", "lo_put", "lo_from_bytea", "loread",
    "lowrite", "lo_lseek", "lo_lseek64", "lo_tell", "lo_tell64", "lo_truncate", "lo_truncate64", "lo_import",
    "lo_export",
    // other sessions: what they run, and how to end it
    "pg_stat_get_activity", "pg_stat_get_backend_activity", "pg_stat_get_backend_client_addr",
    "pg_stat_get_backend_idset", "pg_cancel_backend", "pg_terminate_backend", "pg_blocking_pids",
    "pg_safe_snapshot_blocking_pids", "pg_isolation_test_session_is_blocked", "pg_lock_status", "pg_prepared_statement",
    "pg_prepared_xact", "pg_cursor", "pg_export_snapshot", "pg_notify", "pg_notification_queue_usage",
    "pg_listening_channels", "pg_log_backend_memory_contexts",
    // locks that everybody shares, and waiting
    "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_unlock", "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared", "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared", "pg_sleep",
    "pg_sleep_for", "pg_sleep_until",
    // how much there is of what one may not read
    "pg_relation_size", "pg_total_relation_size", "pg_table_size", "pg_indexes_size", "pg_database_size",
    "pg_tablespace_size", "pg_stat_get_live_tuples", "pg_stat_get_dead_tuples", "pg_stat_get_tuples_inserted",
    "pg_stat_get_tuples_updated", "pg_stat_get_tuples_deleted", "pg_stat_get_numscans"};

constexpr std::array<std::string_view, 33> kRelations{"pg_stats",
                                                      "pg_stats_ext",
                                                      "pg_stats_ext_exprs",
                                                      "pg_stat_activity",
                                                      "pg_stat_replication",
                                                      "pg_stat_ssl",
                                                      "pg_stat_gssapi",
                                                      "pg_stat_wal_receiver",
                                                      "pg_stat_subscription",
                                                      "pg_stat_all_tables",
                                                      "pg_stat_sys_tables",
                                                      "pg_stat_user_tables",
                                                      "pg_stat_xact_all_tables",
                                                      "pg_stat_xact_sys_tables",
                                                      "pg_stat_xact_user_tables",
                                                      "pg_stat_all_indexes",
                                                      "pg_stat_user_indexes",
                                                      "pg_statio_all_tables",
                                                      "pg_statio_user_tables",
                                                      "pg_statio_all_indexes",
                                                      "pg_statio_user_indexes",
                                                      "pg_statio_all_sequences",
                                                      "pg_statio_user_sequences",
                                                      "pg_stat_user_functions",
                                                      "pg_stat_progress_copy",
                                                      "pg_stat_progress_create_index",
                                                      "pg_stat_progress_vacuum",
                                                      "pg_locks",
                                                      "pg_prepared_statements",
                                                      "pg_prepared_xacts",
                                                      "pg_cursors",
                                                      "pg_largeobject_metadata",
                                                      "pg_sequences"};

std::string name_list(std::span<const std::string_view> names) {
  std::string out;
  for (const auto name : names) out += (out.empty() ? "" : ", ") + quote_literal(name);
  return out;
}

// acldefault stands in for a NULL acl: what PostgreSQL gives PUBLIC by itself. Grantee 0 is PUBLIC.
constexpr std::string_view kOwnRights = R"sql(
SELECT x.class, x.target, x.privilege, pg_catalog.pg_has_role(x.owner, 'USAGE'), EXISTS (
         SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = x.catalog AND d.objid = x.object AND d.deptype = 'e'
            AND x.class IN ('TABLE', 'SEQUENCE', 'COLUMN', 'ROUTINE')), x.of_catalog
  FROM (
SELECT 'DATABASE', quote_ident(d.datname), a.privilege_type, d.datdba, 'pg_catalog.pg_database'::pg_catalog.regclass, d.oid,
       false
  FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
 WHERE a.grantee = 0 AND d.datallowconn
UNION ALL
SELECT 'LANGUAGE', quote_ident(l.lanname), a.privilege_type, l.lanowner, 'pg_catalog.pg_language'::regclass, l.oid, true
  FROM pg_catalog.pg_language AS l CROSS JOIN LATERAL aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) AS a
 WHERE a.grantee = 0 AND l.lanpltrusted AND l.lanname <> 'sql'
UNION ALL
SELECT 'SCHEMA', quote_ident(n.nspname), a.privilege_type, n.nspowner, 'pg_catalog.pg_namespace'::regclass, n.oid, false
  FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
 WHERE a.grantee = 0 AND {user}
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, a.privilege_type, c.relowner,
       'pg_catalog.pg_class'::regclass, c.oid, false
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
       CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE a.grantee = 0 AND {user}
UNION ALL
SELECT 'COLUMN', concat(quote_ident(t.attname), ' ', c.oid::regclass), a.privilege_type, c.relowner,
       'pg_catalog.pg_class'::regclass, c.oid, false
  FROM pg_catalog.pg_attribute AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(t.attacl) AS a
 WHERE a.grantee = 0 AND NOT t.attisdropped AND {user}
UNION ALL
SELECT 'ROUTINE', p.oid::regprocedure::text, a.privilege_type, p.proowner, 'pg_catalog.pg_proc'::regclass, p.oid, false
  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
       CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
 WHERE a.grantee = 0 AND {user}
UNION ALL
SELECT 'ROUTINE', p.oid::regprocedure::text, a.privilege_type, p.proowner, 'pg_catalog.pg_proc'::regclass, p.oid, true
  FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
 WHERE a.grantee = 0 AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ({functions})
UNION ALL
SELECT 'TABLE', concat('pg_catalog.', quote_ident(c.relname)), a.privilege_type, c.relowner,
       'pg_catalog.pg_class'::regclass, c.oid, true
  FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE a.grantee = 0 AND c.relnamespace = 'pg_catalog'::regnamespace AND c.relname IN ({relations})
       ) AS x (class, target, privilege, owner, catalog, object, of_catalog)
)sql";

constexpr std::string_view kUserSchema =
    "n.nspname NOT IN ('pg_catalog', 'information_schema', 'bartizan', 'bartizan_views') "
    "AND n.nspname !~ '^pg_(toast|temp)'";

void fill(std::string& text, std::string_view blank, const std::string& value) {
  for (auto at = text.find(blank); at != std::string::npos; at = text.find(blank, at + value.size()))
    text.replace(at, blank.size(), value);
}

}  // namespace

std::span<const std::string_view> hardened_functions() noexcept { return kFunctions; }
std::span<const std::string_view> hardened_relations() noexcept { return kRelations; }

HeldRight held_right(const Rows& rows, std::size_t row) {
  const auto text = [&](std::size_t column) { return rows.at(row, column).value_or(""); };
  const auto flag = [&](std::size_t column) { return rows.at(row, column) == "t"; };
  return {{text(0), text(1), text(2)}, flag(3), flag(4), flag(5)};
}

std::string public_rights_sql() {
  std::string text(kOwnRights);
  fill(text, "{user}", std::string(kUserSchema));
  fill(text, "{functions}", name_list(kFunctions));
  fill(text, "{relations}", name_list(kRelations));
  return text;
}

}  // namespace bartizan::postgres
