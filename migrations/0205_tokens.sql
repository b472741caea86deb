-- bartizan: needs-program 0.1
-- Columns that hold tokens of their values in place of cells (docs/formats/token.md).

ALTER TABLE bartizan.encrypted_columns
  ADD COLUMN token_alphabet text NOT NULL DEFAULT '' CHECK (pg_catalog.octet_length(token_alphabet) <= 32),
  ADD COLUMN token_separators text NOT NULL DEFAULT '' CHECK (pg_catalog.octet_length(token_separators) <= 32),
  ADD CHECK (token_alphabet <> '' OR token_separators = ''),
  ADD CHECK (token_alphabet = '' OR NOT (searchable OR is_unique OR stored_index OR per_tenant));
COMMENT ON COLUMN bartizan.encrypted_columns.token_alphabet IS 'not empty: it holds format-preserving tokens over this alphabet';
