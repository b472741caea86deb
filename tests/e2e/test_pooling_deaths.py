"""What becomes of server connections when a client dies in the middle of something, and of clients when a server does."""
from __future__ import annotations

import contextlib
import threading
import time

import pytest

import targets
import wire
import wire_messages as m
from hostile_client import rows
from pooling import POOL_SIZE, POOLED, backends, extended, sessions, sqlstates
from postgres import USER
from processes import wait_for

S = m.sync()


@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, **POOLED)
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _table(cluster):
    cluster.admin("drop table if exists public.pooled", "create table public.pooled(a int, b text)", "grant all on public.pooled to " + USER)
    yield
    cluster.admin("drop table public.pooled")


# ---- clients that die -----------------------------------------------------------------------------------

DEATHS = {
    "in_transaction": (m.query("begin; insert into pooled values (1); lock table pooled"), "ReadyForQuery"),
    "in_failed_transaction": (m.query("begin; insert into pooled values (1); select 1/0"), "ReadyForQuery"),
    "in_implicit_transaction": (m.parse("", "insert into pooled values (1)") + m.bind() + m.execute() + m.flush(), "CommandComplete"),
    "in_copy_in": (m.query("copy pooled from stdin") + m.copy_data("1\tx\n"), "CopyInResponse"),
    "in_copy_in_mid_row": (m.query("copy pooled from stdin") + m.copy_data("1\tx"), "CopyInResponse"),
    "in_copy_in_mid_message": (m.query("copy pooled from stdin") + m.copy_data("1\tx\n")[:6], "CopyInResponse"),
    "in_copy_out": (m.query("copy (select repeat('left', 500) from generate_series(1, 20000)) to stdout"), "CopyData"),
    "in_rows": (m.query("select repeat('left', 500) from generate_series(1, 20000)"), "DataRow"),
    "in_pipeline": (b"".join(m.parse("", f"select 'left {i}', repeat('x', 1000)") + m.bind() + m.execute() + S for i in range(300)), "DataRow"),
    "in_unfinished_pipeline": (m.parse("left", "select 1") + m.bind("left", "left") + m.describe("P", "left") + m.flush(), "RowDescription"),
    "mid_message": (m.query("begin; insert into pooled values (1)") + m.query("commit")[:7], "ReadyForQuery"),
    "skipping_to_sync": (m.query("begin; insert into pooled values (1)") + m.parse("", "selec") + m.parse("", "select 2"), "ErrorResponse"),
    "while_running": (m.query("select pg_sleep(0.7), 'left'"), None),
    "portal_open": (m.query("begin") + m.parse("", "select generate_series(1, 100)") + m.bind("p") + m.execute("p", 1) + m.flush(), "PortalSuspended"),
    "cursor_open": (m.query("begin; declare k cursor for select generate_series(1, 100); fetch 1 from k"), "ReadyForQuery"),
}


@pytest.mark.parametrize("polite", [False, True], ids=["vanishes", "terminates"])
@pytest.mark.parametrize("death", DEATHS)
def test_next_user_sees_nothing_of_a_dead_client(pool, cluster, death, polite, request, target_name):
    if target_name == "pgbouncer" and death == "in_pipeline":
        request.applymarker(pytest.mark.xfail(reason="1.18 hands the replies that are still due to the next client", strict=False))
    data, shown = DEATHS[death]
    for _ in range(2 * POOL_SIZE):
        with wire.sign_in(pool.endpoint()) as dying:
            dying.send(data)
            if shown:
                dying.read_until(shown, seconds=5)
            else:
                time.sleep(0.1)
            if polite:
                with contextlib.suppress(wire.Eof):
                    dying.send(m.terminate())
    with sessions(pool, 2 * POOL_SIZE) as clients:
        for client in clients:
            replies = client.query("select 'fresh', (select count(*) from pg_cursors)")
            assert rows(replies) == [(b"fresh", b"0")] and replies[-1].fields == ("I",)
            assert sqlstates(client.query('execute "left"')) == ["26000"]
            client.send(extended("select 'by protocol'"))
            assert rows(client.read_until_ready()) == [(b"by protocol",)]
        clients[0].query("set lock_timeout to '8s'; lock table pooled; rollback")
        assert clients[-1].value("select count(*) from pooled") == "0", "something of a dead client was committed"
    wait_for(lambda: backends(cluster, "state <> 'idle'") == 0, 5, "the end of all transactions")


# ---- servers that die -----------------------------------------------------------------------------------

def kill_backends(cluster, where: str = "true") -> int:
    return int(cluster.admin(f"select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{USER}' and {where}"))


def test_killed_idle_server_connections_are_replaced(pool, cluster):
    """Nobody was using them: with sharing no client notices."""
    with sessions(pool, 6) as clients:
        for client in clients:
            client.value("select 1")
        for _ in range(3):
            assert kill_backends(cluster) > 0
            wait_for(lambda: backends(cluster) == 0 or pool.shares, 5, "their end")
            time.sleep(0.2)
            if not pool.shares:
                return
            for client in clients:
                assert client.value("select 'served'") == "served"


def test_killed_server_connection_in_use_is_told_to_its_user_alone(pool, cluster):
    with sessions(pool, POOL_SIZE) as (victim, other):
        victim.query("begin")
        pid = victim.value("select pg_backend_pid()")
        other.query("begin; insert into pooled values (1)")
        kill_backends(cluster, f"pid = {pid}")
        told = victim.read_to_end(5) if not pool.shares else []
        if pool.shares:  # the gateway may end the session, or give an error and go on
            with contextlib.suppress(wire.Eof, wire.Timeout):
                victim.send(m.query("select 1"))
                told = victim.read_until("ErrorResponse", seconds=5)
        states = sqlstates(told)
        assert states and states[0] in ("57P01", "08006", "08P01", "08003"), told
        assert other.query("commit")[-1].fields == ("I",)
        with sessions(pool, 2 * POOL_SIZE) as clients:
            assert [client.value("select count(*) from pooled") for client in clients] == ["1"] * (2 * POOL_SIZE)


def test_kill_under_load_and_recovery(pool, cluster):
    """Whoever lost a statement is told; all are served again at once after."""
    ending, wrong, served = threading.Event(), [], [0]

    def work(number: int) -> None:
        session, lap = None, 0
        while not ending.is_set():
            try:
                session = session or wire.sign_in(pool.endpoint())
                lap += 1
                replies = session.query(f"select '{number}:{lap}', pg_sleep(0.002)")
                got = rows(replies)
                if got and got[0][0] != f"{number}:{lap}".encode():
                    wrong.append((number, lap, replies))
                served[0] += bool(got)
            except (wire.Eof, wire.SignInRefused):
                session = None
            except (wire.Timeout, wire.DecodeError) as fault:
                wrong.append((number, lap, repr(fault)))
                return
    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(12)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        time.sleep(0.2)
        kill_backends(cluster)
    time.sleep(0.5)
    before = served[0]
    time.sleep(0.5)
    ending.set()
    for thread in threads:
        thread.join(20)
    assert not wrong, wrong[:3]
    assert served[0] > before, "nobody is served any more"
