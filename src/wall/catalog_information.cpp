// The views in the place of information_schema's, of the relations that a class has. PostgreSQL's own
// ask what the invoker may do with the base tables, which for a class is nothing.
#include "catalog_objects.hpp"

namespace bartizan::wall {
namespace {

constexpr std::string_view kTables = R"sql(
DO $do$
BEGIN
PERFORM bartizan.make_catalog_view('information_schema.information_schema_catalog_name', 'FROM (SELECT) AS c',
  ARRAY['catalog_name', 'current_database()']);
PERFORM bartizan.make_catalog_view('information_schema.schemata', $q$FROM bartizan_views.cat_pg_namespace AS n
  WHERE n.nspname !~ '^pg_(toast|temp)'$q$,
  ARRAY['catalog_name', 'current_database()', 'schema_name', 'n.nspname', 'schema_owner', $q$'owner'$q$]);
PERFORM bartizan.make_catalog_view('information_schema.tables', $q$FROM bartizan_views.cat_bz_relation AS r
  JOIN pg_catalog.pg_class AS k ON k.oid = r.relation JOIN pg_catalog.pg_namespace AS n ON n.oid = k.relnamespace
  WHERE k.relkind IN ('r', 'p', 'f', 'v')$q$,
  ARRAY['table_catalog', 'current_database()', 'table_schema', 'n.nspname', 'table_name', 'k.relname',
        'table_type', $q$CASE k.relkind WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN' ELSE 'BASE TABLE' END$q$,
        'is_insertable_into', $q$CASE WHEN strpos(r.verbs, 'a') > 0 THEN 'YES' ELSE 'NO' END$q$, 'is_typed', $q$'NO'$q$]);
PERFORM bartizan.make_catalog_view('information_schema.columns', $q$FROM bartizan_views.cat_bz_relation AS r
  JOIN pg_catalog.pg_class AS k ON k.oid = r.relation AND k.relkind IN ('r', 'p', 'f', 'v')
  JOIN pg_catalog.pg_namespace AS n ON n.oid = k.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.oid AND a.attnum = ANY (r.readable)
  CROSS JOIN LATERAL (SELECT (r.logical -> a.attnum::text ->> 0)::oid AS type, (r.logical -> a.attnum::text ->> 1)::integer
    AS mod) AS l
  JOIN pg_catalog.pg_type AS t ON t.oid = coalesce(l.type, a.atttypid) JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
  JOIN pg_catalog.pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
  JOIN pg_catalog.pg_namespace AS bn ON bn.oid = b.typnamespace
  LEFT JOIN pg_catalog.pg_collation AS o ON o.oid = a.attcollation AND o.oid < 16384 AND o.collname <> 'default'
  LEFT JOIN bartizan_views.cat_pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  CROSS JOIN LATERAL (SELECT coalesce(l.type, information_schema._pg_truetypid(a, t)) AS id,
    coalesce(l.mod, information_schema._pg_truetypmod(a, t)) AS mod) AS m$q$,
  ARRAY['table_catalog', 'current_database()', 'table_schema', 'n.nspname', 'table_name', 'k.relname',
        'column_name', 'a.attname', 'ordinal_position', 'a.attnum',
        'column_default', 'pg_catalog.pg_get_expr(d.adbin, d.adrelid)',
        'is_nullable', $q$CASE WHEN a.attnotnull OR t.typtype = 'd' AND t.typnotnull THEN 'NO' ELSE 'YES' END$q$,
        'data_type', $q$CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY' WHEN bn.nspname = 'pg_catalog'
                        THEN pg_catalog.format_type(b.oid, NULL) ELSE 'USER-DEFINED' END$q$,
        'character_maximum_length', 'information_schema._pg_char_max_length(m.id, m.mod)',
        'character_octet_length', 'information_schema._pg_char_octet_length(m.id, m.mod)',
        'numeric_precision', 'information_schema._pg_numeric_precision(m.id, m.mod)',
        'numeric_precision_radix', 'information_schema._pg_numeric_precision_radix(m.id, m.mod)',
        'numeric_scale', 'information_schema._pg_numeric_scale(m.id, m.mod)',
        'datetime_precision', 'information_schema._pg_datetime_precision(m.id, m.mod)',
        'interval_type', 'information_schema._pg_interval_type(m.id, m.mod)',
        'collation_catalog', 'CASE WHEN o.oid IS NOT NULL THEN current_database() END',
        'collation_schema', $q$CASE WHEN o.oid IS NOT NULL THEN 'pg_catalog' END$q$, 'collation_name', 'o.collname',
        'domain_catalog', $q$CASE t.typtype WHEN 'd' THEN current_database() END$q$,
        'domain_schema', $q$CASE t.typtype WHEN 'd' THEN tn.nspname END$q$,
        'domain_name', $q$CASE t.typtype WHEN 'd' THEN t.typname END$q$,
        'udt_catalog', 'current_database()', 'udt_schema', 'bn.nspname', 'udt_name', 'b.typname',
        'dtd_identifier', 'a.attnum', 'is_self_referencing', $q$'NO'$q$,
        'is_identity', $q$CASE WHEN a.attidentity <> '' THEN 'YES' ELSE 'NO' END$q$,
        'identity_generation', $q$CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END$q$,
        'identity_cycle', $q$'NO'$q$,
        'is_generated', $q$CASE WHEN a.attgenerated <> '' THEN 'ALWAYS' ELSE 'NEVER' END$q$,
        'is_updatable', $q$CASE WHEN strpos(r.verbs, 'w') > 0 AND a.attnum = ANY (r.clear) THEN 'YES' ELSE 'NO' END$q$]);
END
$do$;
)sql";

constexpr std::string_view kConstraints = R"sql(
CREATE OR REPLACE VIEW bartizan_views.cat_bz_constraint WITH (security_barrier) AS
SELECT k.*, kn.nspname, c.relname, cn.nspname AS relnspname, f.relname AS frelname, fn.nspname AS frelnspname
  FROM bartizan_views.cat_pg_constraint AS k JOIN pg_catalog.pg_namespace AS kn ON kn.oid = k.connamespace
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.relnamespace
 WHERE k.contype IN ('p', 'u', 'f');
DO $do$
BEGIN
PERFORM bartizan.make_catalog_view('information_schema.table_constraints', 'FROM bartizan_views.cat_bz_constraint AS k',
  ARRAY['constraint_catalog', 'current_database()', 'constraint_schema', 'k.nspname', 'constraint_name', 'k.conname',
        'table_catalog', 'current_database()', 'table_schema', 'k.relnspname', 'table_name', 'k.relname',
        'constraint_type', $q$CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END$q$,
        'is_deferrable', $q$CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END$q$,
        'initially_deferred', $q$CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END$q$, 'enforced', $q$'YES'$q$]);
PERFORM bartizan.make_catalog_view('information_schema.key_column_usage', $q$FROM bartizan_views.cat_bz_constraint AS k
  CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum$q$,
  ARRAY['constraint_catalog', 'current_database()', 'constraint_schema', 'k.nspname', 'constraint_name', 'k.conname',
        'table_catalog', 'current_database()', 'table_schema', 'k.relnspname', 'table_name', 'k.relname',
        'column_name', 'a.attname', 'ordinal_position', 'u.place',
        'position_in_unique_constraint', $q$CASE k.contype WHEN 'f' THEN
          (SELECT array_position(x.conkey, k.confkey[u.place::integer]) FROM pg_catalog.pg_constraint AS x
            WHERE x.conindid = k.conindid AND x.conrelid = k.confrelid AND x.contype IN ('p', 'u') LIMIT 1) END$q$]);
PERFORM bartizan.make_catalog_view('information_schema.constraint_column_usage',
  $q$FROM bartizan_views.cat_bz_constraint AS k
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = CASE k.contype WHEN 'f' THEN k.confrelid ELSE k.conrelid END
   AND a.attnum = ANY (CASE k.contype WHEN 'f' THEN k.confkey ELSE k.conkey END)$q$,
  ARRAY['constraint_catalog', 'current_database()', 'constraint_schema', 'k.nspname', 'constraint_name', 'k.conname',
        'table_catalog', 'current_database()', 'table_schema', 'coalesce(k.frelnspname, k.relnspname)',
        'table_name', 'coalesce(k.frelname, k.relname)', 'column_name', 'a.attname']);
PERFORM bartizan.make_catalog_view('information_schema.referential_constraints',
  $q$FROM bartizan_views.cat_bz_constraint AS k LEFT JOIN bartizan_views.cat_bz_constraint AS x
    ON x.conindid = k.conindid AND x.conrelid = k.confrelid AND x.contype IN ('p', 'u') WHERE k.contype = 'f'$q$,
  ARRAY['constraint_catalog', 'current_database()', 'constraint_schema', 'k.nspname', 'constraint_name', 'k.conname',
        'unique_constraint_catalog', 'CASE WHEN x.oid IS NOT NULL THEN current_database() END',
        'unique_constraint_schema', 'x.nspname', 'unique_constraint_name', 'x.conname',
        'match_option', $q$CASE k.confmatchtype WHEN 'f' THEN 'FULL' WHEN 'p' THEN 'PARTIAL' ELSE 'NONE' END$q$,
        'update_rule', $q$CASE k.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
                          WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END$q$,
        'delete_rule', $q$CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
                          WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END$q$]);
END
$do$;
)sql";

constexpr std::string_view kRights = R"sql(
DO $do$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['table_privileges', 'role_table_grants'] LOOP
    PERFORM bartizan.make_catalog_view('information_schema.' || one, $q$FROM bartizan_views.cat_bz_relation AS r
      JOIN pg_catalog.pg_class AS k ON k.oid = r.relation JOIN pg_catalog.pg_namespace AS n ON n.oid = k.relnamespace
      CROSS JOIN (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) AS v(letter, word)
      WHERE strpos(r.verbs, v.letter) > 0$q$,
      ARRAY['grantor', $q$'owner'$q$, 'grantee', 'bartizan_views.shown_user()', 'table_catalog', 'current_database()',
            'table_schema', 'n.nspname', 'table_name', 'k.relname', 'privilege_type', 'v.word', 'is_grantable', $q$'NO'$q$,
            'with_hierarchy', $q$CASE v.letter WHEN 'r' THEN 'YES' ELSE 'NO' END$q$]);
  END LOOP;
  PERFORM bartizan.make_catalog_view('information_schema.enabled_roles', 'FROM (SELECT) AS c',
                                     ARRAY['role_name', 'bartizan_views.shown_user()']);
  FOREACH one IN ARRAY ARRAY['administrable_role_authorizations', 'applicable_roles', 'attributes', 'check_constraints',
      'column_column_usage', 'column_domain_usage', 'column_options', 'column_udt_usage', 'constraint_table_usage',
      'domain_constraints', 'domain_udt_usage', 'domains', 'element_types', 'foreign_data_wrappers', 'foreign_servers',
      'foreign_tables', 'parameters', 'role_routine_grants', 'role_udt_grants', 'role_usage_grants',
      'routine_privileges', 'routines', 'sequences', 'triggered_update_columns', 'triggers', 'udt_privileges',
      'usage_privileges', 'user_defined_types', 'view_column_usage', 'view_routine_usage', 'view_table_usage',
      'views'] LOOP
    PERFORM bartizan.make_catalog_view('information_schema.' || one, '', '{}');
  END LOOP;
END
$do$;
)sql";

// PUBLIC has no USAGE on the schema: class roles do.
constexpr std::string_view kOwners = R"sql(
DROP FUNCTION bartizan.make_catalog_view(text, text, text[]);
DO $do$
DECLARE
  made name;
BEGIN
  FOR made IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'bartizan_views'::regnamespace
                 AND c.relkind = 'v' AND c.relname ~ '^(cat|inf)_' LOOP
    EXECUTE format('ALTER VIEW bartizan_views.%I OWNER TO {wall}', made);
    EXECUTE format('GRANT SELECT ON bartizan_views.%I TO PUBLIC', made);
  END LOOP;
END
$do$;
)sql";

}  // namespace

std::string information_schema_sql() {
  std::string sql;
  for (const auto part : {kTables, kConstraints, kRights, kOwners}) sql += part;
  return sql;
}

}  // namespace bartizan::wall
