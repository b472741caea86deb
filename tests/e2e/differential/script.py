"""What a scenario is made of, and how one is run against one endpoint.

A scenario is a list of steps over one or more named sessions. bytes are sent as they are; the steps below
read, switch sessions, cancel or wait. Everything received is recorded in order, with markers where the
connection ended or nothing came, so that two runs compare entry by entry.
"""
from __future__ import annotations

import dataclasses
import hashlib
import time

import wire
import wire_messages as m
from endpoint import Endpoint
from wire_messages import Message

FOLD_RUN = 100      # longer runs of DataRow or CopyData are recorded as count and digest
LONG_VALUE = 1024   # longer values are recorded as length and digest


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`startup` and `version` are for session a. `setup` and `cleanup` run as superuser, straight on the
    server. `gateway_answers`: the gateway may answer this itself, so errors are compared without their
    source location. `silent_end`: PostgreSQL closes without a word, a gateway may say why. `shows_pid`: replies hold backend pids. `logs_startup`: sign-in replies are compared."""
    name: str
    steps: tuple
    startup: dict = dataclasses.field(default_factory=dict)
    version: int = m.PROTOCOL_3_0
    setup: tuple = ()
    cleanup: tuple = ()
    gateway_answers: bool = False
    silent_end: bool = False
    shows_pid: bool = False
    logs_startup: bool = False
    seconds: float = 15.0


def flatten(steps) -> tuple:
    flat = []
    for step in steps:
        flat.extend(flatten(step) if isinstance(step, (tuple, list)) else [step])
    return tuple(flat)


class Registry(dict):
    """Scenarios by name, in the order of the file."""

    def add(self, name: str, *steps, **options) -> None:
        if name in self:
            raise ValueError(f"two scenarios are named {name}")
        for key in ("setup", "cleanup"):
            if isinstance(options.get(key), str):
                options[key] = (options[key],)
        self[name] = Scenario(name, flatten(steps), **options)


class Run:
    """One scenario against one endpoint. transcript: (session, Message or marker text) in order."""

    def __init__(self, scenario: Scenario, endpoint: Endpoint, cluster) -> None:
        self.scenario, self.endpoint, self.cluster = scenario, endpoint, cluster
        self.sessions: dict[str, wire.Connection | None] = {}
        self.current = "a"
        self.transcript: list[tuple] = []
        self.pids: dict[int, str] = {}

    def execute(self) -> list[tuple]:
        self._admin(self.scenario.setup)
        try:
            for step in self.scenario.steps:
                if isinstance(step, bytes):
                    self.send(step)
                else:
                    step(self)
            for name in list(self.sessions):
                self.current = name
                self.send(m.terminate())
                read_to_end(self)
        finally:
            for session in self.sessions.values():
                if session:
                    session.close()
            self._admin(self.scenario.cleanup)
        return self.transcript

    def _admin(self, statements: tuple) -> None:
        if statements:
            self.cluster.admin(*statements)

    def record(self, entry) -> None:
        self.transcript.append((self.current, entry))

    def session(self) -> wire.Connection | None:
        """The current session, opened at its first use; None once it has ended."""
        if self.current not in self.sessions:
            first = self.current == "a"
            self.open(self.scenario.startup if first else {}, self.scenario.version if first else m.PROTOCOL_3_0)
        return self.sessions[self.current]

    def open(self, parameters: dict, version: int = m.PROTOCOL_3_0) -> None:
        session = wire.Connection(self.endpoint, self.scenario.seconds)
        self.sessions[self.current] = session
        session.start_tls()
        session.send_startup(parameters, version)
        try:
            session.finish_startup()
            self.pids[session.pid] = self.current
        except wire.SignInRefused:
            self._end("REFUSED")
        except wire.Eof:
            self._end("EOF")
        except (wire.DecodeError, wire.Timeout) as error:
            self._end(f"{type(error).__name__}: {error}")
        if self.scenario.logs_startup or self.sessions[self.current] is None:
            place = len(self.transcript) - (self.sessions[self.current] is None)
            self.transcript[place:place] = [(self.current, x) for x in session.startup_messages]

    def _end(self, marker: str) -> None:
        self.record(marker)
        session = self.sessions[self.current]
        if session:
            session.close()
        self.sessions[self.current] = None

    def send(self, data: bytes) -> None:
        session = self.session()
        if session:
            try:
                session.send(data, seconds=60)
            except wire.Eof:
                pass  # what the peer said before it closed is read by the next step
            except wire.Timeout:
                self._end("TIMEOUT sending")

    def read(self, stop) -> None:
        """Records messages until `stop(message)`, the end of the connection or the deadline."""
        session = self.session()
        end = time.monotonic() + self.scenario.seconds
        run: list[Message] = []
        try:
            while session:
                message = session.read_message(max(0.01, end - time.monotonic()))
                if run and run[-1].name != message.name:
                    self._record_run(run)
                if message.name in ("DataRow", "CopyData"):
                    run.append(message)
                else:
                    self.record(message)
                if stop(message):
                    break
        except wire.Eof:
            self._record_run(run)
            self._end("EOF")
        except wire.Timeout:
            self._record_run(run)
            self._end("TIMEOUT")
        except wire.DecodeError as error:
            self._record_run(run)
            self._end(f"MALFORMED {error}")
        self._record_run(run)

    def _record_run(self, run: list[Message]) -> None:
        if len(run) > FOLD_RUN:
            digest = hashlib.sha256(repr(run).encode()).hexdigest()
            self.record(Message(f"{len(run)} x {run[0].name}", (digest,)))
        else:
            for message in run:
                self.record(Message(message.name, tuple(_shorten(v) for v in message.fields)))
        run.clear()


def _shorten(value):
    if isinstance(value, bytes) and len(value) > LONG_VALUE:
        return (len(value), hashlib.sha256(value).hexdigest())
    return value


# ---- steps ----------------------------------------------------------------------------------------------

def ready(run: Run) -> None:
    """Reads up to ReadyForQuery."""
    run.read(lambda message: message.name == "ReadyForQuery")


def until(*names: str):
    """Reads up to the first message of one of these names."""
    return lambda run: run.read(lambda message: message.name in names)


def read_to_end(run: Run) -> None:
    """Reads until the peer closes."""
    run.read(lambda message: False)


def on(session: str):
    """The following steps are for this session."""
    def switch(run: Run) -> None:
        run.current = session
    return switch


def open_session(run: Run) -> None:
    """Signs the current session in now, where nothing is to be sent yet."""
    run.session()


def open_with(**parameters: str):
    """Signs the current session in with these startup parameters."""
    return lambda run: run.open(parameters)


def drop_connection(run: Run) -> None:
    """The client dies: its socket is closed without Terminate."""
    session = run.session()
    if session:
        session.close()
    run.sessions.pop(run.current)


def wait_sql(sql: str):
    """Waits until this query, asked straight on the server, gives true."""
    def wait(run: Run) -> None:
        end = time.monotonic() + run.scenario.seconds
        while run.cluster.admin(sql) != "t":
            if time.monotonic() > end:
                run.record("NEVER TRUE")
                return
            time.sleep(0.02)
    return wait


def wait_running(marker: str):
    """Waits until a statement with this text is being executed."""
    return wait_sql("select count(*) > 0 from pg_stat_activity where state = 'active' "
                    f"and pid <> pg_backend_pid() and query like '%{marker}%'")


def cancel(session: str, *, key: bytes | None = None, pid_offset: int = 0, tls: bool = True):
    """A CancelRequest with the session's key, or with a wrong one; whatever comes back is recorded."""
    def send(run: Run) -> None:
        victim = run.sessions[session]
        answer = wire.send_cancel(run.endpoint, victim.pid + pid_offset, key or victim.key, tls=tls)
        run.record(f"cancel answered {answer!r}")
    return send


def startup_bytes(data: bytes):
    """Opens the current session over TLS with these bytes in place of a StartupMessage."""
    def send(run: Run) -> None:
        session = wire.Connection(run.endpoint, run.scenario.seconds)
        run.sessions[run.current] = session
        session.start_tls()
        session.send(data)
    return send


def raw_to_end(run: Run) -> None:
    """Records every byte until the peer closes, for answers that are not of protocol 3."""
    session, data = run.session(), b""
    try:
        while session:
            data += session.read_bytes(1)
    except wire.Eof:
        pass
    run.record(f"raw {data!r}")
    run._end("EOF")


def q(*statements: str) -> tuple:
    """Simple queries, each with its replies."""
    return tuple((m.query(sql), ready) for sql in statements)


def extended(sql: str, values=(), oids=(), formats=(), results=(), max_rows: int = 0) -> tuple:
    """Unnamed Parse, Bind, Describe, Execute, Sync in one write, with the replies."""
    return (m.parse("", sql, oids) + m.bind("", "", values, formats, results) + m.describe("P")
            + m.execute("", max_rows) + m.sync(), ready)
