// The functions in the place of those that tell of objects by oid or name. Each answers for what the
// views show, and of everything else as of something that does not exist. They run as the class, so
// they can't tell more than it may read.
//
// `path`: the client's search_path, which the gateway keeps, pg_catalog among it where it implicitly is.
#include "catalog_objects.hpp"

namespace bartizan::wall {
namespace {

constexpr std::string_view kUser = R"sql(
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_userbyid(role oid) RETURNS name LANGUAGE sql STABLE AS
$f$ SELECT CASE WHEN role = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user)
           THEN bartizan_views.shown_user() ELSE 'owner'::name END $f$;
)sql";

constexpr std::string_view kNames = R"sql(
CREATE OR REPLACE FUNCTION bartizan_views.regclass(relation oid, path name[]) RETURNS text LANGUAGE sql STABLE AS
$f$ SELECT (CASE WHEN relation < 16384 OR EXISTS (SELECT FROM bartizan_views.cat_pg_class AS c WHERE c.oid = relation)
            THEN relation ELSE '0'::oid END)::regclass::text WHERE relation IS NOT NULL $f$;
CREATE OR REPLACE FUNCTION bartizan_views.to_regclass(relation text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  parts text[];
  found oid;
BEGIN
  IF relation ~ '^[0-9]+$' THEN
    RETURN (SELECT CASE WHEN relation::oid < 16384 OR EXISTS (SELECT FROM bartizan_views.cat_pg_class AS c
                                                              WHERE c.oid = relation::oid)
                        THEN relation::oid ELSE 0::oid END);
  END IF;
  parts := parse_ident(relation);
  IF cardinality(parts) = 3 AND parts[1] = current_database() THEN
    parts := parts[2:3];
  END IF;
  SELECT c.oid INTO found
    FROM bartizan_views.cat_pg_class AS c JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relname = parts[cardinality(parts)] AND cardinality(parts) <= 2
     AND CASE WHEN cardinality(parts) = 1 THEN n.nspname = ANY (path) ELSE n.nspname = parts[1] END
   ORDER BY array_position(path, n.nspname) LIMIT 1;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.regclass(relation text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  found CONSTANT oid := bartizan_views.to_regclass(relation, path);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'relation "%" does not exist', relation USING ERRCODE = '42P01';
  END IF;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.regtype(type oid, path name[]) RETURNS text LANGUAGE sql STABLE AS
$f$ SELECT (CASE WHEN type < 16384 OR EXISTS (SELECT FROM bartizan_views.cat_pg_type AS t WHERE t.oid = type)
            THEN type ELSE '0'::oid END)::regtype::text WHERE type IS NOT NULL $f$;
CREATE OR REPLACE FUNCTION bartizan_views.to_regtype(type text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  parts text[];
  found oid;
BEGIN
  IF type ~ '^[0-9]+$' THEN
    RETURN (SELECT CASE WHEN type::oid < 16384 OR EXISTS (SELECT FROM bartizan_views.cat_pg_type AS t WHERE t.oid = type::oid)
                        THEN type::oid ELSE 0::oid END);
  END IF;
  -- With this search_path a name without dots can only be one of PostgreSQL's own.
  IF strpos(type, '.') = 0 OR type ~ '^pg_catalog\.[a-z0-9_]+$' THEN
    found := to_regtype(type);
  END IF;
  IF found IS NULL AND type ~ '^("[^"]+"|[[:alpha:]_][[:alnum:]_]*)(\s*\.\s*("[^"]+"|[[:alpha:]_][[:alnum:]_]*))?$' THEN
    parts := parse_ident(type);
    SELECT t.oid INTO found
      FROM bartizan_views.cat_pg_type AS t JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = t.typnamespace
     WHERE t.typname = parts[cardinality(parts)]
       AND CASE WHEN cardinality(parts) = 1 THEN n.nspname = ANY (path) ELSE n.nspname = parts[1] END
     ORDER BY array_position(path, n.nspname) LIMIT 1;
  END IF;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.regtype(type text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  found CONSTANT oid := bartizan_views.to_regtype(type, path);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'type "%" does not exist', type USING ERRCODE = '42704';
  END IF;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.regnamespace(schema oid, path name[]) RETURNS text LANGUAGE sql STABLE AS
$f$ SELECT (CASE WHEN EXISTS (SELECT FROM bartizan_views.cat_pg_namespace AS n WHERE n.oid = schema)
            THEN schema ELSE '0'::oid END)::regnamespace::text WHERE schema IS NOT NULL $f$;
CREATE OR REPLACE FUNCTION bartizan_views.regnamespace(schema text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  found CONSTANT oid := (SELECT n.oid FROM bartizan_views.cat_pg_namespace AS n
                          WHERE n.nspname = (parse_ident(schema))[1] OR n.oid::text = schema);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'schema "%" does not exist', schema USING ERRCODE = '3F000';
  END IF;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.regproc(function oid, path name[]) RETURNS text LANGUAGE sql STABLE AS
$f$ SELECT (CASE WHEN function < 16384 THEN function ELSE '0'::oid END)::regproc::text WHERE function IS NOT NULL $f$;
CREATE OR REPLACE FUNCTION bartizan_views.regproc(function text, path name[]) RETURNS oid
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  name CONSTANT text := regexp_replace(function, '^pg_catalog\.', '');
  found oid;
BEGIN
  IF name ~ '^[0-9]+$' THEN
    RETURN CASE WHEN name::oid < 16384 THEN name::oid ELSE 0::oid END;
  ELSIF name ~ '^[a-z_][a-z0-9_]*$' THEN
    found := name::regproc::oid;
  END IF;
  IF found IS NULL THEN
    RAISE EXCEPTION 'function "%" does not exist', function USING ERRCODE = '42883';
  END IF;
  RETURN found;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_table_is_visible(relation oid, path name[]) RETURNS boolean
LANGUAGE sql STABLE AS $f$
SELECT CASE WHEN relation < 16384 THEN pg_catalog.pg_table_is_visible(relation) ELSE
  (SELECT c.relnamespace = (SELECT o.relnamespace FROM bartizan_views.cat_pg_class AS o
                              JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = o.relnamespace
                             WHERE o.relname = c.relname AND n.nspname = ANY (path)
                             ORDER BY array_position(path, n.nspname) LIMIT 1)
     FROM bartizan_views.cat_pg_class AS c WHERE c.oid = relation) END
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_type_is_visible(type oid, path name[]) RETURNS boolean
LANGUAGE sql STABLE AS $f$
SELECT CASE WHEN type < 16384 THEN pg_catalog.pg_type_is_visible(type) ELSE
  (SELECT c.typnamespace = (SELECT o.typnamespace FROM bartizan_views.cat_pg_type AS o
                              JOIN bartizan_views.cat_pg_namespace AS n ON n.oid = o.typnamespace
                             WHERE o.typname = c.typname AND n.nspname = ANY (path)
                             ORDER BY array_position(path, n.nspname) LIMIT 1)
     FROM bartizan_views.cat_pg_type AS c WHERE c.oid = type) END
$f$;
DO $do$
DECLARE
  kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['collation', 'conversion', 'function', 'opclass', 'operator', 'opfamily', 'ts_config',
                              'ts_dict', 'ts_parser', 'ts_template', 'statistics_obj'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.pg_%1$s_is_visible(object oid) RETURNS boolean '
                   'LANGUAGE sql STABLE AS $f$ SELECT object < 16384 AND pg_catalog.pg_%1$s_is_visible(object) $f$', kind);
  END LOOP;
END
$do$;
)sql";

// Expressions come only out of the views, which hold harmless ones.
constexpr std::string_view kDefinitions = R"sql(
CREATE OR REPLACE FUNCTION bartizan_views.format_type(type oid, typmod integer) RETURNS text LANGUAGE sql STABLE AS
$f$ SELECT CASE WHEN type IS NULL THEN NULL
                WHEN type < 16384 OR EXISTS (SELECT FROM bartizan_views.cat_pg_type AS t WHERE t.oid = type)
                THEN pg_catalog.format_type(type, typmod) ELSE '???' END $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_expr(expression pg_node_tree, relation oid) RETURNS text
LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.pg_get_expr(expression, relation) $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_expr(expression pg_node_tree, relation oid, pretty boolean) RETURNS text
LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.pg_get_expr(expression, relation, pretty) $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_constraintdef(object oid, pretty boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.pg_get_constraintdef(c.oid, pretty)
  FROM bartizan_views.cat_pg_constraint AS c WHERE c.oid = object $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_indexdef(index oid) RETURNS text
LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.pg_get_indexdef(i.indexrelid)
  FROM bartizan_views.cat_pg_index AS i WHERE i.indexrelid = index $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_get_indexdef(index oid, key integer, pretty boolean) RETURNS text
LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.pg_get_indexdef(i.indexrelid, key, pretty)
  FROM bartizan_views.cat_pg_index AS i WHERE i.indexrelid = index $f$;
DO $do$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['pg_get_function_arguments', 'pg_get_function_identity_arguments',
                             'pg_get_function_result'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.%1$s(function oid) RETURNS text LANGUAGE sql STABLE AS '
                   '$f$ SELECT CASE WHEN function < 16384 THEN pg_catalog.%1$s(function) END $f$', one);
  END LOOP;
  FOREACH one IN ARRAY ARRAY['pg_get_functiondef(object oid)', 'pg_get_partkeydef(object oid)',
      'pg_get_ruledef(object oid, pretty boolean DEFAULT false)', 'pg_get_statisticsobjdef(object oid)',
      'pg_get_statisticsobjdef_columns(object oid)', 'pg_get_triggerdef(object oid, pretty boolean DEFAULT false)',
      'pg_get_viewdef(object oid)', 'pg_get_viewdef(object text)', 'pg_get_viewdef(object oid, pretty boolean)',
      'pg_get_viewdef(object text, pretty boolean)', 'col_description(object oid, place integer)',
      'obj_description(object oid)', 'obj_description(object oid, catalog name)',
      'shobj_description(object oid, catalog name)', 'pg_get_serial_sequence(relation text, attribute text)'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.%s RETURNS text LANGUAGE sql STABLE AS '
                   '$f$ SELECT NULL::text $f$', one);
  END LOOP;
  FOREACH one IN ARRAY ARRAY['pg_database_size', 'pg_indexes_size', 'pg_relation_size', 'pg_table_size',
                             'pg_tablespace_size', 'pg_total_relation_size'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.%1$s(object oid) RETURNS bigint LANGUAGE sql STABLE AS '
                   '$f$ SELECT NULL::bigint $f$; CREATE OR REPLACE FUNCTION bartizan_views.%1$s(object text) '
                   'RETURNS bigint LANGUAGE sql STABLE AS $f$ SELECT NULL::bigint $f$', one);
  END LOOP;
END
$do$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_relation_is_publishable(relation oid) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_relation_is_publishable(relation text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_partition_ancestors(relation oid) RETURNS SETOF oid
LANGUAGE sql IMMUTABLE AS $f$ SELECT NULL::oid WHERE false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_partition_ancestors(relation text) RETURNS SETOF oid
LANGUAGE sql IMMUTABLE AS $f$ SELECT NULL::oid WHERE false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_my_temp_schema() RETURNS oid LANGUAGE sql IMMUTABLE AS $f$ SELECT 0::oid $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_is_other_temp_schema(schema oid) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_tablespace_location(tablespace oid) RETURNS text
LANGUAGE sql IMMUTABLE AS $f$ SELECT ''::text $f$;
CREATE OR REPLACE FUNCTION bartizan_views._pg_expandarray(anyarray, OUT x anyelement, OUT n integer)
RETURNS SETOF record LANGUAGE sql IMMUTABLE STRICT AS
$f$ SELECT $1[s], s - array_lower($1, 1) + 1 FROM generate_series(array_lower($1, 1), array_upper($1, 1), 1) AS g(s) $f$;
)sql";

constexpr std::string_view kPrivileges = R"sql(
CREATE OR REPLACE FUNCTION bartizan_views.has_table_privilege(relation oid, privilege text, path name[]) RETURNS boolean
LANGUAGE sql STABLE AS $f$
SELECT EXISTS (SELECT FROM regexp_split_to_table(lower(privilege), '\s*,\s*') AS p(word)
                WHERE strpos((SELECT r.verbs FROM bartizan_views.cat_bz_relation AS r WHERE r.relation = $1
                              UNION ALL SELECT 'r' WHERE $1 < 16384),
                             CASE btrim(p.word) WHEN 'select' THEN 'r' WHEN 'insert' THEN 'a' WHEN 'update' THEN 'w'
                                                WHEN 'delete' THEN 'd' ELSE '!' END) > 0)
 WHERE relation IS NOT NULL AND privilege IS NOT NULL
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_column_privilege(relation oid, attribute int2, privilege text, path name[])
RETURNS boolean LANGUAGE sql STABLE AS $f$
SELECT bartizan_views.has_table_privilege(relation, privilege, path) AND EXISTS (
  SELECT FROM bartizan_views.cat_pg_attribute AS a WHERE a.attrelid = relation AND a.attnum = attribute)
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_column_privilege(relation oid, attribute text, privilege text, path name[])
RETURNS boolean LANGUAGE sql STABLE AS $f$
SELECT bartizan_views.has_table_privilege(relation, privilege, path) AND EXISTS (
  SELECT FROM bartizan_views.cat_pg_attribute AS a WHERE a.attrelid = relation AND a.attname = attribute)
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_schema_privilege(schema oid, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$
SELECT lower(privilege) = 'usage' AND EXISTS (SELECT FROM bartizan_views.cat_pg_namespace AS n WHERE n.oid = schema)
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_schema_privilege(schema text, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$
SELECT lower(privilege) = 'usage' AND EXISTS (SELECT FROM bartizan_views.cat_pg_namespace AS n WHERE n.nspname = schema)
$f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_schema_privilege(who name, schema oid, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$ SELECT bartizan_views.has_schema_privilege(schema, privilege) $f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_schema_privilege(who name, schema text, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$ SELECT bartizan_views.has_schema_privilege(schema, privilege) $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_has_role(role text, privilege text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_has_role(role oid, privilege text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_has_role(who name, role text, privilege text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.pg_has_role(who name, role oid, privilege text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT false $f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_database_privilege(base text, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$ SELECT base = current_database() AND lower(privilege) = 'connect' $f$;
CREATE OR REPLACE FUNCTION bartizan_views.has_database_privilege(base oid, privilege text) RETURNS boolean
LANGUAGE sql STABLE AS $f$ SELECT lower(privilege) = 'connect' $f$;
DO $do$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['has_table_privilege(relation text, privilege text, path name[])',
                             'has_table_privilege(who name, relation text, privilege text, path name[])',
                             'has_any_column_privilege(relation text, privilege text, path name[])',
                             'has_any_column_privilege(who name, relation text, privilege text, path name[])'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.%s RETURNS boolean LANGUAGE sql STABLE AS $f$ SELECT '
                   'bartizan_views.has_table_privilege(bartizan_views.regclass(relation, path), privilege, path) $f$', one);
  END LOOP;
  FOREACH one IN ARRAY ARRAY['has_table_privilege(who name, relation oid, privilege text, path name[])',
                             'has_any_column_privilege(relation oid, privilege text, path name[])',
                             'has_any_column_privilege(who name, relation oid, privilege text, path name[])'] LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION bartizan_views.%s RETURNS boolean LANGUAGE sql STABLE AS $f$ SELECT '
                   'bartizan_views.has_table_privilege(relation, privilege, path) $f$', one);
  END LOOP;
END
$do$;
)sql";

}  // namespace

std::string catalog_functions_sql() {
  std::string sql;
  for (const auto part : {kUser, kNames, kDefinitions, kPrivileges}) sql += part;
  return sql;
}

}  // namespace bartizan::wall
