"""When a server connection goes to the next session as it is: only where nothing can have been left on it. What users'
code that no statement shows leaves in a session, by every way that it can run, reaches nobody."""
from __future__ import annotations

import time

import pytest

import targets
import wire
from hostile_client import rows
from pooling import sessions, sqlstates
from postgres import USER

_LEFT = "select coalesce(current_setting('leak.mark', true), ''), (select count(*) from pg_locks where locktype = 'advisory')"
_ASKED_AGAIN = 2.5  # the catalogs are asked once a second at most, and for a fiftieth of the time
_LEAVE = "perform set_config('leak.mark', 'left', false); perform pg_advisory_lock(4711);"


def function(signature: str, body: str) -> str:
    return f"create function {signature} language plpgsql immutable as $$ begin {_LEAVE} {body} end $$"


# What is defined, and the statement that runs it without saying so.
UNSEEN = {
    "view": ([function("leak.two(a int, b int) returns int", "return a;"), "create view leak.v as select leak.two(1, 2) as i"],
             "select i from leak.v"),
    "view of PostgreSQL's own": (["create view leak.v as select set_config('leak.mark', 'left', false) as i"], "select i from leak.v"),
    "operator": ([function("leak.two(a int, b int) returns int", "return a;"),
                  "create operator leak.## (leftarg = int, rightarg = int, function = leak.two)"], "select 1 operator(leak.##) 2"),
    "operator of PostgreSQL's own": (["create operator leak.## (leftarg = int, rightarg = int, function = pg_try_advisory_lock)"],
                                     "select 4711 operator(leak.##) 2"),
    "cast": (["create type leak.c as (i int)", function("leak.c_int(c leak.c, m int default 1, e bool default false) returns int", "return 1;"),
              "create cast (leak.c as int) with function leak.c_int"], "select row(1)::leak.c::int"),
    "domain": ([function("leak.two(a int, b int) returns int", "return a;"), "create domain leak.d as int check (leak.two(value, 1) = value)"],
               "select 5::leak.d"),
    "default": ([function("leak.two(a int, b int) returns int", "return a;"), "alter table leak.t alter i set default leak.two(1, 2)"],
                "insert into leak.t default values"),
    "trigger": ([function("leak.fired() returns trigger", "return new;").replace(" immutable", ""),
                 "create trigger x before insert on leak.t for each row execute function leak.fired()"], "insert into leak.t values (1)"),
    "rule": (["create rule x as on insert to leak.t do also select set_config('leak.mark', 'left', false)"], "insert into leak.t values (1)"),
    "policy": ([function("leak.two(a int, b int) returns int", "return a;"), "insert into leak.t values (1)",
                "alter table leak.t enable row level security", "alter table leak.t force row level security",
                "create policy x on leak.t using (leak.two(1, 2) = 1)"], "select * from leak.t"),
    "index": ([function("leak.two(a int, b int) returns int", "return a;"), "create index on leak.t (leak.two(i, 1))"],
              "insert into leak.t values (1)"),
    "attribute": ([function("public.unseen_of(t leak.t) returns int", "return 1;"), "insert into leak.t values (1)"],
                  "select t.unseen_of from leak.t t"),
    "known name": ([function("public.lower(a int, b int) returns int", "return a;")], "select lower(1, 2)"),
    "procedure's neighbour": (["create procedure leak.p() language plpgsql as $$ begin null; end $$",
                               function("leak.two(a int, b int) returns int", "return a;"),
                               "alter table leak.t add constraint c check (leak.two(i, 1) = i)"], "insert into leak.t values (1)"),
}


@pytest.fixture(scope="module")
def one(target_name, folder, cluster):
    if target_name != "bartizan":
        pytest.skip("resets of its own are Bartizan's")
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=1, queue_timeout="5s",
                           limits="[workers]\nthreads = 1")  # a connection goes from session to session, not from worker to worker
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _schema(one):
    drop = ("drop schema if exists leak cascade", "drop function if exists public.unseen_of", "drop function if exists public.lower(int, int)")
    with wire.sign_in(one.endpoint()) as owner:
        for statement in (*drop, f"create schema leak authorization {USER}", "create table leak.t(i int)"):
            owner.query(statement)
    yield
    with wire.sign_in(one.endpoint()) as owner:
        for statement in drop:
            owner.query(statement)


def settle(one) -> None:
    """The catalogs have been asked since the last definition."""
    time.sleep(_ASKED_AGAIN)
    with wire.sign_in(one.endpoint()) as session:
        session.query("select 1")
        session.query("select 1")


def process(session: wire.Connection) -> str:
    return session.value("select pg_backend_pid()")


_CASES = [(name, "known") for name in UNSEEN] + [(name, "at once") for name in ("view", "attribute", "trigger", "policy")]


@pytest.mark.parametrize("name, when", _CASES)
def test_what_unseen_code_leaves_reaches_nobody(one, name, when):
    definitions, statement = UNSEEN[name]
    if when == "at once":  # the catalogs were found harmless before
        settle(one)
    with wire.sign_in(one.endpoint()) as definer:  # which may be pinned by it
        for definition in definitions:
            assert not sqlstates(definer.query(definition)), definition
    if when == "known":
        settle(one)
    with sessions(one, 4) as (leaving, *others):
        assert leaving.value(_LEFT) == ""
        replies = leaving.query(statement)
        assert not sqlstates(replies), replies
        left_on = process(leaving)
        met = 0
        for other in others:
            replies = other.query(_LEFT)
            assert rows(replies) == [(b"", b"0")], replies
            met += process(other) == left_on
        assert met, "no other session came upon the connection"


def resets_in_a_round(readers: list[wire.Connection], cluster) -> int:
    begin = len(cluster.child.log_text())
    for reader in readers:
        assert reader.value("select count(*) from leak.t") == "1"
    seen = cluster.child.log_text()[begin:]
    assert seen.count("select count(*) from leak.t") == len(readers)
    return seen.count("RESET ALL")


def test_a_clean_connection_is_not_reset(one, cluster):
    """Told by what the server has logged."""
    cluster.admin("alter system set log_statement = 'all'", "select pg_reload_conf()")
    try:
        settle(one)
        with sessions(one, 4) as readers:
            readers[0].query("insert into leak.t values (1)")
            assert len({process(reader) for reader in readers}) == 1
            end = time.monotonic() + 15
            while resets := resets_in_a_round(readers, cluster):
                assert time.monotonic() < end, f"{resets} resets in a round"
                time.sleep(0.3)
            assert sum(resets_in_a_round(readers, cluster) for _ in range(5)) == 0
            readers[0].query("set timezone = 'Asia/Tokyo'")
            begin = len(cluster.child.log_text())
            readers[1].query("select count(*) from leak.t")
            assert "RESET ALL" in cluster.child.log_text()[begin:]
    finally:
        cluster.admin("alter system reset log_statement", "select pg_reload_conf()")
