-- bartizan: needs-program 0.1
-- How sessions come to server connections, a depot's choice (docs/guide/pooling.md).

ALTER TABLE bartizan.depots
  ADD COLUMN pool_mode           text    NOT NULL DEFAULT 'session'     CHECK (pool_mode IN ('transaction', 'session')),
  ADD COLUMN pool_size           integer CHECK (pool_size BETWEEN 1 AND 100000),
  ADD COLUMN pool_min            integer NOT NULL DEFAULT 0     CHECK (pool_min BETWEEN 0 AND 100000),
  ADD COLUMN queue_timeout       integer NOT NULL DEFAULT 30    CHECK (queue_timeout BETWEEN 0 AND 86400),
  ADD COLUMN server_idle_timeout integer NOT NULL DEFAULT 600   CHECK (server_idle_timeout BETWEEN 0 AND 86400),
  ADD COLUMN server_lifetime     integer NOT NULL DEFAULT 3600  CHECK (server_lifetime BETWEEN 0 AND 604800),
  ADD COLUMN share_unnamed       boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN bartizan.depots.pool_size IS 'null: 20 in transaction mode, no limit in session mode';
COMMENT ON COLUMN bartizan.depots.queue_timeout IS 'seconds, as the next two; 0: none';
