-- As layer_one.sql, on a server whose wall is kept by an ordinary role: what PUBLIC keeps (docs/formats/wall-objects.md).

-- (the statement's own words alone)
-- [dynamic-sql]
SELECT query_to_xmlschema('SELECT 1 AS "QZX7x" FROM shop.customers', true, true, '')

-- [table-statistics]
SELECT relname, n_live_tup FROM pg_stat_user_tables UNION ALL SELECT indexrelname, 0 FROM pg_stat_user_indexes UNION ALL SELECT relname, 0 FROM pg_statio_user_sequences

-- [activity]
SELECT query, 'QZX7' || 'a' FROM pg_stat_activity
