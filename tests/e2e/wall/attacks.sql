-- One attack a line, sent as it stands; [row] names a row of the table of pitfalls. A line that begins with ~ shows
-- nothing to the owner either (it changes, forges or asks for what only a superuser has), so it has no control.

-- [settings and roles]
~SET bartizan.tenant = 'lake'
~SET LOCAL bartizan.tenant = 'lake'; SELECT * FROM shop.customers
~SET bartizan.ctx = '{"tenant":"lake"}'
~SET LOCAL bartizan.ctx = 'x'; SELECT * FROM shop.customers
~RESET bartizan.ctx; SELECT * FROM shop.customers
~RESET ALL; SELECT count(*) FROM shop.customers
~SELECT set_config('bartizan.ctx', 'x', true)
~SELECT set_config('bartizan.tenant', 'lake', false)
~SELECT current_setting('bartizan.ctx')
~SELECT current_setting('bartizan.ctx', true)
~SHOW bartizan.ctx
~SHOW ALL
~SET ROLE walled_owner
~SET SESSION AUTHORIZATION walled_owner
~SET SESSION AUTHORIZATION DEFAULT; SELECT * FROM back.vault
~RESET ROLE; SELECT * FROM back.vault
~SELECT set_config('role', 'walled_owner', false)
~SET row_security = off; SELECT name FROM shop.customers
~SET search_path = back, shop; SELECT * FROM vault
~SET search_path = bartizan_views, bartizan; SELECT * FROM secret_key
~SET session_replication_role = replica
~SET TIME ZONE INTERVAL '1' HOUR TO MINUTE; SELECT * FROM back.vault
~SELECT bartizan_views.open_connection()
~DISCARD ALL; SELECT * FROM back.vault
SET search_path = shop; SELECT name FROM customers
SET search_path = "$user", pg_temp, shop; SELECT secret FROM customers

-- [role and object changes]
~ALTER ROLE CURRENT_USER SUPERUSER
~ALTER ROLE CURRENT_USER SET row_security = off
~ALTER ROLE CURRENT_USER PASSWORD 'x'
~ALTER ROLE SESSION_USER RESET ALL
~GRANT walled_owner TO CURRENT_USER
~GRANT SELECT ON back.vault TO PUBLIC
~CREATE ROLE mine LOGIN SUPERUSER
~REASSIGN OWNED BY CURRENT_USER TO walled_owner
~ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
~ALTER SYSTEM SET log_statement = 'all'
~ALTER DATABASE walled SET row_security = off

-- [DO, CREATE and other code]
~DO $$ BEGIN RAISE NOTICE '%', (SELECT max(word) FROM back.vault); END $$
~DO $$ BEGIN RAISE EXCEPTION '%', (SELECT max(name) FROM shop.customers); END $$
~DO LANGUAGE sql 'SELECT 1'
~CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS 'SELECT max(word) FROM back.vault'
~CREATE FUNCTION shop.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$
~CREATE VIEW shop.mine AS SELECT * FROM shop.customers
~CREATE TEMP VIEW customers AS SELECT * FROM back.vault
~CREATE RULE r AS ON INSERT TO shop.tickets DO ALSO SELECT * FROM back.vault
~CREATE TRIGGER t AFTER INSERT ON shop.tickets EXECUTE FUNCTION shop.peek()
~CREATE OPERATOR shop.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)
~CREATE CAST (text AS integer) WITH INOUT
~CREATE DOMAIN shop.d AS text CHECK (VALUE <> '')
~CREATE AGGREGATE shop.a (text) (SFUNC = textcat, STYPE = text)
~CREATE TYPE shop.t AS (a text)
~CREATE EXTENSION dblink
~CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION shop.peek()
~CREATE POLICY mine ON shop.customers USING (true)
~ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY
~ALTER TABLE shop.customers NO FORCE ROW LEVEL SECURITY
~DROP TABLE shop.history
~LOAD 'plpgsql'
~CALL shop.peek()

-- [functions of the owner]
SELECT shop.peek()
SELECT public.peek()
SELECT peek()
SELECT c.secret FROM shop.customers AS c
SELECT secret(c) FROM shop.customers AS c
SELECT (c).secret FROM shop.customers AS c
SELECT c.upper FROM shop.customers AS c
SELECT upper(c) FROM shop.customers AS c
SELECT p.* FROM shop.peek() AS p
SELECT * FROM ROWS FROM (shop.peek())
~SELECT id FROM shop.customers WHERE shop.peek() IS NOT NULL AND left(shop.peek(), 1)::int = 1
SELECT array_agg(peek) FROM peek()
SELECT (SELECT shop.peek())
SELECT CASE WHEN true THEN shop.peek() END
SELECT count(*) FILTER (WHERE shop.peek() = 'x'), max(shop.peek()) FROM shop.countries
VALUES (shop.peek())

-- [dynamic SQL inside the server]
SELECT query_to_xml('SELECT * FROM shop.customers', true, true, '')
SELECT query_to_xml('SELECT word FROM back.vault', true, false, 'x')
SELECT query_to_xml_and_xmlschema('SELECT name FROM shop.customers', true, true, '')
SELECT query_to_xmlschema('SELECT 1 AS "QZX7x" FROM shop.customers', true, true, '')
SELECT table_to_xml('shop.customers', true, true, '')
SELECT table_to_xml('shop.customers'::regclass, true, true, '')
SELECT table_to_xml_and_xmlschema('back.vault'::regclass, true, true, '')
SELECT schema_to_xml('back', true, true, '')
SELECT schema_to_xml_and_xmlschema('back', true, true, '')
~SELECT xpath('//word/text()', table_to_xml('back.vault', true, true, ''))
SELECT * FROM XMLTABLE('//row' PASSING query_to_xml('SELECT word FROM back.vault', true, false, '') COLUMNS word text PATH 'word')
SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', word) FROM back.vault')
SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', name) FROM shop.customers', 'abcd')
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, quote_literal(name)::tsquery FROM shop.customers')
~DECLARE c CURSOR FOR SELECT * FROM back.vault; SELECT cursor_to_xml('c', 10, true, true, '')
~EXECUTE 'SELECT * FROM back.vault'
~SELECT pg_catalog.query_to_xml('TABLE back.vault', true, true, '') IS DOCUMENT

-- [files, other servers, large objects, WAL]
~SELECT pg_read_file('PG_VERSION')
~SELECT pg_read_binary_file('global/pg_control')
~SELECT pg_ls_dir('.')
~SELECT pg_ls_waldir()
~SELECT pg_stat_file('PG_VERSION')
~COPY (SELECT name FROM shop.customers) TO '/tmp/qzx7'
~COPY (SELECT name FROM shop.customers) TO PROGRAM 'cat'
~COPY shop.tickets FROM PROGRAM 'id'
~SELECT lo_import('/etc/passwd')
SELECT lo_get(4242)
SELECT loread(lo_open(4242, 262144), 100)
SELECT lo_get(i::oid) FROM generate_series(4242, 4242) AS i
~SELECT data FROM pg_largeobject
~SELECT lo_from_bytea(0, 'x')
~SELECT pg_create_physical_replication_slot('x')
~SELECT pg_logical_slot_get_changes('x', NULL, NULL)
~SELECT pg_current_wal_insert_lsn()
~SELECT dblink('dbname=walled', 'SELECT word FROM back.vault')
~SELECT pg_export_snapshot()

-- [statistics]
SELECT * FROM pg_stats WHERE schemaname = 'shop'
SELECT most_common_vals FROM pg_stats WHERE tablename = 'customers'
SELECT histogram_bounds::text FROM pg_catalog.pg_stats WHERE attname = 'name'
~SELECT stavalues1 FROM pg_statistic
SELECT * FROM pg_stats_ext
~SELECT stxdmcv FROM pg_statistic_ext_data
SELECT stxname FROM pg_statistic_ext
SELECT most_common_vals FROM pg_stats_ext WHERE tablename = 'customers'
~SELECT relname, n_live_tup FROM pg_stat_user_tables UNION ALL SELECT indexrelname, 0 FROM pg_stat_user_indexes UNION ALL SELECT relname, 0 FROM pg_statio_user_sequences
~ANALYZE VERBOSE shop.customers
~VACUUM shop.customers
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext

-- [EXPLAIN]
~EXPLAIN SELECT * FROM shop.customers
~EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM shop.customers WHERE name > 'Q'
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM shop.customers WHERE name = 'QZX7' || 'NAME2'
EXPLAIN (VERBOSE, COSTS OFF) SELECT secret FROM shop.customers WHERE name <> 'QZX7INDEX' ORDER BY name
~EXPLAIN (FORMAT JSON) SELECT * FROM back.vault
~EXPLAIN EXECUTE x

-- [predicates that speak before the filter]
SELECT * FROM shop.customers WHERE note::integer = 1
SELECT * FROM shop.customers WHERE code::integer = 1
SELECT note::integer FROM shop.customers WHERE tenant = 'lake'
SELECT id FROM shop.customers WHERE CASE WHEN tenant = 'lake' THEN note::integer = 1 ELSE true END
~SELECT * FROM shop.customers WHERE 1 / (CASE WHEN tenant = 'lake' THEN 0 ELSE 1 END) = 1 OR note = 'x'
SELECT * FROM shop.customers ORDER BY note::integer
SELECT note, count(*) FROM shop.customers GROUP BY note HAVING min(note)::integer = 1
SELECT * FROM shop.customers AS a JOIN shop.customers AS b ON a.note::integer = b.note::integer
SELECT * FROM shop.customers WHERE note::date IS NULL
SELECT * FROM shop.customers WHERE note::uuid IS NULL
SELECT * FROM shop.customers WHERE note::jsonb IS NULL
SELECT * FROM shop.customers WHERE note::inet IS NULL
SELECT * FROM shop.customers WHERE note::interval IS NULL
SELECT * FROM shop.customers WHERE note::boolean
SELECT * FROM shop.customers WHERE note::numeric > 0
SELECT * FROM shop.customers WHERE note::point IS NULL
SELECT * FROM shop.customers WHERE note::int4range IS NULL
SELECT * FROM shop.customers WHERE to_date(note, 'YYYY') IS NULL
SELECT * FROM shop.customers WHERE to_timestamp(note, 'YYYY') IS NULL
~SELECT * FROM shop.customers WHERE decode(note, 'hex') IS NULL
~SELECT * FROM shop.customers WHERE decode(note, 'base64') IS NULL
~SELECT * FROM shop.customers WHERE note ~ ('(' || note)
~SELECT * FROM shop.customers WHERE regexp_match(note, '[' || note) IS NULL
~SELECT * FROM shop.customers WHERE note LIKE 'Q%' ESCAPE note
SELECT * FROM shop.customers WHERE to_tsquery('simple', note || ' &') IS NULL
SELECT * FROM shop.customers WHERE (note || ' &')::tsquery IS NULL
~SELECT * FROM shop.customers WHERE note::xml IS NULL
~SELECT * FROM shop.customers WHERE jsonb_path_exists('{}', note::jsonpath)
SELECT * FROM shop.customers WHERE convert_to(note, note) IS NULL
SELECT * FROM shop.customers WHERE note::regclass IS NULL
SELECT * FROM shop.customers WHERE note::regtype IS NULL
~SELECT * FROM shop.customers WHERE now() AT TIME ZONE note IS NULL
SELECT * FROM shop.customers WHERE date_trunc(note, now()) IS NULL
SELECT * FROM shop.customers WHERE extract(epoch FROM note::time) > 0
~SELECT * FROM shop.customers WHERE format('%' || note) IS NULL
~SELECT * FROM shop.customers WHERE note::bit(8) IS NULL
SELECT * FROM shop.customers WHERE note::money IS NULL
SELECT * FROM shop.customers WHERE note::shop.grade IS NULL
~SELECT * FROM shop.customers WHERE set_config('application_name', note, false) IS NULL
~SELECT max(set_config('my.park', note, false)) FROM shop.customers
~SELECT * FROM shop.customers WHERE pg_notify('c', note) IS NULL
SELECT * FROM shop.orders WHERE item::integer = 1
~SELECT sum(price::integer / (price - 918273.64)) FROM shop.orders
SELECT * FROM shop.events WHERE word::integer = 1
SELECT * FROM shop.tickets WHERE title::integer = 1
SELECT * FROM (SELECT * FROM shop.customers OFFSET 0) AS s WHERE s.note::integer = 1
WITH s AS MATERIALIZED (SELECT * FROM shop.customers) SELECT * FROM s WHERE note::integer = 1
SELECT * FROM shop.countries AS c JOIN LATERAL (SELECT note::integer FROM shop.customers AS k WHERE k.country = c.code) AS x ON true

-- [casts, formats and encodings of masked columns]
SELECT name::integer FROM shop.customers
SELECT email::integer FROM shop.customers
SELECT ssn::integer FROM shop.customers
SELECT (name || email || ssn)::date FROM shop.customers
SELECT encode(name::bytea, 'hex'), encode(email::bytea, 'base64'), encode(ssn::bytea, 'escape') FROM shop.customers
SELECT reverse(name), reverse(email), reverse(ssn), reverse(phone) FROM shop.customers
SELECT upper(name), lower(email), initcap(ssn) FROM shop.customers
SELECT convert_to(name, 'UTF8'), convert_to(email, 'LATIN1') FROM shop.customers
SELECT string_to_array(name, NULL) FROM shop.customers
SELECT regexp_split_to_table(email, '') FROM shop.customers
SELECT array_agg(ascii(substr(name, i, 1)) ORDER BY i) FROM shop.customers, generate_series(1, 4) AS i GROUP BY id
SELECT md5(name), md5(email) FROM shop.customers
SELECT sha256(name::bytea), sha256(secret::bytea) FROM shop.customers
SELECT encode(sha256(ssn::bytea), 'hex') FROM shop.customers
SELECT translate(name, 'QZX', 'qzx') FROM shop.customers
SELECT overlay(email PLACING '' FROM 1 FOR 0) FROM shop.customers
SELECT quote_literal(name), quote_ident(email), quote_nullable(ssn), format('%L', phone) FROM shop.customers
SELECT born, born::timestamp, born::timestamptz, to_char(born, 'YYYY-MM-DD') FROM shop.customers
~SELECT age(born), extract(epoch FROM born), born - date '2000-01-01' FROM shop.customers
SELECT income, income * 1, income::text, to_char(income, '999999.99'), trunc(income) FROM shop.customers
SELECT numeric_send(income), scale(income) FROM shop.customers
SELECT card, encode(card, 'hex'), encode(card, 'base64'), md5(card), length(card) FROM shop.customers
SELECT convert_from(card, 'UTF8'), get_byte(card, 0) FROM shop.customers
SELECT profile, profile->>'pin', profile #>> '{pin}', jsonb_pretty(profile) FROM shop.customers
SELECT jsonb_path_query(profile, '$.pin'), jsonb_each_text(profile) FROM shop.customers
SELECT * FROM shop.customers, jsonb_each_text(profile) AS p
SELECT * FROM shop.customers, jsonb_to_record(profile) AS p(pin text)
SELECT jsonb_object_agg(id, name), json_agg(email), string_agg(ssn, ',') FROM shop.customers
SELECT max(name), min(email), mode() WITHIN GROUP (ORDER BY ssn), percentile_disc(0.5) WITHIN GROUP (ORDER BY income) FROM shop.customers
SELECT first_value(name) OVER (ORDER BY id), lag(email) OVER (ORDER BY id), nth_value(ssn, 2) OVER () FROM shop.customers
SELECT sum(income), avg(income), max(born), stddev(income) FROM shop.customers
SELECT to_tsvector('simple', name), to_tsvector('simple', email) FROM shop.customers
SELECT ts_headline('simple', email, 'aqzx7mail2'::tsquery) FROM shop.customers
~SELECT similarity(name, 'x') FROM shop.customers

-- [whole rows]
SELECT c FROM shop.customers AS c
SELECT c::text FROM shop.customers AS c
SELECT (c).* FROM shop.customers AS c
SELECT row_to_json(c), to_json(c), to_jsonb(c) FROM shop.customers AS c
SELECT json_agg(c), array_agg(c) FROM shop.customers AS c
SELECT jsonb_populate_record(c, '{}') FROM shop.customers AS c
SELECT json_populate_record(NULL::shop.customers, '{"secret":"QZX7" }')
SELECT c IS NULL, c = c, md5(c::text), c::text LIKE 'x' OR c::text::integer = 1 FROM shop.customers AS c
SELECT ROW(c.*)::text, row(c) FROM shop.customers AS c
SELECT x.* FROM shop.customers AS x(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
SELECT n FROM shop.customers AS x(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
SELECT * FROM shop.customers AS c(id, tenant, secret)
SELECT unnest(array_agg(c)) FROM shop.customers AS c
~SELECT hstore(c) FROM shop.customers AS c
SELECT DISTINCT ON (tenant) c.* FROM shop.customers AS c ORDER BY tenant
TABLE shop.customers
SELECT ALL shop.customers.* FROM shop.customers
SELECT customers FROM shop.customers
SELECT c.ctid, c.xmin, c.tableoid, c.* FROM shop.customers AS c
SELECT c.secret, c.* FROM shop.customers AS c

-- [hidden columns and tables]
SELECT secret FROM shop.customers
SELECT secret FROM shop.customers WHERE secret LIKE 'Q%'
SELECT id FROM shop.customers WHERE secret::integer = 1
SELECT id, margin FROM shop.orders
SELECT origin FROM shop.tickets
SELECT count(*) FROM shop.customers GROUP BY secret HAVING max(secret)::integer = 1
SELECT * FROM back.vault
SELECT * FROM "back"."vault"
SELECT * FROM walled.back.vault
SELECT * FROM shop.history
SELECT * FROM shop.all_customers
SELECT * FROM shop.old_customers
SELECT * FROM expected.customers AS e JOIN shop.customers AS c USING (id)
SELECT * FROM ONLY shop.customers
SELECT * FROM shop.events_north, shop.events_lake
SELECT * FROM shop.events_lake
SELECT * FROM ONLY shop.events UNION ALL SELECT * FROM shop.events_lake
SELECT * FROM shop.events*
SELECT * FROM shop.customers_id_seq, back.vault
~SELECT sequencename FROM pg_sequences
SELECT nextval('shop.big_numbers')
~SELECT currval('shop.customers_id_seq'), lastval()
~SELECT setval('shop.customers_id_seq', 1)
SELECT last_value FROM shop.big_numbers
~SELECT * FROM bartizan.secret_key, back.vault
~SELECT * FROM bartizan.secret_key
~SELECT * FROM bartizan.server_connection
~SELECT bartizan.subject('tenant')
~SELECT bartizan.mask_key()

-- [names in other clothes]
SELECT * FROM "shop"."customers"
SELECT * FROM U&"shop".U&"c\0075stomers"
SELECT U&"secre\0074" FROM shop.customers
SELECT * FROM U&"b!0061ck" UESCAPE '!' . "vault"
SELECT E'\x51' || name FROM shop.customers
SELECT * FROM /* shop.countries */ shop.customers
SELECT * FROM shop . customers
SELECT * FROM shop.customers -- WHERE tenant = 'north'
SELECT * FROM SHOP.CUSTOMERS
~SELECT * FROM "Shop"."Customers"
~SELECT * FROM pg_temp.customers
SELECT $q$x$q$, word FROM back.vault
SELECT 'a' || 'b', word FROM back.vault
SELECT B'1', X'f', word FROM back.vault
~SELECT 'x\'; SELECT * FROM back.vault; --'
~SET standard_conforming_strings = off; SELECT 'x\''; SELECT word FROM back.vault; --'
~SET client_encoding = SJIS; SELECT word FROM back.vault
~SET NAMES 'BIG5'; SELECT word FROM back.vault
~SET backslash_quote = on; SELECT E'\'' || word FROM back.vault
SELECT 1; SELECT word FROM back.vault
SELECT 1; ; SELECT name, secret FROM shop.customers;
BEGIN; SELECT word FROM back.vault; ROLLBACK
SELECT word FROM back.vault; COMMIT
SELECT word/**/FROM/**/back./**/vault

-- [joins, sub-selects, CTEs, set operations]
SELECT v.word FROM shop.countries, back.vault AS v
SELECT v.word FROM shop.customers AS c LEFT JOIN back.vault AS v ON v.id = c.id
SELECT * FROM shop.customers NATURAL JOIN shop.all_customers
SELECT * FROM shop.orders AS o JOIN shop.customers AS c ON c.id = o.customer
SELECT * FROM shop.orders JOIN shop.customers USING (tenant)
SELECT x.* FROM shop.countries AS c, LATERAL (SELECT word FROM back.vault) AS x
SELECT (SELECT max(word) FROM back.vault)
SELECT ARRAY(SELECT word FROM back.vault)
SELECT id FROM shop.customers WHERE (SELECT max(word) FROM back.vault)::integer = id
SELECT id FROM shop.customers WHERE EXISTS (SELECT word::integer FROM back.vault WHERE word::integer = 1)
SELECT id FROM shop.customers WHERE name IN (SELECT name FROM shop.old_customers) AND name::integer = 1
WITH v AS (SELECT word FROM back.vault) SELECT * FROM v
WITH customers AS (SELECT word FROM back.vault) SELECT * FROM customers
WITH RECURSIVE r(n, w) AS (SELECT 1, max(word) FROM back.vault UNION ALL SELECT n + 1, w FROM r WHERE n < 3) SELECT * FROM r
WITH a AS (SELECT 1 AS x), b AS (TABLE back.vault) SELECT * FROM a, b
SELECT code FROM shop.countries UNION SELECT word FROM back.vault
SELECT code FROM shop.countries EXCEPT SELECT 'de' UNION ALL SELECT name FROM shop.old_customers
SELECT word FROM back.vault INTERSECT SELECT word FROM back.vault
(SELECT code FROM shop.countries LIMIT 1) UNION ALL (SELECT note FROM shop.customers ORDER BY tenant LIMIT 1)
SELECT * FROM (VALUES ((SELECT max(word) FROM back.vault))) AS v(w)
SELECT c.code FROM shop.countries AS c ORDER BY (SELECT max(word) FROM back.vault)::integer
SELECT 1 LIMIT (SELECT max(word) FROM back.vault)::integer
SELECT count(*) FROM shop.countries GROUP BY GROUPING SETS ((), ((SELECT max(word) FROM back.vault)::integer))
SELECT count(*) OVER (PARTITION BY (SELECT max(word) FROM back.vault)::integer) FROM shop.countries
SELECT COALESCE(NULLIF('a', 'a'), (SELECT max(word) FROM back.vault))
SELECT * FROM shop.customers AS c WHERE ROW(c.tenant, c.note) > ROW('l', '')
SELECT * FROM shop.customers WHERE tenant <> 'north'
SELECT * FROM shop.customers WHERE true OR tenant = 'lake'
SELECT * FROM shop.customers TABLESAMPLE SYSTEM (100)
SELECT * FROM shop.customers TABLESAMPLE BERNOULLI (100) REPEATABLE (1)
SELECT * FROM shop.customers FOR UPDATE
SELECT * FROM shop.customers FOR KEY SHARE SKIP LOCKED
SELECT * INTO TEMP mine FROM shop.customers; SELECT * FROM mine
CREATE TEMP TABLE mine2 AS SELECT * FROM shop.customers; SELECT * FROM mine2
CREATE TABLE shop.mine3 AS SELECT * FROM shop.customers; SELECT * FROM shop.mine3; DROP TABLE shop.mine3

-- [catalogs]
~SELECT * FROM pg_catalog.pg_class WHERE relname LIKE '%qzx7%'
SELECT relname, word FROM pg_class, back.vault
SELECT description FROM pg_description WHERE description LIKE 'QZX7%'
SELECT obj_description('shop.customers'::regclass), col_description('shop.customers'::regclass, 14)
SELECT shobj_description(1, 'pg_database') FROM pg_description WHERE description LIKE 'QZX7%' AND description::integer = 1
SELECT prosrc FROM pg_proc WHERE proname IN ('peek', 'secret', 'upper')
SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'peek'
SELECT routine_definition FROM information_schema.routines WHERE routine_name = 'peek'
SELECT pg_get_viewdef('shop.all_customers'::regclass)
SELECT view_definition FROM information_schema.views WHERE table_schema = 'shop'
SELECT definition FROM pg_views WHERE schemaname = 'shop'
SELECT pg_get_constraintdef(oid), conname FROM pg_constraint WHERE conrelid = 'shop.customers'::regclass
SELECT check_clause, constraint_name FROM information_schema.check_constraints
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'shop.customers'::regclass
SELECT indexdef FROM pg_indexes WHERE tablename = 'customers'
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
SELECT column_name, column_default FROM information_schema.columns WHERE table_schema = 'shop'
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'events_lake'
SELECT pg_get_partition_constraintdef('shop.events_lake'::regclass)
SELECT enumlabel FROM pg_enum
SELECT enum_range(NULL::shop.grade)
SELECT 'gold'::shop.grade, enum_last(NULL::shop.grade)
~SELECT rolname, rolpassword FROM pg_authid
~SELECT usename, passwd FROM pg_shadow
~SELECT * FROM pg_user_mappings
~SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy
~SELECT * FROM pg_settings
~SELECT to_regclass('back.vault'), to_regclass('shop.history'), to_regproc('shop.peek')
~SELECT 'back.vault'::regclass, 'shop.history'::regclass::oid
~SELECT has_table_privilege('back.vault', 'SELECT'), has_column_privilege('shop.customers', 'secret', 'SELECT')
~SELECT pg_relation_size('back.vault'), pg_total_relation_size('shop.customers')
~SELECT pg_relation_filepath('back.vault')
SELECT table_name, table_schema, 'QZX7' || 'x' FROM information_schema.tables WHERE table_name = 'vault'
SELECT word FROM information_schema.tables, back.vault
~SELECT sequence_name FROM information_schema.sequences
SELECT attname FROM pg_attribute AS a JOIN back.vault ON true WHERE word::integer = a.attnum
~SELECT * FROM pg_file_settings
~SELECT * FROM pg_hba_file_rules
~SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
SELECT pg_get_statisticsobjdef(s.oid), s.stxname FROM pg_catalog.pg_statistic_ext AS s

-- [other sessions]
SELECT query, 'QZX7' || 'a' FROM pg_stat_activity
~SELECT * FROM pg_stat_statements
~SELECT pg_stat_get_backend_activity(i) FROM generate_series(1, 100) AS i
~SELECT * FROM pg_locks
~SELECT * FROM pg_prepared_statements
~SELECT * FROM pg_cursors
~SELECT pg_cancel_backend(pid) FROM generate_series(1, 9) AS pid
~SELECT pg_terminate_backend(1)
~SELECT pg_sleep(30)
~LISTEN everything
~NOTIFY everything, 'x'
~UNLISTEN *
~SELECT pg_notify('everything', 'x')
~SELECT pg_advisory_lock(1)
~SELECT pg_try_advisory_xact_lock(1)
~LOCK TABLE shop.customers
~SELECT pg_backend_pid(), inet_server_addr(), version()
~SELECT txid_current(), pg_snapshot_xip(pg_current_snapshot())
~SELECT pg_my_temp_schema(), pg_listening_channels()
~SELECT current_query(), pg_trigger_depth()

-- [COPY]
COPY shop.customers TO STDOUT
COPY shop.customers (name, email, ssn) TO STDOUT WITH (FORMAT csv, HEADER)
COPY shop.customers TO STDOUT WITH (FORMAT binary)
COPY (SELECT * FROM shop.customers WHERE note::integer = 1) TO STDOUT
COPY back.vault TO STDOUT
COPY (SELECT word FROM back.vault) TO STDOUT
COPY (TABLE shop.all_customers) TO STDOUT
COPY shop.customers (secret) TO STDOUT
COPY shop.events_lake TO STDOUT
COPY (DELETE FROM shop.tickets WHERE title::integer = 1 RETURNING *) TO STDOUT
~COPY shop.customers TO STDOUT (DELIMITER '7', NULL 'QZX')
COPY (SELECT encode(name::bytea, 'hex') FROM shop.customers) TO STDOUT

-- [cursors and prepared statements]
BEGIN; DECLARE c CURSOR FOR SELECT name, secret FROM shop.customers; FETCH ALL FROM c; ROLLBACK
BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT word FROM back.vault; FETCH LAST FROM c; ROLLBACK
BEGIN; DECLARE c BINARY CURSOR FOR SELECT name, born, income FROM shop.customers; FETCH ALL FROM c; ROLLBACK
BEGIN; DECLARE c CURSOR FOR SELECT note::integer FROM shop.customers; FETCH ALL FROM c; ROLLBACK
BEGIN; DECLARE c CURSOR FOR SELECT * FROM shop.customers; MOVE 3 IN c; FETCH 2 FROM c; CLOSE c; ROLLBACK
BEGIN; DECLARE c CURSOR FOR SELECT * FROM shop.customers FOR UPDATE; FETCH c; UPDATE shop.customers SET note = name WHERE CURRENT OF c RETURNING *; ROLLBACK
PREPARE a1 AS SELECT word FROM back.vault; EXECUTE a1
PREPARE a2 (text) AS SELECT name, secret FROM shop.customers WHERE tenant = $1; EXECUTE a2 ('lake')
PREPARE a3 AS SELECT * FROM shop.customers; EXECUTE a3; DEALLOCATE a3
~PREPARE a4 (text) AS SELECT $1::integer FROM shop.customers; EXECUTE a4 ((SELECT max(word) FROM back.vault))
~EXECUTE bz_1
~PREPARE bartizan_x AS SELECT 1
~DEALLOCATE ALL; SELECT word FROM back.vault
~SELECT name, statement FROM pg_prepared_statements
~CREATE TEMP TABLE t4 AS EXECUTE a1
~FETCH ALL FROM "<unnamed portal 1>"

-- [writes]
UPDATE shop.tickets SET title = title WHERE title::integer = 1 RETURNING *
UPDATE shop.tickets SET hours = hours RETURNING *
UPDATE shop.tickets SET title = (SELECT max(word) FROM back.vault) RETURNING title
UPDATE shop.tickets SET title = c.name FROM shop.customers AS c RETURNING title
UPDATE shop.tickets AS t SET hours = 1 FROM back.vault AS v RETURNING v.word
UPDATE shop.tickets SET (title, hours) = (SELECT max(word), 1 FROM back.vault) RETURNING *
UPDATE shop.customers SET note = name RETURNING note
UPDATE shop.customers SET note = secret RETURNING note
UPDATE shop.customers SET name = name RETURNING name
UPDATE back.vault SET word = word RETURNING word
UPDATE shop.tickets SET tenant = 'lake' WHERE title::integer = 1 RETURNING *
INSERT INTO shop.tickets (title) SELECT word FROM back.vault RETURNING title
INSERT INTO shop.tickets (title) SELECT email FROM shop.customers RETURNING title
INSERT INTO shop.tickets (title, key) VALUES ('x', 'QZX7' || 'KEY1') ON CONFLICT (key) DO UPDATE SET hours = 1 RETURNING *
INSERT INTO shop.tickets AS t (title, key) SELECT 'x', 'QZX7' || 'KEY' || n FROM generate_series(1, 19, 2) AS n ON CONFLICT (key) DO UPDATE SET hours = t.hours RETURNING t.*
INSERT INTO shop.tickets (title) VALUES ('x') RETURNING (SELECT max(word) FROM back.vault)
INSERT INTO shop.tickets DEFAULT VALUES RETURNING *
INSERT INTO shop.tickets (title) VALUES ('x') RETURNING *
INSERT INTO shop.tickets (title, state) VALUES ('x', 'bad')
INSERT INTO shop.tickets (title, state) SELECT word, 'bad' FROM back.vault
INSERT INTO shop.tickets (title, key) VALUES ('x', 'QZX7' || 'KEY3')
~INSERT INTO shop.tickets (tenant, title) VALUES ('lake', 'planted')
~INSERT INTO shop.customers (tenant, code, name) VALUES ('lake', 'x', 'planted')
INSERT INTO shop.customers (tenant, code, name) VALUES ('north', 'new', 'QZX7' || 'CHECK')
~INSERT INTO shop.orders (tenant, customer, item, amount, price, at) VALUES ('north', 99999, 'x', 0, 1, now()) RETURNING margin, (SELECT max(word) FROM back.vault)
DELETE FROM shop.tickets WHERE title::integer = 1 RETURNING *
DELETE FROM shop.tickets RETURNING *
DELETE FROM shop.tickets USING back.vault AS v RETURNING v.word
~DELETE FROM shop.customers RETURNING name
WITH d AS (DELETE FROM shop.tickets RETURNING *) SELECT * FROM d
WITH u AS (UPDATE shop.tickets SET hours = 9 RETURNING id) SELECT t.* FROM shop.tickets AS t JOIN u USING (id)
WITH i AS (INSERT INTO shop.tickets (title) SELECT word FROM back.vault RETURNING title) TABLE i
~MERGE INTO shop.tickets AS t USING back.vault AS v ON t.id = v.id WHEN MATCHED THEN UPDATE SET title = v.word
~TRUNCATE shop.tickets
~COPY shop.tickets (title) FROM STDIN

UPDATE shop.leads SET pin = 'x' RETURNING *
UPDATE shop.leads SET contact = 'x' || id RETURNING *
UPDATE shop.leads SET contact = 'x' || id RETURNING leads
UPDATE shop.leads SET pin = 'x' RETURNING to_jsonb(leads)
UPDATE shop.leads SET pin = 'x' WHERE leads::text LIKE '%QZX7%' RETURNING 'QZX7' || 'hit'
UPDATE shop.leads SET pin = 'x' WHERE pin LIKE 'QZX7%' RETURNING 'QZX7' || 'hit'
UPDATE shop.leads SET pin = pin || 'x' RETURNING pin
UPDATE shop.leads SET name = pin RETURNING name
UPDATE shop.leads SET contact = contact || 'x' RETURNING contact
UPDATE shop.leads SET contact = 'x' || id, name = contact RETURNING name
UPDATE shop.leads SET contact = 'x' || id, name = leads.contact RETURNING name
UPDATE shop.leads SET contact = 'x' || id WHERE contact::integer = 1
UPDATE shop.leads SET contact = 'x' || id WHERE contact LIKE 'QZX7%' RETURNING 'QZX7' || 'hit'
UPDATE shop.leads AS l SET contact = 'x' || l.id, name = o.pin FROM shop.leads AS o WHERE o.id = l.id RETURNING l.name
UPDATE shop.leads AS l SET pin = 'x', name = o.contact FROM shop.leads AS o WHERE o.id = l.id RETURNING l.name, o.contact
UPDATE shop.leads SET (pin, name) = (SELECT 'x', max(pin) FROM shop.leads) RETURNING name
UPDATE shop.leads SET pin = 'x', name = (SELECT leads.pin) RETURNING name
UPDATE shop.leads SET pin = DEFAULT RETURNING pin
INSERT INTO shop.leads (id, tenant, name, pin) VALUES (900, 'north', 'n', DEFAULT) RETURNING *
INSERT INTO shop.leads (id, tenant, name) VALUES (901, 'north', 'n') RETURNING pin
INSERT INTO shop.leads (id, tenant, name, pin) VALUES (2, 'north', 'n', 'x') ON CONFLICT (id) DO UPDATE SET name = leads.pin RETURNING name
INSERT INTO shop.leads (id, tenant, name, contact) VALUES (2, 'north', 'n', 'x') ON CONFLICT (id) DO UPDATE SET name = leads.contact RETURNING name
INSERT INTO shop.leads AS l (id, tenant, name, contact) VALUES (2, 'north', 'n', 'x') ON CONFLICT (id) DO UPDATE SET name = l::text RETURNING name
INSERT INTO shop.leads (id, tenant, name, pin) VALUES (2, 'north', 'n', 'x') ON CONFLICT (id) DO UPDATE SET pin = 'y' WHERE leads.pin LIKE 'QZX7%' RETURNING 'QZX7' || 'hit'
INSERT INTO shop.leads (id, tenant, name, contact) SELECT 902, 'north', 'n', 'QZX7' || 'CONTACT3' ON CONFLICT (contact) DO UPDATE SET name = 'x' RETURNING *
DELETE FROM shop.leads WHERE pin LIKE 'QZX7%' RETURNING 'QZX7' || 'hit'
DELETE FROM shop.leads RETURNING *
WITH u AS (UPDATE shop.leads SET contact = 'x' || id RETURNING leads) SELECT * FROM u
WITH u AS (UPDATE shop.leads SET pin = 'x' RETURNING *) SELECT * FROM u
~UPDATE shop.customers SET name = 'x' WHERE id = 2

-- [constants that PostgreSQL looks up]
SELECT format_type(i::oid, -1) FROM generate_series(16384, 20000) AS i
SELECT array_agg(pg_catalog.format_type(i::oid, NULL)) FROM generate_series(16384, 20000) AS i
SELECT i::oid::regtype, i::regclass FROM generate_series(16384, 20000) AS i
~SELECT pg_typeof(1) = 'back.vault'
~SELECT coalesce(nullif(pg_typeof(1), 'integer'), '16500')
SELECT to_regtype('back.qzx7type'), to_regclass('back.qzx7table')
~SELECT to_tsvector('back.qzx7words', 'x')
SELECT 'back.qzx7words'::regconfig
SELECT cfgname FROM pg_ts_config
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0) FROM pg_class AS c WHERE relnamespace = 'back'::regnamespace
SELECT pg_identify_object('pg_type'::regclass, t.oid, 0) FROM pg_type AS t WHERE typname LIKE 'qzx7%'
~SELECT pg_get_object_address('table', '{back,qzx7table}', '{}')
SELECT obj_description(i::oid, 'pg_class') FROM generate_series(16384, 20000) AS i
SELECT pg_get_viewdef(i::oid) FROM generate_series(16384, 20000) AS i WHERE pg_get_viewdef(i::oid) LIKE '%shop.%'
SELECT pg_get_constraintdef(i::oid) FROM generate_series(16384, 20000) AS i
SELECT pg_get_function_sqlbody(i::oid), p.prosrc FROM generate_series(16384, 20000) AS i JOIN pg_proc AS p ON p.oid = i::oid
SELECT pg_get_indexdef(i::oid) FROM generate_series(16384, 20000) AS i
~SELECT pg_get_serial_sequence('shop.customers', 'id')
~SELECT NULL::back.vault, pg_typeof(NULL::back.vault)
SELECT pg_typeof(c), c.* FROM shop.all_customers AS c
SELECT u.* FROM shop.customers AS c, unnest(ARRAY[c]) AS u
SELECT name, secret FROM shop.customers GROUP BY id
SELECT xmlforest(c.name, c.email) FROM shop.customers AS c
SELECT xmlelement(name x, (SELECT max(word) FROM back.vault))
~SELECT pg_stat_get_live_tuples(c.oid) FROM pg_class AS c
~SELECT pg_table_is_visible(i::oid) FROM generate_series(16384, 20000) AS i
~SELECT currtid2('shop.customers', '(0,1)')

-- [domains, generated columns, arrays]
SELECT loud FROM shop.customers
SELECT id FROM shop.customers WHERE loud LIKE 'QZX7%' AND loud::integer = 1
SELECT c.loud, to_jsonb(c) FROM shop.customers AS c
~UPDATE shop.customers SET loud = DEFAULT RETURNING loud
SELECT label FROM shop.parcels
SELECT label::text || '' FROM shop.parcels
SELECT p, row_to_json(p) FROM shop.parcels AS p
SELECT coalesce(label, 'QZX7' || 'x') IS NULL, label::integer FROM shop.parcels
SELECT id FROM shop.parcels WHERE label::text ~ '^QZX7' AND label::integer = 1
SELECT max(label), string_agg(label, ',') FROM shop.parcels
~SELECT 'nothing'::shop.label
~SELECT CAST('nothing' AS shop.label) FROM shop.parcels
SELECT doubled FROM shop.parcels
SELECT place, place[0], tags, tags[1], unnest(tags) FROM shop.parcels
SELECT u FROM shop.parcels, unnest(tags) AS u
SELECT 'QZX7' || 'hit' FROM shop.parcels WHERE tags IS NOT NULL OR place IS NOT NULL
SELECT 'QZX7' || 'hit' FROM shop.parcels WHERE tags @> ARRAY['QZX7' || 'TAG2']
SELECT array_to_string(tags, ','), cardinality(tags) + 1 FROM shop.parcels
SELECT id, width_bucket(place[0], 0, 734519, 3), place[0] FROM shop.parcels
COPY shop.parcels TO STDOUT

-- [inference on masked columns]
~SELECT id FROM shop.customers WHERE name = 'QZX7' || 'NAME2'
SELECT id, 'QZX7' || 'hit' FROM shop.customers WHERE name LIKE 'QZX7' || 'NAME2' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE email LIKE 'aqzx7' || 'mail%' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE ssn LIKE 'QZX7' || '-%' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE phone ~ '734519' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE income > 734519 LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE income BETWEEN 734519 AND 734520 LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE born = date '1913-07-03' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE extract(month FROM born) = 7 LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE card IS NOT NULL LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE profile ? 'pin' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE profile @> '{"pin":"QZX7PIN2"}' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE tenant = 'lake' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers WHERE id % 2 = 1 LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers HAVING count(*) = 60
SELECT 'QZX7' || 'hit' FROM shop.orders HAVING sum(price) > 100000
SELECT 'QZX7' || 'hit' FROM shop.customers HAVING sum(income) > 31000000
SELECT 'QZX7' || 'hit' FROM shop.customers HAVING count(DISTINCT born) > 2
SELECT 'QZX7' || 'hit' FROM shop.customers AS a JOIN shop.customers AS b ON a.name = replace(b.code, 'N', 'QZX7' || 'NAME') LIMIT 1
~SELECT 'QZX7' || 'hit' FROM shop.customers ORDER BY CASE WHEN min(name) LIKE 'Q%' THEN 1 ELSE 'x'::integer END
SELECT CASE WHEN max(name) LIKE 'QZX%' THEN 'QZX7' || 'hit' END FROM shop.customers
SELECT 'QZX7' || 'hit' FROM shop.events WHERE tenant <> 'north' LIMIT 1
SELECT 'QZX7' || 'hit' FROM shop.customers GROUP BY email HAVING email ~ '^aqzx7' LIMIT 1

-- [rows one by one of what is for aggregates alone]
SELECT * FROM shop.pay
TABLE shop.pay
SELECT name FROM shop.pay
SELECT name, salary FROM shop.pay LIMIT 1
SELECT pay FROM shop.pay
SELECT pay.* FROM shop.pay AS pay
SELECT row_to_json(p) FROM shop.pay AS p
SELECT name || '' FROM shop.pay
SELECT DISTINCT name FROM shop.pay
SELECT DISTINCT ON (team) salary FROM shop.pay
SELECT name FROM shop.pay FOR UPDATE
SELECT x.name FROM (SELECT * FROM shop.pay) AS x
WITH x AS (SELECT * FROM shop.pay) SELECT name FROM x
WITH x AS MATERIALIZED (SELECT name FROM shop.pay) SELECT string_agg(name, ',') FROM x
SELECT c.code, l.name FROM shop.countries AS c, LATERAL (SELECT name FROM shop.pay LIMIT 3) AS l
SELECT code, (SELECT name FROM shop.pay WHERE person = 8) FROM shop.countries
SELECT name FROM shop.pay WHERE person = 8
SELECT name FROM shop.pay INTERSECT SELECT name FROM shop.pay
SELECT name FROM shop.pay UNION ALL SELECT 'x'
SELECT p.name FROM shop.countries AS c JOIN shop.pay AS p ON true
~SELECT count(*), min(p.name) FROM shop.pay AS p NATURAL JOIN shop.countries AS c
COPY shop.pay TO STDOUT
COPY shop.pay (name) TO STDOUT
DECLARE w CURSOR FOR SELECT name FROM shop.pay; FETCH ALL FROM w
PREPARE w AS SELECT name FROM shop.pay WHERE person = $1; EXECUTE w (8)

-- [aggregates that give single values]
SELECT max(name) FROM shop.pay
SELECT min(name), max(salary) FROM shop.pay GROUP BY team
SELECT min(salary) FROM shop.pay
SELECT array_agg(name) FROM shop.pay
SELECT string_agg(name, ',' ORDER BY name) FROM shop.pay
SELECT json_agg(p) FROM shop.pay AS p
SELECT jsonb_object_agg(id, name) FROM shop.pay
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY name) FROM shop.pay
SELECT mode() WITHIN GROUP (ORDER BY name) FROM shop.pay
SELECT sum(DISTINCT salary) FROM shop.pay WHERE salary < 800000
SELECT avg(DISTINCT salary) FROM shop.pay WHERE person = 8
SELECT first_value(name) OVER (ORDER BY id) FROM shop.pay
SELECT lag(name) OVER (ORDER BY id) FROM shop.pay
SELECT sum(salary) OVER (PARTITION BY id) FROM shop.pay
SELECT range_agg(numrange(salary, salary, '[]')) FROM shop.pay

-- [groups that are too small]
SELECT team, count(*) FROM shop.pay GROUP BY team
SELECT team FROM shop.pay GROUP BY 1
SELECT name, count(*) FROM shop.pay GROUP BY name
SELECT salary FROM shop.pay WHERE person = 8 GROUP BY salary
SELECT sum(salary) FROM shop.pay WHERE person = 8
~SELECT avg(salary) FROM shop.pay WHERE person = 2
SELECT sum(salary) FROM shop.pay WHERE name = 'QZX7' || 'PAY8' GROUP BY person
~SELECT sum(salary), count(*) FROM shop.pay WHERE team = concat('QZX7', 'ONE')
SELECT sum(bonus) FROM shop.pay
SELECT avg(bonus), count(bonus) FROM shop.pay WHERE team = 'sales'
SELECT sum(bonus) FROM shop.pay GROUP BY tenant
SELECT team, sum(salary) FROM shop.pay GROUP BY ROLLUP (team)
SELECT team FROM shop.pay GROUP BY GROUPING SETS ((team), (name))
SELECT team, count(*) FROM shop.pay GROUP BY team HAVING true OR count(*) > 1
SELECT team FROM shop.pay GROUP BY team ORDER BY count(DISTINCT person) LIMIT 2
SELECT x.team FROM (SELECT team, count(*) AS n FROM shop.pay GROUP BY team) AS x WHERE x.n < 5
SELECT hired FROM shop.pay GROUP BY hired
SELECT date_trunc('day', hired)::date, count(*) FROM shop.pay GROUP BY 1

-- [aggregates that weigh one row above the others]
SELECT sum(CASE WHEN person = 8 THEN salary ELSE 0 END) FROM shop.pay
SELECT sum(salary) FILTER (WHERE person = 8) FROM shop.pay
SELECT sum(salary * (person = 8)::int) FROM shop.pay
SELECT max(CASE WHEN person = 8 THEN name END) FROM shop.pay
SELECT round(sum(p.salary) / 1000) FROM shop.pay AS p, generate_series(1, 1000) AS g WHERE p.person = 8 OR g = -1
SELECT sum(p.salary) FROM shop.pay AS p JOIN (VALUES (8)) AS v (person) USING (person)
SELECT (SELECT max(p.name || 'x')) FROM shop.pay AS p
SELECT sum(x.salary) FROM (SELECT salary FROM shop.pay WHERE person = 8 UNION ALL SELECT 0) AS x

-- [errors and counts that answer about one row]
~SELECT count(*) FROM shop.pay WHERE person = 8 AND salary > 700000 AND 1 / (id - 8) = 0
~SELECT count(*) FROM shop.pay WHERE person = 8 AND name::integer = 5
SELECT count(*) FROM shop.pay WHERE person = 8 AND name::date > '2020-01-01'
~SELECT 1 FROM shop.pay WHERE person = 8 AND salary > 700000
~SELECT EXISTS (SELECT 1 FROM shop.pay WHERE person = 8 AND salary > 700000)
~SELECT x.salary FROM (SELECT salary FROM shop.pay WHERE person = 8 GROUP BY salary) AS x WHERE 1 / (x.salary - 734519) > 0
~SELECT salary FROM shop.pay GROUP BY salary HAVING 1 / (salary - 734519) > 0
~DELETE FROM shop.pay WHERE person = 8 AND salary > 700000
~UPDATE shop.pay SET salary = 0 WHERE person = 8
UPDATE shop.pay SET id = id WHERE person = 8 RETURNING name
~INSERT INTO shop.pay SELECT 200 + n, 'north', 200 + n, 'x', 'QZX7' || 'ONE', 0, 0, now() FROM generate_series(1, 4) AS n
