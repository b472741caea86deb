-- bartizan: needs-program 0.1
-- Who may use a depot past its wall: the owner's own identities, by a grant that says so (ADR 0085).

ALTER TABLE bartizan.grants
  ADD COLUMN past_wall boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN bartizan.grants.past_wall IS 'policies do not concern those who use the depot by this grant';
