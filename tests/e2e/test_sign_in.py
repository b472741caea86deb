"""What sign-ins leave behind when they are refused, how many are let in at once, and what a mock exchange
shows of names that do not exist."""
from __future__ import annotations

import base64
import collections
import json
import threading
import time

import pytest

import audit_records
import wire
import wire_messages as m
from postgres import DATABASE, USER
from processes import wait_for
from wire_scram import ScramClient

pytestmark = pytest.mark.gateway
_BY_ADDRESS = 60  # recorded one by one, of one address in a minute


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these")


def _outcome(endpoint) -> str:
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused as refusal:
        return refusal.sqlstate
    return "in"


def _refusals(target) -> list[dict]:
    """Refused sign-ins that have a reason, intent and outcome as one."""
    return [r for r in audit_records.of(target) if "reason" in r and "status" in r]


def _plaintext(target) -> None:
    with wire.Connection(target.endpoint()) as connection:
        connection.send_startup()
        assert connection.read_to_end()[-1].error_field("C") == "28000"


def test_each_kind_of_refusal_leaves_a_record(start_target, monkeypatch):
    monkeypatch.setenv("BARTIZAN_LOCKOUT_ATTEMPTS", "1")
    target = start_target(limits="clients = 1")
    ordinary = target.endpoint()
    wait_for(lambda: _outcome(ordinary) == "in", 3, "a sign-in")
    _plaintext(target)
    with wire.Connection(ordinary) as connection:  # no TLS behind the SSLRequest
        connection.send(m.ssl_request())
        assert connection.read_bytes(1) == b"S"
        connection.send(b"not a handshake, and long enough to be seen as none")
        connection.read_to_end()
    with wire.sign_in(ordinary):
        assert _outcome(ordinary) == "53300"
    wait_for(lambda: _outcome(ordinary) == "in", 3, "the end of that session")
    assert _outcome(ordinary.replace(user="nobody_here")) == "28P01"
    assert _outcome(ordinary.replace(password="wrong")) == "28P01"
    assert _outcome(ordinary) == "28P01"  # has to wait now
    with wire.Connection(ordinary) as connection:
        connection.start_tls()
        connection.send_startup({"replication": "true"})
        assert connection.read_to_end()[-1].error_field("C") == "0A000"
    expected = {("plaintext", "28000", ""), ("tls_handshake", "28000", ""), ("too_many_clients", "53300", USER),
                ("unknown_identity", "28P01", "nobody_here"), ("wrong_password", "28P01", USER),
                ("locked_out", "28P01", USER), ("protocol", "0A000", "")}

    def seen() -> set:
        return {(r["reason"], r["sqlstate"], r["identity"]) for r in _refusals(target)}

    wait_for(lambda: expected <= seen(), 8, f"{expected}, there is {seen()}")
    assert all(r["address"].startswith("127.0.0.1:") and r["status"] == "refused" for r in _refusals(target))


def test_a_flood_of_refusals_does_not_fill_the_log(start_target):
    target = start_target()
    wait_for(lambda: _outcome(target.endpoint()) == "in", 3, "a sign-in")
    before = len(_refusals(target))
    for _ in range(200):
        _plaintext(target)
    time.sleep(0.3)
    assert len(_refusals(target)) <= _BY_ADDRESS
    target.stop()  # or a minute, whichever comes first
    records = _refusals(target)
    further = sum(r.get("further", 0) for r in records)
    plain = [r for r in records if r["reason"] == "plaintext"]
    assert further + sum("further" not in r for r in plain) == 200, "some are missing"
    assert len(records) <= _BY_ADDRESS + 2 and before < 10


def test_no_more_clients_than_the_limit_however_many_sign_in_at_once(start_target):
    target = start_target(limits="clients = 3")
    endpoint = target.endpoint()
    wait_for(lambda: _outcome(endpoint) == "in", 3, "a sign-in")
    for _ in range(5):
        start, hold = threading.Barrier(16), threading.Event()
        outcomes: list[str] = []
        peak: list[int] = []
        lock = threading.Lock()
        inside = 0

        def one() -> None:
            nonlocal inside
            start.wait()
            try:
                with wire.sign_in(endpoint):
                    with lock:
                        inside += 1
                        peak.append(inside)
                        outcomes.append("in")
                    hold.wait(20)
            except wire.SignInRefused as refusal:
                with lock:
                    outcomes.append(refusal.sqlstate)

        threads = [threading.Thread(target=one) for _ in range(16)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: len(outcomes) == 16, 15, "sixteen answers")
        finally:
            hold.set()
            for thread in threads:
                thread.join()
        assert collections.Counter(outcomes) == {"in": 3, "53300": 13}, outcomes
        assert max(peak) == 3
        wait_for(lambda: json.loads(target.command("status", "--json").stdout)["sessions"]["signed_in"] == 0, 5,
                 "the end of the sessions")


# ---- the mock exchange ----------------------------------------------------------------------------------

def _challenge(endpoint) -> tuple[int, int]:
    """Iteration count and length of the salt that the server shows this name."""
    with wire.Connection(endpoint) as connection:
        connection.start_tls()
        connection.send_startup()
        connection._authentication("AuthenticationSASL")
        scram = ScramClient("irrelevant", None)
        connection.send(m.sasl_initial(scram.mechanism, scram.first()))
        answer = connection._authentication("AuthenticationSASLContinue").fields[0].decode()
        parts = dict(part.split("=", 1) for part in answer.split(","))
        return int(parts["i"]), len(base64.b64decode(parts["s"]))


def test_unknown_names_look_like_imported_ones(start_target, cluster):
    """With identities of another server, whose iteration count and salt are others, unknown names show both."""
    target = start_target()
    key = base64.b64encode(bytes(32)).decode()
    salt = base64.b64encode(bytes(range(24))).decode()
    names = [f"taken_over_{i}" for i in range(20)]
    cluster.admin(*(f"create role {name} login password 'SCRAM-SHA-256$15000:{salt}${key}:{key}'" for name in names))
    try:
        own = cluster.certificates.ca_file
        target.command("import", "roles", "--host", "localhost", "--port", str(cluster.port), "--user", "postgres",
                       "--ca-file", str(own), "--password-stdin", input="superuser pässword\n")
        endpoint = target.endpoint()
        wait_for(lambda: _challenge(endpoint.replace(user=names[0])) == (15000, 24), 3, "the imported identities")
        unknown = [endpoint.replace(user=f"nobody_{i}") for i in range(60)]
        first = [_challenge(each) for each in unknown]
        assert set(first) == {(4096, 16), (15000, 24)}, set(first)
        assert [_challenge(each) for each in unknown] == first, "a name changes what it shows"
    finally:
        cluster.admin(*(f"drop role {name}" for name in names))
