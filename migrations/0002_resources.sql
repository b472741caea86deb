-- bartizan: needs-program 0.1
-- Tenants, depots and their logins, identities, roles, grants, settings.

CREATE TABLE bartizan.tenants (
  id         uuid PRIMARY KEY,
  name       text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
  region     text NOT NULL DEFAULT '',
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

CREATE TABLE bartizan.depots (
  id         uuid PRIMARY KEY,
  tenant_id  uuid REFERENCES bartizan.tenants,
  name       text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
  host       text NOT NULL CHECK (host <> ''),
  port       integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
  database   text NOT NULL CHECK (pg_catalog.octet_length(database) BETWEEN 1 AND 63),
  tls        text NOT NULL CHECK (tls IN ('disable', 'verify-full')),
  tls_ca_pem text NOT NULL DEFAULT '',
  state      text NOT NULL CHECK (state IN ('active', 'suspended')),
  embedded   boolean NOT NULL,
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL,
  CONSTRAINT plaintext_on_sockets_only CHECK (tls <> 'disable' OR pg_catalog.left(host, 1) = '/')
);

CREATE TABLE bartizan.depot_logins (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  depot_id    uuid NOT NULL REFERENCES bartizan.depots ON DELETE CASCADE,
  role_name   text NOT NULL CHECK (pg_catalog.octet_length(role_name) BETWEEN 1 AND 63),
  secret_kind text NOT NULL CHECK (secret_kind IN ('none', 'password', 'scram')),
  secret      bytea,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL,
  UNIQUE (depot_id, role_name),
  CHECK ((secret IS NULL) = (secret_kind = 'none'))
);

CREATE TABLE bartizan.identities (
  id             uuid PRIMARY KEY,
  tenant_id      uuid REFERENCES bartizan.tenants,
  name           text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
  enabled        boolean NOT NULL,
  valid_until    timestamptz,
  scram_verifier bytea,
  is_service     boolean NOT NULL,
  is_operator    boolean NOT NULL,
  attributes     jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(attributes) = 'object'),
  version        bigint NOT NULL,
  created_at     timestamptz NOT NULL,
  created_by     text NOT NULL,
  updated_at     timestamptz NOT NULL,
  updated_by     text NOT NULL,
  CONSTRAINT operators_have_no_tenant CHECK (NOT is_operator OR tenant_id IS NULL)
);

CREATE TABLE bartizan.roles (
  id         uuid PRIMARY KEY,
  tenant_id  uuid REFERENCES bartizan.tenants,
  name       text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

CREATE TABLE bartizan.role_members (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  role_id     uuid NOT NULL REFERENCES bartizan.roles ON DELETE CASCADE,
  identity_id uuid NOT NULL REFERENCES bartizan.identities ON DELETE CASCADE,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL,
  UNIQUE (role_id, identity_id)
);
CREATE INDEX role_members_of_identity ON bartizan.role_members (identity_id);

-- The login is named, not referenced by id, since that is what an administrator grants. A login
-- that is granted can't be taken away (NO ACTION); a depot takes both with it.
CREATE TABLE bartizan.grants (
  id          uuid PRIMARY KEY,
  tenant_id   uuid REFERENCES bartizan.tenants,
  identity_id uuid REFERENCES bartizan.identities ON DELETE CASCADE,
  role_id     uuid REFERENCES bartizan.roles ON DELETE CASCADE,
  depot_id    uuid NOT NULL REFERENCES bartizan.depots ON DELETE CASCADE,
  login       text NOT NULL,
  valid_until timestamptz,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL,
  CONSTRAINT one_grantee CHECK (pg_catalog.num_nonnulls(identity_id, role_id) = 1),
  CONSTRAINT login_of_depot FOREIGN KEY (depot_id, login) REFERENCES bartizan.depot_logins (depot_id, role_name)
);
CREATE UNIQUE INDEX grants_to_identity ON bartizan.grants (identity_id, depot_id, login) WHERE identity_id IS NOT NULL;
CREATE UNIQUE INDEX grants_to_role ON bartizan.grants (role_id, depot_id, login) WHERE role_id IS NOT NULL;
CREATE INDEX grants_on_login ON bartizan.grants (depot_id, login);

CREATE TABLE bartizan.settings (
  id         uuid PRIMARY KEY,
  tenant_id  uuid REFERENCES bartizan.tenants,
  name       text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
  value      text NOT NULL,
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);

SELECT bartizan.log_changes_of('tenants', VARIADIC '{}');
SELECT bartizan.log_changes_of('depots', VARIADIC '{}');
SELECT bartizan.log_changes_of('depot_logins', 'secret');
SELECT bartizan.log_changes_of('identities', 'scram_verifier');
SELECT bartizan.log_changes_of('roles', VARIADIC '{}');
SELECT bartizan.log_changes_of('role_members', VARIADIC '{}');
SELECT bartizan.log_changes_of('grants', VARIADIC '{}');
SELECT bartizan.log_changes_of('settings', VARIADIC '{}');
