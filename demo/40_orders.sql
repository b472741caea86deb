-- 60,000 orders of services, spread unevenly over the customers of both clinics.
INSERT INTO clinic.orders (id, tenant, customer_id, service, quantity, unit_price, status, ordered_at)
SELECT
  n,
  pg_temp.tenant_of(customer),
  customer,
  (ARRAY['Consultation', 'Follow-up visit', 'Blood panel', 'X-ray', 'Vaccination', 'Dental cleaning', 'Filling',
         'Crown', 'Eye test', 'Contact lens fitting', 'Physiotherapy session', 'Health certificate'])[1 + service],
  1 + pg_temp.pick(d, 2, 4) * (pg_temp.pick(d, 3, 5) / 4),
  (ARRAY[120.00, 75.00, 64.50, 140.00, 38.00, 95.00, 180.00, 940.00, 55.00, 110.00, 82.00, 30.00])[1 + service],
  CASE WHEN pg_temp.pick(d, 3, 100) < 6 THEN 'cancelled' WHEN pg_temp.pick(d, 3, 100) < 14 THEN 'booked' ELSE 'done' END,
  timestamptz '2022-01-03 08:00:00+00' + make_interval(mins => n::integer * 25 + pg_temp.pick(d, 2, 600))
FROM generate_series(1::bigint, 60000) AS n
CROSS JOIN LATERAL (SELECT md5('order ' || n) AS d OFFSET 0) AS digest
CROSS JOIN LATERAL (
  -- The smaller of two draws: some customers come often, many seldom.
  SELECT 1 + least(pg_temp.pick(d, 0, 20000), pg_temp.pick(d, 1, 24000)) AS customer, pg_temp.pick(d, 1, 12) AS service
  OFFSET 0
) AS choice;
