"""One client of the chaos test: what it does, and what every reply to it must be.

An action is a generator. It yields what it waits for (`ready(n)`: so many ReadyForQuery; `message(name)`: the first of that
name; `pause`; a Future) and is resumed with the messages that came. Each value asked for carries a marker that
names client, generation (one a connection) and a number, so a reply to anybody else is recognised at once.
"""
from __future__ import annotations

import dataclasses
import random
from concurrent.futures import Executor
from typing import Callable

import wire
import wire_messages as m
from endpoint import Endpoint

S = m.sync()
PUSHED = ("NoticeResponse", "ParameterStatus", "NotificationResponse")
TABLE = "public.chaos"


class Fault(AssertionError):
    """A reply that should never have come, or one that never came."""


class Disturbed(Exception):
    """The server connection was lost under the client; allowed as often as backends were killed."""


@dataclasses.dataclass
class Wait:
    """Until `count` messages of this name have come, or for `seconds` when there is no name."""
    name: str = ""
    count: int = 1
    seconds: float = 0


def ready(count: int = 1) -> Wait:
    return Wait("ReadyForQuery", count)


@dataclasses.dataclass
class Ledger:
    """What the table must hold at the end. Rows are (client, generation, number)."""
    committed: set = dataclasses.field(default_factory=set)
    unknown: set = dataclasses.field(default_factory=set)
    statements: int = 0
    disturbed: list = dataclasses.field(default_factory=list)  # why, each time
    cancelled: int = 0
    vanished: int = 0
    by_action: dict = dataclasses.field(default_factory=dict)


class Client:
    def __init__(self, number: int, seed: int, endpoint: Endpoint, ledger: Ledger, executor: Executor, allowed: Callable[[str], bool]) -> None:
        self.number, self.endpoint, self.ledger, self.executor = number, endpoint, ledger, executor
        self.random = random.Random(seed * 1000 + number)
        self.generation, self.count = 0, 0
        self.session: wire.Connection | None = None
        self.settings: dict[str, str] = {}
        self.told = {}        # every value of application_name that this generation ever set
        self.prepared: dict[str, str] = {}
        self.forgives_cancel = False  # a cancel of ours may still hit the statement behind it
        self.actions = [(name, weight) for name, weight in ACTIONS.items() if allowed(name)]

    # ---- markers and checks ---------------------------------------------------------------------------------

    def mark(self) -> str:
        self.count += 1
        return f"c{self.number}g{self.generation}n{self.count}"

    def row(self) -> tuple:
        self.count += 1
        return (self.number, self.generation, self.count)

    def send(self, data: bytes, statements: int = 1) -> None:
        self.ledger.statements += statements
        try:
            self.session.send(data)
        except wire.Eof as end:
            raise Disturbed("closed while sending") from end

    def check(self, messages: list[m.Message], *expected) -> None:
        """`expected`: rows as tuples of text, SQLSTATEs as "!42601", the last transaction status as "=I"."""
        seen = []
        for message in messages:
            if message.name == "DataRow":
                seen.append(tuple(None if f is None else f.decode(errors="replace") for f in message.fields))
            elif message.name == "ErrorResponse":
                seen.append("!" + str(message.error_field("C")))
        status = [x.fields[0] for x in messages if x.name == "ReadyForQuery"][-1:]
        seen += ["=" + s for s in status]
        self.pushed(messages)
        if seen != list(expected):
            self.excuse(messages)
            raise Fault(f"client {self.number} generation {self.generation}: {seen[:8]} came where {list(expected)[:8]} is due")

    def pushed(self, messages: list[m.Message]) -> None:
        """What comes unasked must be of one's own doing as well."""
        for message in messages:
            if message.name == "ParameterStatus" and message.fields[0] == "application_name" and message.fields[1] not in self.told:
                raise Fault(f"client {self.number}: told of application_name {message.fields[1]!r}")
            if message.name == "NotificationResponse" and message.fields[1] != f"chaos_{self.number}":
                raise Fault(f"client {self.number}: notified of {message.fields[1:]}")

    def excuse(self, messages: list[m.Message]) -> None:
        """Raises Disturbed where a killed backend explains the difference, but never where a row of another came."""
        own = f"c{self.number}g{self.generation}n"
        for message in messages:
            for value in message.fields if message.name == "DataRow" else ():
                if value and value[:1] == b"c" and b"g" in value and not value.decode(errors="replace").startswith(own):
                    raise Fault(f"client {self.number} generation {self.generation}: got {value!r}, which is another's")
        states = {x.error_field("C") for x in messages if x.name == "ErrorResponse"}
        if self.forgives_cancel and "57014" in states:
            raise Disturbed("own cancel")
        if states & {"57P01", "57P02", "08006", "08003", "57P05"}:
            raise Disturbed(str(states))

    # ---- life -----------------------------------------------------------------------------------------------

    def live(self):
        """For ever: sign in, act, sometimes vanish."""
        while True:
            name = "sign_in"
            try:
                if self.session is None:
                    yield from self.sign_in()
                name = self.random.choices([n for n, _ in self.actions], [w for _, w in self.actions])[0]
                self.ledger.by_action[name] = self.ledger.by_action.get(name, 0) + 1
                yield from getattr(self, name)()
                self.forgives_cancel = name == "cancel_running"
            except Disturbed as disturbance:
                if disturbance.args[:1] != ("own cancel",):
                    self.ledger.disturbed.append(f"client {self.number} in {name}: {disturbance}")
                self.leave()
            except wire.SignInRefused as refusal:
                self.ledger.disturbed.append(f"client {self.number} at sign-in: {refusal}")
                yield Wait(seconds=0.05)

    def sign_in(self):
        self.generation += 1
        self.count, self.prepared = 0, {}
        name = self.mark()
        self.settings = {"application_name": name, "TimeZone": self.random.choice(("UTC", "Asia/Tokyo", "America/New_York"))}
        self.told = {name: True, "": True}
        try:
            future = self.executor.submit(wire.sign_in, self.endpoint, dict(self.settings), seconds=60)
            self.session = yield future
        except (wire.Eof, OSError) as end:
            raise Disturbed(f"at sign-in: {end!r}") from end

    def leave(self) -> None:
        if self.session:
            self.session.close()
        self.session = None

    # ---- statements -----------------------------------------------------------------------------------------

    def simple(self):
        mark = self.mark()
        self.send(m.query(f"select '{mark}'"))
        self.check((yield ready()), (mark,), "=I")

    def multi(self):
        one, two = self.mark(), self.mark()
        self.send(m.query(f"select '{one}'; select '{two}', 2"), 2)
        self.check((yield ready()), (one,), (two, "2"), "=I")

    def unnamed(self):
        mark = self.mark()
        self.send(m.parse("", "select $1::text, $2::int") + m.bind("", "", [mark, "7"]) + m.describe("P") + m.execute() + S)
        self.check((yield ready()), (mark, "7"), "=I")

    def named(self):
        """Same names in all clients; the text is the generation's own, so a mix-up shows."""
        name = self.random.choice(("s", "t", "u"))
        mark, data = self.mark(), b""
        if name not in self.prepared or self.random.random() < 0.1:
            if name in self.prepared:
                data += m.close("S", name)
            self.prepared[name] = f"c{self.number}g{self.generation}n0{name}"
            data += m.parse(name, f"select '{self.prepared[name]}', $1::text")
        if self.random.random() < 0.2:
            data += m.describe("S", name)
        self.send(data + m.bind("", name, [mark]) + m.execute() + S)
        self.check((yield ready()), (self.prepared[name], mark), "=I")

    def pipeline(self):
        data, expected = b"", []
        for _ in range(self.random.randint(2, 12)):
            mark = self.mark()
            if self.random.random() < 0.2:
                data += m.parse("", "select $1::int") + m.bind("", "", [mark]) + m.execute() + m.parse("", "skipped") + S
                expected.append(["!22P02", "=I"])
            else:
                data += m.parse("", "select $1::text") + m.bind("", "", [mark]) + m.execute() + S
                expected.append([(mark,), "=I"])
        self.send(data, len(expected))
        for group in expected:
            self.check((yield ready()), *group)

    def error(self):
        mark = self.mark()
        sql, state = self.random.choice(((f"select '{mark}'::int", "22P02"), (f"selec '{mark}'", "42601"), ("select 1/0", "22012"),
                                         (f"select * from nowhere_{mark}", "42P01")))
        self.send(m.query(sql) if self.random.random() < 0.5 else m.parse("", sql) + m.bind() + m.execute() + S)
        self.check((yield ready()), "!" + state, "=I")

    def many_rows(self):
        mark, count = self.mark(), self.random.randint(50, 400)
        self.send(m.query(f"select '{mark}', g from generate_series(1, {count}) g"))
        self.check((yield ready()), *[(mark, str(g)) for g in range(1, count + 1)], "=I")

    def transaction(self):
        row, mark = self.row(), self.mark()
        self.send(m.query("begin"))
        self.check((yield ready()), "=T")
        self.send(m.query(f"insert into {TABLE} values {row}"))
        self.check((yield ready()), "=T")
        if self.random.random() < 0.3:
            yield Wait(seconds=self.random.random() * 0.02)
        self.send(m.parse("", f"select $1::text, count(*) from {TABLE} where client = {row[0]} and generation = {row[1]} and number = {row[2]}")
                  + m.bind("", "", [mark]) + m.execute() + S)
        self.check((yield ready()), (mark, "1"), "=T")
        how = self.random.choice(("commit", "rollback", "fail"))
        if how == "fail":
            self.send(m.query("select 1/0"))
            self.check((yield ready()), "!22012", "=E")
        if how == "commit":
            self.ledger.unknown.add(row)
        self.send(m.query("commit" if how == "commit" else "rollback"))
        self.check((yield ready()), "=I")
        if how == "commit":
            self.ledger.unknown.discard(row)
            self.ledger.committed.add(row)

    def portal(self):
        mark = self.mark()
        self.send(m.query("begin"))
        self.check((yield ready()), "=T")
        self.send(m.parse("", f"select '{mark}', g from generate_series(1, 5) g") + m.bind("p") + m.execute("p", 2) + m.flush())
        first = yield Wait("PortalSuspended")
        self.check(first, (mark, "1"), (mark, "2"))
        self.send(m.execute("p", 0) + S)
        self.check((yield ready()), (mark, "3"), (mark, "4"), (mark, "5"), "=T")
        self.send(m.query("commit"))
        self.check((yield ready()), "=I")

    def copy_in(self):
        rows = [self.row() for _ in range(self.random.randint(1, 20))]
        self.send(m.query(f"copy {TABLE} from stdin"))
        self.check((yield Wait("CopyInResponse")))
        data = b"".join(m.copy_data("\t".join(map(str, row)) + "\n") for row in rows)
        if self.random.random() < 0.3:
            self.send(data + m.copy_fail("no"), 0)
            self.check((yield ready()), "!57014", "=I")
            return
        self.ledger.unknown.update(rows)
        self.send(data + m.copy_done(), 0)
        self.check((yield ready()), "=I")
        self.ledger.unknown.difference_update(rows)
        self.ledger.committed.update(rows)

    def copy_out(self):
        mark = self.mark()
        self.send(m.query(f"copy (select '{mark}', g from generate_series(1, 30) g) to stdout"))
        replies = yield ready()
        self.check(replies, "=I")
        data = [x.fields[0] for x in replies if x.name == "CopyData"]
        if data != [f"{mark}\t{g}\n".encode() for g in range(1, 31)]:
            raise Fault(f"client {self.number}: COPY gave {data[:3]}, not {mark}")

    # ---- session state --------------------------------------------------------------------------------------

    def set_value(self):
        value = self.mark()
        self.told[value] = True
        self.send(m.query(f"set application_name to '{value}'"))
        self.check((yield ready()), "=I")
        self.settings["application_name"] = value

    def show_values(self):
        self.send(m.query("select current_setting('application_name'), current_setting('TimeZone')"))
        self.check((yield ready()), (self.settings["application_name"], self.settings["TimeZone"]), "=I")

    def pinned(self):
        """A few statements with state of a session, then the end, so that pins do not hold every connection."""
        mark = self.mark()
        self.send(m.query(f"create temp table own as select '{mark}'::text as a"))
        self.check((yield ready()), "=I")
        self.send(m.query(f"set work_mem to '{3001 + 2 * self.number}kB'"))
        self.check((yield ready()), "=I")
        self.send(m.query(f"listen chaos_{self.number}"))
        self.check((yield ready()), "=I")
        self.send(m.query(f"notify chaos_{self.number}, '{mark}'"))
        replies = yield ready()
        self.check(replies, "=I")
        if not [x for x in replies if x.name == "NotificationResponse" and x.fields[2] == mark]:
            raise Fault(f"client {self.number}: its own notification did not come")
        yield Wait(seconds=0.01)
        self.send(m.query("select a, current_setting('work_mem') from own"))
        self.check((yield ready()), (mark, f"{3001 + 2 * self.number}kB"), "=I")
        self.leave()

    def stranger(self):
        """Nobody else's session state is to be seen."""
        self.send(m.query("select to_regclass('own') is null, current_setting('work_mem'), (select count(*) from pg_listening_channels()), "
                          "(select count(*) from pg_cursors)"))
        self.check((yield ready()), ("t", "4MB", "0", "0"), "=I")

    # ---- cancels and ends -----------------------------------------------------------------------------------

    def cancel_running(self):
        mark = self.mark()
        self.send(m.query(f"select pg_sleep(0.3), '{mark}'"))
        yield Wait(seconds=self.random.random() * 0.1)
        yield self.executor.submit(wire.send_cancel, self.endpoint, self.session.pid, self.session.key)
        replies = yield ready()
        self.ledger.cancelled += 1
        if [x for x in replies if x.name == "ErrorResponse" and x.error_field("C") == "57014"]:
            self.check(replies, "!57014", "=I")
        else:
            self.check(replies, ("", mark), "=I")

    def cancel_idle(self):
        """It has nothing running, so it must hit nobody."""
        yield self.executor.submit(wire.send_cancel, self.endpoint, self.session.pid, self.session.key)
        self.forgives_cancel = True
        yield from self.simple()

    def vanish(self):
        """The connection ends in the middle of something, with or without a Terminate."""
        row, mark = self.row(), self.mark()
        insert = m.query(f"begin; insert into {TABLE} values {row}")
        data = self.random.choice((
            b"", insert, m.query(f"select '{mark}', repeat('x', 500) from generate_series(1, 2000)"), m.query(f"select '{mark}', pg_sleep(0.05)"),
            m.query(f"copy {TABLE} from stdin") + m.copy_data("\t".join(map(str, row)) + "\n"), insert + m.query(f"select '{mark}'")[:9],
            b"".join(m.parse("", "select $1::text, repeat('x', 500)") + m.bind("", "", [self.mark()]) + m.execute() + S for _ in range(60)),
            m.parse("s", f"select '{mark}'") + m.bind("", "s") + m.execute() + m.flush(), insert + m.parse("", "selec") + m.parse("", "select 1"),
            m.query(f"set application_name to '{mark}'")))
        self.send(data)
        self.ledger.vanished += 1
        if self.random.random() < 0.5:
            yield Wait(seconds=self.random.random() * 0.03)
        if self.random.random() < 0.3:
            self.send(m.terminate())
        self.leave()


ACTIONS = {"simple": 14, "multi": 6, "unnamed": 12, "named": 16, "pipeline": 8, "error": 6, "many_rows": 3, "transaction": 10, "portal": 4,
           "copy_in": 5, "copy_out": 4, "set_value": 3, "show_values": 6, "pinned": 1, "stranger": 3, "cancel_running": 2, "cancel_idle": 2, "vanish": 3}
