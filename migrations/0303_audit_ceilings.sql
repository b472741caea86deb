-- bartizan: needs-program 0.1
-- How long records of the audit log are kept at most (ADR 0178). The program holds the floor too.

CREATE TABLE bartizan.audit_ceilings (
  id          uuid PRIMARY KEY,
  tenant_id   uuid UNIQUE REFERENCES bartizan.tenants ON DELETE CASCADE,
  days        integer NOT NULL CHECK (days BETWEEN 365 AND 36500),
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);
CREATE UNIQUE INDEX audit_ceiling_of_all ON bartizan.audit_ceilings ((tenant_id IS NULL)) WHERE tenant_id IS NULL;
COMMENT ON COLUMN bartizan.audit_ceilings.tenant_id IS 'whose tree; null: every tree that has none of its own';

SELECT bartizan.log_changes_of('audit_ceilings', VARIADIC '{}');
