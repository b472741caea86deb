-- Two invoices for every order: a deposit of 30 % when it is booked, the balance afterwards.
INSERT INTO clinic.invoices
  (id, tenant, order_id, customer_id, number, part, amount, status, issued_on, due_on, paid_at)
SELECT
  o.id * 2 - 1 + piece,
  o.tenant,
  o.id,
  o.customer_id,
  upper(left(o.tenant, 2)) || '-' || to_char(issued_on, 'YYYY') || '-' || lpad((o.id * 2 - 1 + piece)::text, 7, '0'),
  (ARRAY['deposit', 'balance'])[1 + piece],
  CASE piece WHEN 0 THEN deposit ELSE total - deposit END,
  invoice_status,
  issued_on,
  issued_on + 30,
  CASE WHEN invoice_status = 'paid'
       THEN issued_on::timestamp AT TIME ZONE 'UTC' + make_interval(hours => 9 + pg_temp.pick(d, 2, 600)) END
FROM clinic.orders AS o
CROSS JOIN generate_series(0, 1) AS piece
CROSS JOIN LATERAL (SELECT md5('invoice ' || o.id || ' ' || piece) AS d OFFSET 0) AS digest
CROSS JOIN LATERAL (
  SELECT
    o.quantity * o.unit_price AS total,
    round(o.quantity * o.unit_price * 0.30, 2) AS deposit,
    (o.ordered_at AT TIME ZONE 'UTC')::date + piece * (3 + pg_temp.pick(d, 0, 25)) AS issued_on,
    CASE WHEN o.status = 'cancelled' THEN 'void'
         WHEN pg_temp.pick(d, 1, 100) < 82 THEN 'paid'
         WHEN pg_temp.pick(d, 1, 100) < 93 THEN 'open'
         ELSE 'overdue' END AS invoice_status
  OFFSET 0  -- computed once a row
) AS computed;
