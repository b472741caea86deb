"""Pitfall 16: cancel requests that hit the wrong query, break the state or crash."""
from __future__ import annotations

import time

import pytest

import wire
import wire_messages as m
from hostile_client import rows

pytestmark = pytest.mark.usefixtures("still_serves")


@pytest.mark.gateway
def test_pitfall_16_cancel_keys_are_random_and_per_session(endpoint):
    """Two sessions one after the other share a server connection perhaps, but never a key."""
    seen = set()
    for _ in range(30):
        with wire.sign_in(endpoint) as connection:
            seen.add((connection.pid, connection.key))
    keys = {key for _, key in seen}
    assert len(keys) == 30
    bits = [bin(int.from_bytes(k, "big")).count("1") / (8 * len(k)) for k in keys]
    assert 0.35 < sum(bits) / len(bits) < 0.65, "keys look far from random"


def test_pitfall_16_late_cancel_never_hits_the_next_client(endpoint):
    """The session ends, its server connection may serve the next one, then its cancel arrives."""
    for _ in range(25):
        with wire.sign_in(endpoint) as first:
            first.value("select 1")
            pid, key = first.pid, first.key
        with wire.sign_in(endpoint) as second:
            second.send(m.query("select pg_sleep(0.1), 'unharmed'"))
            wire.send_cancel(endpoint, pid, key)
            assert rows(second.read_until_ready()) == [(b"", b"unharmed")]


def test_pitfall_16_cancel_racing_with_the_end_hits_at_most_its_own_session(endpoint):
    with wire.sign_in(endpoint) as bystander:
        for round_ in range(25):
            with wire.sign_in(endpoint) as connection:
                connection.send(m.query("select pg_sleep(0.002)"))
                bystander.send(m.query(f"select pg_sleep(0.01), {round_}"))
                wire.send_cancel(endpoint, connection.pid, connection.key)
                own = connection.read_until_ready()
                assert all(x.error_field("C") == "57014" for x in own if x.name == "ErrorResponse")
                assert rows(bystander.read_until_ready()) == [(b"", str(round_).encode())]


@pytest.mark.parametrize("extra", [b"X\0\0\0\4", m.query("select 1"), b"\0" * 100])
def test_pitfall_16_bytes_behind_a_cancel_request(endpoint, extra):
    """ruby-pg#430: a Terminate on the cancel socket crashed a pooler."""
    with wire.sign_in(endpoint) as connection:
        connection.send(m.query("select pg_sleep(10)"))
        time.sleep(0.2)
        assert wire.send_cancel(endpoint, connection.pid, connection.key, extra=extra) == b""
        replies = connection.read_until_ready()
        assert [x.error_field("C") for x in replies if x.name == "ErrorResponse"] == ["57014"]


def test_pitfall_16_cancel_with_every_wrong_key(endpoint):
    with wire.sign_in(endpoint) as connection:
        connection.send(m.query("select pg_sleep(0.7), 'unharmed'"))
        number = int.from_bytes(connection.key, "big")
        for key in (number ^ 1, 0, number + 1 & 0xFFFFFFFF, 0xFFFFFFFF):
            wire.send_cancel(endpoint, connection.pid, key.to_bytes(4, "big"))
        for key in (b"", connection.key[:2], connection.key + b"\0", b"k" * 256, b"k" * 9000):
            wire.send_cancel(endpoint, connection.pid, key)
        for pid in (0, -1, 0x7FFFFFFF, connection.pid + 1):
            wire.send_cancel(endpoint, pid, connection.key)
        assert rows(connection.read_until_ready()) == [(b"", b"unharmed")]
