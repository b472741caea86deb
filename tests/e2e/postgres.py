"""A throw-away PostgreSQL cluster with TLS and SCRAM: the oracle, and the server behind a gateway.

Found in Debian's layout or on PATH; fsync is off; runs as an unprivileged user.
"""
from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import wire
from certificates import Certificates
from endpoint import Endpoint
from processes import Child, clean_environment, free_port, give, port_open, run, wait_for

SUPERUSER = "postgres"
SUPERUSER_PASSWORD = "superuser pässword"
USER = "app"
USER_PASSWORD = "app:p@ss\\word"
DATABASE = "app"
SIGN_IN_SECONDS = 4  # authentication_timeout here and the same limit of every gateway in front

_SETTINGS = """
listen_addresses = '127.0.0.1'
ssl = on
ssl_min_protocol_version = 'TLSv1.3'
password_encryption = 'scram-sha-256'
max_connections = 150
shared_buffers = '{shared_buffers}'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = {autovacuum}
log_min_messages = warning
lc_messages = 'C'
timezone = 'UTC'
max_prepared_transactions = 4
wal_level = {wal_level}
authentication_timeout = {sign_in}
"""

_HBA = """
local   all  all                scram-sha-256
hostssl all  all  127.0.0.1/32  scram-sha-256
"""


def binary_folder() -> Path:
    """Where initdb is: $BARTIZAN_PG_BIN, Debian's newest version, or PATH."""
    named = os.environ.get("BARTIZAN_PG_BIN")
    if named:
        return Path(named)
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    if not found:
        raise RuntimeError("no PostgreSQL server programs found (package postgresql)")
    return Path(found).resolve().parent


class Cluster:
    """Started by the constructor, gone after stop(). `folder` belongs to the caller."""

    def __init__(self, folder: Path, certificates: Certificates, *, shared_buffers: str = "64MB",
                 settings: str = "", autovacuum: str = "on", wal_level: str = "replica") -> None:
        self.folder = folder
        self.certificates = certificates
        self.bin = binary_folder()
        self.data = folder / "pgdata"
        self.port = free_port()
        self._initialise()
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(_SETTINGS.format(shared_buffers=shared_buffers, sign_in=SIGN_IN_SECONDS,
                                        autovacuum=autovacuum, wal_level=wal_level))
            conf.write(f"port = {self.port}\nunix_socket_directories = '{folder}'\n")
            conf.write(f"ssl_cert_file = '{certificates.server_cert}'\n")
            conf.write(f"ssl_key_file = '{certificates.server_key}'\n{settings}\n")
        (self.data / "pg_hba.conf").write_text(_HBA)
        self.start()
        self._make_user()

    def _initialise(self) -> None:
        secret = self.folder / "superuser_password"
        secret.write_text(SUPERUSER_PASSWORD)
        secret.chmod(0o600)
        give(secret)
        run([self.bin / "initdb", "-D", self.data, "-U", SUPERUSER, "--pwfile", secret, "-A", "scram-sha-256",
             "--locale=C", "-E", "UTF8", "--no-sync"], unprivileged=True, timeout=120)

    def start(self) -> None:
        self.child = Child([self.bin / "postgres", "-D", self.data], self.folder / "postgres.log",
                           unprivileged=True, env=clean_environment())
        wait_for(self._accepts, 60, f"PostgreSQL on port {self.port}")

    def _accepts(self) -> bool:
        if not self.child.alive():
            raise RuntimeError("PostgreSQL ended at start:\n" + self.child.log_text()[-3000:])
        if not port_open(self.port):
            return False
        try:
            wire.sign_in(self.superuser()).close()
        except wire.SignInRefused as refusal:
            if refusal.sqlstate != "57P03":
                raise
            return False
        return True

    def stop(self) -> None:
        self.child.stop(signal.SIGINT, patience=20)

    def _endpoint(self, user: str, password: str, dbname: str) -> Endpoint:
        return Endpoint("postgres", "127.0.0.1", self.port, user, password, dbname,
                        str(self.certificates.ca_file))

    def superuser(self, dbname: str = "postgres") -> Endpoint:
        return self._endpoint(SUPERUSER, SUPERUSER_PASSWORD, dbname)

    def endpoint(self) -> Endpoint:
        """The ordinary user, straight to the server."""
        return self._endpoint(USER, USER_PASSWORD, DATABASE)

    def _make_user(self) -> None:
        quoted = USER_PASSWORD.replace("'", "''")
        self.admin(f"create role {USER} login password E'{quoted.replace(chr(92), chr(92) * 2)}'",
                   f"create database {DATABASE} owner {USER} template template0", dbname="postgres")

    def admin(self, *statements: str, dbname: str = DATABASE) -> str | None:
        """Statements as superuser, each on its own; returns the last one's first value."""
        with wire.sign_in(self.superuser(dbname), seconds=60) as connection:
            result = None
            for statement in statements:
                result = connection.value(statement)
            return result

    def verifiers(self) -> dict[str, str]:
        """rolname to SCRAM verifier, for gateways that hold them."""
        with wire.sign_in(self.superuser()) as connection:
            rows = connection.query("select rolname, rolpassword from pg_authid where rolpassword is not null")
            return {r.fields[0].decode(): r.fields[1].decode() for r in rows if r.name == "DataRow"}
