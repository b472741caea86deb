-- bartizan: needs-program 0.1
-- Published policies and the secrets of the walls that they bring about (docs/formats/control-schema.md).

-- The greatest number is in force. Rows are never changed: going back is a publication too.
CREATE TABLE bartizan.policy_versions (
  id            uuid PRIMARY KEY,
  tenant_id     uuid REFERENCES bartizan.tenants,
  number        bigint NOT NULL UNIQUE CHECK (number > 0),
  reason        text NOT NULL CHECK (pg_catalog.octet_length(reason) BETWEEN 1 AND 4096),
  acknowledged  jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(acknowledged) = 'array'),
  restored_from bigint REFERENCES bartizan.policy_versions (number),
  documents     jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(documents) = 'array'),
  version       bigint NOT NULL,
  created_at    timestamptz NOT NULL,
  created_by    text NOT NULL,
  updated_at    timestamptz NOT NULL,
  updated_by    text NOT NULL
);
COMMENT ON COLUMN bartizan.policy_versions.documents IS '[{"file": …, "text": …}], as they were given';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bartizan.policy_versions
  FOR EACH STATEMENT EXECUTE FUNCTION bartizan.refuse();

CREATE TABLE bartizan.wall_keys (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  depot_id    uuid NOT NULL UNIQUE REFERENCES bartizan.depots ON DELETE CASCADE,
  context_key bytea NOT NULL,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);

CREATE TABLE bartizan.wall_logins (
  id         uuid PRIMARY KEY,
  tenant_id  uuid REFERENCES bartizan.tenants,
  depot_id   uuid NOT NULL REFERENCES bartizan.depots ON DELETE CASCADE,
  role_name  text NOT NULL CHECK (pg_catalog.octet_length(role_name) BETWEEN 1 AND 63),
  password   bytea NOT NULL,
  verifier   bytea NOT NULL,
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL,
  UNIQUE (depot_id, role_name)
);

SELECT bartizan.log_changes_of('policy_versions', VARIADIC '{}');
SELECT bartizan.log_changes_of('wall_keys', 'context_key');
SELECT bartizan.log_changes_of('wall_logins', 'password', 'verifier');
