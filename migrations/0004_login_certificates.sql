-- bartizan: needs-program 0.1
-- A login's own certificate toward its server, beside its secret (pg_hba.conf's cert and clientcert).

ALTER TABLE bartizan.depot_logins
  ADD COLUMN certificate_pem text NOT NULL DEFAULT '',
  ADD COLUMN private_key     bytea,
  ADD CONSTRAINT certificate_with_key CHECK ((certificate_pem = '') = (private_key IS NULL));

DROP TRIGGER record_change ON bartizan.depot_logins;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON bartizan.depot_logins
  FOR EACH ROW EXECUTE FUNCTION bartizan.record_change('secret', 'private_key');
