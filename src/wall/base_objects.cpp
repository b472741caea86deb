#include "bartizan/wall/base_objects.hpp"

#include <string_view>

#include "catalog_objects.hpp"
#include "filter_guard.hpp"
#include "owner_ddl.hpp"
#include "text.hpp"

namespace bartizan::wall {
namespace {

// The owner can't log in; PUBLIC has no USAGE on `bartizan`, so nobody else names anything in it,
// while what views and policies refer to there stays callable (EXECUTE is checked against the
// caller of the view, USAGE when a name is looked up).
constexpr std::string_view kSchemas = R"sql(
{wall_role};
{everyone_role};
CREATE SCHEMA IF NOT EXISTS bartizan AUTHORIZATION {wall};
CREATE SCHEMA IF NOT EXISTS bartizan_views AUTHORIZATION {wall};
{become_wall};
REVOKE ALL ON SCHEMA bartizan, bartizan_views FROM PUBLIC;
)sql";

// server_connection is unlogged: after a crash its rows and the connections are gone together.
constexpr std::string_view kTables = R"sql(
CREATE TABLE IF NOT EXISTS bartizan.secret_key (
  purpose text PRIMARY KEY CHECK (purpose IN ('context', 'mask')),
  key bytea NOT NULL CHECK (octet_length(key) = 32)
);
CREATE UNLOGGED TABLE IF NOT EXISTS bartizan.server_connection (
  pid integer PRIMARY KEY,
  class_role name NOT NULL,
  context_inner bytea NOT NULL,
  context_outer bytea NOT NULL,
  mask_key bytea NOT NULL,
  opened_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS bartizan.object (
  kind text NOT NULL,
  name text NOT NULL,
  specification text NOT NULL,
  state text NOT NULL,
  PRIMARY KEY (kind, name)
);
CREATE TABLE IF NOT EXISTS bartizan.hardened (
  class text NOT NULL,
  target text NOT NULL,
  privilege text NOT NULL,
  grantee text NOT NULL,
  PRIMARY KEY (class, target, privilege, grantee)
);
CREATE TABLE IF NOT EXISTS bartizan.installed (
  prefix text NOT NULL,
  base_version integer NOT NULL
);
ALTER TABLE bartizan.secret_key OWNER TO {wall};
ALTER TABLE bartizan.server_connection OWNER TO {wall};
ALTER TABLE bartizan.object OWNER TO {wall};
ALTER TABLE bartizan.hardened OWNER TO {wall};
ALTER TABLE bartizan.installed OWNER TO {wall};
INSERT INTO bartizan.secret_key (purpose, key)
SELECT 'mask', sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8'))
ON CONFLICT (purpose) DO NOTHING;
)sql";

// RFC 2104 with the built-in sha256. A key of 32 bytes is shorter than the block of 64.
constexpr std::string_view kHmac = R"sql(
CREATE OR REPLACE FUNCTION bartizan.hmac_pad(key bytea, pad integer) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  padded bytea := key || decode(repeat('00', 64 - octet_length(key)), 'hex');
BEGIN
  FOR i IN 0 .. 63 LOOP
    padded := set_byte(padded, i, get_byte(padded, i) # pad);
  END LOOP;
  RETURN padded;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.hmac_sha256(key bytea, message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  RETURN sha256(bartizan.hmac_pad(key, 92) || sha256(bartizan.hmac_pad(key, 54) || message));
END
$f$;
)sql";

// The nonce is made here, so that nobody who holds an old context can bring its nonce back.
constexpr std::string_view kOpenConnection = R"sql(
CREATE OR REPLACE FUNCTION bartizan_views.open_connection() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  nonce CONSTANT text := gen_random_uuid()::text;
  context_key bytea;
  mask_key bytea;
BEGIN
  SELECT bartizan.hmac_sha256(k.key, convert_to(
           concat('bartizan connection 1', chr(10), session_user, chr(10), pg_backend_pid(), chr(10), nonce), 'UTF8'))
    INTO STRICT context_key FROM bartizan.secret_key AS k WHERE k.purpose = 'context';
  SELECT bartizan.hmac_sha256(k.key, convert_to(concat('bartizan mask 1', chr(10), session_user), 'UTF8'))
    INTO STRICT mask_key FROM bartizan.secret_key AS k WHERE k.purpose = 'mask';
  INSERT INTO bartizan.server_connection AS c
  VALUES (pg_backend_pid(), session_user, bartizan.hmac_pad(context_key, 54), bartizan.hmac_pad(context_key, 92),
          bartizan.hmac_pad(mask_key, 54) || bartizan.hmac_pad(mask_key, 92), clock_timestamp())
  ON CONFLICT (pid) DO UPDATE
    SET class_role = EXCLUDED.class_role, context_inner = EXCLUDED.context_inner,
        context_outer = EXCLUDED.context_outer, mask_key = EXCLUDED.mask_key, opened_at = EXCLUDED.opened_at;
  RETURN nonce;
END
$f$;
)sql";

// Both sides of the comparison are hashed, so that its time tells nothing about the right answer.
// Whatever is NULL (no context, no connection) is not true, and so an error.
constexpr std::string_view kSubject = R"sql(
CREATE OR REPLACE FUNCTION bartizan.subject(attribute text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  context CONSTANT text := current_setting('bartizan.ctx', true);
  signed CONSTANT text := substr(context, 65);
  inner_key bytea;
  outer_key bytea;
  value text;
BEGIN
  SELECT c.context_inner, c.context_outer INTO inner_key, outer_key
    FROM bartizan.server_connection AS c
   WHERE c.pid = pg_backend_pid() AND c.class_role = session_user AND c.opened_at >= pg_postmaster_start_time();
  IF (sha256(convert_to(encode(sha256(outer_key || sha256(inner_key || convert_to(signed, 'UTF8'))), 'hex'), 'UTF8'))
      = sha256(convert_to(left(context, 64), 'UTF8'))) IS NOT TRUE THEN
    RAISE EXCEPTION 'there is no valid context for this statement' USING ERRCODE = '42501';
  END IF;
  IF (left(signed, 1) = '1'
      AND to_timestamp(substr(signed, 2, 12)::bigint) > statement_timestamp()
      AND to_timestamp(substr(signed, 2, 12)::bigint) <= statement_timestamp() + interval '600 seconds') IS NOT TRUE THEN
    RAISE EXCEPTION 'the context of this statement has expired' USING ERRCODE = '42501';
  END IF;
  value := substr(signed, 14)::json ->> attribute;
  IF value IS NULL AND (substr(signed, 14)::json -> attribute) IS NULL THEN
    RAISE EXCEPTION 'the context of this statement lacks an attribute' USING ERRCODE = '42501';
  END IF;
  RETURN value;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.mask_key() RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  key bytea;
BEGIN
  SELECT c.mask_key INTO key FROM bartizan.server_connection AS c
   WHERE c.pid = pg_backend_pid() AND c.class_role = session_user AND c.opened_at >= pg_postmaster_start_time();
  IF key IS NULL THEN
    RAISE EXCEPTION 'this server connection was not opened for a class' USING ERRCODE = '42501';
  END IF;
  RETURN key;
END
$f$;
)sql";

constexpr std::string_view kOwnership = R"sql(
DO $do$
DECLARE
  made regprocedure;
BEGIN
  FOR made IN SELECT p.oid FROM pg_catalog.pg_proc AS p
               WHERE p.pronamespace IN ('bartizan'::regnamespace, 'bartizan_views'::regnamespace)
                 AND p.prorettype <> 'event_trigger'::regtype LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO {wall}', made);
  END LOOP;
END
$do$;
REVOKE ALL ON ALL TABLES IN SCHEMA bartizan FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bartizan, bartizan_views TO PUBLIC;
DELETE FROM bartizan.installed;
INSERT INTO bartizan.installed (prefix, base_version)
VALUES ('{prefix}', {version} * 100 + current_setting('server_version_num')::integer / 10000);
)sql";

}  // namespace

std::string base_objects_sql(const Names& names, const Installer& installer) {
  std::string sql;
  for (const auto part : {kSchemas, kTables, kHmac, kOpenConnection, kSubject}) sql += part;
  sql += mask_functions_sql();
  sql += catalog_relations_sql();
  sql += information_schema_sql();
  sql += catalog_functions_sql();
  sql += installer.superuser ? owner_ddl_sql(names) : filter_guard_sql();
  sql += kOwnership;
  if (!installer.superuser) sql += "RESET ROLE;\n";
  return filled(sql, {{"{wall}", names.wall_owner()},
                      {"{wall_role}", create_role_sql(names.wall_owner(), false, installer)},
                      {"{everyone_role}", create_role_sql(names.everyone_else(), false, installer)},
                      {"{become_wall}", installer.superuser ? "" : "SET LOCAL ROLE " + names.wall_owner()},
                      {"{prefix}", names.prefix()},
                      {"{version}", std::to_string(kBaseVersion)}});
}

}  // namespace bartizan::wall
