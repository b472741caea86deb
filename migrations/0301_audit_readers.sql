-- bartizan: needs-program 0.1
-- Which identities may read their own tenant's tree of the audit log (ADR 0142).

CREATE TABLE bartizan.audit_readers (
  id          uuid PRIMARY KEY,
  tenant_id   uuid NOT NULL REFERENCES bartizan.tenants,
  identity_id uuid NOT NULL UNIQUE REFERENCES bartizan.identities ON DELETE CASCADE,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);
COMMENT ON COLUMN bartizan.audit_readers.tenant_id IS 'the identity''s at the grant; another one later ends the right';

SELECT bartizan.log_changes_of('audit_readers', VARIADIC '{}');
