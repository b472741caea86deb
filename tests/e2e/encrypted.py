"""A depot of the embedded PostgreSQL with encrypted columns, an owner and two tenants' identities."""
from __future__ import annotations

import json
from pathlib import Path

import psycopg

import audit_records
import bartizan
from endpoint import Endpoint
from processes import make_folder, remove_folder

DEPOT = "crm"
OWNER = "olga"
PASSWORD = "a test's password"
TENANTS = {"ana@north": "north", "ana@lake": "lake"}


class Encrypted:
    """`bartizan up` with the depot `crm`; gone after stop()."""

    def __init__(self, pool_mode: str | None = None, tenants: bool = False) -> None:
        self.folder = make_folder()
        self.gateway = bartizan.Embedded(self.folder, "--no-demo")
        self.command = self.gateway.command
        self.command("depot", "create", DEPOT)
        if pool_mode:
            self.command("depot", "set", DEPOT, "--pool-mode", pool_mode)
        self._identity(OWNER)
        if tenants:
            for name, tenant in TENANTS.items():
                self.command("tenant", "create", tenant)
                self._identity(name, "--tenant", tenant)

    def _identity(self, name: str, *tenant: str) -> None:
        self.command("identity", "create", name, *tenant, "--password-stdin", input=PASSWORD + "\n")
        self.command("grant", "add", "--depot", DEPOT, "--identity", name, "--login", f"{DEPOT}_owner")

    @property
    def data(self) -> Path:
        return self.gateway.data

    def endpoint(self, name: str = OWNER) -> Endpoint:
        state = self.gateway.state
        return Endpoint("bartizan", "localhost", state["endpoints"][0]["port"], name, PASSWORD, DEPOT, state["ca_file"])

    def connect(self, name: str = OWNER, **options) -> psycopg.Connection:
        return psycopg.connect(**self.endpoint(name).libpq(), **options)

    def direct(self, **options) -> psycopg.Connection:
        """Past the gateway, as the embedded server's superuser: what its administrator sees."""
        folder = self.data / "postgres"
        socket = next(path for path in sorted((folder / "run").glob(".s.PGSQL.*")) if not path.name.endswith(".lock"))
        password = (folder / "secrets" / "superuser.password").read_text().strip()
        return psycopg.connect(host=str(socket.parent), port=int(socket.name.rsplit(".", 1)[1]), user="postgres",
                               password=password, dbname=DEPOT, autocommit=True, **options)

    def encrypt(self, column: str, *options: str, check: bool = True):
        return self.command("column", "encrypt", DEPOT, column, *options, check=check)

    def columns(self) -> list[dict]:
        return json.loads(self.command("column", "status", "--json").stdout)

    def records(self) -> list[dict]:
        return audit_records.records(self.data / "audit")

    def kill(self) -> None:
        self.gateway.child.stop(9)

    def stop(self) -> None:
        self.gateway.stop()
        remove_folder(self.folder)
