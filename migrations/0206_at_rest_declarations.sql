-- bartizan: needs-program 0.1
-- What somebody has declared of how files of a depot's own server lie on its disks (ADR 0272). Nothing here is
-- verified, and nothing goes by it.

CREATE TABLE bartizan.at_rest_declarations (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  depot_id    uuid NOT NULL UNIQUE REFERENCES bartizan.depots ON DELETE CASCADE,
  what        text NOT NULL CHECK (pg_catalog.octet_length(what) BETWEEN 1 AND 1024),
  valid_until timestamptz,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);
COMMENT ON COLUMN bartizan.at_rest_declarations.updated_by IS 'who declares it';

SELECT bartizan.log_changes_of('at_rest_declarations', VARIADIC '{}');
