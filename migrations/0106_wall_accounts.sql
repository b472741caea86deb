-- bartizan: needs-program 0.1
-- As whom the wall of a depot on one's own server is kept (ADR 0250). No row of depot_logins, so nobody can be
-- granted it, and no gateway's data path reads it.

CREATE TABLE bartizan.wall_accounts (
  id              uuid PRIMARY KEY,
  tenant_id       uuid REFERENCES bartizan.tenants,
  depot_id        uuid NOT NULL UNIQUE REFERENCES bartizan.depots ON DELETE CASCADE,
  role_name       text NOT NULL CHECK (pg_catalog.octet_length(role_name) BETWEEN 1 AND 63),
  password        bytea,
  certificate_pem text NOT NULL DEFAULT '',
  private_key     bytea,
  grade           text NOT NULL CHECK (grade IN ('full', 'managed')),
  server_version  integer NOT NULL CHECK (server_version > 0),
  version         bigint NOT NULL,
  created_at      timestamptz NOT NULL,
  created_by      text NOT NULL,
  updated_at      timestamptz NOT NULL,
  updated_by      text NOT NULL,
  CHECK ((certificate_pem = '') = (private_key IS NULL))
);
COMMENT ON COLUMN bartizan.wall_accounts.grade IS 'as the server told when it was last asked';

SELECT bartizan.log_changes_of('wall_accounts', 'password', 'private_key');
