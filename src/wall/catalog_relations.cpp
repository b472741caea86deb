// The views in the place of pg_catalog's relations. They keep the base objects' oids, names and column
// numbers, so that joins over them are the ones that clients know. What would tell more than a class
// may see (sizes, owners, rights, definitions, other objects) is left out or blank.
//
// Objects below 16384 are initdb's own: the same in every database, and no secret.
#include "catalog_objects.hpp"

namespace bartizan::wall {
namespace {

constexpr std::string_view kClassRelation = R"sql(
CREATE TABLE IF NOT EXISTS bartizan.class_relation (
  class_role name NOT NULL,
  relation oid NOT NULL,
  readable int2[] NOT NULL,
  clear int2[] NOT NULL,
  verbs text NOT NULL,
  PRIMARY KEY (class_role, relation)
);
ALTER TABLE bartizan.class_relation ADD COLUMN IF NOT EXISTS logical jsonb NOT NULL DEFAULT '{}';
ALTER TABLE bartizan.class_relation OWNER TO {wall};
CREATE OR REPLACE FUNCTION bartizan_views.shown_user() RETURNS name
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $f$ SELECT bartizan.subject('bz_user')::name $f$;
DO $do$
DECLARE
  made name;
BEGIN
  FOR made IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'bartizan_views'::regnamespace
                 AND c.relkind = 'v' AND c.relname ~ '^(cat|inf)_' LOOP
    EXECUTE format('DROP VIEW IF EXISTS bartizan_views.%I CASCADE', made);
  END LOOP;
END
$do$;
)sql";

// No value of a reg… type comes out of a view or function, and no aclitem: an unknown constant beside one would
// be read as of its type, and their input functions look up every object's and role's name.
//
// A view with all columns of a relation of this server, whatever its version. `overrides`: column and
// expression by turns. Without `tail` it is empty and reads nothing. In information_schema's, what
// is not given is NULL.
constexpr std::string_view kMaker = R"sql(
CREATE OR REPLACE FUNCTION bartizan.make_catalog_view(source text, tail text, overrides text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  standard CONSTANT boolean := starts_with(source, 'information_schema.');
  view CONSTANT text := CASE WHEN standard THEN 'inf_' ELSE 'cat_' END || split_part(source, '.', 2);
  columns text;
BEGIN
  IF to_regclass(source) IS NULL THEN
    RETURN;
  END IF;
  SELECT string_agg(format('%s AS %I', CASE
           WHEN a.atttypid = 'anyarray'::regtype THEN 'NULL::text[]'
           WHEN a.atttypid = 'aclitem[]'::regtype THEN 'NULL::text[]'
           WHEN t.name ~ '^reg' THEN CASE WHEN tail = '' THEN 'NULL::oid' ELSE format('c.%I::oid', a.attname) END
           WHEN tail = '' THEN 'NULL::' || t.name
           WHEN o.expression IS NOT NULL THEN format('(%s)::%s', o.expression, t.name)
           WHEN standard THEN 'NULL::' || t.name
           WHEN a.atttypid = 'oid'::regtype AND a.attname ~ '(owner|dba)$' THEN '10::oid'
           ELSE format('c.%I', a.attname) END, a.attname), ', ' ORDER BY a.attnum)
    INTO STRICT columns
    FROM pg_attribute AS a CROSS JOIN LATERAL format_type(a.atttypid, a.atttypmod) AS t(name)
         LEFT JOIN LATERAL (SELECT overrides[i + 1] AS expression FROM generate_series(1, cardinality(overrides), 2) AS i
                             WHERE overrides[i] = a.attname) AS o ON true
   WHERE a.attrelid = source::regclass AND a.attnum > 0 AND NOT a.attisdropped;
  EXECUTE format('CREATE VIEW bartizan_views.%I WITH (security_barrier) AS SELECT %s %s', view, columns,
                 CASE WHEN tail = '' THEN 'WHERE false' ELSE tail END);
END
$f$;
)sql";

// The views' own columns are named by `c`, or by the expression. An encrypted column is of the type that
// applications see: class_relation.logical has it, by number, with its modifier.
constexpr std::string_view kBasis = R"sql(
CREATE OR REPLACE VIEW bartizan_views.cat_bz_relation WITH (security_barrier) AS
SELECT r.relation, r.readable, r.clear, r.verbs, r.logical FROM bartizan.class_relation AS r
 WHERE r.class_role = session_user;
CREATE OR REPLACE VIEW bartizan_views.cat_bz_type WITH (security_barrier) AS
WITH used AS (
  SELECT coalesce((r.logical -> a.attnum::text ->> 0)::oid, a.atttypid) AS oid FROM bartizan_views.cat_bz_relation AS r
    JOIN pg_attribute AS a ON a.attrelid = r.relation AND a.attnum = ANY (r.readable)
  UNION SELECT k.reltype FROM bartizan_views.cat_bz_relation AS r JOIN pg_class AS k ON k.oid = r.relation
)
SELECT u.oid FROM used AS u
UNION SELECT p.oid FROM used AS u JOIN pg_type AS t ON t.oid = u.oid
        CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype), (t.typarray)) AS p(oid) WHERE p.oid <> 0;
)sql";

// An index is shown when all its columns are, and when no expression or condition stands in it. A
// default, when it says no more than that the server fills the column in. A check is not shown.
constexpr std::string_view kFiltered = R"sql(
DO $do$
BEGIN
PERFORM bartizan.make_catalog_view('pg_catalog.pg_index', $q$FROM pg_catalog.pg_index AS c
  LEFT JOIN bartizan_views.cat_bz_relation AS r ON r.relation = c.indrelid
  WHERE c.indexrelid < 16384 OR (c.indexprs IS NULL AND c.indpred IS NULL AND c.indkey::int2[] <@ r.readable)$q$, '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_attrdef', $q$FROM pg_catalog.pg_attrdef AS c
  JOIN bartizan_views.cat_bz_relation AS r ON r.relation = c.adrelid AND c.adnum = ANY (r.clear)
  WHERE pg_catalog.pg_get_expr(c.adbin, c.adrelid) ~
  '^(nextval\(''[^'']*''::regclass\)|(now|gen_random_uuid|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|CURRENT_(DATE|TIME|TIMESTAMP)|LOCALTIME(STAMP)?|true|false|-?[0-9.]+|NULL(::[a-z ]+)?)$'$q$, '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_constraint', $q$FROM pg_catalog.pg_constraint AS c
  LEFT JOIN bartizan_views.cat_bz_relation AS r ON r.relation = c.conrelid
  LEFT JOIN bartizan_views.cat_bz_relation AS f ON f.relation = c.confrelid
  WHERE (c.contype IN ('p', 'u', 'n') OR c.contype = 'f' AND c.confkey <@ f.readable) AND c.conkey <@ r.readable$q$,
  ARRAY['conbin', 'NULL', 'conparentid', '0']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_class', $q$FROM pg_catalog.pg_class AS c
  WHERE c.oid < 16384 OR c.oid IN (SELECT r.relation FROM bartizan_views.cat_bz_relation AS r)
     OR c.oid IN (SELECT i.indexrelid FROM bartizan_views.cat_pg_index AS i WHERE i.indexrelid >= 16384)$q$,
  ARRAY['relnatts', $q$coalesce((SELECT cardinality(r.readable) FROM bartizan_views.cat_bz_relation AS r
                                  WHERE r.relation = c.oid), c.relnatts)$q$,
        'relkind', $q$CASE c.relkind WHEN 'p' THEN 'r' WHEN 'I' THEN 'i' ELSE c.relkind END$q$,
        'relfilenode', '0', 'reltablespace', '0', 'relpages', '0', 'reltuples', '-1', 'relallvisible', '0',
        'relallfrozen', '0', 'reltoastrelid', '0', 'relisshared', 'false', 'relchecks', '0', 'relhasrules', 'false',
        'relhastriggers', $q$EXISTS (SELECT FROM bartizan_views.cat_pg_constraint AS k
                              WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid))$q$,
        'relhassubclass', 'false', 'relrowsecurity', 'false', 'relforcerowsecurity', 'false',
        'relispartition', 'false', 'relrewrite', '0', 'relfrozenxid', $q$'0'$q$, 'relminmxid', $q$'0'$q$,
        'reloptions', 'NULL', 'relpartbound', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_attribute', $q$FROM pg_catalog.pg_attribute AS c
  LEFT JOIN bartizan_views.cat_bz_relation AS r ON r.relation = c.attrelid
  LEFT JOIN pg_catalog.pg_type AS t ON t.oid = (r.logical -> c.attnum::text ->> 0)::oid
  WHERE c.attrelid < 16384 OR c.attnum = ANY (r.readable)
     OR c.attrelid IN (SELECT i.indexrelid FROM bartizan_views.cat_pg_index AS i WHERE i.indexrelid >= 16384)$q$,
  ARRAY['atthasdef', $q$EXISTS (SELECT FROM bartizan_views.cat_pg_attrdef AS d
                                 WHERE d.adrelid = c.attrelid AND d.adnum = c.attnum)$q$,
        'atttypid', 'coalesce(t.oid, c.atttypid)', 'attlen', 'coalesce(t.typlen, c.attlen)',
        'atttypmod', 'coalesce((r.logical -> c.attnum::text ->> 1)::integer, c.atttypmod)',
        'attbyval', 'coalesce(t.typbyval, c.attbyval)', 'attalign', 'coalesce(t.typalign, c.attalign)',
        'attstorage', 'coalesce(t.typstorage, c.attstorage)', 'attcollation', 'coalesce(t.typcollation, c.attcollation)',
        'attstattarget', '-1', 'attislocal', 'true', 'attinhcount', '0', 'attoptions', 'NULL', 'attfdwoptions', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_namespace', $q$FROM pg_catalog.pg_namespace AS c
  WHERE c.oid < 16384 OR c.oid IN (SELECT k.relnamespace FROM bartizan_views.cat_bz_relation AS r
                                     JOIN pg_catalog.pg_class AS k ON k.oid = r.relation)$q$, '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_type', $q$FROM pg_catalog.pg_type AS c
  WHERE c.oid < 16384 OR c.oid IN (SELECT t.oid FROM bartizan_views.cat_bz_type AS t)$q$,
  ARRAY['typdefault', 'NULL', 'typdefaultbin', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_enum', $q$FROM pg_catalog.pg_enum AS c
  WHERE c.enumtypid IN (SELECT t.oid FROM bartizan_views.cat_bz_type AS t)$q$, '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_range', $q$FROM pg_catalog.pg_range AS c
  WHERE c.rngtypid < 16384 OR c.rngtypid IN (SELECT t.oid FROM bartizan_views.cat_bz_type AS t)$q$, '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_description',
  'FROM pg_catalog.pg_description AS c WHERE c.objoid < 16384', '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_database',
  'FROM pg_catalog.pg_database AS c WHERE c.datname = current_database()',
  ARRAY['datfrozenxid', $q$'0'$q$, 'datminmxid', $q$'0'$q$, 'datconnlimit', '-1']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_roles',
  'FROM pg_catalog.pg_roles AS c WHERE c.oid = 10 OR c.rolname = session_user',
  ARRAY['rolname', $q$CASE c.oid WHEN 10 THEN 'owner' ELSE bartizan_views.shown_user() END$q$, 'rolsuper', 'false',
        'rolcreaterole', 'false', 'rolcreatedb', 'false', 'rolreplication', 'false', 'rolbypassrls', 'false',
        'rolconnlimit', '-1', 'rolpassword', 'NULL', 'rolvaliduntil', 'NULL', 'rolconfig', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_user',
  'FROM pg_catalog.pg_user AS c WHERE c.usesysid = 10 OR c.usename = session_user',
  ARRAY['usename', $q$CASE c.usesysid WHEN 10 THEN 'owner' ELSE bartizan_views.shown_user() END$q$,
        'usecreatedb', 'false', 'usesuper', 'false', 'userepl', 'false', 'usebypassrls', 'false', 'passwd', 'NULL',
        'valuntil', 'NULL', 'useconfig', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_tables', $q$FROM bartizan_views.cat_pg_class AS k
  JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = k.relnamespace WHERE k.relkind = 'r'$q$,
  ARRAY['schemaname', 'n.nspname', 'tablename', 'k.relname', 'tableowner', $q$'owner'$q$, 'tablespace', 'NULL',
        'hasindexes', 'k.relhasindex', 'hasrules', 'false', 'hastriggers', 'false', 'rowsecurity', 'false']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_matviews', $q$FROM bartizan_views.cat_pg_class AS k
  JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = k.relnamespace WHERE k.relkind = 'm'$q$,
  ARRAY['schemaname', 'n.nspname', 'matviewname', 'k.relname', 'matviewowner', $q$'owner'$q$, 'tablespace', 'NULL',
        'hasindexes', 'k.relhasindex', 'ispopulated', 'true', 'definition', 'NULL']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_indexes', $q$FROM bartizan_views.cat_pg_index AS i
  JOIN bartizan_views.cat_pg_class AS k ON k.oid = i.indrelid JOIN bartizan_views.cat_pg_class AS x ON x.oid = i.indexrelid
  JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = k.relnamespace WHERE k.oid >= 16384$q$,
  ARRAY['schemaname', 'n.nspname', 'tablename', 'k.relname', 'indexname', 'x.relname', 'tablespace', 'NULL',
        'indexdef', 'pg_catalog.pg_get_indexdef(i.indexrelid)']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_settings', $q$FROM pg_catalog.pg_settings AS c WHERE c.name IN (
  'application_name', 'bytea_output', 'client_encoding', 'DateStyle', 'default_transaction_isolation', 'IntervalStyle',
  'default_transaction_read_only', 'extra_float_digits', 'integer_datetimes', 'lc_collate', 'lc_ctype',
  'max_identifier_length', 'max_index_keys', 'server_encoding', 'server_version', 'server_version_num',
  'standard_conforming_strings', 'statement_timeout', 'TimeZone', 'transaction_isolation', 'transaction_read_only',
  'block_size', 'max_function_args')$q$,
  ARRAY['source', 'NULL', 'boot_val', 'NULL', 'reset_val', 'NULL', 'sourcefile', 'NULL', 'sourceline', 'NULL',
        'pending_restart', 'false']);
PERFORM bartizan.make_catalog_view('pg_catalog.pg_timezone_names', 'FROM pg_catalog.pg_timezone_names AS c', '{}');
PERFORM bartizan.make_catalog_view('pg_catalog.pg_timezone_abbrevs', 'FROM pg_catalog.pg_timezone_abbrevs AS c', '{}');
END
$do$;
)sql";

// initdb's own objects alone; and relations that are there, with their columns, and hold nothing.
constexpr std::string_view kLists = R"sql(
DO $do$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['pg_am', 'pg_amop', 'pg_amproc', 'pg_cast', 'pg_collation', 'pg_conversion', 'pg_extension',
                             'pg_language', 'pg_opclass', 'pg_operator', 'pg_opfamily', 'pg_proc', 'pg_ts_config',
                             'pg_ts_dict', 'pg_ts_parser', 'pg_ts_template'] LOOP
    PERFORM bartizan.make_catalog_view('pg_catalog.' || one,
                                       format('FROM pg_catalog.%I AS c WHERE c.oid < 16384', one), '{}');
  END LOOP;
  PERFORM bartizan.make_catalog_view('pg_catalog.pg_aggregate',
                                     'FROM pg_catalog.pg_aggregate AS c WHERE c.aggfnoid::oid < 16384', '{}');
  PERFORM bartizan.make_catalog_view('pg_catalog.pg_tablespace', 'FROM pg_catalog.pg_tablespace AS c WHERE c.oid < 16384',
                                     ARRAY['spcoptions', 'NULL']);
  FOREACH one IN ARRAY ARRAY['pg_auth_members', 'pg_db_role_setting', 'pg_default_acl', 'pg_depend', 'pg_event_trigger',
                             'pg_foreign_data_wrapper', 'pg_foreign_server', 'pg_foreign_table', 'pg_group',
                             'pg_inherits', 'pg_init_privs', 'pg_partitioned_table', 'pg_policies', 'pg_policy',
                             'pg_publication', 'pg_publication_namespace', 'pg_publication_rel',
                             'pg_publication_tables', 'pg_rewrite', 'pg_rules', 'pg_seclabel', 'pg_seclabels',
                             'pg_sequence', 'pg_sequences', 'pg_shdepend', 'pg_shdescription', 'pg_statistic_ext',
                             'pg_trigger', 'pg_views'] LOOP
    PERFORM bartizan.make_catalog_view('pg_catalog.' || one, '', '{}');
  END LOOP;
END
$do$;
)sql";

}  // namespace

std::string catalog_relations_sql() {
  std::string sql;
  for (const auto part : {kClassRelation, kMaker, kBasis, kFiltered, kLists}) sql += part;
  return sql;
}

}  // namespace bartizan::wall
