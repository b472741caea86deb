-- Keys and indexes after the rows: building them once is faster. All lead with the tenant.
ALTER TABLE clinic.tenants ADD PRIMARY KEY (id);
ALTER TABLE clinic.customers ADD PRIMARY KEY (tenant, id);
ALTER TABLE clinic.orders ADD PRIMARY KEY (tenant, id);
ALTER TABLE clinic.invoices ADD PRIMARY KEY (tenant, id);
ALTER TABLE clinic.invoices ADD UNIQUE (tenant, number);

ALTER TABLE clinic.customers ADD FOREIGN KEY (tenant) REFERENCES clinic.tenants (id);
ALTER TABLE clinic.orders ADD FOREIGN KEY (tenant, customer_id) REFERENCES clinic.customers (tenant, id);
ALTER TABLE clinic.invoices ADD FOREIGN KEY (tenant, order_id) REFERENCES clinic.orders (tenant, id);
ALTER TABLE clinic.invoices ADD FOREIGN KEY (tenant, customer_id) REFERENCES clinic.customers (tenant, id);

CREATE INDEX customers_tenant_email ON clinic.customers (tenant, email);
CREATE INDEX customers_tenant_name ON clinic.customers (tenant, name);
CREATE INDEX orders_tenant_customer ON clinic.orders (tenant, customer_id, ordered_at);
CREATE INDEX invoices_tenant_order ON clinic.invoices (tenant, order_id);
CREATE INDEX invoices_tenant_customer ON clinic.invoices (tenant, customer_id);
CREATE INDEX invoices_tenant_status ON clinic.invoices (tenant, status, due_on);

SELECT setval(pg_get_serial_sequence('clinic.customers', 'id'), (SELECT max(id) FROM clinic.customers));
SELECT setval(pg_get_serial_sequence('clinic.orders', 'id'), (SELECT max(id) FROM clinic.orders));
SELECT setval(pg_get_serial_sequence('clinic.invoices', 'id'), (SELECT max(id) FROM clinic.invoices));
