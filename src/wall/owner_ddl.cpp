#include "owner_ddl.hpp"

#include <string_view>

#include "text.hpp"

namespace bartizan::wall {
namespace {

// named_in() takes too many for named rather than too few: whoever names a table in any way names its words.
// A name of 63 bytes may be the beginning of a longer one.
constexpr std::string_view kReading = R"sql(
CREATE OR REPLACE FUNCTION bartizan.shown() RETURNS TABLE (view name, owner name, relation oid, stored boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
  SELECT DISTINCT v.relname, o.rolname, c.oid, c.relkind IN ('r', 'p')
    FROM pg_class AS v JOIN pg_roles AS o ON o.oid = v.relowner JOIN pg_rewrite AS r ON r.ev_class = v.oid
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.deptype = 'n'
     AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
    JOIN pg_class AS c ON c.oid = d.refobjid
   WHERE v.relnamespace = 'bartizan_views'::regnamespace AND v.relkind = 'v' AND v.relname ~ '^[vw]_'
$f$;
CREATE OR REPLACE FUNCTION bartizan.named_in(relation name, statements text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $f$
  SELECT statements ~ concat('(^|[^[:alnum:]_$])',
    regexp_replace(replace(lower(relation::text), '"', '""'), '([^[:alnum:]_])', '\\\1', 'g'),
    CASE WHEN octet_length(relation::text) < 63 THEN '($|[^[:alnum:]_$])' END)
$f$;
CREATE OR REPLACE FUNCTION bartizan.take_view(taken name) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning AS $f$
BEGIN
  EXECUTE format('DROP VIEW IF EXISTS bartizan_views.%I', taken);
  DELETE FROM bartizan.object AS o
   WHERE (o.kind = 'view' AND o.name = taken) OR (o.kind = 'view_grant' AND starts_with(o.name, taken || '/'));
END
$f$;
)sql";

// Which objects a command is about is not known at its start, so its words are looked at: the client's text
// and those of the statements that functions run, which stand in the call stack. What a function of
// language SQL runs does not stand there. Views go before their table is locked, in the order in which
// statements lock both, and it is not the owner who ends a deadlock; its own commands, further down the stack, are not looked at.
constexpr std::string_view kLift = R"sql(
CREATE OR REPLACE FUNCTION bartizan.lift() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET deadlock_timeout = '30s' AS $f$
DECLARE
  stack text;
  statements text;
  every boolean;
  one record;
BEGIN
  PERFORM pg_advisory_xact_lock_shared({ddl_lock});
  GET DIAGNOSTICS stack = PG_CONTEXT;
  statements := lower(concat(current_query(), chr(10), stack));
  every := current_query() IS NULL OR tg_tag = 'DROP OWNED' OR strpos(statements, 'u&"') > 0
           OR strpos(statements, 'sql function "') > 0;
  IF stack ~ 'bartizan\.lift\(\).*bartizan\.lift\(\)' OR stack ~ 'bartizan\.after_ddl\(\)'
     OR (tg_tag ~ 'POLICY$' AND strpos(statements, '{prefix}') = 0)
     OR (tg_tag ~ '^ALTER .*(TABLE|VIEW)$' AND NOT every AND statements !~ '\m(add|drop|type|rename|schema|row)\M') THEN
    RETURN;
  END IF;
  FOR one IN
    WITH RECURSIVE shown AS (
      SELECT s.view, s.owner, s.relation FROM bartizan.shown() AS s
    ), involved AS (
      (SELECT s.view, s.relation FROM shown AS s
       UNION
       SELECT s.view, d.refobjid FROM shown AS s
         JOIN pg_policy AS p ON p.polrelid = s.relation AND p.polname = s.owner
         JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
          AND d.refclassid = 'pg_class'::regclass)
      UNION
      SELECT i.view, h.inhparent FROM involved AS i JOIN pg_inherits AS h ON h.inhrelid = i.relation
    )
    SELECT s.view, s.owner, s.relation FROM shown AS s
     WHERE every OR EXISTS (SELECT FROM involved AS i JOIN pg_class AS c ON c.oid = i.relation
                             WHERE i.view = s.view AND bartizan.named_in(c.relname, statements))
     ORDER BY s.relation, s.view
  LOOP
    -- Never a policy before the views that rely on it.
    PERFORM bartizan.take_view(s.view) FROM bartizan.shown() AS s
      WHERE s.relation = one.relation AND s.owner = one.owner;
    IF EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = one.relation AND p.polname = one.owner) THEN
      EXECUTE format('DROP POLICY %I ON %s', one.owner, one.relation::regclass);
      DELETE FROM bartizan.object AS o
       WHERE o.kind = 'filter_policy' AND o.name = concat(one.relation, '/', one.owner);
    END IF;
  END LOOP;
END
$f$;
)sql";

// A view whose filter is gone, altered or switched off goes in the same transaction.
constexpr std::string_view kAfter = R"sql(
CREATE OR REPLACE FUNCTION bartizan.after_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET deadlock_timeout = '30s' AS $f$
DECLARE
  altered oid[] := '{}';
  one record;
  taker text;
BEGIN
  IF tg_event = 'sql_drop' THEN
    IF NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects() AS d WHERE d.original AND NOT d.is_temporary
                      AND d.schema_name IS DISTINCT FROM 'bartizan_views') THEN
      RETURN;
    END IF;
  ELSE
    IF NOT EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS c WHERE c.schema_name IS DISTINCT FROM 'pg_temp') THEN
      RETURN;
    END IF;
    altered := ARRAY(SELECT c.objid FROM pg_event_trigger_ddl_commands() AS c
                      WHERE c.classid = 'pg_policy'::regclass AND c.command_tag = 'ALTER POLICY');
    -- What is made in a reviewed function's place has not been reviewed.
    FOR one IN
      SELECT DISTINCT p.oid, r.rolname AS caller FROM pg_event_trigger_ddl_commands() AS c
        JOIN pg_proc AS p ON c.classid = 'pg_proc'::regclass AND p.oid = c.objid
       CROSS JOIN LATERAL aclexplode(p.proacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
       WHERE starts_with(r.rolname, '{prefix}c_')
    LOOP
      EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %I', one.oid::regprocedure, one.caller);
      DELETE FROM bartizan.object AS o
       WHERE o.kind = 'function_grant' AND o.name = concat(one.oid, '/', one.caller);
    END LOOP;
    -- Nor has an overload beside it, or what an operator there runs, which PUBLIC may call until the next hardening.
    FOR one IN
      SELECT DISTINCT p.oid::regprocedure AS made FROM pg_event_trigger_ddl_commands() AS c
        LEFT JOIN pg_operator AS q ON c.classid = 'pg_operator'::regclass AND q.oid = c.objid
        JOIN pg_proc AS p ON p.oid = q.oprcode OR (c.classid = 'pg_proc'::regclass AND p.oid = c.objid)
       CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
       WHERE a.grantee = 0 AND p.pronamespace <> 'pg_catalog'::regnamespace
         AND EXISTS (SELECT FROM bartizan.object AS o
                      WHERE o.kind = 'schema_grant'
                        AND starts_with(o.name, concat(coalesce(q.oprnamespace, p.pronamespace), '/')))
    LOOP
      FOR taker IN
        SELECT '{everyone}' UNION ALL
        SELECT quote_ident(r.rolname) FROM pg_roles AS r
         WHERE NOT r.rolsuper AND NOT r.rolinherit AND r.rolname !~ '^bz_[0-9a-f]{8}_' AND r.rolname !~ '^pg_'
      LOOP
        INSERT INTO bartizan.hardened (class, target, privilege, grantee)
        VALUES ('ROUTINE', one.made::text, 'EXECUTE', taker) ON CONFLICT DO NOTHING;
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', one.made, taker);
      END LOOP;
      INSERT INTO bartizan.hardened (class, target, privilege, grantee)
      VALUES ('ROUTINE', one.made::text, 'EXECUTE', 'PUBLIC') ON CONFLICT DO NOTHING;
      EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', one.made);
    END LOOP;
  END IF;
  PERFORM bartizan.take_view(s.view) FROM bartizan.shown() AS s
    WHERE s.stored AND starts_with(s.owner, '{prefix}f_') AND s.owner <> '{prefix}f_none'
      AND NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_policy AS p ON p.polrelid = c.oid
                       WHERE c.oid = s.relation AND c.relrowsecurity AND p.polname = s.owner AND NOT p.polpermissive
                         AND p.polcmd = '*' AND p.polroles = ARRAY[to_regrole(s.owner)::oid]
                         AND p.oid <> ALL (altered));
  PERFORM pg_notify('{channel}', '');
END
$f$;
)sql";

constexpr std::string_view kTriggers = R"sql(
DROP EVENT TRIGGER IF EXISTS bartizan_lift;
DROP EVENT TRIGGER IF EXISTS bartizan_after_ddl;
DROP EVENT TRIGGER IF EXISTS bartizan_after_drop;
CREATE EVENT TRIGGER bartizan_lift ON ddl_command_start
  WHEN TAG IN ('ALTER TABLE', 'DROP TABLE', 'ALTER MATERIALIZED VIEW', 'DROP MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
               'DROP FOREIGN TABLE', 'DROP OWNED', 'ALTER POLICY', 'DROP POLICY')
  EXECUTE FUNCTION bartizan.lift();
CREATE EVENT TRIGGER bartizan_after_ddl ON ddl_command_end EXECUTE FUNCTION bartizan.after_ddl();
CREATE EVENT TRIGGER bartizan_after_drop ON sql_drop EXECUTE FUNCTION bartizan.after_ddl();
)sql";

}  // namespace

std::string owner_ddl_sql(const Names& names) {
  std::string sql;
  for (const auto part : {kReading, kLift, kAfter, kTriggers}) sql += part;
  return filled(sql, {{"{prefix}", names.prefix()},
                      {"{everyone}", names.everyone_else()},
                      {"{ddl_lock}", std::to_string(kOwnerDdlLock)},
                      {"{channel}", std::string(kOwnerDdlChannel)}});
}

}  // namespace bartizan::wall
