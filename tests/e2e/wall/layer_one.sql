-- The attacks of attacks.sql that bring something out straight at PostgreSQL, past the gateway, by the duty of layer 1
-- (docs/formats/wall-objects.md) that keeps them from it. None of it is a value of a row that a policy hides, save under aggregate-threshold.

-- [catalog-names]
SELECT stxname FROM pg_statistic_ext
SELECT * FROM pg_catalog.pg_class WHERE relname LIKE '%qzx7%'
SELECT format_type(i::oid, -1) FROM generate_series(16384, 20000) AS i
SELECT array_agg(pg_catalog.format_type(i::oid, NULL)) FROM generate_series(16384, 20000) AS i
SELECT i::oid::regtype, i::regclass FROM generate_series(16384, 20000) AS i
SELECT cfgname FROM pg_ts_config
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0) FROM pg_class AS c WHERE relnamespace = 'back'::regnamespace
SELECT pg_identify_object('pg_type'::regclass, t.oid, 0) FROM pg_type AS t WHERE typname LIKE 'qzx7%'
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
-- (the name of the domain's constraint, which the mask does not fit)
SELECT label FROM shop.parcels
SELECT label::text || '' FROM shop.parcels
SELECT p, row_to_json(p) FROM shop.parcels AS p
SELECT coalesce(label, 'QZX7' || 'x') IS NULL, label::integer FROM shop.parcels
SELECT id FROM shop.parcels WHERE label::text ~ '^QZX7' AND label::integer = 1
SELECT max(label), string_agg(label, ',') FROM shop.parcels

-- [catalog-definitions]
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
SELECT pg_get_statisticsobjdef(s.oid), s.stxname FROM pg_catalog.pg_statistic_ext AS s
SELECT definition FROM pg_views WHERE schemaname = 'shop'
SELECT indexdef FROM pg_indexes WHERE tablename = 'customers'
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'events_lake'
SELECT enumlabel FROM pg_enum
SELECT pg_get_viewdef(i::oid) FROM generate_series(16384, 20000) AS i WHERE pg_get_viewdef(i::oid) LIKE '%shop.%'
SELECT pg_get_constraintdef(i::oid) FROM generate_series(16384, 20000) AS i
SELECT pg_get_indexdef(i::oid) FROM generate_series(16384, 20000) AS i

-- [catalog-comments]
SELECT description FROM pg_description WHERE description LIKE 'QZX7%'
SELECT shobj_description(1, 'pg_database') FROM pg_description WHERE description LIKE 'QZX7%' AND description::integer = 1
SELECT obj_description(i::oid, 'pg_class') FROM generate_series(16384, 20000) AS i

-- [function-source]
SELECT pg_get_function_sqlbody(i::oid), p.prosrc FROM generate_series(16384, 20000) AS i JOIN pg_proc AS p ON p.oid = i::oid
SELECT prosrc FROM pg_proc WHERE proname IN ('peek', 'secret', 'upper')
SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'peek'

-- [explain]
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM shop.customers WHERE name = 'QZX7' || 'NAME2'

-- (rows that the threshold keeps back)
-- [aggregate-threshold]
SELECT * FROM shop.pay
TABLE shop.pay
SELECT name FROM shop.pay
SELECT name, salary FROM shop.pay LIMIT 1
SELECT pay.* FROM shop.pay AS pay
SELECT row_to_json(p) FROM shop.pay AS p
SELECT name || '' FROM shop.pay
SELECT DISTINCT name FROM shop.pay
SELECT DISTINCT ON (team) salary FROM shop.pay
SELECT x.name FROM (SELECT * FROM shop.pay) AS x
WITH x AS (SELECT * FROM shop.pay) SELECT name FROM x
WITH x AS MATERIALIZED (SELECT name FROM shop.pay) SELECT string_agg(name, ',') FROM x
SELECT c.code, l.name FROM shop.countries AS c, LATERAL (SELECT name FROM shop.pay LIMIT 3) AS l
SELECT code, (SELECT name FROM shop.pay WHERE person = 8) FROM shop.countries
SELECT name FROM shop.pay WHERE person = 8
SELECT name FROM shop.pay INTERSECT SELECT name FROM shop.pay
SELECT name FROM shop.pay UNION ALL SELECT 'x'
SELECT p.name FROM shop.countries AS c JOIN shop.pay AS p ON true
DECLARE w CURSOR FOR SELECT name FROM shop.pay; FETCH ALL FROM w
PREPARE w AS SELECT name FROM shop.pay WHERE person = $1; EXECUTE w (8)
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
SELECT team, count(*) FROM shop.pay GROUP BY team
SELECT team FROM shop.pay GROUP BY 1
SELECT name, count(*) FROM shop.pay GROUP BY name
SELECT salary FROM shop.pay WHERE person = 8 GROUP BY salary
SELECT sum(salary) FROM shop.pay WHERE person = 8
SELECT sum(salary) FROM shop.pay WHERE name = 'QZX7' || 'PAY8' GROUP BY person
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
SELECT sum(CASE WHEN person = 8 THEN salary ELSE 0 END) FROM shop.pay
SELECT sum(salary) FILTER (WHERE person = 8) FROM shop.pay
SELECT sum(salary * (person = 8)::int) FROM shop.pay
SELECT max(CASE WHEN person = 8 THEN name END) FROM shop.pay
SELECT sum(p.salary) FROM shop.pay AS p JOIN (VALUES (8)) AS v (person) USING (person)
SELECT (SELECT max(p.name || 'x')) FROM shop.pay AS p
SELECT sum(x.salary) FROM (SELECT salary FROM shop.pay WHERE person = 8 UNION ALL SELECT 0) AS x
SELECT count(*) FROM shop.pay WHERE person = 8 AND name::integer = 5
SELECT count(*) FROM shop.pay WHERE person = 8 AND name::date > '2020-01-01'
SELECT round(sum(p.salary) / 1000) FROM shop.pay AS p, generate_series(1, 1000) AS g WHERE p.person = 8 OR g = -1
