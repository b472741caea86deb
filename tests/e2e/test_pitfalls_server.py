"""Pitfalls that need a malicious or broken *server* behind the gateway (hostile_server.py plays it): the
server side is a peer to be defended against too."""
from __future__ import annotations

import contextlib
import time

import pytest

import wire
import wire_messages as m
from hostile_server import PLAINTEXT, REPLIES, SCRAM_FIRST, SECRET_TEXT, SIGN_IN_FAULTS, HostileServer
from postgres import SUPERUSER_PASSWORD, USER_PASSWORD
from processes import cpu_seconds, resident_kib, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(90)]

PATIENCE = 12.0  # a gateway may retry for a while, but not for ever


@pytest.fixture(scope="module")
def hostile(cluster):
    server = HostileServer(cluster)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def _gateways(target_name, folder, cluster, hostile):
    running: list = []
    yield running
    for each in running:
        each.stop()


@pytest.fixture
def gateway(_gateways, target_name, folder, cluster, hostile):
    """A target whose server is the hostile one, which behaves at first. After the test it must still serve."""
    import targets
    hostile.misbehave(None)
    if not _gateways or not _gateways[-1].child.alive():
        _gateways.append(targets.start(target_name, folder, cluster, server_port=hostile.port))
    gateway = _gateways[-1]
    _wait_serving(gateway)
    hostile.received.clear()
    yield gateway
    hostile.misbehave(None)
    if not gateway.child.alive():
        pytest.fail("the gateway died:\n" + gateway.child.log_text()[-1500:], pytrace=False)
    _wait_serving(gateway)


def _wait_serving(gateway) -> None:
    def serves() -> bool:
        try:
            with wire.sign_in(gateway.endpoint(), seconds=5) as connection:
                return connection.value("select 40 + 2") == "42"
        except (wire.SignInRefused, wire.Eof, wire.Timeout, AssertionError):
            return False
    wait_for(serves, 20, "the gateway to recover", step=0.3)


def refused_sign_in(gateway) -> str:
    """The text with which a client is refused, at sign-in or at its first statement should the gateway sign
    clients in by itself; fails when that is answered or left hanging."""
    try:
        with wire.sign_in(gateway.endpoint(), seconds=PATIENCE) as connection:
            replies = connection.query("select 'served'", PATIENCE)
            assert "DataRow" not in [x.name for x in replies], "served over a bad server"
            return str(replies)
    except wire.SignInRefused as refusal:
        return str(refusal.error)
    except wire.Eof:
        return ""


def meets(hostile, gateway, fault: str) -> tuple[str, float, int]:
    """Refusal text, processor seconds and memory growth of the gateway for one sign-in against the fault."""
    cpu, memory = cpu_seconds(gateway.child.pid), resident_kib(gateway.child.pid)
    hostile.misbehave(fault)
    text = refused_sign_in(gateway)
    return text, cpu_seconds(gateway.child.pid) - cpu, resident_kib(gateway.child.pid) - memory


def test_pitfall_01_bytes_after_the_servers_s(hostile, gateway):
    text, _, _ = meets(hostile, gateway, "stuffed_after_s")
    assert SECRET_TEXT not in text


@pytest.mark.parametrize("fault", sorted(set(PLAINTEXT) - {"stuffed_after_s"}))
def test_pitfall_02_server_words_before_tls_are_not_believed(hostile, gateway, fault):
    text, _, _ = meets(hostile, gateway, fault)
    assert SECRET_TEXT not in text
    sent = b"".join(hostile.received)
    assert b"SCRAM" not in sent and b"user\0" not in sent, "it went on in plaintext"


@pytest.mark.parametrize("fault", SCRAM_FIRST)
def test_pitfall_05_servers_scram_parameters_are_bounded(hostile, gateway, fault):
    if fault in ("ten_million_iterations", "empty_salt"):  # harmless to a gateway that holds keys, not passwords
        begin = cpu_seconds(gateway.child.pid)
        hostile.misbehave(fault)
        with contextlib.suppress(wire.SignInRefused, wire.Eof):
            wire.sign_in(gateway.endpoint(), seconds=PATIENCE).close()
        cpu, growth = cpu_seconds(gateway.child.pid) - begin, 0
    else:
        _, cpu, growth = meets(hostile, gateway, fault)
    assert cpu < 2.0, f"{cpu:.1f} s of work for one sign-in"
    assert growth < 64 * 1024, f"{growth} KiB"


@pytest.mark.parametrize("fault", sorted(set(SIGN_IN_FAULTS) - set(PLAINTEXT) - set(SCRAM_FIRST)))
def test_server_that_cheats_during_sign_in_is_left(hostile, gateway, fault):
    _, cpu, growth = meets(hostile, gateway, fault)
    sent = b"".join(hostile.received)
    assert USER_PASSWORD.encode() not in sent and SUPERUSER_PASSWORD.encode() not in sent
    assert cpu < 2.0 and growth < 64 * 1024


def _faulty_query(gateway, name: str) -> tuple[list, str]:
    """The replies to a query that meets the fault, and how it ended: ready, closed, malformed or hanging."""
    with wire.sign_in(gateway.endpoint()) as connection:
        connection.send(m.query(f"select 'hostile:{name}'"))
        seen = []
        try:
            while True:
                seen.append(connection.read_message(PATIENCE))
                if seen[-1].name == "ReadyForQuery":
                    return seen, "ready"
        except wire.Eof:
            return seen, "closed"
        except wire.DecodeError:
            return seen, "malformed"
        except wire.Timeout:
            return seen, "hanging"


INNER = ("error_with_empty_body", "error_without_terminator", "field_length_minus_two", "field_length_beyond_message",
         "field_count_without_fields", "row_description_cut", "error_without_sqlstate", "error_without_any_field")
OUTER = sorted(set(REPLIES) - set(INNER) - {"ready_twice", "unasked_ready"})


@pytest.mark.parametrize("name", OUTER)
def test_pitfall_06_malformed_server_framing_ends_the_session(gateway, name):
    """What breaks the framing or the protocol's state: an error or the end, and nobody is left waiting."""
    with wire.sign_in(gateway.endpoint()) as other:
        memory = resident_kib(gateway.child.pid)
        seen, end = _faulty_query(gateway, name)
        assert end == "closed", (end, seen)
        if seen and seen[-1].name == "ErrorResponse":
            assert seen[-1].error_field("S") == "FATAL"
            assert seen[-1].error_field("C")[:2] in ("08", "57", "58", "XX")
        assert other.value("select 1") == "1"
        assert resident_kib(gateway.child.pid) - memory < 64 * 1024


@pytest.mark.parametrize("name", INNER)
def test_pitfall_06_malformed_server_fields_harm_nobody(gateway, name):
    """CVE-2026-6666, CVE-2026-4427: inside an intact frame. A gateway may relay such a message untouched to its
    own client, complete it or end the session; it may not crash, hang or trouble other sessions."""
    with wire.sign_in(gateway.endpoint()) as other:
        seen, end = _faulty_query(gateway, name)
        assert end != "hanging", seen
        assert other.value("select 1") == "1"


@pytest.mark.parametrize("name", ["ready_twice", "unasked_ready"])
def test_pitfall_17_unexpected_ready_for_query_poisons_nobody(gateway, name):
    """One reply too many: the session ends, or goes on in step; the server connection serves nobody else."""
    for _ in range(4):
        with wire.sign_in(gateway.endpoint()) as victim:
            victim.send(m.query(f"select 'hostile:{name}'"))
            try:
                victim.read_until_ready(PATIENCE)
                time.sleep(0.05)
                replies = victim.query("select 'asked for'", PATIENCE)
                values = [x.fields for x in replies if x.name == "DataRow"]
                assert values == [(b"asked for",)], "replies are out of step"
            except (wire.Eof, wire.DecodeError):
                pass
        with wire.sign_in(gateway.endpoint()) as following:
            for number in range(5):
                assert following.value(f"select 'clean {number}'") == f"clean {number}"


def test_server_connections_lost_between_statements(hostile, gateway):
    """Every server connection is cut while its session idles: each session is told or closed, or, where it had none
    at that moment, goes on with another that is sound; new ones work."""
    sessions = [wire.sign_in(gateway.endpoint()) for _ in range(5)]
    try:
        for session in sessions:
            session.value("select 1")
        hostile.misbehave(None)  # cuts what is open
        for session in sessions:
            replies = []
            try:
                session.send(m.query("select 1"))
                while not replies or replies[-1].name != "ReadyForQuery":
                    replies.append(session.read_message(PATIENCE))
            except wire.Eof:
                pass
            assert all(x.error_field("S") == "FATAL" for x in replies if x.name == "ErrorResponse")
    finally:
        for session in sessions:
            session.close()
