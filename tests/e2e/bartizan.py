"""Bartizan as a target. The one file that knows how the program is started, configured and asked.

`serve` puts it in front of the tests' own cluster, whose database `bartizan` is then its control database;
`up` starts it with its embedded PostgreSQL.
"""
from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from pathlib import Path

from endpoint import Endpoint
from postgres import (Cluster, DATABASE, SIGN_IN_SECONDS, SUPERUSER, SUPERUSER_PASSWORD, USER,
                      USER_PASSWORD)
from processes import Child, clean_environment, free_port, give, run, wait_for

_REPOSITORY = Path(__file__).resolve().parents[2]
_CONTROL_DATABASE = "bartizan"

_SERVE_CONFIG = """
[listen]
addresses = ["127.0.0.1"]
port = {port}
[tls]
certificate_file = "{cert}"
private_key_file = "{key}"
[limits]
sign_in_timeout = "{sign_in}s"
statement_bytes = "1023MiB"
{limits}
[lockout]
attempts = 1000
[control]
dsn_file = "{folder}/control.dsn"
root_key_file = "{folder}/root.key"
[embedded]
enabled = false
data_directory = "{folder}/data"
[admin]
socket_file = "{folder}/admin.sock"
[metrics]
port = 0
[audit]
directory = "{audit_folder}"
{audit}
"""


# What a service manager does between fork and exec for a socket that it holds (sd_listen_fds(3)).
_HAND_OVER = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
              "os.execv(sys.argv[2], sys.argv[2:])")


def program() -> Path:
    """$BARTIZAN_BIN or the release build's program."""
    return Path(os.environ.get("BARTIZAN_BIN") or _REPOSITORY / "build" / "release" / "bin" / "bartizan")


@functools.cache
def depot_settings() -> str:
    """What `depot set` takes, as its help says; empty where the program has no such command."""
    shown = run([program(), "depot", "set", "--help"], check=False).stdout if program().exists() else ""
    return shown if "--pool-mode" in shown else ""


def pools_transactions() -> bool:
    """Whether this build can lend one server connection to many sessions."""
    return "--pool-mode" in depot_settings()


class Bartizan:
    """`bartizan serve` in front of `cluster`; gone after stop(). `server_port` puts the depot on another port
    of this host, where the tests' hostile server listens. `limits` are further lines of [limits]. `pool_mode`,
    `pool_size` and `queue_timeout` are settings of every depot that protect() makes; None leaves the default.
    `audit` are further lines of [audit], `environment` further variables of the program. `held` is a listening
    socket that it is given as by a service manager, in place of one that it opens."""

    def __init__(self, folder: Path, cluster: Cluster, *, server_port: int | None = None, limits: str = "",
                 pool_mode: str | None = None, pool_size: int | None = None, queue_timeout: str | None = None,
                 audit: str = "", audit_folder: Path | None = None, environment: dict | None = None,
                 held: socket.socket | None = None) -> None:
        self.cluster = cluster
        self._pool = {"--pool-mode": pool_mode, "--pool-size": pool_size, "--queue-timeout": queue_timeout and queue_timeout.rstrip("s")}
        self._pool = {option: str(value) for option, value in self._pool.items() if value is not None}
        self.shares = pools_transactions() and pool_mode != "session"
        self.folder = folder
        self.audit_folder = audit_folder or folder / "audit"
        self._held = held
        self.port = held.getsockname()[1] if held else free_port()
        certificates = cluster.certificates
        (folder / "data").mkdir()
        give(folder / "data")
        control = f"{_CONTROL_DATABASE}_{self.port}_{secrets.token_hex(4)}"  # a port may come a second time
        cluster.admin(f"create database {control}", dbname="postgres")
        self._secret("control.dsn", f"host=localhost port={cluster.port} user={SUPERUSER} dbname={control} "
                                    f"password='{SUPERUSER_PASSWORD}' sslmode=verify-full "
                                    f"sslrootcert={certificates.ca_file}\n")
        config = folder / "bartizan.toml"
        config.write_text(_SERVE_CONFIG.format(
            folder=folder, port=self.port, cert=certificates.server_cert, key=certificates.server_key,
            sign_in=SIGN_IN_SECONDS, limits=limits, audit=audit, audit_folder=self.audit_folder))
        self._environment = clean_environment() | {"HOME": str(folder)} | (environment or {})
        self.start()
        self.server_port = server_port or cluster.port
        self.protect(DATABASE, USER, USER_PASSWORD)
        self.protect("postgres", SUPERUSER, SUPERUSER_PASSWORD)

    def start(self) -> None:
        """Once more after stop() or a kill, with what it left behind."""
        command = [program(), "serve", "--config", self.folder / "bartizan.toml"]
        passed = (self._held.fileno(),) if self._held else ()
        if passed:
            command = [sys.executable, "-c", _HAND_OVER, passed[0], *command]
        self.child = Child(command, self.folder / "bartizan.log", unprivileged=True, env=self._environment,
                           pass_fds=passed)
        wait_for(self._serving, 60, f"Bartizan on port {self.port}", step=0.1)

    @property
    def audit_key(self) -> str:
        """The public key that verifies its log."""
        return (self.folder / "data" / "keys" / "audit.key.pub").read_text().strip()

    def _secret(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        give(path)
        return path

    def _serving(self) -> bool:
        if not self.child.alive():
            raise RuntimeError("bartizan serve ended at start:\n" + self.child.log_text()[-3000:])
        return self.command("status", "--json", check=False).returncode == 0

    def command(self, *arguments: str, check: bool = True, **options):
        """The command line, over this instance's admin socket, as the instance's own user."""
        return run([program(), *arguments, "--socket", self.folder / "admin.sock"], check=check,
                   unprivileged=True, **options)

    def protect(self, database: str, user: str, password: str) -> None:
        """A depot for this database, and the identity `user`, who signs in with the server's own password."""
        self.command("depot", "create", database, "--host", "localhost", "--port", str(self.server_port),
                     "--database", database, "--ca-file", str(self.cluster.certificates.ca_file),
                     "--login", user, "--password-stdin", input=password + "\n")
        known = depot_settings()
        chosen = [word for option, value in self._pool.items() if option in known for word in (option, value)]
        if chosen:
            self.command("depot", "set", database, *chosen)
        self.command("identity", "create", user, "--password-stdin", check=False, input=password + "\n")
        self.command("grant", "add", "--depot", database, "--identity", user, "--login", user)

    def endpoint(self, base: Endpoint | None = None) -> Endpoint:
        return (base or self.cluster.endpoint()).replace(name="bartizan", host="127.0.0.1", port=self.port)

    def stop(self) -> None:
        self.child.stop(signal.SIGTERM)


class Embedded:
    """`bartizan up`: one command, embedded PostgreSQL, demo data unless told otherwise."""

    def __init__(self, folder: Path, *options: str, unprivileged: bool = False) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.child = Child([program(), "up", "--data", self.data, "--port", str(self.port), *options],
                           folder / "up.log", env=clean_environment(), unprivileged=unprivileged)
        self.state = wait_for(self._serving, 120, "bartizan up", step=0.2)

    def _serving(self) -> dict | None:
        if not self.child.alive():
            raise RuntimeError("bartizan up ended at start:\n" + self.child.log_text()[-3000:])
        result = run([program(), "status", "--json", "--data", self.data], check=False)
        return json.loads(result.stdout) if result.returncode == 0 and result.stdout.strip() else None

    def status(self) -> dict:
        """What `status --json` says now."""
        return json.loads(run([program(), "status", "--json", "--data", self.data]).stdout)

    def command(self, *arguments: str, check: bool = True, **options):
        """The command line, over this instance's admin socket."""
        return run([program(), *arguments, "--data", self.data], check=check, **options)

    def publish(self, documents: dict[str, str], acknowledge: str = "") -> None:
        """Puts these policies, file name and text, in force in place of all others."""
        folder = self.data.parent / "policies"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in documents.items():
            (folder / name).write_text(text)
        accepted = ["--acknowledge", acknowledge] if acknowledge else []
        self.command("policy", "publish", str(folder), "--reason", "a test", *accepted)

    def endpoints(self) -> list[Endpoint]:
        """One per demo identity."""
        return [Endpoint("bartizan", "localhost", self.state["endpoints"][0]["port"], identity["name"],
                         Path(identity["password_file"]).read_text().rstrip("\n"), identity["depot"],
                         self.state["ca_file"])
                for identity in self.state["demo"]["identities"]]

    def stop(self) -> None:
        self.child.stop(signal.SIGTERM, patience=30)
