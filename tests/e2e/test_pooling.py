"""Many clients on few server connections: sharing itself, the queue, cancels, COPY and pipelines. Pins, settings, prepared
statements and the deaths of clients and servers have files of their own."""
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
from pooling import POOL_SIZE, POOLED, QUEUE_SECONDS, Rotation, extended, server_connections, server_pids, sessions, sqlstates
from postgres import USER
from processes import wait_for

S = m.sync()


@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, **POOLED)
    yield target
    target.stop()


@pytest.fixture
def sharing(pool):
    if not pool.shares:
        pytest.skip("server connections are not shared")
    return pool


@pytest.fixture(autouse=True)
def _table(cluster):
    cluster.admin("drop table if exists public.pooled", "create table public.pooled(a int, b text)", "grant all on public.pooled to " + USER)
    yield
    cluster.admin("drop table public.pooled")


# ---- sharing --------------------------------------------------------------------------------------------

def test_session_changes_its_server_connection(sharing):
    with Rotation(sharing.endpoint()) as rotation, wire.sign_in(sharing.endpoint()) as session:
        assert len(server_pids(session, rotation, 6)) > 1


def test_more_clients_than_server_connections(sharing, cluster):
    with sessions(sharing, 30) as clients:
        for lap in range(10):
            for i, client in enumerate(clients):
                client.send(m.query(f"select 'client {i} lap {lap}'"))
            for i, client in enumerate(clients):
                assert rows(client.read_until_ready()) == [(f"client {i} lap {lap}".encode(),)]
        assert 1 <= server_connections(sharing, cluster) <= POOL_SIZE


def test_every_server_connection_can_be_in_use_at_once(sharing):
    """Whichever worker a client is on: as many transactions run side by side as the pool has connections."""
    for _ in range(5):
        with sessions(sharing, POOL_SIZE) as clients:
            for client in clients:
                client.query("begin")
            assert len({client.value("select pg_backend_pid()") for client in clients}) == POOL_SIZE


def test_transaction_keeps_its_server_connection(pool):
    with sessions(pool, 6) as clients:
        for client in clients[:1]:
            client.query("begin")
            pid = client.value("select pg_backend_pid()")
            for _ in range(20):
                for other in clients[1:]:
                    other.value("select 1")
                assert client.value("select pg_backend_pid()") == pid
            client.query("select 1/0")
            clients[1].value("select 1")
            assert client.query("select pg_backend_pid()")[-1].fields == ("E",)
            assert client.query("rollback")[-1].fields == ("I",)


def test_transaction_status_is_the_sessions_own(pool):
    with sessions(pool, 4) as (a, b, c, d):
        a.query("begin")
        assert b.query("select 1")[-1].fields == ("I",)
        b.query("begin; select 1/0")
        assert a.query("select 1")[-1].fields == ("T",)
        a.query("commit")
        for other in (a, c, d):
            assert other.query("select 1")[-1].fields == ("I",)
        assert b.query("select 1")[-1].fields == ("E",)
        b.query("rollback")


def test_commit_and_chain_keeps_on(pool):
    with sessions(pool, 3) as (a, b, c):
        a.query("begin; insert into pooled values (1)")
        assert a.query("commit and chain")[-1].fields == ("T",)
        a.query("insert into pooled values (2)")
        assert b.value("select count(*) from pooled") == "1" and c.value("select count(*) from pooled") == "1"
        assert a.query("rollback and chain")[-1].fields == ("T",)
        a.query("commit")
        assert b.value("select sum(a) from pooled") == "1"


def test_idle_clients_hold_no_server_connection(sharing, cluster):
    with sessions(sharing, 40) as clients:
        for client in clients:
            client.value("select 1")
        assert 1 <= server_connections(sharing, cluster) <= POOL_SIZE
        with sessions(sharing, 1) as (late,):
            assert late.value("select 'served'") == "served"


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_10000_clients_on_20_server_connections(start_target, target_name, cluster):
    """All connected at once, each served, in turns and by bursts."""
    count, options = 10_000, {"limits": "clients = 20000"} if target_name == "bartizan" else {"max_clients": 11_000}
    target = start_target(pool_mode="transaction", pool_size=20, queue_timeout="60s", **options)
    if not target.shares:
        pytest.skip("server connections are not shared")
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        clients = list(executor.map(lambda _: wire.sign_in(target.endpoint(), seconds=60), range(count)))
        try:
            for lap in range(2):
                for i, client in enumerate(clients):
                    client.send(m.query(f"select 'client {i} lap {lap}'"))
                for i, client in enumerate(clients):
                    assert rows(client.read_until_ready(60)) == [(f"client {i} lap {lap}".encode(),)]
            assert 1 <= server_connections(target, cluster) <= 20
        finally:
            for client in clients:
                client.close()
    with sessions(target, 1) as (after,):
        assert after.value("select 'served'") == "served"


# ---- the queue ------------------------------------------------------------------------------------------

def test_waiting_clients_are_served_in_their_order(start_target, target_name):
    """Of one worker: a server connection belongs to one, and to pass it on means to open another."""
    options = {"limits": "[workers]\nthreads = 1"} if target_name == "bartizan" else {}
    sharing = start_target(pool_mode="transaction", pool_size=POOL_SIZE, queue_timeout=f"{QUEUE_SECONDS}s", **options)
    if not sharing.shares:
        pytest.skip("server connections are not shared")
    with sessions(sharing, POOL_SIZE) as holders, sessions(sharing, 5) as waiting:
        for holder in holders:
            holder.query("begin")
        for client in waiting:
            client.send(m.query("select clock_timestamp()::text, pg_sleep(0.02)"))
            time.sleep(0.05)
        holders[0].query("commit")
        times = [rows(client.read_until_ready())[0][0] for client in waiting]
        assert times == sorted(times)
        holders[1].query("commit")


def test_pools_that_share_a_budget_do_not_take_turns_by_handshakes(start_target, target_name):
    """Sessions with other startup settings have a pool of their own. With more of each than there are server connections,
    every pool keeps its share, instead of one being closed with each transaction for a session of another."""
    options = {"limits": "[workers]\nthreads = 1"} if target_name == "bartizan" else {}
    sharing = start_target(pool_mode="transaction", pool_size=6, queue_timeout="60s", **options)
    if not sharing.shares:
        pytest.skip("server connections are not shared")
    zones = ("UTC", "Asia/Tokyo", "America/New_York")
    clients = [wire.sign_in(sharing.endpoint(), {"TimeZone": zones[i % 3]}) for i in range(48)]
    try:
        pids, laps = [], 12
        for client in clients:
            client.send(m.query("select pg_backend_pid(), pg_sleep(0.02)"))
        for lap in range(laps):
            for client in clients:
                pids.append(rows(client.read_until_ready(60))[0][0])
                if lap + 1 < laps:
                    client.send(m.query("select pg_backend_pid(), pg_sleep(0.02)"))
        assert len(set(pids)) < len(pids) / 8, f"{len(set(pids))} server processes for {len(pids)} statements"
    finally:
        for client in clients:
            client.close()


def test_queue_times_out_and_holders_go_on(sharing):
    with sessions(sharing, POOL_SIZE) as holders, sessions(sharing, 3) as waiting:
        for i, holder in enumerate(holders):
            holder.query(f"begin; insert into pooled values ({i})")
        begin = time.monotonic()
        for client in waiting:
            client.send(m.query("select 'never'"))
        for client in waiting:
            replies = [client.read_message(QUEUE_SECONDS + 6)]
            assert replies[0].name == "ErrorResponse", replies
            assert replies[0].error_field("C") in ("53300", "57014", "08P01", "55P03", "57P03"), replies
        assert QUEUE_SECONDS - 0.5 < time.monotonic() - begin < QUEUE_SECONDS + 4
        for holder in holders:
            assert holder.query("commit")[-1].fields == ("I",)
        with sessions(sharing, 2) as (after, _):
            assert after.value("select count(*) from pooled") == str(POOL_SIZE)


def test_client_that_leaves_the_queue_is_not_served(sharing, cluster):
    with sessions(sharing, POOL_SIZE) as holders:
        for holder in holders:
            holder.query("begin")
        for _ in range(4):
            gone = wire.sign_in(sharing.endpoint())
            gone.send(m.query("insert into pooled values (99)"))
            time.sleep(0.1)
            gone.close()
        time.sleep(0.3)
        for holder in holders:
            holder.query("commit")
        with sessions(sharing, 1) as (after,):
            assert after.value("select 'served'") == "served"
        time.sleep(0.2)
        assert cluster.admin("select count(*) from pooled") == "0"


def test_clients_that_gave_up_leave_the_queue_at_once(start_target, target_name):
    """Else each gets its turn, and a server connection is opened for it, before those who still wait get theirs."""
    if target_name != "bartizan":
        pytest.skip("asks Bartizan's session list")
    target = start_target(pool_mode="transaction", pool_size=1, queue_timeout="30s")
    with sessions(target, 11) as (holder, *leaving):
        holder.query("begin")
        for client in leaving:
            client.send(m.query("select 'for nobody'"))
            client.close()

        def listed() -> list:
            return [x["state"] for x in json.loads(target.command("session", "list", "--json").stdout)]
        wait_for(lambda: listed() == ["idle in transaction"], 4, "the end of those who left", step=0.2)


# ---- cancel ---------------------------------------------------------------------------------------------

def test_cancel_hits_its_own_statement_only(pool):
    with sessions(pool, POOL_SIZE) as (victim, other):
        for i in range(15):
            victim.send(m.query("select pg_sleep(5)"))
            other.send(m.query(f"select pg_sleep(0.05), {i}"))
            time.sleep(0.02)
            wire.send_cancel(pool.endpoint(), victim.pid, victim.key)
            assert sqlstates(victim.read_until_ready()) == ["57014"]
            assert rows(other.read_until_ready()) == [(b"", str(i).encode())]


def test_cancel_in_the_queue_hits_nobody_else(sharing):
    """The statement has no server connection yet: it is taken back, or runs; nothing else is touched."""
    for _ in range(5):
        with sessions(sharing, POOL_SIZE + 1) as clients:
            *holders, waiting = clients
            for holder in holders:
                holder.send(m.query("select pg_sleep(0.5), 'holder'"))
            time.sleep(0.1)
            waiting.send(m.query("select 'waited'"))
            time.sleep(0.1)
            wire.send_cancel(sharing.endpoint(), waiting.pid, waiting.key)
            for holder in holders:
                assert rows(holder.read_until_ready()) == [(b"", b"holder")]
            with contextlib.suppress(wire.Eof):
                replies = waiting.read_until_ready()
                assert sqlstates(replies) == ["57014"] or rows(replies) == [(b"waited",)]


def test_late_cancel_does_not_hit_the_next_user_of_the_server_connection(pool):
    with sessions(pool, 2 * POOL_SIZE) as clients:
        for lap in range(20):
            for i, client in enumerate(clients):
                before = clients[i - 1]
                before.query("select 1")
                client.send(m.query(f"select pg_sleep(0.02), {lap}"))
                wire.send_cancel(pool.endpoint(), before.pid, before.key)
                assert rows(client.read_until_ready()) == [(b"", str(lap).encode())]


def test_cancel_keys_differ_between_sharing_clients(pool):
    with sessions(pool, 20) as clients:
        assert len({(client.pid, client.key) for client in clients}) == 20
        assert len({client.key for client in clients}) == 20


def test_idle_client_that_cancels_harms_nobody(pool):
    with sessions(pool, POOL_SIZE + 3) as clients:
        *idle, busy = clients
        for client in idle:
            client.value("select 1")
        busy.send(m.query("select pg_sleep(0.4), 'unharmed'"))
        for client in idle * 3:
            wire.send_cancel(pool.endpoint(), client.pid, client.key)
        assert rows(busy.read_until_ready()) == [(b"", b"unharmed")]


# ---- COPY -----------------------------------------------------------------------------------------------

def test_copy_of_many_clients_at_once(pool, cluster):
    with sessions(pool, 8) as clients:
        for i, client in enumerate(clients):  # one after the other where there are fewer server connections
            client.send(m.query("copy pooled from stdin") + b"".join(m.copy_data(f"{i}\tclient {i} row {r}\n") for r in range(500)) + m.copy_done())
        for client in clients:
            replies = client.read_until_ready()
            assert [x.fields for x in replies if x.name == "CommandComplete"] == [("COPY 500",)]
        for i, client in enumerate(clients):
            client.send(m.query(f"copy (select b from pooled where a = {i} order by split_part(b, ' ', 4)::int) to stdout"))
        for i, client in enumerate(clients):
            data = [x.fields[0] for x in client.read_until_ready() if x.name == "CopyData"]
            assert data == [f"client {i} row {r}\n".encode() for r in range(500)]


@pytest.mark.parametrize("end", ["fail", "bad_row", "constraint"])
def test_failed_copy_gives_the_server_connection_back(pool, end):
    with sessions(pool, 3 * POOL_SIZE) as clients:
        for lap in range(3):
            for client in clients:
                client.send(m.query("copy pooled from stdin"))
                client.read_until("CopyInResponse")
                client.send({"fail": m.copy_data("1\tx\n") + m.copy_fail("changed my mind"), "bad_row": m.copy_data("x\ty\n") + m.copy_done(),
                             "constraint": m.copy_data("1\n") + m.copy_done()}[end])
                assert sqlstates(client.read_until_ready()) == [{"fail": "57014", "bad_row": "22P02", "constraint": "22P04"}[end]]
                assert client.value("select count(*) from pooled") == "0"


def test_copy_in_extended_query(pool):
    with sessions(pool, 4) as clients:
        for lap in range(3):
            for i, client in enumerate(clients):
                client.send(m.parse("", "copy pooled from stdin") + m.bind() + m.execute() + m.copy_data(f"{lap}\tc{i}\n") + m.copy_done() + S)
            for client in clients:
                assert not sqlstates(client.read_until_ready())
        assert clients[0].value("select count(*) from pooled") == "12"


# ---- pipelines ------------------------------------------------------------------------------------------

def test_pipelines_longer_than_the_pool(pool):
    """Each client writes hundreds of groups at once; every group may run on another server connection."""
    groups = 150
    with sessions(pool, 3 * POOL_SIZE) as clients:
        for i, client in enumerate(clients):
            client.send(b"".join(m.parse("", "select $1::text") + m.bind("", "", [f"{i}:{g}"]) + m.execute() + S if g % 3 else
                                 m.query(f"select '{i}:{g}'") if g % 2 else m.parse("", "selec") + m.bind() + S for g in range(groups)))
        for i, client in enumerate(clients):
            for g in range(groups):
                replies = client.read_until_ready()
                if g % 3 or g % 2:
                    assert rows(replies) == [(f"{i}:{g}".encode(),)], replies
                else:
                    assert sqlstates(replies) == ["42601"]


def test_transaction_inside_a_pipeline(pool, cluster):
    with sessions(pool, 3 * POOL_SIZE) as clients:
        for i, client in enumerate(clients):
            client.send(extended("begin") + extended(f"insert into pooled values ({i}, 'kept')") + extended("commit") + extended("begin")
                        + extended(f"insert into pooled values ({i}, 'lost')") + extended("rollback") + extended(f"select {i}"))
        for i, client in enumerate(clients):
            states = [client.read_until_ready()[-1].fields[0] for _ in range(6)]
            assert states == ["T", "T", "I", "T", "T", "I"]
            assert rows(client.read_until_ready()) == [(str(i).encode(),)]
    assert cluster.admin("select string_agg(distinct b, ',') || count(*) from pooled") == f"kept{3 * POOL_SIZE}"


def test_flush_keeps_the_group_on_its_server_connection(pool):
    with sessions(pool, 3) as (a, b, c):
        a.send(m.parse("x", "select 'flushed', $1::int") + m.flush())
        a.read_until("ParseComplete")
        for other in (b, c, b):
            other.send(extended("select 1"))
            other.read_until_ready()
        a.send(m.bind("p", "x", ["5"]) + m.flush())
        a.read_until("BindComplete")
        b.send(extended("select 2"))
        b.read_until_ready()
        a.send(m.execute("p") + S)
        assert rows(a.read_until_ready()) == [(b"flushed", b"5")]


def test_sync_alone_and_empty_queries(pool):
    with sessions(pool, 4 * POOL_SIZE) as clients:
        for client in clients:
            client.send(S * 10 + m.query("") + S + m.query(";") + m.query("-- c"))
        for client in clients:
            for _ in range(14):
                assert client.read_until_ready()[-1].fields == ("I",)
