#include "column_vault.hpp"

namespace bartizan::control {

namespace {

// sealed_for is volatile so that RETURNING sees what the same statement has put into the vault. ON CONFLICT meets the entry
// of another transaction after its end: under READ COMMITTED it is found then, above it PostgreSQL says 40001.
constexpr const char* kObjects = R"sql(
GRANT USAGE ON SCHEMA bartizan_cells TO PUBLIC;
CREATE TABLE IF NOT EXISTS bartizan_cells.vault (
  column_id uuid, token text COLLATE "C", idx bytea, sealed bytea NOT NULL,
  PRIMARY KEY (column_id, token), UNIQUE (column_id, idx));
REVOKE ALL ON bartizan_cells.vault FROM PUBLIC;
CREATE OR REPLACE FUNCTION bartizan_cells.token_for(of uuid, entry text) RETURNS text
LANGUAGE plpgsql STRICT VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  lines text[] := string_to_array(entry, E'\n');
  cell bytea := decode(lines[1], 'hex');
  mine bytea := substr(cell, 9, 16);
  found_one text;
BEGIN
  IF octet_length(cell) < 48 OR array_length(lines, 1) IS NULL OR array_length(lines, 1) < 2 THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'this is no entry of a vault';
  END IF;
  FOR i IN 2 .. array_length(lines, 1) + 1 LOOP
    SELECT v.token INTO found_one FROM bartizan_cells.vault v WHERE v.column_id = of AND v.idx = mine;
    IF FOUND THEN RETURN found_one; END IF;
    EXIT WHEN i > array_length(lines, 1);
    INSERT INTO bartizan_cells.vault AS v (column_id, token, idx, sealed) VALUES (of, lines[i], mine, cell)
      ON CONFLICT DO NOTHING RETURNING v.token INTO found_one;
    IF FOUND THEN RETURN found_one; END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'no token of this shape was found free',
    HINT = 'Nearly all tokens of this length are taken. Try again, or tokenize the column over a larger alphabet.';
END $f$;
CREATE OR REPLACE FUNCTION bartizan_cells.token_of(of uuid, wanted text) RETURNS text
LANGUAGE sql STRICT STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
  SELECT coalesce((SELECT v.token FROM bartizan_cells.vault v WHERE v.column_id = of AND v.idx = decode(wanted, 'hex')), E'\x01')
$f$;
CREATE OR REPLACE FUNCTION bartizan_cells.tokens_of(of uuid, wanted text[]) RETURNS text[]
LANGUAGE sql STRICT STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
  SELECT ARRAY(SELECT bartizan_cells.token_of(of, w.one) FROM unnest(wanted) WITH ORDINALITY AS w(one, place) ORDER BY w.place)
$f$;
CREATE OR REPLACE FUNCTION bartizan_cells.sealed_for(of uuid, given text) RETURNS text
LANGUAGE sql STRICT VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
  SELECT coalesce((SELECT encode(v.sealed, 'hex') FROM bartizan_cells.vault v WHERE v.column_id = of AND v.token = given COLLATE "C"), '')
$f$;
)sql";

}  // namespace

Result<void> make_vault(postgres::ControlConnection& connection, SteadyTime until) {
  BZ_CHECK(connection.exec(kObjects, until));
  return {};
}

Result<void> empty_vault(postgres::ControlConnection& connection, const store::EncryptedColumn& column,
                         SteadyTime until) {
  const std::vector<std::optional<std::string>> id = {column.id.to_string()};
  BZ_CHECK(connection.exec("DELETE FROM bartizan_cells.vault WHERE column_id = $1::uuid", id, until));
  return {};
}

std::string vault_call(const char* function, const store::EncryptedColumn& column, const std::string& argument) {
  return std::string("bartizan_cells.") + function + "('" + column.id.to_string() + "', " + argument + ")";
}

}  // namespace bartizan::control
