"""What one session leaves on a shared server connection, by every way that the reading of its statement may miss, and
what another then sees there: nothing. One server connection, so that whoever comes next is given the same one, unless
its session keeps it: then others wait, and are told."""
from __future__ import annotations

import contextlib
import time

import pytest

import targets
import wire
import wire_messages as m
from hostile_client import rows
from pooling import Rotation, extended, sessions, sqlstates
from postgres import USER
from processes import wait_for

S = m.sync()
_BACKSLASH = "select 'a\\' as x, ' , pg_advisory_lock(4711) --'"  # one column or a call, by standard_conforming_strings


@pytest.fixture(scope="module")
def one(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=1, queue_timeout="2s")
    if target_name == "pgbouncer":
        pytest.skip("PgBouncer pins nothing")
    yield target
    target.stop()


@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=2, queue_timeout="3s")
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _objects(cluster):
    cluster.admin("drop schema if exists leak cascade", f"create schema leak authorization {USER}", "create sequence leak.s",
                  "create table leak.t(a text)", "create table leak.copied(a text)",
                  "create function leak.lock_it(i int) returns text language sql as $$ select pg_advisory_lock(i)::text $$",
                  "create function leak.stable(i int) returns int language plpgsql stable as $$ begin "
                  "perform pg_advisory_lock(4714); return i; end $$",
                  "grant all on all tables in schema leak to public", "grant all on all sequences in schema leak to public")
    yield
    cluster.admin("drop schema leak cascade")


def good(session: wire.Connection, data: bytes | str, count: int = 1) -> list[m.Message]:
    session.send(m.query(data) if isinstance(data, str) else data)
    replies = [x for _ in range(count) for x in session.read_until_ready()]
    assert not sqlstates(replies), replies
    return replies


def portal(sql: str, name: str) -> bytes:
    return m.parse("", sql) + m.bind(name) + m.execute(name)


# What a session does, and what nobody else may see of it.
LEAKS = {
    "long_portal_listen": ([portal("listen spy", "p" * 63) + S], "select count(*) = 0 from pg_listening_channels()"),
    "long_portal_temp": ([portal("create temp table t(a text)", "p" * 63) + S], "select to_regclass('pg_temp.t') is null"),
    "renamed_in_its_group": ([m.parse("c", "deallocate all") + m.parse("l", "listen spy") + m.bind("pl", "l") + m.bind("pc", "c")
                              + m.execute("pc") + m.execute("pl") + S], "select count(*) = 0 from pg_listening_channels()"),
    "backslash_in_flight": ([(m.query("select 1") + m.query("select '\\'; listen spy; --'"), 2)],
                            "select count(*) = 0 from pg_listening_channels()"),
    "encoding_in_flight": ([(m.query("set client_encoding to 'SJIS'") + m.query(b"select E'\x95\\'; listen spy; --'"), 2)],
                           "select count(*) = 0 from pg_listening_channels()"),
    "into_pg_temp": (["select 1 as id into pg_temp.zz"], "select to_regclass('pg_temp.zz') is null"),
    "explained": (["explain analyze create table pg_temp.zz as select 1 as i"], "select to_regclass('pg_temp.zz') is null"),
    "local_path": (["begin", "set local search_path = pg_temp", "create table zz(i int)", "commit"],
                   "select to_regclass('pg_temp.zz') is null"),
    "attribute": (["select (4711::bigint).pg_advisory_lock"], None),
    "unparsed": (["select leak.lock_it(4711), '" + "x" * 70000 + "'"], None),
    "planned": (["explain select * from leak.t where length(a) < leak.stable(1)"], None),
    "bound": ([m.parse("", "select * from leak.t where length(a) < leak.stable(1)") + m.bind() + S], None),
}
_NO_LOCK = "select count(*) = 0 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"


@pytest.mark.parametrize("name", LEAKS)
def test_nothing_of_a_session_reaches_the_next(one, name):
    assert_nothing_reaches_the_next(one, *LEAKS[name])


def test_no_sequence_value_reaches_the_next(start_target, target_name):
    """A gateway of its own: whoever has asked for lastval once keeps its server connection whenever it writes."""
    if target_name == "pgbouncer":
        pytest.skip("PgBouncer pins nothing")
    asked = start_target(pool_mode="transaction", pool_size=1, queue_timeout="2s")
    assert_nothing_reaches_the_next(asked, ["select nextval('leak.s')"], "select lastval() is null")


def assert_nothing_reaches_the_next(one, steps, question) -> None:
    with sessions(one, 3) as (session, *others):
        for step in steps:
            good(session, *(step if isinstance(step, tuple) else (step,)))
        for other in others:  # on one of them the server connection is the session's own worker's
            with contextlib.suppress(wire.Eof, wire.Timeout):  # the session keeps it
                replies = other.query(question or _NO_LOCK)
                assert rows(replies) in ([], [(b"t",)]), replies
                assert rows(replies) or sqlstates(replies)[0] in ("55000", "53300"), replies
    with wire.sign_in(one.endpoint()) as after:
        replies = after.query(question or _NO_LOCK)
        assert rows(replies) == [(b"t",)] or sqlstates(replies) == ["55000"], replies


def test_text_is_run_as_it_was_read(one):
    """Prepared under one standard_conforming_strings, made anew under the other."""
    with wire.sign_in(one.endpoint()) as session:
        good(session, m.parse("s", _BACKSLASH) + S)
        good(session, "set standard_conforming_strings to off")
        good(session, "discard plans")
        session.send(m.bind("", "s") + m.execute() + S)
        assert sqlstates(session.read_until_ready()) in (["26000"], [])
        assert session.value(_NO_LOCK) == "t"


def test_constants_are_read_by_their_own_session(pool):
    text = "select '2024-01-01 00:00'::timestamptz at time zone 'UTC' as marked"
    with sessions(pool, 4) as (a, _, b, _), sessions(pool, 4) as (h1, _, h2, _):
        for session in (a, b):
            good(session, "set timezone to 'UTC'")
        good(h1, "begin")
        for session in (a, b):
            good(session, m.parse("s", text) + S)
        good(h2, "begin")
        good(h1, "commit")
        good(a, "begin; set local timezone to 'Asia/Tokyo'")
        good(a, m.bind("", "s") + m.execute() + S)
        good(a, "commit")
        assert rows(good(b, m.bind("", "s") + m.execute() + S)) == [(b"2024-01-01 00:00:00",)]
        good(h2, "commit")


def test_terminate_behind_a_statement_takes_nobody_along(one):
    for _ in range(3):
        with wire.sign_in(one.endpoint()) as after, wire.sign_in(one.endpoint()) as leaving:
            leaving.send(m.query("select pg_sleep(0.3)") + m.terminate())
            time.sleep(0.05)
            assert rows(after.query("select 'mine'")) == [(b"mine",)]


def test_copy_that_ate_its_sync_keeps_its_server_connection(one, cluster):
    with sessions(one, 3) as (session, *others):
        session.send(portal("copy leak.copied from stdin", "") + S)
        session.read_until("CopyInResponse", seconds=3)
        session.send(m.copy_data("x\n") + m.copy_done() + m.flush())
        session.read_until("CommandComplete", seconds=3)
        for other in others:
            with contextlib.suppress(wire.Eof, wire.Timeout):
                assert not rows(other.query("select 1"))
        good(session, S)
        assert cluster.admin("select count(*) from leak.copied") == "1"


def test_copy_that_failed_gives_its_server_connection_back(one):
    with sessions(one, 2) as (session, other):
        session.send(portal("copy leak.copied from stdin", "") + S)
        session.read_until("CopyInResponse", seconds=3)
        session.send(m.copy_data("x\ty\n") + m.copy_done() + S)
        assert sqlstates(session.read_until_ready()) == ["22P04"]
        assert other.value("select 'served'") == "served"


@pytest.mark.parametrize("bytes_", [m.flush(), m.copy_done(), b"B\x00\x10\x00\x00", b"F\x00\x10\x00\x00"],
                         ids=["flush", "copy_done", "part_of_bind", "part_of_call"])
def test_messages_that_ask_for_nothing_hold_nothing(one, bytes_):
    with sessions(one, 3) as (session, *others):
        session.value("select 1")
        session.send(bytes_)
        time.sleep(0.2)
        for other in others:
            assert other.value("select 'served'") == "served"


def test_statements_of_others_are_not_for_execute(one):
    with sessions(one, 3) as (owner, *others):
        good(owner, m.parse("mine", "select 'row of tenant 7'") + S)
        for other in others:
            with contextlib.suppress(wire.Eof, wire.Timeout):
                names = [x[0].decode() for x in rows(other.query("select name from pg_prepared_statements where statement like '%tenant 7%'"))]
                for name in names:
                    assert not rows(other.query(f'execute "{name}"'))


@pytest.mark.parametrize("statement", ["deallocate s", "deallocate all"])
def test_deallocate_does_not_pin(pool, statement):
    with Rotation(pool.endpoint()) as rotation, wire.sign_in(pool.endpoint()) as session:
        seen = set()
        good(session, m.parse("s", "select 1") + S)
        for _ in range(5):
            rotation.move()
            seen.add(session.value("select pg_backend_pid()"))
            session.query(statement)
        assert not pool.shares or len(seen) > 1, "the session kept its server connection"


def test_prepared_behind_declare(one):
    with wire.sign_in(one.endpoint()) as session:
        good(session, m.parse("n", "select 5") + S)
        replies = good(session, portal("begin", "") + portal("declare k cursor for select 1", "") + m.bind("", "n") + m.execute() + S)
        assert rows(replies) == [(b"5",)]


def test_unnamed_statement_behind_a_failed_one_in_a_pinned_session(one):
    with wire.sign_in(one.endpoint()) as session:
        good(session, "set work_mem to '3MB'")
        session.send(m.parse("", "selec") + S + m.parse("", "select 6") + S)
        session.read_until_ready()
        session.read_until_ready()
        assert rows(good(session, m.bind() + m.execute() + S)) == [(b"6",)]


def test_cancel_reaches_what_waited_for_a_server_connection(one):
    with sessions(one, 2) as (holder, waiting):
        holder.query("begin")
        waiting.send(m.query("select pg_sleep(5)"))
        wait_for(lambda: not one.shares or "waiting" in one.command("session", "list").stdout, 10, "the session in the queue", step=0.1)
        wire.send_cancel(one.endpoint(), waiting.pid, waiting.key)
        holder.query("commit")
        begin = time.monotonic()
        assert sqlstates(waiting.read_until_ready()) == ["57014"]
        assert time.monotonic() - begin < 3


def test_execute_in_one_write_with_its_parse(one, oracle):
    for endpoint in (oracle, one.endpoint()):
        with wire.sign_in(endpoint) as session:
            session.send(m.parse("s", "select 8") + S + m.query("execute s") + extended("execute s"))
            replies = [session.read_until_ready() for _ in range(3)]
            assert [rows(x) for x in replies[1:]] == [[(b"8",)]] * 2, replies
