"""What the wire port offers beside the protocol itself: the client's address through a load balancer, resumed TLS
sessions, TLS 1.2 by choice, and values far larger than the memory of a session."""
from __future__ import annotations

import json
import socket
import ssl
import struct

import pytest

import wire
import wire_messages as m
from processes import resident_kib, wait_for

pytestmark = pytest.mark.gateway
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these settings")


# ---- a load balancer ------------------------------------------------------------------------------------

def _header(source: str, port: int, *, command: int = 1) -> bytes:
    """PROXY protocol version 2, TCP over IPv4; command 0 is LOCAL."""
    addresses = socket.inet_aton(source) + socket.inet_aton("10.9.9.9") + struct.pack("!HH", port, 6432)
    return _SIGNATURE + bytes([0x20 | command, 0x11 if command else 0]) + struct.pack("!H", len(addresses)) + addresses


def _through_balancer(endpoint, header: bytes) -> wire.Connection:
    connection = wire.Connection(endpoint)
    try:
        connection.send(header)
        connection.start_tls()
        connection.send_startup()
        connection.finish_startup()
    except BaseException:
        connection.close()
        raise
    return connection


def _clients(target) -> set[str]:
    return {s["client"] for s in json.loads(target.command("session", "list", "--json").stdout)}


def test_the_clients_address_survives_a_load_balancer(start_target, monkeypatch):
    monkeypatch.setenv("BARTIZAN_LISTEN_PROXY_PROTOCOL_FROM", "127.0.0.1/32")
    target = start_target()
    endpoint = target.endpoint()
    with _through_balancer(endpoint, _header("203.0.113.7", 4711)) as connection:
        assert connection.value("select 1") == "1"
        assert "203.0.113.7:4711" in _clients(target)
    with _through_balancer(endpoint, _header("203.0.113.7", 1, command=0)) as connection:
        own = "{}:{}".format(*connection.socket.getsockname()[:2])
        assert own in _clients(target), "a LOCAL header keeps the connection's own address"
    # Cut anywhere it is waited for; what is none ends the connection.
    header = _header("203.0.113.8", 5)
    with wire.Connection(endpoint) as connection:
        for byte in header:
            connection.send(bytes([byte]))
        connection.start_tls()
        connection.send_startup()
        connection.finish_startup()
        assert "203.0.113.8:5" in _clients(target)
    for none in (m.ssl_request() + bytes(20), b"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n" + bytes(20),
                 _SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12)):
        with wire.Connection(endpoint) as connection:
            connection.send(none)
            assert connection.read_to_end() == []


def test_a_header_from_elsewhere_is_not_believed(target, endpoint):
    with wire.Connection(endpoint) as connection:
        connection.send(_header("203.0.113.7", 4711))
        messages = connection.read_to_end()
        assert all(message.name == "ErrorResponse" for message in messages)
    assert "203.0.113.7:4711" not in _clients(target)


def test_reload_takes_other_balancers(start_target):
    target = start_target()
    config = target.folder / "bartizan.toml"
    config.write_text(config.read_text().replace("[tls]", 'proxy_protocol_from = ["127.0.0.0/8"]\n[tls]', 1))
    answer = json.loads(target.command("reload", "--json").stdout)
    assert answer["taken_over"] == ["listen.proxy_protocol_from"]
    with _through_balancer(target.endpoint(), _header("203.0.113.7", 4711)):
        assert "203.0.113.7:4711" in _clients(target)


# ---- TLS ------------------------------------------------------------------------------------------------

def _handshake(endpoint, context: ssl.SSLContext, session=None) -> ssl.SSLSocket:
    """A signed-in session's socket: by then the ticket has come."""
    connection = wire.Connection(endpoint)
    connection.send(m.ssl_request())
    assert connection.read_bytes(1) == b"S"
    connection.socket.settimeout(10)
    connection.socket = context.wrap_socket(connection.socket, server_hostname=endpoint.host, session=session)
    connection.send_startup()
    connection.finish_startup()
    return connection.socket


@pytest.mark.parametrize("tickets", [True, False], ids=["tickets", "no tickets"])
def test_tls_sessions_are_resumed(start_target, monkeypatch, tickets):
    monkeypatch.setenv("BARTIZAN_TLS_SESSION_TICKETS", str(tickets).lower())
    endpoint = start_target().endpoint()
    context = wire.tls_context(endpoint.ca_file)
    with _handshake(endpoint, context) as first:
        assert first.version() == "TLSv1.3" and not first.session_reused
        session = first.session
        assert session.has_ticket == tickets
    if tickets:
        with _handshake(endpoint, context, session) as second:
            assert second.session_reused


def test_tls_1_2_is_spoken_where_it_is_chosen(start_target, monkeypatch):
    monkeypatch.setenv("BARTIZAN_TLS_MIN_VERSION", "1.2")
    endpoint = start_target().endpoint()
    with wire.Connection(endpoint) as connection:
        connection.start_tls(maximum=ssl.TLSVersion.TLSv1_2)
        connection.send_startup()
        connection.finish_startup()
        assert connection.socket.version() == "TLSv1.2"
        assert connection.socket.cipher()[0].startswith("ECDHE-")
        assert connection.value("select 1") == "1"


# ---- large values ---------------------------------------------------------------------------------------

@pytest.mark.timeout(300)
@pytest.mark.parametrize("mib", [128, pytest.param(1000, marks=pytest.mark.full)])
def test_a_large_value_streams_in_both_directions(target, endpoint, mib):
    size = mib << 20
    before = resident_kib(target.child.pid)
    peak = before
    with wire.sign_in(endpoint, seconds=200) as connection:
        connection.send(m.query(f"select repeat('x', {size})"))
        taken = 0
        block = bytearray(1 << 20)
        connection.socket.settimeout(100)
        taken += len(connection.buffer)
        connection.buffer.clear()
        while taken < size:
            count = connection.socket.recv_into(block)
            assert count > 0
            taken += count
            if taken % 64 == 0:
                peak = max(peak, resident_kib(target.child.pid))
        peak = max(peak, resident_kib(target.child.pid))
    with wire.sign_in(endpoint, seconds=200) as connection:
        connection.send(m.parse("", "select length($1::bytea)", [17]))
        # A Bind by hand: its one binary parameter never stands in memory here either.
        body = b"\0\0" + struct.pack("!HHH", 1, 1, 1) + struct.pack("!I", size)
        connection.send(b"B" + struct.pack("!I", 4 + len(body) + size + 2) + body)
        piece = bytes(1 << 20)
        for _ in range(mib):
            connection.send(piece, seconds=100)
        peak = max(peak, resident_kib(target.child.pid))
        connection.send(b"\0\0" + m.execute() + m.sync())
        rows = [x for x in connection.read_until_ready(100) if x.name == "DataRow"]
        assert rows and rows[0].fields[0] == str(size).encode()
    assert peak - before < 16 * 1024, f"{peak - before} KiB more for {mib} MiB"
