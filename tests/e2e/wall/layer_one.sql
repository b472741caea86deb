-- The attacks of attacks.sql that bring something out straight at PostgreSQL, past the gateway, by the duty of layer 1
-- (docs/formats/wall-objects.md) that keeps them from it. None of it is a value of a row that a policy hides.

-- [catalog-names]
SELECT stxname FROM pg_statistic_ext
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend

-- [catalog-definitions]
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
SELECT pg_get_statisticsobjdef(s.oid), s.stxname FROM pg_catalog.pg_statistic_ext AS s
SELECT definition FROM pg_views WHERE schemaname = 'shop'
SELECT indexdef FROM pg_indexes WHERE tablename = 'customers'
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'events_lake'
SELECT enumlabel FROM pg_enum

-- [catalog-comments]
SELECT description FROM pg_description WHERE description LIKE 'QZX7%'
SELECT shobj_description(1, 'pg_database') FROM pg_description WHERE description LIKE 'QZX7%' AND description::integer = 1

-- [function-source]
SELECT prosrc FROM pg_proc WHERE proname IN ('peek', 'secret', 'upper')
SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'peek'

-- [explain]
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM shop.customers WHERE name = 'QZX7' || 'NAME2'
