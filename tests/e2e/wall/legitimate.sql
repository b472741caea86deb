-- What applications, ORMs and BI tools ask, one statement a line, parameters as JSON behind --: . Each must give what
-- expected.sql's views give. search_path is shop for the one, expected for the other.

-- people
SELECT * FROM countries ORDER BY code
SELECT count(*) FROM customers
SELECT id, code, email, ssn, phone FROM customers ORDER BY id
SELECT id, born, income, card, profile FROM customers ORDER BY id LIMIT 5
SELECT id, tenant, note FROM customers WHERE note LIKE '%8%' ORDER BY id DESC
SELECT DISTINCT country FROM customers ORDER BY country
SELECT country, count(*) FROM customers GROUP BY country ORDER BY country
SELECT country, count(*) AS n FROM customers GROUP BY 1 HAVING count(*) > 5 ORDER BY n DESC, 1
SELECT min(id), max(id), sum(visits), avg(visits)::numeric(10, 3) FROM customers
SELECT email FROM customers WHERE email LIKE 'a***%' ORDER BY id
SELECT count(*) FROM customers WHERE email = 'a***@example.org'
SELECT count(*) FROM customers WHERE income >= 500000
SELECT count(*) FROM customers WHERE born < date '1914-01-01'
SELECT upper(email), length(ssn), reverse(phone) FROM customers ORDER BY id LIMIT 3
SELECT born, extract(year FROM born), age(date '2000-01-01', born) FROM customers ORDER BY id LIMIT 2
SELECT profile->>'likes', profile ? 'pin', jsonb_object_keys(profile) FROM customers ORDER BY id LIMIT 4
SELECT coalesce(encode(card, 'hex'), 'none') FROM customers ORDER BY id LIMIT 3
SELECT id FROM customers WHERE card IS NULL ORDER BY id
SELECT income::text, income * 2, round(income / 3, 2) FROM customers ORDER BY id LIMIT 1
SELECT string_agg(code, ',' ORDER BY id) FROM customers
SELECT array_agg(DISTINCT country ORDER BY country) FROM customers
SELECT json_agg(json_build_object('id', id, 'email', email) ORDER BY id) FROM customers WHERE id < 10
SELECT jsonb_agg(profile ORDER BY id) FROM customers WHERE id < 9
SELECT row_number() OVER (ORDER BY id), id, lag(id) OVER (ORDER BY id) FROM customers ORDER BY id LIMIT 6
SELECT id, rank() OVER (PARTITION BY country ORDER BY visits DESC, id) FROM customers ORDER BY id
SELECT id, visits, sum(visits) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM customers ORDER BY id LIMIT 7
SELECT CASE WHEN visits > 5 THEN 'often' WHEN visits > 2 THEN 'sometimes' ELSE 'rarely' END AS how, count(*) FROM customers GROUP BY 1 ORDER BY 1
SELECT id FROM customers WHERE visits BETWEEN 2 AND 4 AND country IN ('de', 'fr') ORDER BY id
SELECT id FROM customers WHERE note ~ '^calls' AND NOT visits = 0 ORDER BY id OFFSET 3 LIMIT 4
SELECT id FROM customers WHERE note IS DISTINCT FROM 'x' ORDER BY id FETCH FIRST 3 ROWS ONLY
VALUES (1, 'a'), (2, 'b')
TABLE countries ORDER BY name
SELECT 1
SELECT 40 + 2 AS answer, 'x' || 'y', now() IS NOT NULL, NULL
SELECT generate_series(1, 3)
SELECT count(*) FILTER (WHERE visits > 4), count(*) FILTER (WHERE country = 'de') FROM customers
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY visits) FROM customers
SELECT country, visits, count(*) FROM customers GROUP BY ROLLUP (country, visits) ORDER BY country NULLS LAST, visits NULLS LAST
SELECT date_trunc('month', at), count(*), sum(price * amount) FROM orders GROUP BY 1 ORDER BY 1
SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM'), count(*) FROM orders GROUP BY 1 ORDER BY 1

-- joins
SELECT o.id, c.code, o.item FROM orders AS o JOIN customers AS c ON c.id = o.customer ORDER BY o.id LIMIT 10
SELECT c.code, count(o.id) FROM customers AS c LEFT JOIN orders AS o ON o.customer = c.id GROUP BY c.code ORDER BY c.code
SELECT c.id, k.name FROM customers AS c JOIN countries AS k ON k.code = c.country ORDER BY c.id
SELECT k.name, sum(o.price * o.amount) FROM orders o JOIN customers c ON c.id = o.customer JOIN countries k ON k.code = c.country GROUP BY k.name ORDER BY 1
SELECT a.id, b.id FROM customers a JOIN customers b ON a.country = b.country AND a.id < b.id ORDER BY 1, 2 LIMIT 10
SELECT count(*) FROM orders NATURAL JOIN events
SELECT count(*) FROM orders JOIN customers USING (tenant)
SELECT c.code, o.item FROM customers AS c CROSS JOIN LATERAL (SELECT item FROM orders WHERE customer = c.id ORDER BY id DESC LIMIT 1) AS o ORDER BY c.id LIMIT 5
SELECT id FROM customers AS c WHERE EXISTS (SELECT 1 FROM orders AS o WHERE o.customer = c.id AND o.amount > 4) ORDER BY id
SELECT id FROM customers WHERE id IN (SELECT customer FROM orders WHERE item = 'lamp') ORDER BY id
SELECT id FROM customers WHERE id NOT IN (SELECT customer FROM orders WHERE item = 'lamp') ORDER BY id
SELECT id, (SELECT count(*) FROM orders AS o WHERE o.customer = c.id) AS n FROM customers AS c ORDER BY n DESC, id LIMIT 5
SELECT item FROM orders UNION SELECT word FROM events ORDER BY 1
SELECT country FROM customers INTERSECT SELECT code FROM countries ORDER BY 1
SELECT code FROM countries EXCEPT SELECT country FROM customers WHERE country = 'de' ORDER BY 1
WITH busy AS (SELECT customer, count(*) AS n FROM orders GROUP BY customer) SELECT c.code, b.n FROM busy b JOIN customers c ON c.id = b.customer ORDER BY 2 DESC, 1 LIMIT 5
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, (SELECT count(*) FROM customers WHERE visits = i) FROM n
SELECT * FROM (SELECT country, max(visits) AS most FROM customers GROUP BY country) AS s WHERE most > 3 ORDER BY country
SELECT x.a, x.b FROM customers AS x(a, t, b) WHERE x.a < 10 ORDER BY x.a
SELECT c FROM countries AS c ORDER BY c.code
SELECT row_to_json(k) FROM countries AS k ORDER BY k.code

-- partitions
SELECT * FROM events ORDER BY id
SELECT day, count(*) FROM events WHERE day > date '2026-01-20' GROUP BY day ORDER BY day
SELECT max(day) FROM events WHERE word = 'opened'

-- parameters, as drivers send them
SELECT id, email FROM customers WHERE id = $1 --: ["4"]
SELECT id, email FROM customers WHERE id = $1 --: ["5"]
SELECT id FROM customers WHERE code = $1 AND visits >= $2 --: ["N8", "1"]
SELECT id FROM customers WHERE country = ANY ($1) ORDER BY id --: ["{de,us}"]
SELECT id FROM orders WHERE at >= $1 AND at < $2 ORDER BY id --: ["2026-01-05", "2026-01-20"]
SELECT id FROM customers WHERE note ILIKE '%' || $1::text || '%' ORDER BY id --: ["CALLS AT 2"]
SELECT $1::int + 1, $2::text, $3::jsonb --: ["41", null, "{\"a\": 1}"]
SELECT id FROM customers ORDER BY id LIMIT $1 OFFSET $2 --: ["3", "2"]
SELECT * FROM customers WHERE email = $1 ORDER BY 1 LIMIT 0 --: ["a***@example.org"]

-- SQLAlchemy
SELECT customers.id AS customers_id, customers.email AS customers_email, customers.note AS customers_note FROM customers WHERE customers.id = $1::INTEGER --: ["6"]
SELECT anon_1.customers_id, orders_1.id, orders_1.item FROM (SELECT customers.id AS customers_id FROM customers ORDER BY customers.id LIMIT 2) AS anon_1 LEFT OUTER JOIN orders AS orders_1 ON anon_1.customers_id = orders_1.customer ORDER BY anon_1.customers_id, orders_1.id
SELECT count(*) AS count_1 FROM (SELECT customers.id AS customers_id FROM customers WHERE customers.visits > 3) AS anon_1

-- Django
SELECT "customers"."id", "customers"."code", "customers"."email" FROM "customers" WHERE "customers"."country" = 'de' ORDER BY "customers"."id" ASC LIMIT 21
SELECT COUNT(*) AS "__count" FROM "customers" WHERE ("customers"."visits" > 2 AND NOT ("customers"."country" = 'us' AND "customers"."country" IS NOT NULL))
SELECT (1) AS "a" FROM "orders" WHERE "orders"."item" = 'lamp' LIMIT 1
SELECT "orders"."customer", SUM("orders"."price") AS "total" FROM "orders" INNER JOIN "customers" ON ("orders"."customer" = "customers"."id") GROUP BY "orders"."customer" ORDER BY "total" DESC, "orders"."customer" ASC LIMIT 3
SELECT DISTINCT "customers"."country" FROM "customers" INNER JOIN "orders" ON ("customers"."id" = "orders"."customer") WHERE UPPER("orders"."item"::text) LIKE UPPER('%AMP%') ORDER BY 1

-- Rails
SELECT "customers".* FROM "customers" WHERE "customers"."code" = $1 LIMIT $2 --: ["N9", "1"]
SELECT 1 AS one FROM "customers" WHERE "customers"."id" = $1 LIMIT $2 --: ["4", "1"]
SELECT COUNT("orders"."id") AS "count_id", "orders"."item" AS "orders_item" FROM "orders" GROUP BY "orders"."item" ORDER BY 2
SELECT "orders"."id" FROM "orders" INNER JOIN "customers" ON "customers"."id" = "orders"."customer" WHERE "customers"."country" IN ($1, $2) ORDER BY "orders"."id" ASC LIMIT $3 --: ["de", "fr", "7"]

-- Prisma
SELECT "shop"."id", "shop"."email" FROM (SELECT id, email FROM customers) AS "shop" WHERE ("shop"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3 --: ["8", "1", "0"]
SELECT "t1"."id", "t1"."item" FROM "orders" AS "t1" WHERE "t1"."customer" IN ($1,$2,$3) ORDER BY "t1"."id" --: ["2", "4", "6"]
SELECT COUNT(*) FROM (SELECT "t"."id" FROM "customers" AS "t" WHERE 1=1 OFFSET $1) AS "sub" --: ["0"]

-- Hibernate, TypeORM, Sequelize
select c1_0.id,c1_0.email,c1_0.note from customers c1_0 where c1_0.id=$1 --: ["10"]
select o1_0.id,c1_0.id,c1_0.code from orders o1_0 left join customers c1_0 on c1_0.id=o1_0.customer where o1_0.amount>$1 order by o1_0.id fetch first $2 rows only --: ["3", "4"]
SELECT "Customer"."id" AS "Customer_id", "Customer"."phone" AS "Customer_phone" FROM "customers" "Customer" WHERE (("Customer"."id" = $1)) LIMIT 1 --: ["12"]
SELECT "id", "code", "born" FROM "customers" AS "Customer" WHERE "Customer"."visits" >= 3 ORDER BY "Customer"."id" ASC LIMIT 5
SELECT DISTINCT "distinctAlias"."Customer_id" AS "ids_Customer_id" FROM (SELECT "Customer"."id" AS "Customer_id" FROM "customers" "Customer" LEFT JOIN "orders" "o" ON "o"."customer" = "Customer"."id") "distinctAlias" ORDER BY "Customer_id" ASC LIMIT 3

-- Metabase, Superset, Tableau, Looker, Grafana
SELECT "source"."country" AS "country", COUNT(*) AS "count" FROM (SELECT "customers"."country" AS "country" FROM "customers") AS "source" GROUP BY "source"."country" ORDER BY "source"."country" ASC
SELECT DATE_TRUNC('week', CAST("orders"."at" AS timestamp)) AS "at", SUM("orders"."price") AS "sum" FROM "orders" WHERE "orders"."at" >= timestamp with time zone '2026-01-10 00:00:00.000Z' GROUP BY DATE_TRUNC('week', CAST("orders"."at" AS timestamp)) ORDER BY 1 ASC
SELECT item AS item, COUNT(*) AS count FROM orders GROUP BY item ORDER BY count DESC, item LIMIT 10000
SELECT SUM(1) AS "sum:Number of Records:ok", "orders"."item" AS "item" FROM "orders" "orders" GROUP BY 2 ORDER BY 2
SELECT (DATE(orders.at AT TIME ZONE 'UTC')) AS "orders.at_date", COUNT(*) AS "orders.count" FROM orders WHERE ((orders.at >= ((DATE_TRUNC('day', TIMESTAMP '2026-01-15'))))) GROUP BY 1 ORDER BY 1 DESC LIMIT 500
SELECT floor(extract(epoch from at)/86400)*86400 AS "time", sum(amount) AS value FROM orders WHERE at BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-09T00:00:00Z' GROUP BY 1 ORDER BY 1
SELECT CASE WHEN "orders"."amount" < 3 THEN 'small' ELSE 'large' END AS "size", AVG("orders"."price")::numeric(10,2) FROM "orders" GROUP BY 1 ORDER BY 1
SELECT width_bucket(visits, 0, 10, 5) AS bin, count(*) FROM customers GROUP BY 1 ORDER BY 1
SELECT CAST(income AS double precision), CAST(visits AS varchar) FROM customers ORDER BY id LIMIT 2

-- reading a queue, writing
SELECT id, title, state, hours, key FROM tickets ORDER BY id
SELECT id FROM tickets WHERE state = 'open' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED
UPDATE tickets SET state = 'closed' WHERE id = 4 RETURNING id, state, hours
UPDATE tickets SET hours = hours + 1, title = title || '!' WHERE state = 'open' RETURNING id, title, hours
UPDATE tickets AS t SET hours = c.visits FROM customers AS c WHERE c.id = t.id RETURNING t.id, t.hours
UPDATE tickets SET state = $1 WHERE id = $2 RETURNING state --: ["closed", "6"]
DELETE FROM tickets WHERE id = 8 RETURNING *
DELETE FROM tickets WHERE hours > $1 --: ["10"]
DELETE FROM tickets USING customers AS c WHERE c.id = tickets.id AND c.country = 'de' RETURNING tickets.id
INSERT INTO tickets (id, tenant, title, hours) VALUES (900, 'north', 'new', 1) RETURNING id, title, hours
INSERT INTO tickets (id, tenant, title, hours, key) VALUES (901, 'north', 'a', 1, 'k2') ON CONFLICT (key) DO UPDATE SET hours = excluded.hours RETURNING id, hours
INSERT INTO tickets (id, tenant, title) VALUES (902, 'north', 'a'), (903, 'north', 'b') RETURNING id, title
INSERT INTO tickets (id, tenant, title, key) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING --: ["904", "north", "p", "k4"]
INSERT INTO tickets (id, tenant, title) SELECT 1000 + id, 'north', item FROM orders WHERE id < 8 RETURNING title
WITH w AS (UPDATE tickets SET hours = 0 WHERE state = 'closed' RETURNING id) SELECT count(*) FROM w

SELECT id, name, contact FROM leads ORDER BY id
SELECT * FROM leads WHERE contact = '***4' ORDER BY id

-- COPY
COPY (SELECT id, email FROM customers ORDER BY id) TO STDOUT
COPY (SELECT code, name FROM countries ORDER BY code) TO STDOUT WITH (FORMAT csv, HEADER)

-- a table of aggregates alone: groups of five and more
SELECT team, count(*), sum(salary), avg(salary) FROM pay GROUP BY team ORDER BY team
SELECT count(*) AS n, round(avg(salary), 2) FROM pay WHERE team IN ('sales', 'works')
SELECT date_trunc('year', hired) AS y, count(DISTINCT person) FROM pay WHERE team IN ('sales', 'works') AND hired >= '2020-01-01' GROUP BY y ORDER BY 1
SELECT extract(month FROM hired) AS m, count(*) FROM pay WHERE hired BETWEEN '2020-01-01' AND '2020-02-28' GROUP BY m ORDER BY m
SELECT team FROM pay GROUP BY team HAVING count(*) > 3 AND sum(salary) / count(*) > 5 ORDER BY team LIMIT 5
SELECT x.team, c.name FROM (SELECT team, count(*) AS n FROM pay WHERE team = 'sales' GROUP BY team) AS x JOIN countries AS c ON c.code = 'de'
SELECT code FROM countries WHERE 5 < (SELECT count(*) FROM pay WHERE team = 'works') ORDER BY code
WITH all_of_them AS (SELECT sum(salary) AS total FROM pay WHERE team IN ('sales', 'works')) SELECT total / 2 FROM all_of_them
SELECT stddev(salary)::numeric(12, 2), variance(salary) IS NULL FROM pay WHERE team = 'works'
SELECT team, count(*) FROM pay WHERE salary > $1 AND team = $2 GROUP BY team --: ["5", "works"]
SELECT count(*) FROM pay WHERE person = ANY ($1) AND team = 'sales' --: ["{2,8,10,16,18,24,26,32,34,40}"]
