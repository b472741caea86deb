-- What tenant north sees, by other means: the policies applied to the data first. Legitimate statements are
-- asked here too, and both answers must be equal. name is left out: its mask is keyed.
CREATE SCHEMA expected;
CREATE VIEW expected.customers AS
SELECT id, tenant, code,
       left(email, 1) || '***@' || split_part(email, '@', 2) AS email,
       '***' || right(ssn, 4) AS ssn,
       'hidden'::text AS phone,
       date_trunc('year', born)::date AS born,
       500000::numeric(12, 2) AS income,
       NULL::bytea AS card,
       visits, country, note, profile - 'pin' AS profile
FROM shop.customers WHERE tenant = 'north';
CREATE VIEW expected.orders AS
SELECT id, tenant, customer, item, amount, price, at FROM shop.orders WHERE tenant = 'north';
CREATE VIEW expected.events AS SELECT * FROM shop.events WHERE tenant = 'north';
CREATE VIEW expected.pay AS SELECT * FROM shop.pay WHERE tenant = 'north' AND team IN ('sales', 'works');
CREATE VIEW expected.tickets AS
SELECT id, tenant, title, state, hours, key FROM shop.tickets WHERE tenant = 'north';
CREATE VIEW expected.leads AS
SELECT id, tenant, name, '***' || right(contact, 1) AS contact FROM shop.leads WHERE tenant = 'north';
CREATE VIEW expected.countries AS SELECT * FROM shop.countries;
