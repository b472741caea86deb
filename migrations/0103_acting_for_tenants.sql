-- bartizan: needs-program 0.1
-- For which tenants the service identity of an application may act on a depot (ADR 0127).

ALTER TABLE bartizan.grants
  ADD COLUMN act_for_any boolean NOT NULL DEFAULT false,
  ADD COLUMN act_for uuid[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN bartizan.grants.act_for_any IS 'whoever holds the grant may act for every tenant';
COMMENT ON COLUMN bartizan.grants.act_for IS 'tenants that whoever holds the grant may act for';
