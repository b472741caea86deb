-- bartizan: needs-program 0.1
-- The change log and what every resource hangs on it. See docs/formats/control-schema.md.

CREATE TABLE bartizan.changes (
  seq    bigserial PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  actor  text NOT NULL,
  kind   text NOT NULL,
  id     uuid NOT NULL,
  before jsonb,
  after  jsonb
);
CREATE INDEX changes_of_resource ON bartizan.changes (kind, id, seq);

CREATE FUNCTION bartizan.micros(moment timestamptz) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT (EXTRACT(epoch FROM moment) * 1000000)::pg_catalog.int8 $$;

CREATE FUNCTION bartizan.moment(micros bigint) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT pg_catalog.to_timestamp(0) + micros * interval '1 microsecond' $$;

-- One writer at a time, from its first write to its commit: seq then grows in the order of
-- commits. The program takes the same lock at BEGIN, so that row locks come after it.
CREATE FUNCTION bartizan.serialise_writes() RETURNS void
  LANGUAGE sql
  AS $$ SELECT pg_catalog.pg_advisory_xact_lock(477410037, 1) $$;

-- BEFORE INSERT OR UPDATE: version and the four marks are the database's to set, not the caller's.
CREATE FUNCTION bartizan.stamp() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  who text := nullif(current_setting('bartizan.actor', true), '');
BEGIN
  IF who IS NULL THEN
    RAISE EXCEPTION 'a write names no actor' USING ERRCODE = '42501';
  END IF;
  PERFORM bartizan.serialise_writes();
  IF TG_OP = 'INSERT' THEN
    NEW.version := 0;
    NEW.created_at := clock_timestamp();
    NEW.created_by := who;
  ELSE
    NEW.id := OLD.id;
    NEW.version := OLD.version + 1;
    NEW.created_at := OLD.created_at;
    NEW.created_by := OLD.created_by;
  END IF;
  NEW.updated_at := clock_timestamp();
  NEW.updated_by := who;
  RETURN NEW;
END $$;

-- AFTER INSERT, UPDATE OR DELETE: the change row and the notice. The trigger's arguments are the
-- secret columns, of which the log says only that they are set or were changed.
CREATE FUNCTION bartizan.record_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  who text := nullif(current_setting('bartizan.actor', true), '');
  old_row jsonb;
  new_row jsonb;
  old_secret jsonb;
  new_secret jsonb;
  secret text;
  number bigint;
BEGIN
  IF who IS NULL THEN
    RAISE EXCEPTION 'a write names no actor' USING ERRCODE = '42501';
  END IF;
  PERFORM bartizan.serialise_writes();
  IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
  FOREACH secret IN ARRAY coalesce(TG_ARGV, '{}') LOOP
    old_secret := nullif(old_row -> secret, 'null'::jsonb);
    new_secret := nullif(new_row -> secret, 'null'::jsonb);
    IF old_secret IS NOT NULL THEN
      old_row := jsonb_set(old_row, ARRAY[secret], '"(secret)"'::jsonb);
    END IF;
    IF new_secret IS NOT NULL THEN
      new_row := jsonb_set(new_row, ARRAY[secret], CASE
        WHEN old_secret IS NOT NULL AND new_secret IS DISTINCT FROM old_secret THEN '"(secret, changed)"'
        ELSE '"(secret)"' END::jsonb);
    END IF;
  END LOOP;
  INSERT INTO bartizan.changes (actor, kind, id, before, after)
    VALUES (who, TG_TABLE_NAME, coalesce(new_row ->> 'id', old_row ->> 'id')::uuid, old_row, new_row)
    RETURNING seq INTO number;
  PERFORM pg_notify('bartizan_changes', number::text);
  RETURN NULL;
END $$;

CREATE FUNCTION bartizan.refuse() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RAISE EXCEPTION '% of bartizan.% is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bartizan.changes
  FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse();

-- Hangs a table on the log. Its secret columns follow the table's name.
CREATE FUNCTION bartizan.log_changes_of(resource name, VARIADIC secrets text[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON bartizan.%I
    FOR EACH ROW EXECUTE FUNCTION bartizan.stamp()', resource);
  EXECUTE format('CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON bartizan.%I
    FOR EACH ROW EXECUTE FUNCTION bartizan.record_change(%s)', resource,
    (SELECT string_agg(quote_literal(s), ', ') FROM unnest(secrets) AS s));
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON bartizan.%I
    FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse()', resource);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bartizan FROM PUBLIC;
