-- The attacks of attacks.sql that bring something out straight at PostgreSQL, past the gateway, by the duty of layer 1
-- (docs/formats/wall-objects.md) that keeps them from it. None of it is a value of a row that a policy hides.

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
