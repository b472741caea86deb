"""Hostile and broken clients: before and after sign-in. Each ends its own session with the
right error, nothing else, and leaves the target serving."""
from __future__ import annotations

import os
import random
import resource
import socket
import ssl
import struct
import time

import pytest

import wire
import wire_messages as m
from hostile_client import PROMPT, assert_closed, open_tls
from postgres import SIGN_IN_SECONDS
from processes import resident_kib
from wire_scram import ScramClient

pytestmark = pytest.mark.usefixtures("still_serves")

# ---- before sign-in -------------------------------------------------------------------------------------

GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "ssh": b"SSH-2.0-OpenSSH_9.2\r\n", "zeros": b"\0" * 64,
    "ones": b"\xff" * 64, "length_zero": b"\0\0\0\0", "length_three": b"\0\0\0\3", "length_seven": b"\0\0\0\7abc",
    "length_10005": struct.pack("!I", 10005), "length_2_gib": b"\x7f\xff\xff\xff", "length_negative": b"\xff\xff\xff\xff",
    "length_minimum": b"\x80\0\0\0", "query_first": m.query("select 1"), "terminate_first": m.terminate(),
    "cancel_too_short": m.untyped(m.CANCEL_REQUEST_CODE, b"\0\0"), "ssl_request_too_long": m.untyped(m.SSL_REQUEST_CODE, b"more"),
    "random": random.Random(7).randbytes(512)}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_in_plaintext_is_closed(endpoint, kind):
    with wire.Connection(endpoint) as connection:
        connection.send(GARBAGE[kind])
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert_closed(connection)


@pytest.mark.parametrize("kind", ["zeros", "length_three", "length_2_gib", "length_negative", "query_first", "random"])
def test_garbage_inside_tls_is_closed(endpoint, kind):
    with open_tls(endpoint) as connection:
        connection.send(GARBAGE[kind])
        assert_closed(connection, PROMPT if kind != "query_first" else SIGN_IN_SECONDS + PROMPT)


@pytest.mark.parametrize("size", [10_005, 1 << 20, 1 << 30])
def test_oversized_startup_is_refused_before_it_has_come(endpoint, size):
    """PostgreSQL's cap is 10,000 bytes behind the length; a target that waits for the rest, or allocates it, fails here."""
    with open_tls(endpoint) as connection:
        connection.send(struct.pack("!II", size, m.PROTOCOL_3_0) + b"user\0app\0")
        assert_closed(connection)


def test_startup_with_many_parameters_below_the_cap_is_read(endpoint):
    with open_tls(endpoint) as connection:
        connection.send_startup({f"no_such_parameter_{i}": "x" for i in range(300)})
        with pytest.raises(wire.SignInRefused) as refusal:
            connection.finish_startup()
        assert refusal.value.sqlstate in ("42704", "08P01", "54000")


def test_plaintext_startup_is_refused_with_a_clear_error(endpoint):
    with wire.Connection(endpoint) as connection:
        connection.send_startup()
        messages = assert_closed(connection)
    assert [x.name for x in messages] == ["ErrorResponse"]
    text = " ".join(value for _, value in messages[0].fields).lower()
    assert messages[0].error_field("S") == "FATAL"
    assert any(word in text for word in ("tls", "ssl", "encryption")), text


def test_plaintext_cancel_request_is_closed_without_a_word(endpoint):
    assert wire.send_cancel(endpoint, 1, b"\0\0\0\1", tls=False) == b""


def test_gss_encryption_is_answered_no_then_tls_works(endpoint, target_name):
    if target_name == "postgres":
        pytest.skip("PostgreSQL itself is built with GSSAPI and says G")
    with wire.Connection(endpoint) as connection:
        connection.send(m.gssenc_request())
        assert connection.read_bytes(1) == b"N"
        connection.start_tls()
        connection.send_startup()
        connection.finish_startup()
        assert connection.value("select 1") == "1"


def test_second_ssl_request_is_refused(endpoint):
    with open_tls(endpoint) as connection:
        connection.send(m.ssl_request())
        assert_closed(connection, SIGN_IN_SECONDS + PROMPT)


def test_old_tls_is_refused(endpoint):
    with wire.Connection(endpoint) as connection:
        with pytest.raises((ssl.SSLError, OSError)):
            connection.start_tls(maximum=ssl.TLSVersion.TLSv1_2)


def test_direct_tls_needs_the_alpn_protocol(endpoint, target_name):
    if target_name != "bartizan":
        pytest.skip("direct TLS came with PostgreSQL 17 and PgBouncer 1.25")
    with wire.Connection(endpoint) as connection:
        connection.handshake(alpn=("postgresql",))
        assert connection.socket.selected_alpn_protocol() == "postgresql"
        connection.send_startup()
        connection.finish_startup()
        assert connection.value("select 1") == "1"
    for protocols in ((), ("http/1.1",)):
        with wire.Connection(endpoint) as connection:
            with pytest.raises((ssl.SSLError, OSError, wire.Eof, AssertionError)):
                connection.handshake(alpn=protocols)
                connection.send_startup()
                connection.finish_startup()


@pytest.mark.parametrize("stage", ["connect", "after_ssl_request", "after_tls", "mid_startup", "mid_scram"])
def test_slow_sign_in_is_ended_by_the_deadline(endpoint, stage):
    """One byte at a time must not extend the deadline."""
    begin = time.monotonic()
    limit = SIGN_IN_SECONDS + 2 * PROMPT
    with wire.Connection(endpoint) as connection:
        drip = m.startup({"user": endpoint.user, "database": endpoint.dbname, "application_name": "s" * 200})
        if stage == "after_ssl_request":
            connection.send(m.ssl_request())
            connection.read_bytes(1)
            drip = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200
        elif stage != "connect":
            connection.start_tls()
        if stage == "mid_startup":
            connection.send(drip[:9])
            drip = drip[9:]
        elif stage == "mid_scram":
            connection.send_startup()
            connection.read_message()
            drip = m.sasl_initial("SCRAM-SHA-256", ScramClient("x").first() + b"x" * 300)
        for byte in drip:
            try:
                connection.send(bytes([byte]))
                connection.wait_bytes(1, time.monotonic() + 0.25)
            except wire.Timeout:
                continue
            except wire.Eof:
                break
            assert_closed(connection)
            break
        else:
            pytest.fail("never closed")
    assert time.monotonic() - begin < limit


def test_half_open_connections_leave_others_unharmed(endpoint, target):
    _half_open(endpoint, target, 300, hold_seconds=1.0)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_10000_half_open_connections_for_a_minute(endpoint, target):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    try:
        _half_open(endpoint, target, 10_000, hold_seconds=60.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _half_open(endpoint, target, count: int, hold_seconds: float) -> None:
    if target.endpoint().name == "postgres":
        pytest.skip("PostgreSQL forks per connection and refuses at max_connections")
    before = resident_kib(target.child.pid)
    held: list[socket.socket] = []
    worst = 0.0
    try:
        end = time.monotonic() + hold_seconds
        while time.monotonic() < end or len(held) < count:
            while len(held) < count:
                sock = socket.socket()
                sock.setblocking(False)
                sock.connect_ex((endpoint.host, endpoint.port))
                held.append(sock)
                if len(held) % 500 == 0:
                    break
            begin = time.monotonic()
            with wire.sign_in(endpoint) as connection:
                assert connection.value("select 1") == "1"
            worst = max(worst, time.monotonic() - begin)
    finally:
        for sock in held:
            sock.close()
    growth = resident_kib(target.child.pid) - before
    print(f"{count} half-open: the slowest sign-in beside them took {worst:.2f} s, {growth} KiB more memory")
    assert worst < 5.0, f"a sign-in took {worst:.1f} s"
    assert growth < 64 * 1024, f"{growth} KiB more than before"


# ---- after sign-in --------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind,data", [
    ("header", b"Q\0\0"), ("body", m.query("select 1")[:-3]), ("bind", m.bind("", "", ["x" * 1000])[:200]),
    ("large", m.raw("Q", b"select '" + b"x" * 5000, 1 << 20)), ("copy", m.raw("d", b"x" * 100, 1 << 16))],
    ids=lambda value: value if isinstance(value, str) else "")
def test_truncated_message_then_close(endpoint, cluster, kind, data):
    connection = wire.sign_in(endpoint)
    backend = connection.value("select pg_backend_pid()")
    connection.send(data)
    connection.close()
    _assert_backend_free(cluster, backend)


def test_silence_inside_a_message_does_not_hurt_others(endpoint):
    with wire.sign_in(endpoint) as stuck, wire.sign_in(endpoint) as other:
        stuck.send(m.query("select 'stuck'")[:9])
        assert other.value("select 2") == "2"
        stuck.send(m.query("select 'stuck'")[9:])
        assert stuck.read_until_ready()[1].fields == (b"stuck",)


@pytest.mark.parametrize("length", [0, 1, 3, -1, -5, -(1 << 31), 0x7FFFFFFF, 0x40000000])
@pytest.mark.parametrize("kind", ["Q", "P", "B", "d", "S", "X", "p"])
def test_bad_length_ends_the_session(endpoint, kind, length):
    with wire.sign_in(endpoint) as connection:
        connection.send(m.raw(kind, b"x" * 64, length))
        try:
            messages = connection.read_to_end(PROMPT)
        except wire.Timeout:
            pytest.fail("still open")
    assert all(x.error_field("S") == "FATAL" and x.error_field("C") == "08P01" for x in messages), messages


def test_huge_message_needs_no_memory_before_it_comes(endpoint, target):
    """A stated length of nearly 1 GiB must not be allocated up front, however many sessions state it."""
    sessions = [wire.sign_in(endpoint) for _ in range(16)]
    before = resident_kib(target.child.pid)
    try:
        for session in sessions:
            session.send(m.raw("d", b"x" * 1000, (1 << 30) - 8))
            session.send(m.raw("Q", b"select '", (1 << 30) - 8))
        time.sleep(0.5)
        growth = resident_kib(target.child.pid) - before
    finally:
        for session in sessions:
            session.close()
    assert growth < 128 * 1024, f"{growth} KiB for 16 sessions that only announce"


def test_slow_reader_throttles_only_itself(endpoint, target):
    """A client that asks for 400 MB and never reads must not make the target hold them."""
    with wire.sign_in(endpoint) as stuck:
        before = resident_kib(target.child.pid)
        stuck.send(m.query("select repeat('x', 100000) from generate_series(1, 4000)"))
        with wire.sign_in(endpoint) as other:
            for _ in range(20):
                assert other.value("select 1") == "1"
                time.sleep(0.05)
        growth = resident_kib(target.child.pid) - before
    assert growth < 64 * 1024, f"{growth} KiB held for one slow reader"


def test_random_bytes_after_sign_in(endpoint):
    generator = random.Random(20261122)
    for _ in range(60):
        with wire.sign_in(endpoint) as connection:
            try:
                connection.send(generator.randbytes(generator.randrange(1, 3000)))
            except wire.Eof:
                pass


@pytest.mark.parametrize("seed", range(int(os.environ.get("BARTIZAN_MUTATIONS", "40"))))
def test_mutated_pipelines_end_or_answer(endpoint, seed):
    """A valid pipeline with a few bytes changed: well-formed replies or the end, never a hang."""
    generator = random.Random(seed)
    data = bytearray(m.parse("s", "select $1::int, $2::text", [23, 25]) + m.describe("S", "s")
                     + m.bind("", "s", ["1", "x" * 50]) + m.execute("", 5) + m.close("S", "s") + m.sync())
    for _ in range(generator.randrange(1, 4)):
        data[generator.randrange(len(data))] = generator.randrange(256)
    with wire.sign_in(endpoint) as connection:
        try:
            connection.send(bytes(data) + m.sync())
            connection.send(m.terminate())
            connection.socket.shutdown(socket.SHUT_WR)
        except (wire.Eof, OSError):
            pass
        try:
            connection.read_to_end(10)
        except wire.Timeout:
            pytest.fail(f"still open after {bytes(data)!r}")


def _assert_backend_free(cluster, backend: str) -> None:
    """The server connection is gone or idle outside a transaction."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        state = cluster.admin(f"select coalesce((select state from pg_stat_activity where pid = {backend}), 'gone')")
        if state in ("gone", "idle"):
            return
        time.sleep(0.05)
    pytest.fail(f"backend {backend} stays {state}")
