-- bartizan: needs-program 0.1
-- Depots whose policies are decided and recorded, and not enforced; changes that a second administrator
-- approves (ADR 0201, 0202).

ALTER TABLE bartizan.depots
  ADD COLUMN enforcement text NOT NULL DEFAULT 'enforce' CHECK (enforcement IN ('enforce', 'observe'));
COMMENT ON COLUMN bartizan.depots.enforcement IS 'observe: what policies would refuse or mask is recorded alone';

CREATE TABLE bartizan.approvals (
  id            uuid PRIMARY KEY,
  tenant_id     uuid REFERENCES bartizan.tenants,
  change        text NOT NULL CHECK (change IN ('depot.observe')),
  depot_id      uuid NOT NULL REFERENCES bartizan.depots ON DELETE CASCADE,
  depot_version bigint NOT NULL,
  reason        text NOT NULL CHECK (pg_catalog.octet_length(reason) BETWEEN 1 AND 4096),
  expires_at    timestamptz NOT NULL,
  state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'withdrawn')),
  approved_by   text,
  version       bigint NOT NULL,
  created_at    timestamptz NOT NULL,
  created_by    text NOT NULL,
  updated_at    timestamptz NOT NULL,
  updated_by    text NOT NULL,
  CONSTRAINT approved_by_another CHECK ((state = 'approved') = (approved_by IS NOT NULL) AND approved_by <> created_by)
);
COMMENT ON COLUMN bartizan.approvals.depot_version IS 'what was asked for is a change of the depot as it was then';

SELECT bartizan.log_changes_of('approvals', VARIADIC '{}');
