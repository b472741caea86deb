"""Two tenants over one pool of server connections, in every form of transaction: no row ever crosses.

Each of the threads is one identity of one tenant; both are of one class, so its server connections serve both in
turn. Every row names its tenant. A context that outlives its transaction fails here at once, also where the relay sets the
right one again in time: set_config itself looks for what an earlier transaction has left.
"""
from __future__ import annotations

import random
import threading
import time

import pytest

import walled
import wire
import wire_messages as m
from past_the_gateway import PastTheGateway

pytestmark = [pytest.mark.timeout(3000), pytest.mark.gateway]

_THREADS = 12
_POOL = 3
_ROWS = "SELECT tenant, id FROM shop.customers"
_WRITE = "UPDATE shop.tickets SET hours = hours RETURNING tenant"
_FAILS = "SELECT tenant, 1 / (id - id) FROM shop.customers"
_LONG = "SELECT max(a * b) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b"

# In the place of pg_catalog's function. All transactions of one Query have one transaction_timestamp.
_WITNESS = """
ALTER FUNCTION pg_catalog.set_config(text, text, boolean) RENAME TO set_config_unseen;
CREATE FUNCTION pg_catalog.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $f$
BEGIN
  IF $1 = 'bartizan.ctx' THEN
    IF current_setting('bartizan.ctx', true) <> ''
       AND current_setting('witness.transaction', true) IS DISTINCT FROM transaction_timestamp()::text THEN
      RAISE EXCEPTION 'a context has outlived its transaction' USING ERRCODE = 'XX001';
    END IF;
    PERFORM set_config_unseen('witness.transaction', transaction_timestamp()::text, true);
    IF current_setting('transaction_read_only') = 'off' THEN
      PERFORM nextval('witness.contexts');
    END IF;
  END IF;
  RETURN set_config_unseen($1, $2, $3);
END $f$;
CREATE SCHEMA witness;
CREATE SEQUENCE witness.contexts;
ALTER FUNCTION pg_catalog.set_config(text, text, boolean) SECURITY DEFINER;
"""


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction", pool_size=_POOL, published=False)
    started.past = PastTheGateway(started, role=False)
    started.past.superuser.run(_WITNESS)
    started.publish()  # afterwards: what changes in the catalog ends the sessions of its classes
    yield started
    started.stop()


def _extended(text: str, name: str = "", values=()) -> bytes:
    return m.parse(name, text) + m.bind(statement=name, values=values) + m.execute()


def _queries(*texts: str) -> list[bytes]:
    return [m.query(text) for text in texts]


# Each form: messages that are sent one after the other, each answered by one ReadyForQuery. `{rows}` reads,
# `{write}` writes, `{fails}` fails at run time.
_FORMS = {
    "simple": ["{rows}"],
    "block": ["BEGIN", "{rows}", "{write}", "COMMIT", "{rows}"],
    "rolled back": ["BEGIN", "{write}", "ROLLBACK", "{rows}"],
    "savepoints": ["BEGIN", "SAVEPOINT a", "{rows}", "ROLLBACK TO a", "{rows}", "RELEASE a", "{rows}", "COMMIT"],
    "before the savepoint nothing": ["BEGIN; SAVEPOINT a; {rows}; ROLLBACK TO SAVEPOINT a; {rows}; COMMIT; {rows}"],
    "chains": ["BEGIN", "{rows}", "COMMIT AND CHAIN", "{rows}", "ROLLBACK AND CHAIN", "{rows}", "COMMIT", "{rows}"],
    "chained in one query": ["BEGIN; {rows}; ROLLBACK AND CHAIN; {rows}; COMMIT AND CHAIN; {rows}; ROLLBACK; {rows}"],
    "failed block": ["BEGIN", "{rows}", "{fails}", "{rows}", "ROLLBACK", "{rows}"],
    "failed, to a savepoint": ["BEGIN", "SAVEPOINT a", "{fails}", "ROLLBACK TO a", "{rows}", "COMMIT"],
    "several statements": ["{rows}; {rows}; COMMIT; {rows}"],
    "several, one fails": ["{rows}; {fails}; {rows}", "{rows}"],
    "reset": ["{rows}", "RESET ALL", "{rows}", "BEGIN", "RESET ALL", "{rows}", "ROLLBACK", "{rows}"],
    "discard": ["DISCARD ALL", "{rows}"],
    "settings": ["SET TimeZone = 'UTC'; {rows}", "BEGIN; SET LOCAL statement_timeout = 60000; {rows}; COMMIT"],
    "cursor": ["BEGIN", "DECLARE c CURSOR FOR {rows}", "FETCH 2 FROM c", "SAVEPOINT b", "FETCH 2 FROM c",
               "ROLLBACK TO b", "FETCH ALL FROM c", "COMMIT"],
    "cursor in one query": ["BEGIN; DECLARE c CURSOR FOR {rows}; FETCH ALL FROM c; COMMIT; {rows}"],
    "read only": ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "{rows}", "COMMIT", "{rows}"],
    "copy": ["COPY ({rows}) TO STDOUT", "{rows}"],
}
# These keep their server connection to their session's end (docs/guide/pooling.md): too many at once and others wait.
_PINNING = {
    "prepared": ["PREPARE p AS {rows}", "EXECUTE p", "BEGIN; EXECUTE p; ROLLBACK; EXECUTE p", "DEALLOCATE p"],
    "cursor that stays": ["BEGIN; DECLARE h CURSOR WITH HOLD FOR {rows}; COMMIT", "FETCH 3 FROM h", "{rows}", "CLOSE h"],
}
_TEXTS = {"rows": _ROWS, "write": _WRITE, "fails": _FAILS}


def _pipelines() -> list[tuple[str, bytes, int]]:
    """(name, bytes, how many ReadyForQuery answer them)"""
    rows, write, fails = _extended(_ROWS), _extended(_WRITE), _extended(_FAILS)
    return [
        ("one", rows + m.sync(), 1),
        ("implicit block", rows + write + rows + m.sync(), 1),
        ("many syncs", rows + m.sync() + write + m.sync() + rows + m.sync(), 3),
        ("block", _extended("BEGIN") + rows + _extended("COMMIT") + rows + m.sync(), 1),
        ("rolled back in the middle", _extended("BEGIN") + write + _extended("ROLLBACK") + rows + _extended("BEGIN")
         + rows + _extended("ROLLBACK") + rows + m.sync(), 1),
        ("fails in the middle", rows + fails + rows + m.sync() + rows + m.sync(), 2),
        ("mixed", m.query(_ROWS) + rows + m.sync() + m.query(f"BEGIN; {_ROWS}; ROLLBACK") + rows + m.sync(), 4),
        ("named", m.parse("s", _ROWS) + m.bind(statement="s") + m.execute() + m.sync() + m.bind(statement="s")
         + m.execute() + m.sync() + m.close("S", "s") + m.sync(), 3),
        ("portal in parts", _extended("BEGIN") + m.parse("", _ROWS) + m.bind("p") + m.execute("p", 3) + m.execute("p", 3)
         + m.execute("p") + _extended("COMMIT") + m.sync(), 1),
    ]


class _Client(threading.Thread):
    """One session after the other of one identity, until all together have sent enough."""

    def __init__(self, world, name: str, seed: int, enough: "_Count") -> None:
        super().__init__(daemon=True)
        self.world, self.name_, self.enough = world, name, enough
        self.tenant = name.partition("@")[2].encode()
        self.random = random.Random(seed)
        self.crossed: list[str] = []
        self.wrong: list[str] = []
        self.rows = 0

    def run(self) -> None:
        while not self.enough.reached() and not self.crossed:
            try:
                with self.world.session(self.name_) as session:
                    for _ in range(self.random.randrange(5, 80)):
                        self._one(session)
                        if self.enough.reached() or self.crossed:
                            break
            except (wire.Eof, wire.SignInRefused, OSError) as error:
                self.wrong.append(repr(error))
                time.sleep(0.05)

    def _one(self, session) -> None:
        chance = self.random.random()
        if chance < 0.6:
            name, texts = self.random.choice(list(_FORMS.items()))
            for data in _queries(*(text.format(**_TEXTS) for text in texts)):
                self._exchange(session, name, data, 1)
        elif chance < 0.95:
            self._exchange(session, *self.random.choice(_pipelines()))
        elif chance < 0.975:
            self._cancelled(session)
        else:  # gone in the middle of a transaction, or with an answer unread
            session.send(m.query(f"BEGIN; {_WRITE}") if self.random.random() < 0.5 else m.query(_ROWS))
            self.enough.add(1)
            session.close()
            raise wire.Eof("left")

    def _cancelled(self, session) -> None:
        # The cancel may come while the session still waits for a server connection: then it is for nothing.
        session.send(m.query(f"BEGIN; SET LOCAL statement_timeout = 1000; {_ROWS}; {_LONG}"))
        time.sleep(0.02)
        wire.send_cancel(session.endpoint, session.pid, session.key)
        self._replies(session, "cancelled", 1)
        self._exchange(session, "after a cancel", m.query("ROLLBACK"), 1)
        self._exchange(session, "after a cancel", m.query(_ROWS), 1)

    def _exchange(self, session, name: str, data: bytes, ends: int) -> None:
        session.send(data)
        self._replies(session, name, ends)

    def _replies(self, session, name: str, ends: int) -> None:
        while ends:
            reply = session.read_message(60)
            tenant = None
            if reply.name == "DataRow":
                tenant = reply.fields[0]
            elif reply.name == "CopyData":
                tenant = reply.fields[0].split(b"\t")[0]
            elif reply.name == "ReadyForQuery":
                ends -= 1
                self.enough.add(1)
            elif reply.name == "ErrorResponse" and reply.error_field("C") not in ("22012", "25P02", "57014"):
                self.wrong.append(f"{name}: {reply.fields}")
            if tenant is not None:
                self.rows += 1
                if tenant != self.tenant:
                    self.crossed.append(f"{name}: {tenant!r} came to {self.tenant!r}")


class _Count:
    def __init__(self, limit: int) -> None:
        self.limit, self.sent, self.lock = limit, 0, threading.Lock()

    def add(self, count: int) -> None:
        with self.lock:
            self.sent += count

    def reached(self) -> bool:
        return self.sent >= self.limit


def _interleave(world, statements: int) -> None:
    enough = _Count(statements)
    clients = [_Client(world, ("cleo@north", "cleo@lake")[n % 2], 1000 + n, enough) for n in range(_THREADS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(2400)
    assert not any(client.is_alive() for client in clients), "somebody waits for an answer"
    crossed = [text for client in clients for text in client.crossed]
    assert not crossed, crossed
    wrong = [text for client in clients for text in client.wrong if "left" not in text]
    assert not wrong, f"{len(wrong)}: {wrong[:10]}"
    assert all(client.rows > 100 for client in clients), [client.rows for client in clients]
    assert int(world.past.superuser.run("SELECT last_value FROM witness.contexts")[0]) > statements / 10, "the witness sees nothing"


def test_two_tenants_over_one_pool(world):
    _interleave(world, 4_000)


@pytest.mark.full
def test_two_tenants_over_one_pool_for_long(world):
    _interleave(world, 100_000)


@pytest.mark.parametrize("form", [*_FORMS, *_PINNING])
def test_each_form_after_the_other_tenant(world, form):
    """The same server connections, one tenant after the other: every row is the asking tenant's."""
    enough = _Count(1 << 30)
    clients = [_Client(world, name, 1, enough) for name in ("cleo@north", "cleo@lake")]
    sessions = [world.session(client.name_) for client in clients]
    for _ in range(3):
        for client, session in zip(clients, sessions):
            for data in _queries(*(text.format(**_TEXTS) for text in (_FORMS | _PINNING)[form])):
                client._exchange(session, form, data, 1)
    for client, session in zip(clients, sessions):
        assert not client.crossed and not client.wrong, (client.crossed, client.wrong)
        assert client.rows
        session.close()
