-- 20,000 customers. Nothing here can belong to anybody: example.* domains (RFC 2606), 555-01xx
-- telephone numbers, national ids with a first group from 900 and a second below 50 (never
-- issued), card numbers from ranges that payment providers use for tests, with a valid Luhn digit.
INSERT INTO clinic.customers
  (id, tenant, name, email, phone, national_id, card_number, birth_date, salary, notes, created_at)
SELECT
  n,
  pg_temp.tenant_of(n),
  given || ' ' || family,
  lower(given || '.' || family) || n || '@example.' || (ARRAY['com', 'org', 'net'])[1 + pg_temp.pick(b, 0, 3)],
  '+1-' || (ARRAY['218', '612', '651', '802', '952'])[1 + pg_temp.pick(b, 1, 5)]
    || '-555-01' || lpad(pg_temp.pick(b, 2, 100)::text, 2, '0'),
  (900 + pg_temp.pick(a, 2, 100))::text || '-' || lpad((1 + n % 49)::text, 2, '0') || '-' || lpad((n % 10000)::text, 4, '0'),
  card.digits || (((10 - card.luhn % 10) % 10)::text),
  date '1935-01-01' + pg_temp.pick(a, 3, 26000),
  26000 + 25 * pg_temp.pick(b, 3, 1200)
    + CASE WHEN pg_temp.pick(a, 3, 20) = 0 THEN 60000 ELSE 0 END,
  CASE WHEN pg_temp.pick(c, 0, 5) > 0 THEN
    (ARRAY['Prefers morning appointments.', 'Please call before sending post.', 'Needs a step-free entrance.',
           'Asked for an itemised bill.', 'Pays by card at the desk.', 'Speaks Spanish at home.',
           'Referred by a colleague.', 'Wants reminders two days ahead.'])[1 + pg_temp.pick(c, 1, 8)]
    || (ARRAY['', ' Allergic to penicillin.', ' High blood pressure, checked yearly.', ' Type 2 diabetes.',
              ' Wears contact lenses.', ' Asthma; carries an inhaler.', ' No known allergies.'])[1 + pg_temp.pick(c, 2, 7)]
  END,
  timestamptz '2020-10-01 08:00:00+00' + make_interval(mins => pg_temp.pick(c, 3, 650000))
FROM generate_series(1::bigint, 20000) AS n
CROSS JOIN LATERAL (
  SELECT md5('customer a ' || n) AS a, md5('customer b ' || n) AS b, md5('customer c ' || n) AS c
  OFFSET 0  -- computed once a row
) AS digest
CROSS JOIN LATERAL (
  SELECT
    (ARRAY['Ada', 'Alma', 'Amir', 'Anna', 'Ben', 'Carla', 'Chen', 'Clara', 'Dana', 'David', 'Elena', 'Emil', 'Eva',
           'Farid', 'Fiona', 'Grace', 'Hana', 'Henry', 'Ines', 'Ivan', 'Jonas', 'Julia', 'Karim', 'Kate', 'Lars',
           'Lena', 'Leo', 'Lucia', 'Malik', 'Maria', 'Mina', 'Nadia', 'Noah', 'Nora', 'Omar', 'Oscar', 'Paula',
           'Priya', 'Rosa', 'Ruben', 'Sara', 'Simon', 'Sofia', 'Tariq', 'Tessa', 'Tomas', 'Vera', 'Wei', 'Yara',
           'Zoe'])[1 + pg_temp.pick(a, 0, 50)] AS given,
    (ARRAY['Abbott', 'Ahmed', 'Andersen', 'Baker', 'Becker', 'Bennett', 'Castillo', 'Chandra', 'Cole', 'Costa',
           'Dawson', 'Diaz', 'Eriksen', 'Farrell', 'Fischer', 'Flores', 'Garner', 'Gupta', 'Haddad', 'Hayes',
           'Ibarra', 'Ito', 'Jensen', 'Kaur', 'Keller', 'Kim', 'Larsen', 'Lopez', 'Marin', 'Mbeki', 'Meyer',
           'Morris', 'Nakamura', 'Novak', 'Okafor', 'Olsen', 'Park', 'Pereira', 'Quinn', 'Ramos', 'Reyes', 'Rossi',
           'Santos', 'Schmidt', 'Silva', 'Singh', 'Tanaka', 'Torres', 'Walsh', 'Zhang'])[1 + pg_temp.pick(a, 1, 50)] AS family
  OFFSET 0
) AS person
CROSS JOIN LATERAL (
  -- Fifteen digits, and their Luhn sum: every other digit from the first one doubled.
  SELECT number.digits,
    (SELECT sum(CASE WHEN i % 2 = 0 THEN digit WHEN digit > 4 THEN digit * 2 - 9 ELSE digit * 2 END)
     FROM generate_series(1, 15) AS i
     CROSS JOIN LATERAL (SELECT substr(number.digits, i, 1)::integer AS digit) AS at_i) AS luhn
  FROM (SELECT (ARRAY['411111', '424242', '400000', '555555', '510510', '222300'])[1 + pg_temp.pick(b, 3, 6)]
               || lpad(pg_temp.pick(b, 0, 100000)::text, 5, '0') || lpad((n % 10000)::text, 4, '0') AS digits OFFSET 0) AS number
  OFFSET 0
) AS card;
