-- bartizan: needs-program 0.1
-- Columns whose values are cells (docs/formats/control-schema.md). Keys stand elsewhere: keyrings are
-- files outside of every database (docs/formats/keyring.md).

CREATE TABLE bartizan.encrypted_columns (
  id           uuid PRIMARY KEY,
  tenant_id    uuid REFERENCES bartizan.tenants,
  depot_id     uuid NOT NULL REFERENCES bartizan.depots,
  number       integer NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 65535),
  schema_name  text NOT NULL CHECK (pg_catalog.octet_length(schema_name) BETWEEN 1 AND 63),
  table_name   text NOT NULL CHECK (pg_catalog.octet_length(table_name) BETWEEN 1 AND 63),
  column_name  text NOT NULL CHECK (pg_catalog.octet_length(column_name) BETWEEN 1 AND 63),
  type_oid     bigint NOT NULL,
  typmod       integer NOT NULL,
  searchable   boolean NOT NULL,
  is_unique    boolean NOT NULL,
  stored_index boolean NOT NULL,
  per_tenant   boolean NOT NULL,
  join_domain  uuid NOT NULL,
  state        text NOT NULL CHECK (state IN ('encrypting', 'cutting', 'encrypted', 'decrypting', 'restoring')),
  version      bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  created_by   text NOT NULL,
  updated_at   timestamptz NOT NULL,
  updated_by   text NOT NULL,
  UNIQUE (depot_id, schema_name, table_name, column_name)
);
COMMENT ON COLUMN bartizan.encrypted_columns.number IS 'what its cells state; never used for another column';
COMMENT ON COLUMN bartizan.encrypted_columns.state IS
  'encrypting: still plaintext; cutting, restoring: its form changes, nobody may use the depot; decrypting: still cells';

-- Numbers are never used twice, also when their column is gone.
CREATE SEQUENCE bartizan.encrypted_column_numbers AS integer MINVALUE 1 MAXVALUE 65535 NO CYCLE;

SELECT bartizan.log_changes_of('encrypted_columns', VARIADIC '{}');
