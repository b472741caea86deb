-- bartizan: needs-program 0.1
-- Legal holds on the audit log, by case (ADR 0143). A released one stays as a row.

CREATE TABLE bartizan.audit_holds (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  case_name   text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(case_name) BETWEEN 1 AND 128),
  reason      text NOT NULL CHECK (pg_catalog.octet_length(reason) BETWEEN 1 AND 4096),
  released    text CHECK (pg_catalog.octet_length(released) BETWEEN 1 AND 4096),
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);
COMMENT ON COLUMN bartizan.audit_holds.tenant_id IS 'whose tree is held; null: every tree';
COMMENT ON COLUMN bartizan.audit_holds.released IS 'why it ended; null: it holds';

SELECT bartizan.log_changes_of('audit_holds', VARIADIC '{}');
