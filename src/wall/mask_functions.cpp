#include "bartizan/wall/base_objects.hpp"

namespace bartizan::wall {
namespace {

// Run once a value as the class's role: so qualified to the letter instead of a SET clause, whose
// cost would be as much again. mask_pattern calls another by name, which only the wall's owner may. key: the inner and the outer pad, one after the other.
constexpr const char* kHashFunctions = R"sql(
CREATE OR REPLACE FUNCTION bartizan.mask_hmac(value bytea, key bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
BEGIN
  RETURN pg_catalog.sha256(pg_catalog.substr(key, 65, 64) OPERATOR(pg_catalog.||)
           pg_catalog.sha256(pg_catalog.substr(key, 1, 64) OPERATOR(pg_catalog.||) value));
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.mask_uuid(token bytea) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  token := set_byte(token, 6, (get_byte(token, 6) & 15) | 128);
  token := set_byte(token, 8, (get_byte(token, 8) & 63) | 128);
  RETURN encode(substr(token, 1, 16), 'hex')::uuid;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.mask_bigint(token bytea) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  RETURN ('x' || encode(substr(token, 1, 8), 'hex'))::bit(64)::bigint & 9223372036854775807;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.mask_pattern(value text, pattern text, key bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  block bytea := bartizan.mask_hmac(convert_to(value, 'UTF8'), key);
  used integer := 0;
  piece text;
  result text := '';
BEGIN
  FOREACH piece IN ARRAY string_to_array(pattern, NULL) LOOP
    IF piece = '#' THEN
      IF used = 32 THEN
        block := bartizan.mask_hmac(block, key);
        used := 0;
      END IF;
      piece := (get_byte(block, used) % 10)::text;
      used := used + 1;
    END IF;
    result := result || piece;
  END LOOP;
  RETURN result;
END
$f$;
)sql";

// These call others of the schema, whose names the class may not use: so they run as the wall's owner,
// over nothing but their arguments. Not STRICT: replacement and key are NULL where the action needs none.
constexpr const char* kJsonFunctions = R"sql(
CREATE OR REPLACE FUNCTION bartizan.mask_json_member(member jsonb, action text, replacement text, key bytea)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  RETURN CASE action
    WHEN 'redact' THEN to_jsonb(replacement)
    WHEN 'hash' THEN coalesce(
      to_jsonb(encode(bartizan.mask_hmac(convert_to(member #>> ARRAY[]::text[], 'UTF8'), key), 'hex')), 'null'::jsonb)
    ELSE 'null'::jsonb
  END;
END
$f$;
CREATE OR REPLACE FUNCTION bartizan.mask_json(document jsonb, path text[], action text, replacement text, key bytea)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  step CONSTANT text := path[1];
  is_last CONSTANT boolean := cardinality(path) = 1;
  kind CONSTANT text := jsonb_typeof(document);
  result jsonb;
BEGIN
  IF kind = 'array' AND step = '*' THEN
    IF is_last AND action = 'remove' THEN RETURN '[]'; END IF;
    SELECT jsonb_agg(CASE WHEN is_last THEN bartizan.mask_json_member(e.value, action, replacement, key)
                          ELSE bartizan.mask_json(e.value, path[2:], action, replacement, key) END ORDER BY e.place)
      INTO result FROM jsonb_array_elements(document) WITH ORDINALITY AS e(value, place);
    RETURN coalesce(result, document);
  ELSIF kind = 'object' THEN
    SELECT jsonb_object_agg(m.key, CASE
             WHEN step <> '*' AND m.key <> step THEN m.value
             WHEN is_last THEN bartizan.mask_json_member(m.value, mask_json.action, mask_json.replacement, mask_json.key)
             ELSE bartizan.mask_json(m.value, path[2:], mask_json.action, mask_json.replacement, mask_json.key) END)
      INTO result FROM jsonb_each(document) AS m(key, value)
     WHERE NOT (is_last AND mask_json.action = 'remove' AND (step = '*' OR m.key = step));
    RETURN coalesce(result, '{}');
  END IF;
  RETURN document;
END
$f$;
)sql";

}  // namespace

std::string mask_functions_sql() { return std::string(kHashFunctions) + kJsonFunctions; }

}  // namespace bartizan::wall
