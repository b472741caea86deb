"""Statements prepared by protocol, while the session changes its server connection and its neighbours use the same
names for other texts: every reply is that of a session which has PostgreSQL to itself."""
from __future__ import annotations

import pytest

import pgbouncer
import targets
import wire
import wire_messages as m
from pooling import POOLED, Rotation, assert_shared, extended, transcript

S = m.sync()


@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, **POOLED)
    yield target
    target.stop()


@pytest.fixture(autouse=True)
def _able(target_name):
    if target_name == "pgbouncer" and not pgbouncer.keeps_prepared_statements():
        pytest.skip("this PgBouncer does not carry prepared statements from one server connection to another")


def parse(name: str, sql: str, oids=()) -> bytes:
    return m.parse(name, sql, oids) + S


def run(name: str = "", *values: str, results=()) -> bytes:
    return m.bind("", name, values, results=results) + m.describe("P") + m.execute() + S


# Each step is one write with its replies up to ReadyForQuery (as many as it has Syncs and Queries); the session
# changes its server connection between them.
SCRIPTS: dict[str, list[bytes]] = {
    "reused": [parse("s", "select 'mine', $1::int"), *[run("s", str(i)) for i in range(8)]],
    "several_names": [parse("s", "select 's' || $1"), parse("t", "select 't', $1::int"), parse("u", "select 'u'"),
                      run("t", "1"), run("s", "2"), run("u"), run("s", "3"), run("t", "4")],
    "same_text_two_names": [parse("s", "select $1::int"), parse("t", "select $1::int"), run("s", "1"), m.close("S", "s") + S,
                            run("t", "2"), run("s", "3")],
    "same_text_other_types": [parse("s", "select $1", [23]), parse("t", "select $1", [25]), parse("u", "select $1"),
                              run("s", "1"), run("t", "1"), run("u", "1"), m.describe("S", "s") + S, m.describe("S", "t") + S,
                              m.describe("S", "u") + S],
    "re_parse_needs_close": [parse("s", "select 1"), parse("s", "select 2"), run("s"), m.close("S", "s") + S,
                             parse("s", "select 3"), run("s"), run("s")],
    "close_and_re_parse_in_one_write": [parse("s", "select 1"),
                                        *[m.close("S", "s") + m.parse("s", f"select {i}") + run("s") for i in range(6)], run("s")],
    "failed_re_parse_keeps_the_old": [parse("s", "select 'old'"), parse("s", "selec"), run("s"), m.close("S", "s") + m.parse("s", "selec") + S,
                                      run("s")],
    "failed_parse_leaves_nothing": [parse("s", "selec"), run("s"), parse("s", "select * from no_such_table"), run("s"),
                                    parse("s", "select 'at last'"), run("s")],
    "describe_statement": [parse("s", "select $1::int as a, $2::text as b, now() as c"), *[m.describe("S", "s") + S] * 3,
                           m.describe("S", "nope") + S],
    "describe_without_rows": [parse("s", "set application_name to 'x'"), m.describe("S", "s") + S, parse("e", ""),
                              m.describe("S", "e") + S, run("e")],
    "close_unknown": [m.close("S", "nope") + S, m.close("P", "nope") + S, run("nope"), parse("s", "select 1"), m.close("S", "s") + S,
                      m.close("S", "s") + S, m.describe("S", "s") + S],
    "closed_is_gone": [parse("s", "select 1"), run("s"), m.close("S", "s") + S, run("s"), m.describe("S", "s") + S],
    "unnamed_lives_on": [parse("", "select 'unnamed', $1::int"), run("", "1"), run("", "2"), m.describe("S", "") + S, run("", "3")],
    "unnamed_replaced": [parse("", "select 1"), parse("", "select 2"), run(), run()],
    "unnamed_ends_with_a_query": [parse("", "select 1"), run(), m.query("select 2"), run()],
    "unnamed_after_failed_parse": [parse("", "select 1"), parse("", "selec"), run(), parse("", "select 3"), run()],
    "unnamed_closed": [parse("", "select 1"), m.close("S", "") + S, run()],
    "deallocate": [parse("s", "select 1"), parse("t", "select 2"), run("s"), m.query("deallocate s"), run("s"), run("t"),
                   m.query("deallocate nope"), parse("s", "select 3"), run("s")],
    "deallocate_quoted": [parse("S x", "select 1"), m.query('deallocate "S x"'), run("S x"), parse("S", "select 2"), m.query("deallocate S"), run("S")],
    "deallocate_by_protocol": [parse("s", "select 1"), extended("deallocate s"), run("s"), parse("s", "select 4"), extended("deallocate all"), run("s")],
    "deallocate_all": [parse("s", "select 1"), parse("t", "select 2"), run("s"), m.query("deallocate all"), run("s"), run("t"),
                       parse("s", "select 3"), run("s")],
    "discard_all": [parse("s", "select 1"), run("s"), m.query("discard all"), run("s"), m.describe("S", "s") + S,
                    parse("s", "select 3"), run("s")],
    "discard_plans": [parse("s", "select 1"), m.query("discard plans"), run("s"), run("s")],
    "deallocate_rolled_back": [parse("s", "select 1"), m.query("begin"), m.query("deallocate s"), m.query("rollback"), run("s")],
    "execute_by_sql": [parse("s", "select $1::int * 2", [23]), m.query("execute s(21)"), run("s", "1"), m.query("execute s(2)")],
    "explain_execute_by_sql": [parse("s", "select 1"), m.query("explain (costs off) execute s"), m.query("explain (costs off) execute s")],
    "listed_by_sql": [parse("s", "select $1::int", [23]),
                      *[m.query("select name, statement, parameter_types, from_sql from pg_prepared_statements order by 1")] * 2],
    "survives_error_and_rollback": [parse("s", "select 'alive'"), m.query("select 1/0"), run("s"), m.query("begin"), parse("t", "select 't'"),
                                    m.query("select 1/0"), m.query("rollback"), run("t"), run("s")],
    "made_in_a_failed_group": [m.parse("s", "select 1") + m.parse("", "selec") + m.parse("t", "select 2") + S, run("s"), run("t")],
    "bad_values": [parse("s", "select $1::int"), run("s", "x"), run("s", "1"), run("s"), run("s", "1", "2"), run("s", "7")],
    "rows_in_parts": [parse("s", "select generate_series(1, 5)"), m.query("begin"), m.bind("p", "s") + m.execute("p", 2) + S,
                      m.execute("p", 2) + S, m.execute("p", 2) + S, m.query("commit"), m.execute("p", 2) + S, run("s")],
    "portal_ends_with_its_transaction": [parse("s", "select 1"), m.bind("p", "s") + S, m.execute("p") + S],
    "long_names": [parse("n" * 200, "select 'long'"), run("n" * 200), run("n" * 199), parse("ü ß", "select 'odd'"), run("ü ß")],
    "binary": [parse("s", "select $1::int8, 'x'::text"), *[m.bind("", "s", [b"\0\0\0\0\0\0\1" + bytes([i])], [1], [1]) + m.execute() + S
                                                          for i in range(3)]],
    "two_hundred": [b"".join(m.parse(f"n{i}", f"select {i}, $1::int") for i in range(200)) + S, *[run(f"n{i}", "1") for i in range(0, 200, 25)]],
}


# The others name statements in SQL or that do not exist, for which a gateway may pin.
MUST_SHARE = ("reused", "several_names", "same_text_two_names", "same_text_other_types", "close_and_re_parse_in_one_write",
              "describe_without_rows", "unnamed_lives_on", "unnamed_replaced", "rows_in_parts", "binary", "two_hundred")


def replies_of(session: wire.Connection, script: list[bytes], move) -> list[m.Message]:
    seen = []
    for step in script:
        move()
        session.send(step)
        rest = step
        while rest:  # one ReadyForQuery is due for each Sync and each Query
            kind, length = rest[:1], int.from_bytes(rest[1:5], "big") + 1
            rest = rest[length:]
            if kind in (b"S", b"Q"):
                seen += session.read_until_ready()
    return seen


@pytest.mark.parametrize("name", SCRIPTS)
def test_prepared_statements_follow_their_session(pool, oracle, name):
    script = SCRIPTS[name]
    with wire.sign_in(oracle) as direct:
        expected = transcript(replies_of(direct, script, lambda: None))
    with Rotation(pool.endpoint()) as rotation, wire.sign_in(pool.endpoint()) as session:
        assert transcript(replies_of(session, script, rotation.move)) == expected
        if name in MUST_SHARE:
            assert_shared(pool, session, rotation)


def test_many_clients_use_one_name_for_different_texts(pool):
    """More clients than server connections, in turns, each with its own text and its own columns."""
    sessions = [wire.sign_in(pool.endpoint()) for _ in range(12)]
    try:
        for i, session in enumerate(sessions):
            columns = ", ".join(f"{i} as c{i}_{c}" for c in range(i % 4 + 1))
            session.send(parse("s", f"select {columns}, 'client {i} ' || $1"))
            assert [x.name for x in session.read_until_ready()] == ["ParseComplete", "ReadyForQuery"]
        for lap in range(6):
            for session in sessions:  # all at once
                session.send(m.describe("S", "s") + m.bind("", "s", [str(lap)]) + m.execute() + S)
            for i, session in enumerate(sessions):
                replies = session.read_until_ready()
                described, = [x for x in replies if x.name == "RowDescription"]
                assert [c[0] for c in described.fields] == [f"c{i}_{c}" for c in range(i % 4 + 1)] + ["?column?"]
                row, = [x.fields for x in replies if x.name == "DataRow"]
                assert row[-1] == f"client {i} {lap}".encode()
    finally:
        for session in sessions:
            session.close()


def test_same_text_in_many_clients_each_with_its_own_close(pool):
    """The server may hold the text once; one client's Close takes it from nobody else."""
    sessions = [wire.sign_in(pool.endpoint()) for _ in range(8)]
    try:
        for session in sessions:
            session.send(parse("s", "select 'common ' || $1"))
            session.read_until_ready()
        for i, session in enumerate(sessions):
            session.send(m.close("S", "s") + S)
            session.read_until_ready()
            for j, other in enumerate(sessions):
                other.send(run("s", str(j)))
                replies = other.read_until_ready()
                if j <= i:
                    assert [x.error_field("C") for x in replies if x.name == "ErrorResponse"] == ["26000"]
                else:
                    assert [x.fields for x in replies if x.name == "DataRow"] == [(f"common {j}".encode(),)]
    finally:
        for session in sessions:
            session.close()


def test_statement_notices_that_its_table_changed(pool, cluster, oracle):
    """0A000 `cached plan must not change result type` as PostgreSQL gives it to the session that has prepared it; or its
    rows as they are now, described, where it is prepared on another server connection only then. Never other rows."""
    def changes(endpoint, move) -> list[str]:
        cluster.admin("drop table if exists public.shape", "create table public.shape as select 1 as a",
                      "grant select on public.shape to public")
        with wire.sign_in(endpoint) as session:
            seen = replies_of(session, [parse("s", "select * from public.shape"), run("s")], move)
            cluster.admin("alter table public.shape add column b text default 'new'")
            seen += replies_of(session, [run("s"), m.close("S", "s") + m.parse("s", "select * from public.shape") + S, run("s"), run("s")], move)
        return transcript(seen)
    try:
        expected = changes(oracle, lambda: None)
        assert any("0A000" in line for line in expected)
        with Rotation(pool.endpoint()) as rotation:
            seen = changes(pool.endpoint(), rotation.move)
        if seen != expected:
            told = next(i for i, line in enumerate(expected) if "0A000" in line)
            described = next(line for line in expected[told + 1:] if "RowDescription" in line)
            rows = next(line for line in expected[told + 1:] if "DataRow" in line)
            assert seen[:told] == expected[:told]
            assert seen[told + 1:told + 3] == [described, rows], (seen, expected)
            assert seen[-(len(expected) - told - 2):] == expected[told + 2:], (seen, expected)
    finally:
        cluster.admin("drop table if exists public.shape")


def test_new_session_is_not_told_of_a_change_before_its_time(pool, cluster):
    """A fresh client prepares after the change: its first use must work, whatever the server connections hold."""
    cluster.admin("drop table if exists public.shape", "create table public.shape as select 1 as a", "grant select on public.shape to public")
    try:
        with Rotation(pool.endpoint()) as rotation:
            for columns in range(1, 5):
                for _ in range(3):
                    with wire.sign_in(pool.endpoint()) as session:
                        replies = replies_of(session, [parse("s", "select * from public.shape"), m.describe("S", "s") + S, run("s")],
                                             rotation.move)
                    assert not [x for x in replies if x.name == "ErrorResponse"], replies
                    assert [len(x.fields) for x in replies if x.name in ("RowDescription", "DataRow")] == [columns] * 3
                cluster.admin(f"alter table public.shape add column c{columns} int default {columns}")
    finally:
        cluster.admin("drop table if exists public.shape")
