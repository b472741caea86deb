"""A depot behind the wall: an owner past it, consumers of two tenants before it (wall/schema.sql, wall/policies.yaml)."""
from __future__ import annotations

import time
from pathlib import Path

import bartizan
import wire
import wire_messages as m
from endpoint import Endpoint
from processes import make_folder, remove_folder

DATA = Path(__file__).parent / "wall"
DEPOT = "walled"
PASSWORD = "a test's password"
OWNER = "olga"
# identity: (tenant, role)
CONSUMERS = {"ana@north": ("north", "analyst"), "cleo@north": ("north", "clerk"),
             "ana@lake": ("lake", "analyst"), "cleo@lake": ("lake", "clerk")}


class Recorder(wire.Connection):
    """Keeps every byte of the messages that it reads."""

    def __init__(self, *arguments, **options) -> None:
        self.seen = bytearray()
        super().__init__(*arguments, **options)

    def read_message(self, seconds: float | None = None) -> m.Message:
        self.wait_bytes(5, time.monotonic() + (seconds or self.seconds))
        length = int.from_bytes(self.buffer[1:5], "big")
        self.wait_bytes(length + 1, time.monotonic() + (seconds or self.seconds))
        self.seen += self.buffer[5:length + 1]
        return super().read_message(seconds)


class Walled:
    """`bartizan up` with the depot `walled`, its policies in force. Gone after stop()."""

    def __init__(self, pool_mode: str = "session", pool_size: int | None = None, published: bool = True,
                 unprivileged: bool = False) -> None:
        self.folder = make_folder()
        self.gateway = bartizan.Embedded(self.folder, "--no-demo", unprivileged=unprivileged)
        run = self.gateway.command
        run("depot", "create", DEPOT)
        for tenant in ("north", "lake"):
            run("tenant", "create", tenant)
        for role in ("analyst", "clerk"):
            run("role", "create", role)
        self._identity(OWNER, "--past-wall")
        for name, (tenant, role) in CONSUMERS.items():
            self._identity(name, tenant=tenant)
            run("role", "assign", role, name)
        with self.session(OWNER) as owner:
            for name in ("schema.sql", "expected.sql"):
                _run(owner, (DATA / name).read_text())
        size = ["--pool-size", str(pool_size)] if pool_size else []
        run("depot", "set", DEPOT, "--pool-mode", pool_mode, *size)
        if published:
            self.publish()

    def publish(self, old: str = "", new: str = "", more: str = "") -> None:
        """Puts the policies in force, with `new` in the place of `old` and `more` behind them."""
        text = (DATA / "policies.yaml").read_text()
        assert old in text
        self.gateway.publish({"walled.yaml": (text.replace(old, new) if old else text) + more})

    def _identity(self, name: str, *grant: str, tenant: str | None = None) -> None:
        of_tenant = ["--tenant", tenant] if tenant else []
        run = self.gateway.command
        run("identity", "create", name, *of_tenant, "--password-stdin", input=PASSWORD + "\n")
        run("grant", "add", "--depot", DEPOT, "--identity", name, "--login", f"{DEPOT}_owner", *grant)

    def endpoint(self, name: str) -> Endpoint:
        state = self.gateway.state
        return Endpoint("bartizan", "localhost", state["endpoints"][0]["port"], name, PASSWORD, DEPOT, state["ca_file"])

    def session(self, name: str, parameters: dict | None = None) -> Recorder:
        """Signed in, every byte recorded."""
        connection = Recorder(self.endpoint(name))
        try:
            connection.start_tls()
            connection.send_startup(parameters)
            connection.finish_startup()
        except BaseException:
            connection.close()
            raise
        return connection

    def stop(self) -> None:
        self.gateway.stop()
        remove_folder(self.folder)


def _run(connection: wire.Connection, text: str) -> None:
    for reply in connection.query(text, seconds=60):
        if reply.name == "ErrorResponse":
            raise AssertionError(str(reply.fields))
