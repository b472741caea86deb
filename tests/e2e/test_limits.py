"""Back-off of failed sign-ins, the traces that statements leave and must not leave, metrics, and the drain."""
from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest

import audit_records
import targets
import wire
import wire_messages as m
from postgres import DATABASE, USER
from processes import wait_for

_PASSWORD = "limits-pässword"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these limits, records and metrics")


def _outcome(endpoint) -> str:
    """`in`, or the refusal's SQLSTATE."""
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused as refusal:
        return refusal.sqlstate
    return "in"


def _person(target, password: str = _PASSWORD):
    """The endpoint of a new identity with a grant, once it may sign in."""
    name = f"guest{next(_numbers)}"
    target.command("identity", "create", name, "--password-stdin", input=password + "\n")
    target.command("grant", "add", "--depot", DATABASE, "--identity", name, "--login", USER)
    endpoint = target.endpoint().replace(user=name, password=password)
    wait_for(lambda: _outcome(endpoint) == "in", 2, "the grant")
    return endpoint


# ---- back-off -------------------------------------------------------------------------------------------

@pytest.fixture
def strict(start_target, monkeypatch):
    monkeypatch.setenv("BARTIZAN_LOCKOUT_ATTEMPTS", "3")
    monkeypatch.setenv("BARTIZAN_LOCKOUT_BASE_DELAY", "2s")
    target = start_target()
    time.sleep(1)
    return target


def test_right_password_waits_after_too_many_wrong_ones(strict):
    guest, other = _person(strict), _person(strict)
    for _ in range(3):
        assert _outcome(guest.replace(password="wrong")) == "28P01"
    failed = time.monotonic()
    assert _outcome(guest) == "28P01", "the right password is let in during the delay"
    assert _outcome(other) == "in", "another account from the same address is refused"
    wait_for(lambda: _outcome(guest) == "in", 20, "the end of the delay", step=0.2)
    assert time.monotonic() - failed > 1.7, "let in before the delay was over"


def test_fewer_wrong_passwords_do_not_delay(strict):
    guest = _person(strict)
    for _ in range(2):
        for _ in range(2):
            assert _outcome(guest.replace(password="wrong")) == "28P01"
        assert _outcome(guest) == "in"  # and the count starts anew


def test_delay_tells_nothing_about_names(strict):
    """Unknown names are delayed alike, with the same answer."""
    guest = _person(strict)
    unknown = guest.replace(user="nobody_of_that_name")
    answers = []
    for endpoint in (guest, unknown):
        seen = []
        for _ in range(5):
            with pytest.raises(wire.SignInRefused) as refusal:
                wire.sign_in(endpoint.replace(password="wrong"))
            seen.append([(c, t.replace(endpoint.user, "NAME")) for c, t in refusal.value.error.fields])
        answers.append(seen)
    assert answers[0] == answers[1]


# ---- records --------------------------------------------------------------------------------------------

def _records_of(target, endpoint, count: int, event: str | None = None) -> list[dict]:
    def own():
        return [r for r in audit_records.of(target) if r.get("identity") == endpoint.user
                and (event is None or r["event"] == event) and "status" in r]
    wait_for(lambda: len(own()) >= count, 8, f"{count} records {event or ''}")
    return own()


def test_each_statement_leaves_a_record(target):
    guest = _person(target)
    with wire.sign_in(guest) as connection:
        connection.query("select 1; select 2, 3; create temp table kept (a int)")
        connection.query("select 1/0")
        statements = _records_of(target, guest, 4, "statement")
        assert [(r["tag"], r["status"], r["sqlstate"]) for r in statements] == [
            ("SELECT", "ok", "00000"), ("SELECT", "ok", "00000"), ("CREATE TABLE", "ok", "00000"),
            ("SELECT", "failed", "22012")]
        assert [r["rows"] for r in statements] == [1, 1, 0, 0]
        assert {(r["depot"], r["login"]) for r in statements} == {(DATABASE, USER)}
        assert len({r["session"] for r in statements}) == 1
        assert all(r["digest"] for r in statements)


def test_statements_behind_a_failed_one_are_recorded_as_not_run(target):
    guest = _person(target)
    with wire.sign_in(guest) as connection:
        connection.query("select 1; select 1/0; select 3")
        statements = _records_of(target, guest, 3, "statement")
    assert [r["status"] for r in statements][1:] == ["failed", "not_run"]


def test_each_execute_leaves_a_record(target):
    guest = _person(target)
    with wire.sign_in(guest) as connection:
        connection.send(m.parse("s", "select $1::int + generate_series(1, 3)") + m.bind("", "s", [b"1"]) + m.execute()
                        + m.bind("", "s", [b"2"]) + m.execute() + m.sync())
        assert "ErrorResponse" not in [x.name for x in connection.read_until_ready()]
        executed = _records_of(target, guest, 2, "execute")
    assert [(r["status"], r["rows"]) for r in executed] == [("ok", 3), ("ok", 3)]


def test_sign_ins_leave_records(start_target):
    target = start_target()  # of its own: those of one address have a limit, and other tests are refused a lot
    guest = _person(target)
    expected = [("ok", "00000"), ("refused", "28P01"), ("refused", "3D000")]
    assert [_outcome(guest), _outcome(guest.replace(password="wrong")), _outcome(guest.replace(dbname="nowhere"))] == [
        "in", "28P01", "3D000"]
    wait_for(lambda: [(r["status"], r["sqlstate"]) for r in _records_of(target, guest, 4, "sign_in")[-3:]] == expected,
             8, "the records")
    assert all(r["address"].startswith("127.0.0.1:") for r in _records_of(target, guest, 4, "sign_in"))


def test_sign_in_of_an_unknown_name_leaves_a_record(start_target):
    target = start_target()

    def refused():
        return sum(r["event"] == "sign_in" and r.get("status") == "refused" for r in audit_records.of(target))
    before = refused()
    assert _outcome(target.endpoint().replace(user="nobody_at_all")) == "28P01"
    wait_for(lambda: refused() == before + 1, 8, "the record")


def test_cancel_leaves_a_record(target):
    guest = _person(target)
    with wire.sign_in(guest) as connection:
        connection.send(m.query("select pg_sleep(20)"))
        time.sleep(0.3)
        wire.send_cancel(guest, connection.pid, connection.key)
        connection.read_until_ready()
        cancelled, = _records_of(target, guest, 1, "statement")
        assert (cancelled["status"], cancelled["sqlstate"]) == ("failed", "57014")
        wait_for(lambda: any(r["event"] == "cancel" for r in audit_records.of(target)), 8, "the record of the cancel")


def test_sign_out_leaves_a_record(target):
    guest = _person(target)
    wire.sign_in(guest).close()
    _records_of(target, guest, 1, "sign_out")


def test_no_value_and_no_password_is_left_behind(target, cluster, folder):
    literal, bound, in_copy, comment = "LEAKliteral7261", "LEAKbound7262", "LEAKcopy7263", "LEAKcomment7264"
    wrong, right, failing = "LEAKwrong7265", "LEAKright7266", "LEAKfailing7267"
    guest = _person(target, right)
    assert _outcome(guest.replace(password=wrong)) == "28P01"
    with wire.sign_in(guest) as connection:
        assert connection.value(f"select '{literal}' /* {comment} */") == literal
        connection.send(m.parse("", "select $1::text") + m.bind("", "", [bound.encode()]) + m.execute() + m.sync())
        connection.read_until_ready()
        connection.query("create temp table leak (a text)")
        connection.send(m.query("copy leak from stdin"))
        connection.read_until("CopyInResponse")
        connection.send(m.copy_data(in_copy + "\n") + m.copy_done())
        connection.read_until_ready()
        in_server_log = cluster.child.log_text()
        connection.query(f"select '{failing}'::int")
        connection.query(f"sellect '{failing}'")
        connection.query(f"select $${failing}")
        _records_of(target, guest, 5)
    time.sleep(0.3)
    markers = [literal, bound, in_copy, comment, wrong, right, failing]
    places = {str(p): p.read_bytes() for p in target.folder.rglob("*") if p.is_file()}
    assert any("/audit/" in p for p in places) and any(p.endswith("bartizan.log") for p in places)
    places["metrics"] = _get(target, "/metrics")[1].encode()
    places["status"] = target.command("status", "--json").stdout.encode()
    places["sessions"] = target.command("session", "list", "--json").stdout.encode()
    places["the server's log"] = in_server_log.encode()  # what fails, PostgreSQL itself logs there
    found = [(place, marker) for place, data in places.items() for marker in markers if marker.encode() in data]
    assert not found


# ---- metrics --------------------------------------------------------------------------------------------

def _metrics_base(target) -> str:
    return json.loads(target.command("status", "--json").stdout)["metrics"].rpartition("/")[0]


def _get(target, path: str) -> tuple[int, str]:
    return _get_at(_metrics_base(target), path)


def _get_at(base: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(base + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _metric(target, name: str) -> float:
    return sum(float(line.split()[-1]) for line in _get(target, "/metrics")[1].splitlines()
               if line.split("{")[0].split(" ")[0] == name)


def test_livez_and_readyz(target):
    assert _get(target, "/livez")[0] == 200
    assert _get(target, "/readyz")[0] == 200
    assert _get(target, "/nothing")[0] == 404


def test_readyz_while_the_control_database_is_away(target_name, monkeypatch):
    """Not ready once the known state is older than max_stale, alive all the time, and ready again by itself."""
    monkeypatch.setenv("BARTIZAN_CONTROL_MAX_STALE", "2s")
    with targets.cluster_in_own_folder() as (folder, cluster):
        target = targets.start(target_name, folder, cluster)
        try:
            wait_for(lambda: _outcome(target.endpoint()) == "in", 3, "a sign-in")
            base = _metrics_base(target)
            assert _get_at(base, "/readyz")[0] == 200
            cluster.stop()
            wait_for(lambda: _get_at(base, "/readyz")[0] == 503, 8, "503 of /readyz", step=0.1)
            assert _get_at(base, "/livez")[0] == 200
            assert _outcome(target.endpoint()) not in ("in", "28P01", "3D000"), "a fault is told as a refusal"
            cluster.start()
            wait_for(lambda: _get_at(base, "/readyz")[0] == 200, 8, "200 of /readyz", step=0.1)
            wait_for(lambda: _outcome(target.endpoint()) == "in", 3, "a sign-in")
        finally:
            target.stop()


def test_statements_are_counted_exactly(start_target):
    target = start_target()
    guest = _person(target)
    before = {name: _metric(target, name) for name in ("bartizan_statements_total", "bartizan_sign_ins_total",
                                                       "bartizan_sessions")}
    with wire.sign_in(guest) as connection:
        for _ in range(7):
            connection.query("select 1")
        connection.query("select 1; select 2")
        connection.send(m.parse("", "select 1") + m.bind() + m.execute() + m.sync())
        connection.read_until_ready()
        wait_for(lambda: _metric(target, "bartizan_statements_total") - before["bartizan_statements_total"] == 10, 3,
                 "10 statements more")
        assert _metric(target, "bartizan_sign_ins_total") - before["bartizan_sign_ins_total"] == 1
        assert _metric(target, "bartizan_sessions") - before["bartizan_sessions"] == 1
    wait_for(lambda: _metric(target, "bartizan_sessions") == before["bartizan_sessions"], 3, "the end of the session")


# ---- drain ----------------------------------------------------------------------------------------------

def _drain(target) -> tuple[float, list]:
    """SIGTERM; returns when, and where the exit status will be."""
    status: list = []
    started = time.monotonic()
    target.child.process.send_signal(signal.SIGTERM)
    process = target.child.process
    threading.Thread(target=lambda: status.append((process.wait(30), time.monotonic())), daemon=True).start()
    return started, status


def _assert_57p01(connection, seconds: float) -> None:
    messages = connection.read_to_end(seconds)
    assert [x.error_field("C") for x in messages if x.name == "ErrorResponse"] == ["57P01"], messages


def test_sigterm_lets_a_transaction_finish(start_target):
    target = start_target(limits='drain_timeout = "8s"')
    wait_for(lambda: _outcome(target.endpoint()) == "in", 3, "a sign-in")
    with wire.sign_in(target.endpoint()) as idle, wire.sign_in(target.endpoint()) as busy:
        busy.value("begin")
        started, status = _drain(target)
        _assert_57p01(idle, 3)
        time.sleep(0.5)
        assert busy.value("select 'still here'") == "still here"
        try:
            assert _outcome(target.endpoint()) in ("57P01", "57P03"), "a new session is let in during the drain"
        except (OSError, wire.Eof):
            pass
        busy.send(m.query("commit"))
        messages = busy.read_to_end(5)
        names = [x.name for x in messages]
        assert names[0] == "CommandComplete" and messages[-1].error_field("C") == "57P01", messages
        wait_for(lambda: status, 5, "the end of the process")
        assert status[0][0] == 0
        assert status[0][1] - started < 6, "waited though nobody was left"


def test_sigterm_waits_no_longer_than_the_drain_timeout(start_target):
    target = start_target(limits='drain_timeout = "2s"')
    wait_for(lambda: _outcome(target.endpoint()) == "in", 3, "a sign-in")
    with wire.sign_in(target.endpoint()) as busy:
        busy.value("begin")
        started, status = _drain(target)
        _assert_57p01(busy, 6)
        wait_for(lambda: status, 8, "the end of the process")
        assert 1.8 < status[0][1] - started < 6
        assert status[0][0] == 0


# ---- the server's own limits ----------------------------------------------------------------------------

def test_refusal_of_the_server_is_told_at_once_though_other_sessions_stand(start_target, cluster):
    """In session mode each has a server connection of its own: none of the others' will become free for it."""
    endpoint = start_target(pool_mode="session").endpoint()
    others = [wire.sign_in(endpoint) for _ in range(2 * len(os.sched_getaffinity(0)))]  # some on every worker
    cluster.admin(f"alter role {USER} connection limit 1")
    try:
        begin = time.monotonic()
        with pytest.raises(wire.SignInRefused) as refused:
            wire.sign_in(endpoint, seconds=10).close()
        assert refused.value.sqlstate == "53300", refused.value
        assert "for role" in str(refused.value), refused.value
        assert time.monotonic() - begin < 5
        assert [other.value("select 1") for other in others] == ["1"] * len(others)
    finally:
        cluster.admin(f"alter role {USER} connection limit -1")
        for other in others:
            other.close()
