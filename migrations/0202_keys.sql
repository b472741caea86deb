-- bartizan: needs-program 0.1
-- What was done to keys (docs/formats/control-schema.md), never a key: those are files outside of every
-- database (docs/formats/keyring.md). Destructions are kept for ever, also when their owner is gone.

CREATE TABLE bartizan.key_destructions (
  id           uuid PRIMARY KEY,
  tenant_id    uuid,
  owner_kind   integer NOT NULL CHECK (owner_kind BETWEEN 1 AND 3),
  owner_id     uuid NOT NULL,
  key_id       bigint NOT NULL UNIQUE CHECK (key_id BETWEEN 1 AND 4294967295),
  cause        text NOT NULL CHECK (cause IN ('rotation', 'order')),
  authority    text NOT NULL CHECK (pg_catalog.octet_length(authority) BETWEEN 1 AND 1024),
  columns      integer CHECK (columns >= 0),
  cells        bigint CHECK (cells >= 0),
  counted_at   timestamptz,
  certificate  text CHECK (pg_catalog.octet_length(certificate) <= 65536),
  version      bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  created_by   text NOT NULL,
  updated_at   timestamptz NOT NULL,
  updated_by   text NOT NULL,
  CHECK (cause <> 'rotation' OR (cells = 0 AND columns IS NOT NULL AND counted_at IS NOT NULL))
);
COMMENT ON COLUMN bartizan.key_destructions.cause IS
  'rotation: nothing used it any more, as counted; order: what is under it is unreadable from then on';
COMMENT ON COLUMN bartizan.key_destructions.columns IS 'in how many columns of cells, of every depot, cells under it were counted';

CREATE TABLE bartizan.key_revocations (
  id           uuid PRIMARY KEY,
  tenant_id    uuid,
  owner_kind   integer NOT NULL CHECK (owner_kind BETWEEN 1 AND 3),
  owner_id     uuid NOT NULL UNIQUE,
  reason       text NOT NULL CHECK (pg_catalog.octet_length(reason) BETWEEN 1 AND 1024),
  version      bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  created_by   text NOT NULL,
  updated_at   timestamptz NOT NULL,
  updated_by   text NOT NULL
);
COMMENT ON TABLE bartizan.key_revocations IS 'whose keys are given to no session until the row is gone';

SELECT bartizan.log_changes_of('key_destructions', VARIADIC '{}');
SELECT bartizan.log_changes_of('key_revocations', VARIADIC '{}');
