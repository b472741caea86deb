-- bartizan: needs-program 0.1
-- Columns whose tokens are random and stand for entries of the depot's vault (docs/formats/vault.md).

ALTER TABLE bartizan.encrypted_columns
  ADD COLUMN token_vaulted boolean NOT NULL DEFAULT false,
  ADD CHECK (token_alphabet <> '' OR NOT token_vaulted);
COMMENT ON COLUMN bartizan.encrypted_columns.token_vaulted IS 'its tokens are random, and the values stand in bartizan_cells.vault as cells';
