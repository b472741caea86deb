-- bartizan: needs-program 0.1
-- Functions of a depot that somebody has looked at (ADR 0200): classes may call them, and so may sessions of depots
-- with encrypted columns, as long as they are what was looked at.

CREATE TABLE bartizan.reviewed_functions (
  id         uuid PRIMARY KEY,
  tenant_id  uuid REFERENCES bartizan.tenants,
  depot_id   uuid NOT NULL REFERENCES bartizan.depots ON DELETE CASCADE,
  signature  text NOT NULL CHECK (pg_catalog.octet_length(signature) BETWEEN 1 AND 8192),
  digest     text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  reason     text NOT NULL CHECK (pg_catalog.octet_length(reason) BETWEEN 1 AND 4096),
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL,
  UNIQUE (depot_id, signature)
);
COMMENT ON COLUMN bartizan.reviewed_functions.digest IS 'SHA-256 of the definition that was looked at';

SELECT bartizan.log_changes_of('reviewed_functions', VARIADIC '{}');
