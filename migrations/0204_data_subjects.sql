-- bartizan: needs-program 0.1
-- Columns whose cells are under keys of data subjects, and which subjects were destroyed (ADR 0261). Of a subject its
-- number in the owner's tree stands here (docs/formats/subject-tree.md), never the value that says who it is.

ALTER TABLE bartizan.encrypted_columns
  ADD COLUMN by_subject boolean NOT NULL DEFAULT false,
  ADD CHECK (row_key <> '' OR NOT by_subject);
COMMENT ON COLUMN bartizan.encrypted_columns.by_subject IS
  'row_key is the one column that says whose the row is, and cells are under keys of that subject';

CREATE TABLE bartizan.subject_destructions (
  id           uuid PRIMARY KEY,
  tenant_id    uuid,
  owner_kind   integer NOT NULL CHECK (owner_kind BETWEEN 1 AND 3),
  owner_id     uuid NOT NULL,
  subject      text NOT NULL CHECK (subject ~ '^[0-9a-f]{16}$'),
  authority    text NOT NULL CHECK (pg_catalog.octet_length(authority) BETWEEN 1 AND 1024),
  certificate  text CHECK (pg_catalog.octet_length(certificate) <= 65536),
  version      bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  created_by   text NOT NULL,
  updated_at   timestamptz NOT NULL,
  updated_by   text NOT NULL,
  UNIQUE (owner_id, subject)
);
COMMENT ON TABLE bartizan.subject_destructions IS
  'data subjects whose keys were ordered to be destroyed; without a certificate it is not done yet. Kept for ever';

SELECT bartizan.log_changes_of('subject_destructions', VARIADIC '{}');
