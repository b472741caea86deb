"""Straight at the PostgreSQL behind a walled depot: as its superuser, or as the role of a class with a context signed here.

For the superuser a line of pg_hba.conf is put in force that trusts it. The class's role gets another password while a
test connects as it, and then its verifier back, so that it stays as the gateway made it.
"""
from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import time
from pathlib import Path

import siege
import walled
import wire
import wire_messages as m
from endpoint import Endpoint
from processes import wait_for

_SUPERUSER = "postgres"
_VIEWS = """
SELECT DISTINCT r.rolname, n.nspname || '.' || b.relname, 'bartizan_views.' || v.relname
FROM pg_class AS v
JOIN pg_rewrite AS w ON w.ev_class = v.oid
JOIN pg_depend AS d ON d.objid = w.oid AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS b ON b.oid = d.refobjid
JOIN pg_namespace AS n ON n.oid = b.relnamespace
JOIN pg_roles AS r ON r.rolname ~ '^bz_[0-9a-f]{8}_c_' AND has_any_column_privilege(r.oid, v.oid, 'SELECT')
WHERE v.relnamespace = 'bartizan_views'::regnamespace AND v.relname LIKE 'v\\_%' AND n.nspname = 'shop'
"""
_ROLE_OF_CLERKS = """
SELECT DISTINCT r.rolname FROM pg_roles AS r, pg_class AS v
WHERE r.rolname ~ '^bz_[0-9a-f]{8}_c_' AND v.relnamespace = 'bartizan_views'::regnamespace
  AND has_table_privilege(r.oid, v.oid, 'DELETE')
"""


class PastTheGateway:
    """REQUIRES: a Walled world, whose gateway goes on serving. Without `role` it is about the superuser alone."""

    def __init__(self, world: walled.Walled, role: bool = True) -> None:
        embedded = world.gateway.status()["embedded"]
        self.folder = Path(embedded["socket_directory"])
        hba = Path(embedded["data_directory"]) / "conf" / "pg_hba.conf"
        hba.write_text(f"local all {_SUPERUSER} trust\n" + hba.read_text())
        os.kill(embedded["postmaster_pid"], signal.SIGHUP)
        self.superuser = siege.Session(lambda: self._connect(_SUPERUSER))
        wait_for(self._trusted, 10, "pg_hba.conf to be read")
        if role:
            self.find_class()

    def find_class(self) -> None:
        """The clerks' role, its views by the tables' names, and the key of contexts."""
        self.role = self.values(_ROLE_OF_CLERKS)[0]
        found = self.values(_VIEWS)
        self.views = {table: view for role, table, view in zip(*[iter(found)] * 3) if role == self.role}
        self.context_key = bytes.fromhex(self.values("SELECT encode(key, 'hex') FROM bartizan.secret_key WHERE purpose = 'context'")[0])

    def _trusted(self) -> bool:
        try:
            self.superuser.run("SELECT 1")
            return True
        except wire.SignInRefused:
            return False

    def values(self, text: str) -> list[str]:
        return [value.decode() for value in self.superuser.run(text)]

    def _connect(self, user: str) -> walled.Recorder:
        endpoint = Endpoint("postgres", str(self.folder), 5432, user, walled.PASSWORD, walled.DEPOT, "", "disable")
        connection = walled.Recorder(endpoint)
        connection.send_startup()
        connection.finish_startup()
        return connection

    def as_class(self) -> "ClassSession":
        verifier = self.values(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{self.role}'")[0]
        self.superuser.run(f"ALTER ROLE {self.role} PASSWORD '{walled.PASSWORD.replace(chr(39), chr(39) * 2)}'")
        try:
            return ClassSession(self, self._connect(self.role))
        finally:
            self.superuser.run(f"ALTER ROLE {self.role} PASSWORD '{verifier}'")

    def translated(self, statement: str) -> str:
        """The statement over the views of the class, which somebody past the gateway would find."""
        for table, view in self.views.items():
            schema, name = table.split(".")
            statement = re.sub(rf'(?<![\w."])"?{schema}"?\s*\.\s*"?{name}"?(?![\w"*])', view, statement, flags=re.IGNORECASE)
        return statement


class ClassSession(siege.Session):
    """The class's role on a connection that it has opened as a gateway does."""

    def __init__(self, past: PastTheGateway, connection) -> None:
        super().__init__(lambda: None)
        self.past, self.connection = past, connection
        nonce = self.run("SELECT bartizan_views.open_connection()")[0].decode()
        pid = self.run("SELECT pg_backend_pid()")[0].decode()
        message = f"bartizan connection 1\n{past.role}\n{pid}\n{nonce}"
        self.key = hmac.digest(past.context_key, message.encode(), "sha256")

    def context(self, tenant: str | None, seconds: int = 300) -> str:
        text = f"1{int(time.time()) + seconds:012}" + json.dumps({"tenant": tenant}, separators=(",", ":"))
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest() + text

    def begin(self, tenant: str) -> None:
        self.run(f"BEGIN; SET LOCAL statement_timeout = '700ms'; SELECT set_config('bartizan.ctx', '{self.context(tenant)}', true)")

    def end(self) -> bytes:
        came, _, messages = self.send(m.query("ROLLBACK"))
        while messages[-1].fields != ("I",):  # the time-out may come before ROLLBACK has begun
            more, _, messages = self.send(m.query("ROLLBACK"))
            came += more
        return came + self.send(m.query("CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; RESET ALL"))[0]
