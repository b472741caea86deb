"""Steps of the pooling tests: how a session is made to change its server connection, and how what it then sees is
compared with a session that had PostgreSQL to itself.

POOL_SIZE server connections serve all sessions of a `pool` target. Without sharing (PostgreSQL itself, session
pooling) everything here works too and proves that the tests ask for nothing that PostgreSQL does not give.
"""
from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path

import wire
import wire_messages as m
from differential.normalise import Normaliser
from endpoint import Endpoint
from postgres import USER
from processes import descendants

POOL_SIZE = 2
QUEUE_SECONDS = 3
POOLED = {"pool_mode": "transaction", "pool_size": POOL_SIZE, "queue_timeout": f"{QUEUE_SECONDS}s"}
_GRACE = 0.15  # longest wait for a server connection that is free

# Tracked settings that a neighbour leaves on the server connections it used, as far as it may.
_NEIGHBOURS_SETTINGS = ("set datestyle to 'German'", "set timezone to 'Asia/Tokyo'", "set intervalstyle to 'sql_standard'",
                        "set application_name to 'neighbour'")


class Rotation:
    """Two neighbours, of whom one is always in a transaction and so holds one of the two server connections. Each
    move() hands that part to the other, who takes the connection that the session under test used last; the
    session gets the other one then, unless it is pinned. For two server connections only."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._neighbours = [wire.sign_in(endpoint), wire.sign_in(endpoint)]
        self._holder: wire.Connection | None = None
        for neighbour in self._neighbours:
            for statement in _NEIGHBOURS_SETTINGS:
                _good(neighbour.query(statement))

    def __enter__(self) -> "Rotation":
        return self

    def __exit__(self, *_) -> None:
        for neighbour in self._neighbours:
            neighbour.close()

    def move(self) -> None:
        holder = self._holder
        taker = self._neighbours[holder is self._neighbours[0]]
        taker.send(m.query("begin"))
        served = holder is None
        if holder is None:
            taker.read_until_ready()
        else:
            with contextlib.suppress(wire.Timeout):
                taker.read_until_ready(_GRACE)
                served = True
            _good(holder.query("commit"))
        if not served:
            taker.read_until_ready()
        self._holder = taker


class Jostlers:
    """Neighbours in the background whose short transactions never cease, so that every session finds its server
    connections taken and gets another each time. They use the names that scenarios use, for other things."""

    def __init__(self, endpoint: Endpoint, count: int, *, named: bool = True, pause: float = 0.004) -> None:
        self._ending = threading.Event()
        self.faults: list[str] = []
        self.rounds = 0
        self._threads = [threading.Thread(target=self._run, args=(endpoint, i, named, pause), daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self, endpoint: Endpoint, number: int, named: bool, pause: float) -> None:
        session, lap = None, 0
        while not self._ending.is_set():
            try:
                session = session or wire.sign_in(endpoint)
                lap += 1
                self._lap(session, f"jostler {number} {lap}", lap, named, pause)
                self.rounds += 1
            except (wire.Eof, wire.SignInRefused):
                session = None  # scenarios end sessions by all means, and their neighbours perhaps
            except (AssertionError, wire.Timeout, wire.DecodeError) as fault:
                self.faults.append(f"{type(fault).__name__}: {fault}")
                session = None
        if session:
            session.close()

    @staticmethod
    def _lap(session: wire.Connection, marker: str, lap: int, named: bool, pause: float) -> None:
        name = ("s", "t", "p", "e")[lap % 4] if named else ""
        if named and lap > 4:
            session.send(m.close("S", name) + m.parse(name, f"select '{marker}', $1::text"))
        else:
            session.send(m.parse(name, f"select '{marker}', $1::text"))
        session.send(m.bind("", name, [marker]) + m.execute() + m.sync())
        replies = session.read_until_ready()
        rows = [x.fields for x in replies if x.name == "DataRow"]
        assert rows == [(marker.encode(),) * 2] or any(x.name == "ErrorResponse" and x.error_field("C") == "57P01" for x in replies), \
            f"{marker} got {replies}"
        session.query(f"begin; set local timezone to 'Asia/Kathmandu'; select pg_sleep({pause}), '{marker}'; rollback")


def _good(replies: list[m.Message]) -> list[m.Message]:
    failed = [x.fields for x in replies if x.name == "ErrorResponse"]
    assert not failed, failed
    return replies


@contextlib.contextmanager
def sessions(target, count: int):
    """So many sessions of the ordinary user, closed at the end."""
    opened = [wire.sign_in(target.endpoint()) for _ in range(count)]
    try:
        yield opened
    finally:
        for session in opened:
            session.close()


def backends(cluster, where: str = "true") -> int:
    """Server processes of the ordinary user."""
    return int(cluster.admin(f"select count(*) from pg_stat_activity where usename = '{USER}' and {where}"))


def _local_ports(pid: int) -> set[int]:
    """Of the TCP sockets of a process and of those below it."""
    inodes = set()
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{each}/fd"):
                with contextlib.suppress(OSError):
                    found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry.path))
                    if found:
                        inodes.add(found[1])
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


def server_connections(target, cluster) -> int:
    """Server processes of the ordinary user at the other end of this pooler's connections; other poolers of the run
    keep theirs."""
    ports = _local_ports(target.child.pid)
    seen = cluster.admin(f"select string_agg(client_port::text, ' ') from pg_stat_activity where usename = '{USER}'")
    return sum(int(port) in ports for port in (seen or "").split())


def sqlstates(replies: list[m.Message]) -> list[str]:
    return [x.error_field("C") for x in replies if x.name == "ErrorResponse"]


def transcript(messages: list[m.Message]) -> list[str]:
    """Comparable with that of another server; a gateway may have to speak for itself, without a place in a source file."""
    normaliser = Normaliser({}, gateway_answers=True, shows_pid=False, silent_end=False)
    return normaliser.transcript([("a", message) for message in messages])


def extended(sql: str) -> bytes:
    """One statement by unnamed Parse, Bind, Describe, Execute, Sync."""
    return m.parse("", sql) + m.bind() + m.describe("P") + m.execute() + m.sync()


def server_pids(session: wire.Connection, rotation: Rotation, moves: int = 4) -> set[str | None]:
    """The server connections that the session sees while neighbours come and go."""
    seen = set()
    for _ in range(moves):
        rotation.move()
        seen.add(session.value("select pg_backend_pid()"))
    return seen


def assert_shared(target, session: wire.Connection, rotation: Rotation) -> None:
    """Else the test has shown nothing."""
    if target.shares:
        assert len(server_pids(session, rotation)) > 1, "the session kept its server connection"


def assert_pinned(target, session: wire.Connection, rotation: Rotation) -> None:
    assert len(server_pids(session, rotation)) == 1, "the session changed its server connection"
