-- bartizan: needs-program 0.1
-- Columns whose cells are bound to their row (docs/formats/cell.md, "Row digest"): by which key (ADR 0260).

ALTER TABLE bartizan.encrypted_columns
  ADD COLUMN row_key text NOT NULL DEFAULT '' CHECK (pg_catalog.octet_length(row_key) <= 4096);
COMMENT ON COLUMN bartizan.encrypted_columns.row_key IS
  'of row-bound columns: the key''s columns in its order, a line each: type oid, space, name; empty: not bound';
