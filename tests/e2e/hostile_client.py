"""Steps of broken and hostile clients, shared by the tests of that kind."""
from __future__ import annotations

import wire
import wire_messages as m

PROMPT = 3.0  # seconds within which a connection that did wrong must be closed, well below the sign-in limit


def open_tls(endpoint) -> wire.Connection:
    connection = wire.Connection(endpoint)
    connection.start_tls()
    return connection


def assert_closed(connection: wire.Connection, seconds: float = PROMPT) -> list[m.Message]:
    """Everything that is still said, then the end; no authentication request may be among it."""
    try:
        messages = connection.read_to_end(seconds)
    except wire.DecodeError:
        return []  # an old-style or plaintext error text; the connection is of no further use
    assert all(x.name in ("ErrorResponse", "NoticeResponse") for x in messages), messages
    return messages


def start_scram(endpoint, user: str | None = None) -> wire.Connection:
    connection = open_tls(endpoint)
    connection.send_startup({"user": user} if user else None)
    offer = connection.read_message()
    assert offer.name == "AuthenticationSASL", offer
    connection.startup_messages.append(offer)
    return connection


def refusal_of(connection: wire.Connection) -> m.Message:
    """The one FATAL that ends the exchange."""
    messages = connection.read_to_end(PROMPT)
    assert [x.name for x in messages] == ["ErrorResponse"], messages
    assert messages[0].error_field("S") == "FATAL"
    return messages[0]


def rows(messages: list[m.Message]) -> list[tuple]:
    """The values of the DataRow messages among these."""
    return [x.fields for x in messages if x.name == "DataRow"]
