"""What the attacks on the wall have in common: the statements, the forms they are sent in, and who sends them."""
from __future__ import annotations

import walled
import wire
import wire_messages as m


def attacks() -> list[tuple[str, str, bool]]:
    """(row of the table of pitfalls, statement, whether the owner sees something by it)"""
    found, row = [], ""
    for line in (walled.DATA / "attacks.sql").read_text().splitlines():
        if line.startswith("-- ["):
            row = line[4:line.index("]")]
        elif line and not line.startswith("--"):
            found.append((row, line.removeprefix("~"), not line.startswith("~")))
    return found


def forms(statement: str) -> dict[str, bytes]:
    """The same attack over each way to the server; each ends in one ReadyForQuery."""
    def extended(text: str, results: tuple) -> bytes:
        return m.parse("", text) + m.bind(results=results) + m.describe("P") + m.execute() + m.sync()

    found = {"simple": m.query(statement), "extended": extended(statement, ()), "binary": extended(statement, (1,))}
    asks = statement.upper().startswith(("SELECT", "WITH", "TABLE", "VALUES", "("))
    if asks and ";" not in statement:
        found["copy"] = m.query(f"COPY ({statement}) TO STDOUT")
        found["cursor"] = m.query(f"BEGIN; DECLARE w CURSOR FOR {statement}; FETCH ALL FROM w")
        found["prepare"] = m.query(f"PREPARE w AS {statement}; EXECUTE w")
        found["portal"] = m.parse("", statement) + m.bind("p") + m.execute("p", 2) + m.execute("p") + m.sync()
    return found


class Session:
    """One session of whoever `opener` signs in, opened anew where an attack has ended it."""

    def __init__(self, opener) -> None:
        self.opener, self.connection = opener, None

    def send(self, data: bytes) -> tuple[bytes, list, list]:
        """What came back: all bytes, the rows' values in order, the messages."""
        if self.connection is None:
            self.connection = self.opener()
        connection = self.connection
        before = len(connection.seen)
        messages = []
        try:
            connection.send(data)
            while True:
                messages.append(connection.read_message(20))
                if messages[-1].name == "CopyInResponse":
                    connection.send(m.copy_fail("no"))
                if messages[-1].name == "ReadyForQuery":
                    break
        except wire.Eof:
            connection.close()
            self.connection = None
        values = [value for message in messages if message.name == "DataRow" for value in message.fields]
        return bytes(connection.seen[before:]), values, messages

    def run(self, text: str) -> list:
        """The values of a text that must succeed."""
        _, values, messages = self.send(m.query(text))
        errors = [message.fields for message in messages if message.name == "ErrorResponse"]
        assert not errors, f"{text}: {errors}"
        return values

    def close(self) -> None:
        if self.connection:
            self.connection.close()
            self.connection = None


def of_identity(world, name: str) -> Session:
    return Session(lambda: world.session(name))


def state_of_the_data(owner: Session) -> list:
    """Everything that no consumer of tenant north may change."""
    return owner.send(m.query(
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.customers AS c;"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.orders AS c;"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.events AS c;"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM back.vault AS c;"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.history AS c;"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.tickets AS c WHERE tenant <> 'north';"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.leads AS c WHERE tenant <> 'north';"
        "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM shop.parcels AS c;"
        "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text IN ('shop', 'back', 'public');"
        "SELECT md5(string_agg(p::text, '|' ORDER BY oid)) FROM pg_proc AS p WHERE pronamespace::regnamespace::text = 'shop'"
    ))[1]


def answer(session: Session, text: str) -> str:
    """The first value, or the error's SQLSTATE. Where the class has become another one, in a new session. No marker comes back."""
    for _ in range(2):
        came, values, messages = session.send(m.query(text))
        assert b"qzx7" not in came.lower()
        errors = [message.error_field("C") for message in messages if message.name == "ErrorResponse"]
        if errors and errors[0] in ("57P01", "57P03"):
            session.close()
            continue
        return errors[0] if errors else values[0].decode()
    return "57P01"
