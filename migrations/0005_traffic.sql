-- bartizan: needs-program 0.1
-- What a depot's gateways do with its sessions' statements: `depot pause`, `drain` and `resume`.

ALTER TABLE bartizan.depots
  ADD COLUMN traffic text NOT NULL DEFAULT 'open' CHECK (traffic IN ('open', 'paused', 'draining'));
COMMENT ON COLUMN bartizan.depots.traffic IS
  'paused: no transaction begins; draining: nor is a server connection kept (docs/guide/pooling.md)';
