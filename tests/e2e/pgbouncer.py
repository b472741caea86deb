"""Debian's PgBouncer as a target: a real gateway with known deviations, which shows that the tests can fail.

TLS on both sides, SCRAM keys passed through from the server's verifiers; session pooling unless told.
"""
from __future__ import annotations

import functools
import os
import re
import shutil
import signal
from pathlib import Path

from endpoint import Endpoint
from postgres import Cluster, SIGN_IN_SECONDS, SUPERUSER
from processes import Child, clean_environment, free_port, give, port_open, run, wait_for

_SETTINGS = """
[databases]
* = host=127.0.0.1 port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
admin_users = {superuser}
pool_mode = {pool_mode}
default_pool_size = {pool_size}
max_client_conn = {max_clients}
client_login_timeout = {sign_in}
client_tls_sslmode = require
client_tls_cert_file = {cert}
client_tls_key_file = {key}
client_tls_protocols = tlsv1.3
server_tls_sslmode = {server_sslmode}
server_tls_ca_file = {ca}
server_login_retry = 1
query_wait_timeout = {queue_timeout}
{prepared}
log_connections = 0
log_disconnections = 0
{settings}
"""


def program() -> str | None:
    """$BARTIZAN_PGBOUNCER or Debian's."""
    return os.environ.get("BARTIZAN_PGBOUNCER") or shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")


@functools.cache
def keeps_prepared_statements() -> bool:
    """Whether transaction pooling carries statements prepared by protocol along (since 1.21)."""
    shown = run([program(), "--version"], check=False).stdout if program() else ""
    found = re.search(r"PgBouncer (\d+)\.(\d+)", shown)
    return bool(found) and (int(found[1]), int(found[2])) >= (1, 21)


class PgBouncer:
    """Started by the constructor in front of `cluster` (or of another port on this host), gone after stop()."""

    def __init__(self, folder: Path, cluster: Cluster, *, pool_mode: str = "session", pool_size: int = 100,
                 server_port: int | None = None, server_sslmode: str = "verify-full", queue_timeout: str = "5s",
                 max_clients: int = 1000, settings: str = "") -> None:
        self.cluster = cluster
        self.shares = pool_mode == "transaction"
        self.port = free_port()
        users = folder / "users.txt"
        users.write_text("".join(f'"{name}" "{verifier}"\n' for name, verifier in cluster.verifiers().items()))
        users.chmod(0o600)
        give(users)
        config = folder / "pgbouncer.ini"
        certificates = cluster.certificates
        config.write_text(_SETTINGS.format(
            server_port=server_port or cluster.port, port=self.port, folder=folder, superuser=SUPERUSER,
            pool_mode=pool_mode, pool_size=pool_size, sign_in=SIGN_IN_SECONDS, cert=certificates.server_cert,
            key=certificates.server_key, ca=certificates.ca_file, server_sslmode=server_sslmode,
            prepared="max_prepared_statements = 200" if keeps_prepared_statements() else "",
            queue_timeout=queue_timeout.rstrip("s"), max_clients=max_clients, settings=settings))
        found = program()
        if not found:
            raise RuntimeError("pgbouncer is not installed (package pgbouncer)")
        self.child = Child([found, config], folder / "pgbouncer.log", unprivileged=True, env=clean_environment())
        wait_for(lambda: port_open(self.port), 20, f"PgBouncer on port {self.port}")

    def protect(self, database: str, user: str, password: str) -> None:
        """Nothing to do: every database and role of the cluster is served."""

    def endpoint(self, base: Endpoint | None = None) -> Endpoint:
        return (base or self.cluster.endpoint()).replace(name="pgbouncer", host="127.0.0.1", port=self.port)

    def stop(self) -> None:
        self.child.stop(signal.SIGTERM)
