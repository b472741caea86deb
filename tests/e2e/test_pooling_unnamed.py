"""Statements without a name that the gateway keeps on its server connections (`--share-unnamed on`): whoever prepares
one is to notice nothing of it, whatever has become of its tables since."""
from __future__ import annotations

import pytest

import targets
import wire
import wire_messages as m
from hostile_client import rows
from pooling import sessions, sqlstates
from postgres import DATABASE, USER

S = m.sync()
TABLE = "public.unnamed"


@pytest.fixture(scope="module")
def one(target_name, folder, cluster):
    """One server connection, and one worker, so that what was prepared once stands wherever a session works next."""
    if target_name != "bartizan":
        pytest.skip("a setting of Bartizan's")
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=1, queue_timeout="5s",
                           limits="[workers]\nthreads = 1")
    target.command("depot", "set", DATABASE, "--share-unnamed", "on")
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _table(cluster):
    cluster.admin(f"drop table if exists {TABLE}", f"create table {TABLE}(a int)", f"insert into {TABLE} values (1)",
                  f"alter table {TABLE} owner to {USER}")
    yield
    cluster.admin(f"drop table {TABLE}")


def run(sql: str, *values: str) -> bytes:
    return m.parse("", sql) + m.bind("", "", values) + m.describe("P") + m.execute() + S


def shapes(session: wire.Connection, data: bytes) -> list:
    session.send(data)
    replies = session.read_until_ready()
    assert not sqlstates(replies), replies
    assert [x.name for x in replies[:2]] == ["ParseComplete", "BindComplete"], replies
    return [len(x.fields) for x in replies if x.name in ("RowDescription", "DataRow")]


def settle(session: wire.Connection, data: bytes) -> None:
    """Until it stands on the server connection."""
    for _ in range(5):
        shapes(session, data)


def test_other_columns_by_a_change_past_the_gateway(one, cluster):
    """PostgreSQL says 0A000 to the gateway, which then prepares it anew."""
    with sessions(one, 2) as (session, other):
        settle(session, run(f"select * from {TABLE}"))
        for columns in range(2, 5):
            cluster.admin(f"alter table {TABLE} add column c{columns} int")
            for each in (session, other):
                assert shapes(each, run(f"select * from {TABLE}")) == [columns, columns]


def test_what_it_writes_is_written_once(one, cluster):
    with wire.sign_in(one.endpoint()) as session:
        insert = f"insert into {TABLE} values ($1) returning *"
        settle(session, run(insert, "7"))
        cluster.admin(f"alter table {TABLE} add column b text default 'new'")
        assert shapes(session, run(insert, "8")) == [2, 2]
        assert cluster.admin(f"select count(*) from {TABLE} where a = 8") == "1"


def test_parameters_of_another_type_by_a_change_through_the_gateway(one):
    """Their types are those of the table as it is now, not as it was when the statement was first prepared."""
    question = f"select 1 from {TABLE} where a = $1"
    with sessions(one, 2) as (session, owner):
        settle(session, run(question, "1"))
        owner.query(f"alter table {TABLE} alter column a type text")
        session.send(run(question, "not a number"))
        assert sqlstates(session.read_until_ready()) == []
        owner.query(f"insert into {TABLE} values ('not a number')")
        session.send(run(question, "not a number"))
        assert rows(session.read_until_ready()) == [(b"1",)]


def test_within_a_transaction_the_error_is_told(one, cluster):
    """PostgreSQL has failed the transaction by then, and what ran before in it cannot be run again."""
    with wire.sign_in(one.endpoint()) as session:
        settle(session, run(f"select * from {TABLE}"))
        session.query("begin")
        cluster.admin(f"alter table {TABLE} add column b int")
        session.send(run(f"select * from {TABLE}"))
        replies = session.read_until_ready()
        assert sqlstates(replies) in (["0A000"], []) and replies[-1].fields == ("E" if sqlstates(replies) else "T",)
        session.query("rollback")
        assert shapes(session, run(f"select * from {TABLE}")) == [2, 2]


def test_pipelined_statements_keep_their_order(one, cluster):
    """Behind one that could be run again stand others that have run already: then the error is told."""
    with wire.sign_in(one.endpoint()) as session:
        settle(session, run(f"select * from {TABLE}"))
        cluster.admin(f"alter table {TABLE} add column b int")
        session.send(run(f"select * from {TABLE}") + run("select 'second'"))
        first, second = session.read_until_ready(), session.read_until_ready()
        assert sqlstates(first) in (["0A000"], [])
        assert rows(second) == [(b"second",)]
        assert shapes(session, run(f"select * from {TABLE}")) == [2, 2]
