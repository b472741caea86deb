"""depot pause, drain and resume: transactions under way finish, others wait, and nobody is broken."""
from __future__ import annotations

import concurrent.futures
import contextlib
import json
import time

import pytest

import targets
import wire
import wire_messages as m
from hostile_client import rows
from pooling import backends, sessions, sqlstates
from postgres import DATABASE, SIGN_IN_SECONDS, SUPERUSER, SUPERUSER_PASSWORD
from processes import wait_for

_QUEUE_SECONDS = 1  # shorter than the pauses: they must not count


@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these commands")
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=2, queue_timeout=f"{_QUEUE_SECONDS}s",
                           limits="idle_timeout = \"2s\"")
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _resumed(pool):
    yield
    _set(pool, "resume")


def _set(target, verb: str, *options: str, depot: str = DATABASE) -> dict:
    answer = json.loads(target.command("depot", verb, depot, "--json", *options, check=False).stdout)
    assert answer["traffic"] == {"pause": "paused", "resume": "open", "drain": "draining"}[verb]
    return answer


def _silent(*clients: wire.Connection) -> bool:
    """Whether none of them is answered for longer than the queue's time-out."""
    time.sleep(_QUEUE_SECONDS + 0.5)
    for client in clients:
        client.receive_available()
    return not any(client.buffer or client.at_eof for client in clients)


def test_transactions_finish_and_others_wait(pool):
    with sessions(pool, 4) as (busy, pipelining, simple, extended):
        busy.query("begin")
        assert _set(pool, "pause", "--wait", "1") | {"server_connections": 0} == {
            "name": DATABASE, "traffic": "paused", "ok": False, "running": 1, "waiting": 0, "server_connections": 0}
        simple.send(m.query("select 'simple'"))
        extended.send(m.parse("", "select 'extended'") + m.bind() + m.execute() + m.sync())
        pipelining.send(m.query("select 'first'") + m.query("select 'second'"))
        assert _silent(simple, extended, pipelining)
        assert busy.value("select 'goes on'") == "goes on"
        assert busy.query("commit")[-1].fields == ("I",)
        answer = _set(pool, "pause")
        assert (answer["ok"], answer["running"], answer["waiting"]) == (True, 0, 3)
        busy.send(m.query("select 'waits too'"))
        assert _silent(busy)
        listed = json.loads(pool.command("session", "list", "--json").stdout)
        assert [x["state"] for x in listed if x["depot"] == DATABASE] == ["waiting"] * 4
        assert _set(pool, "resume")["ok"]
        assert rows(simple.read_until_ready()) == [(b"simple",)]
        assert rows(extended.read_until_ready()) == [(b"extended",)]
        assert [rows(pipelining.read_until_ready()) for _ in range(2)] == [[(b"first",)], [(b"second",)]]
        assert rows(busy.read_until_ready()) == [(b"waits too",)]


def test_pause_holds_sessions_that_keep_their_connection(pool):
    with sessions(pool, 1) as (pinned,):
        pinned.query("create temp table kept as select 'mine' as a")
        pid = pinned.value("select pg_backend_pid()")
        assert _set(pool, "pause")["ok"]
        pinned.send(m.query("select a, pg_backend_pid() from kept"))
        assert _silent(pinned)
        _set(pool, "resume")
        assert rows(pinned.read_until_ready()) == [(b"mine", pid.encode())]


def test_drain_leaves_the_server_without_connections(pool, cluster):
    with sessions(pool, 3) as (pinned, sharing, busy):
        pinned.query("create temp table kept as select 1")
        busy.query("begin")
        before = backends(cluster)
        answer = _set(pool, "drain", "--wait", "1")
        assert (answer["ok"], answer["running"], answer["server_connections"]) == (False, 1, 1)
        ended = pinned.read_to_end()
        assert [(x.error_field("S"), x.error_field("C")) for x in ended] == [("FATAL", "57P01")]
        sharing.send(m.query("select 'served'"))
        assert busy.query("commit")[-1].fields == ("I",)
        answer = _set(pool, "drain")
        assert (answer["ok"], answer["waiting"], answer["server_connections"]) == (True, 1, 0)
        wait_for(lambda: backends(cluster) <= before - 2, 5, "the end of the two server connections")
        assert _silent(sharing)
        _set(pool, "resume")
        assert rows(sharing.read_until_ready()) == [(b"served",)]


def test_the_server_restarts_and_no_client_notices(start_target, cluster):
    """What draining is for: PostgreSQL is restarted under 30 clients that go on asking."""
    target = start_target(pool_mode="transaction", pool_size=4, queue_timeout="5s")
    with sessions(target, 30) as clients:
        for client in clients:
            client.value("select 1")
        assert _set(target, "drain")["ok"]
        for i, client in enumerate(clients):
            client.send(m.query(f"select 'client {i}'"))
        cluster.stop()
        cluster.start()
        _set(target, "resume")
        for i, client in enumerate(clients):
            assert rows(client.read_until_ready(30)) == [(f"client {i}".encode(),)]


def test_sign_in_waits_where_no_server_has_spoken(start_target):
    """Also longer than limits.sign_in_timeout; who leaves meanwhile is forgotten."""
    target = start_target(pool_mode="session")
    assert _set(target, "pause")["ok"]
    for _ in range(3):
        with contextlib.suppress(wire.Timeout):
            wire.sign_in(target.endpoint(), seconds=0.5)
    wait_for(lambda: _set(target, "pause", "--wait", "0")["waiting"] == 0, 5, "the end of those who left")
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(wire.sign_in, target.endpoint(), seconds=30)
        time.sleep(SIGN_IN_SECONDS + 1.5)
        assert not waiting.done()
        _set(target, "resume")
        with waiting.result() as session:
            assert session.value("select 'served'") == "served"


def test_held_client_that_leaves_does_nothing(pool, cluster):
    cluster.admin("drop table if exists public.held", "create table public.held(a int)", "grant all on public.held to public")
    try:
        with sessions(pool, 1) as (after,):
            assert _set(pool, "pause")["ok"]
            for _ in range(4):
                gone = wire.sign_in(pool.endpoint())
                gone.send(m.query("insert into held values (1)"))
                gone.close()
            wait_for(lambda: _set(pool, "pause", "--wait", "0")["waiting"] == 0, 5, "the end of those who left")
            _set(pool, "resume")
            assert after.value("select count(*) from held") == "0"
    finally:
        cluster.admin("drop table public.held")


def test_another_depot_is_not_paused(pool, cluster):
    assert _set(pool, "pause")["ok"]
    other = cluster.superuser("postgres")
    assert (other.user, other.password) == (SUPERUSER, SUPERUSER_PASSWORD)
    with wire.sign_in(pool.endpoint(other)) as session:
        assert session.value("select 'served'") == "served"


def test_pause_outlives_a_restart_of_the_gateway(start_target):
    target = start_target(pool_mode="transaction", pool_size=2)
    assert _set(target, "pause")["ok"]
    target.stop()
    target.start()
    assert json.loads(target.command("depot", "show", DATABASE, "--json").stdout)["traffic"] == "paused"
    with pytest.raises(wire.Timeout):
        wire.sign_in(target.endpoint(), seconds=1)
    assert _set(target, "resume")["ok"]
    with wire.sign_in(target.endpoint()) as session:
        assert session.value("select 'served'") == "served"


def test_shutdown_ends_those_who_wait(start_target):
    target = start_target(pool_mode="transaction", pool_size=2)
    client = wire.sign_in(target.endpoint())
    client.value("select 1")
    assert _set(target, "pause")["ok"]
    client.send(m.query("select 'never'"))
    wait_for(lambda: _set(target, "pause", "--wait", "0")["waiting"] == 1, 5, "the client to wait")
    begin = time.monotonic()
    target.stop()
    assert time.monotonic() - begin < 5
    assert sqlstates(client.read_to_end()) == ["57P01"]
