"""Pitfalls of other poolers that show only where one server connection serves several sessions in turn (numbers as in
test_pitfalls.py). Most run on a single server connection, so that whatever one session leaves the next one meets."""
from __future__ import annotations

import contextlib
import re
import threading
import time
from pathlib import Path

import pytest

import pgbouncer
import targets
import wire
import wire_messages as m
from hostile_client import rows
from pooling import POOLED, Rotation, transcript
from postgres import USER
from processes import wait_for

S = m.sync()


@pytest.fixture(scope="module")
def single(target_name, folder, cluster):
    """A pool of one server connection."""
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=1, queue_timeout="10s")
    yield target
    target.stop()


@pytest.fixture(scope="module")
def pair(target_name, folder, cluster):
    target = targets.start(target_name, folder, cluster, **POOLED)
    yield target
    target.stop()


@pytest.fixture
def table(cluster):
    cluster.admin("drop table if exists public.pitfall", "create table public.pitfall(a int)", "grant all on public.pitfall to " + USER)
    yield
    cluster.admin("drop table public.pitfall")


def needs_prepared(target_name):
    if target_name == "pgbouncer" and not pgbouncer.keeps_prepared_statements():
        pytest.skip("this PgBouncer carries no prepared statements along")


def test_every_pitfall_has_a_test():
    held = {int(n) for path in Path(__file__).parent.glob("test_*pitfalls*.py") for n in re.findall(r"def test_pitfall_(\d\d)_", path.read_text())}
    assert held == set(range(1, 23))


@pytest.mark.parametrize("change,undo", [("valid until '2000-01-01'", "valid until 'infinity'"), ("nologin", "login")])
def test_pitfall_09_standing_connections_do_not_outlive_their_login(single, cluster, change, undo):
    """A server connection stands all the time, so no sign-in needs a new one."""
    def refused() -> bool:
        try:
            wire.sign_in(single.endpoint()).close()
        except (wire.SignInRefused, wire.Eof):
            return True
        return False
    with wire.sign_in(single.endpoint()) as session:
        session.value("select 1")
    cluster.admin(f"alter role {USER} {change}")
    try:
        wait_for(refused, 8, f"a refusal after: alter role {change}", step=0.2)
    finally:
        cluster.admin(f"alter role {USER} {undo}")
    wait_for(lambda: not refused(), 10, "the role's return", step=0.3)


def test_pitfall_12_every_client_is_authenticated_whatever_stands(single):
    with wire.sign_in(single.endpoint()) as good:
        for _ in range(4):
            assert good.value("select 'idle again'") == "idle again"
            with pytest.raises(wire.SignInRefused) as refusal:
                wire.sign_in(single.endpoint().replace(password="wrong")).close()
            assert refusal.value.sqlstate in ("28P01", "28000", "08P01")


def test_pitfall_13_same_text_gives_each_role_its_own_rows(pair, cluster, target_name):
    """CVE-2024-45624: a cached result went to another role. One depot, two logins, row security and privileges."""
    if target_name == "pgbouncer":
        pytest.skip("the second login is made by Bartizan's commands")
    other = USER + "_other"
    cluster.admin("drop table if exists public.owned, public.secret", f"drop role if exists {other}", f"create role {other} login password 'other'",
                  "create table public.owned as select who, 'of ' || who as row from unnest(array['" + f"{USER}', '{other}" + "']) who",
                  "alter table public.owned enable row level security", "create policy own on public.owned using (who = current_user)",
                  "grant select on public.owned to public", "create table public.secret as select 'seen' as a",
                  f"grant select on public.secret to {USER}")
    try:
        depot = cluster.endpoint().dbname
        pair.command("depot", "login", depot, other, "--password-stdin", input="other\n")
        pair.command("identity", "create", other, "--password-stdin", input="other\n")
        pair.command("grant", "add", "--depot", depot, "--identity", other, "--login", other)
        endpoints = {USER: pair.endpoint(), other: pair.endpoint().replace(user=other, password="other")}
        wait_for(lambda: _signs_in(endpoints[other]), 5, "the other identity")
        with contextlib.ExitStack() as stack:
            sessions = {who: stack.enter_context(wire.sign_in(endpoint)) for who, endpoint in endpoints.items()}
            for lap in range(4):
                for who, session in sessions.items():
                    text = "select row from public.owned"
                    if lap % 2:
                        session.send(m.parse("", text) + m.bind() + m.execute() + S)
                    else:
                        session.send(m.query(text))
                    assert rows(session.read_until_ready()) == [(f"of {who}".encode(),)]
                    seen = session.query("select a from public.secret")
                    assert bool(rows(seen)) == (who == USER), seen
    finally:
        pair.command("identity", "delete", other, check=False)
        cluster.admin("drop table public.owned, public.secret")


def _signs_in(endpoint) -> bool:
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused:
        return False
    return True


# One text, two sessions, another meaning in each: by settings that act when a statement is parsed, planned or shown.
MEANINGS = {
    "datestyle": ({"DateStyle": "ISO, MDY"}, {"DateStyle": "ISO, DMY"}, "select '01/02/2020'::date + 0"),
    "timezone": ({"TimeZone": "UTC"}, {"TimeZone": "Asia/Tokyo"}, "select '2020-01-01 00:00'::timestamptz at time zone 'UTC'"),
    "intervalstyle": ({"IntervalStyle": "postgres"}, {"IntervalStyle": "iso_8601"}, "select '1 day 2 hours'::interval"),
    "intervalstyle_input": ({"IntervalStyle": "postgres"}, {"IntervalStyle": "sql_standard"}, "select '-1 1:00:00'::interval = '-1 day -1 hour'::interval"),
    "standard_conforming_strings": ({"standard_conforming_strings": "on"}, {"standard_conforming_strings": "off"}, "select 'a\\\\b'"),
    "client_encoding": ({"client_encoding": "UTF8"}, {"client_encoding": "LATIN1"}, b"select '\xc3\xa4', length('\xc3\xa4')"),
    "extra_float_digits": ({"extra_float_digits": "-10"}, {"extra_float_digits": "1"}, "select 0.1::float8 + 0.2::float8"),
    "search_path": ({"search_path": "one"}, {"search_path": "two"}, "select v from t"),
    "search_path_function": ({"search_path": "one"}, {"search_path": "two"}, "select f()"),
    "search_path_type": ({"search_path": "one"}, {"search_path": "two"}, "select 'x'::d::text || pg_typeof('x'::d)::text"),
    "search_path_operator": ({"search_path": "one, pg_catalog"}, {"search_path": "pg_catalog, one"}, "select 1 + 1"),
    "bytea_output": ({"bytea_output": "hex"}, {"bytea_output": "escape"}, "select 'a'::bytea"),
    "array_nulls": ({"array_nulls": "on"}, {"array_nulls": "off"}, "select ('{null}'::text[])[1] is null"),
    "transform_null_equals": ({"transform_null_equals": "on"}, {"transform_null_equals": "off"}, "select null::int = null"),
    "backslash_quote": ({"backslash_quote": "on"}, {"backslash_quote": "off"}, "select E'a\\'b'"),
    "read_only": ({"default_transaction_read_only": "on"}, {"default_transaction_read_only": "off"}, "create temp table pg_temp_probe on commit drop as select 1"),
    "application_name": ({"application_name": "one"}, {"application_name": "two"}, "select current_setting('application_name')"),
}


@pytest.fixture(scope="module")
def schemas(cluster):
    made = ["drop schema if exists one cascade", "drop schema if exists two cascade"]
    for schema, value in (("one", "'one'::text"), ("two", "2::int8")):
        made += [f"create schema {schema}", f"create table {schema}.t as select {value} as v",
                 f"create function {schema}.f() returns text language sql as $$ select 'f of {schema}' $$",
                 f"create domain {schema}.d as {'text' if schema == 'one' else 'varchar(10)'}"]
    cluster.admin(*made, "create function one.plus(int, int) returns int language sql as 'select 77'",
                  "create operator one.+ (leftarg = int, rightarg = int, function = one.plus)", "grant usage on schema one, two to public",
                  "grant select on one.t, two.t to public")
    yield
    cluster.admin("drop schema one cascade", "drop schema two cascade")


@pytest.mark.parametrize("how", ["startup", "set"])
@pytest.mark.parametrize("protocol", ["simple", "unnamed", "named"])
@pytest.mark.parametrize("name", MEANINGS)
def test_pitfall_15_same_text_other_meaning(pair, oracle, schemas, target_name, request, name, protocol, how):
    if target_name == "pgbouncer":
        if protocol == "named":
            needs_prepared(target_name)
        request.applymarker(pytest.mark.xfail(reason="tracks five settings only", strict=False))
    first, second, text = MEANINGS[name]

    def play(endpoint) -> list[str]:
        sessions = [wire.sign_in(endpoint, settings if how == "startup" else {}) for settings in (first, second)]
        try:
            if how == "set":
                for session, settings in zip(sessions, (first, second)):
                    for key, value in settings.items():
                        session.query(f"set {key} to {value if key == 'search_path' else repr(value)}")
            seen = []
            for lap in range(4):
                for session in sessions if lap != 2 else reversed(sessions):
                    data = m.bind("", "s" if protocol == "named" else "") + m.describe("P") + m.execute() + S
                    if protocol == "simple":
                        data = m.query(text)
                    elif protocol == "unnamed" or lap == 0:
                        data = m.parse("s" if protocol == "named" else "", text) + data
                    session.send(data)
                    seen += session.read_until_ready()
            return transcript(seen)
        finally:
            for session in sessions:
                session.close()
    assert play(pair.endpoint()) == play(oracle)


def test_pitfall_16_storm_of_cancels_hits_its_own_session_only(single):
    """One client's cancels never cease while it and another take turns on one server connection."""
    ending = threading.Event()
    with wire.sign_in(single.endpoint()) as restless, wire.sign_in(single.endpoint()) as other:
        pid, key = restless.pid, restless.key

        def storm() -> None:
            while not ending.is_set():
                try:
                    wire.send_cancel(single.endpoint(), pid, key)
                except (OSError, wire.Timeout):
                    pass
        threads = [threading.Thread(target=storm, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for lap in range(60):
                restless.send(m.query("select pg_sleep(0.004)"))
                other.send(m.query(f"select pg_sleep(0.004), {lap}"))
                assert all(x.error_field("C") == "57014" for x in restless.read_until_ready() if x.name == "ErrorResponse")
                assert rows(other.read_until_ready()) == [(b"", str(lap).encode())]
        finally:
            ending.set()
            for thread in threads:
                thread.join(20)


def test_pitfall_16_cancel_does_not_wait_behind_the_statement_it_cancels(single):
    """All server connections are busy with it; the cancel needs none of them."""
    for _ in range(3):
        with wire.sign_in(single.endpoint()) as session:
            session.send(m.query("select pg_sleep(20)"))
            time.sleep(0.2)
            begin = time.monotonic()
            wire.send_cancel(single.endpoint(), session.pid, session.key)
            assert [x.error_field("C") for x in session.read_until_ready() if x.name == "ErrorResponse"] == ["57014"]
            assert time.monotonic() - begin < 3


def test_pitfall_17_replies_fit_when_statements_are_evicted_and_prepared_anew(single, target_name):
    """More statements than any pooler keeps on a server connection, used across errors and skips by two sessions."""
    needs_prepared(target_name)
    count = 600
    with wire.sign_in(single.endpoint()) as first, wire.sign_in(single.endpoint()) as second:
        for number, session in enumerate((first, second)):
            session.send(b"".join(m.parse(f"s{i}", f"select 'n{number}', {i}, $1::int") for i in range(count)) + S)
            replies = session.read_until_ready(60)
            assert [x.name for x in replies] == ["ParseComplete"] * count + ["ReadyForQuery"]
        for lap in range(3):
            for number, session in enumerate((first, second)):
                data, expected = b"", []
                for i in range(lap, count, 7):
                    if i % 5 == 0:
                        data += m.bind("", f"s{i}", ["x"]) + m.execute() + m.bind("", f"s{i + 1}", ["1"]) + m.close("S", "nope") + S
                        expected.append("22P02")
                    elif i % 5 == 1:
                        data += m.parse("", "selec") + m.bind("", f"s{i}", ["1"]) + m.execute() + m.describe("S", f"s{i}") + S
                        expected.append("42601")
                    else:
                        data += m.describe("S", f"s{i}") + m.bind("", f"s{i}", [str(lap)]) + m.execute() + S
                        expected.append((f"n{number}".encode(), str(i).encode(), str(lap).encode()))
                session.send(data)
                for due in expected:
                    replies = session.read_until_ready(30)
                    if isinstance(due, tuple):
                        assert [x.name for x in replies] == ["ParameterDescription", "RowDescription", "BindComplete", "DataRow", "CommandComplete",
                                                             "ReadyForQuery"]
                        assert rows(replies) == [due]
                    else:
                        assert [x.error_field("C") for x in replies if x.name == "ErrorResponse"] == [due], replies


def test_pitfall_17_failed_preparation_by_the_gateway_is_one_reply(pair, cluster, target_name):
    """A statement that was good cannot be prepared on the next server connection, as its table has gone."""
    needs_prepared(target_name)
    cluster.admin("drop table if exists public.vanishing", "create table public.vanishing as select 1 as a", f"grant select on public.vanishing to {USER}")
    with Rotation(pair.endpoint()) as rotation, wire.sign_in(pair.endpoint()) as session:
        session.send(m.parse("s", "select a from public.vanishing") + m.parse("t", "select 'still here'") + S)
        session.read_until_ready()
        cluster.admin("drop table public.vanishing")
        for _ in range(4):
            rotation.move()
            session.send(m.parse("", "select 1") + m.bind("", "s") + m.execute() + m.describe("S", "t") + S
                         + m.bind("", "t") + m.execute() + S)
            replies = session.read_until_ready()
            assert [x.name for x in replies] == ["ParseComplete", "ErrorResponse", "ReadyForQuery"], replies
            assert replies[1].error_field("C") == "42P01"
            assert rows(session.read_until_ready()) == [(b"still here",)]


@pytest.mark.parametrize("start", ["fresh_connection", "pending_setting", "unnamed"])
def test_pitfall_18_nothing_is_committed_before_the_clients_sync(pair, cluster, table, target_name, start):
    """Whatever the gateway must first do on the server connection, the client's group stays one transaction."""
    if start == "fresh_connection":
        needs_prepared(target_name)
    with Rotation(pair.endpoint()) as rotation, wire.sign_in(pair.endpoint()) as session:
        session.send(m.parse("s", "insert into public.pitfall values (1)") + S)
        session.read_until_ready()
        for _ in range(4):
            if start == "pending_setting":
                session.query("set timezone to 'Asia/Tokyo'")
            rotation.move()
            name = "s" if start == "fresh_connection" else ""
            session.send((b"" if name else m.parse("", "insert into public.pitfall values (2)")) + m.bind("", name) + m.execute() + m.flush())
            session.read_until("CommandComplete")
            time.sleep(0.1)
            assert cluster.admin("select count(*) from public.pitfall") == "0", "committed before the Sync"
            session.send(m.parse("", "select 1/0") + m.bind() + m.execute() + S)
            assert session.read_until_ready()[-1].fields == ("I",)
    assert cluster.admin("select count(*) from public.pitfall") == "0"


def test_pitfall_18_simple_multi_statement_stays_one_transaction(pair, cluster, table, target_name, request):
    if target_name == "pgbouncer":
        request.applymarker(pytest.mark.xfail(reason="takes the rolled-back value for the session's", strict=False))
    with Rotation(pair.endpoint()) as rotation, wire.sign_in(pair.endpoint()) as session:
        for _ in range(4):
            rotation.move()
            replies = session.query("set application_name to 'inside'; insert into public.pitfall values (1); select 1/0")
            assert [x.error_field("C") for x in replies if x.name == "ErrorResponse"] == ["22012"]
            rotation.move()
            assert session.value("show application_name") == ""
    assert cluster.admin("select count(*) from public.pitfall") == "0"


@pytest.mark.parametrize("moment", ["in_transaction", "copy", "rows_due", "waiting", "group_open", "at_rest"])
def test_pitfall_19_single_connection_survives_its_users(single, cluster, table, moment):
    """The one server connection goes on, clean, or is replaced, at once, however its user ends."""
    data = {"in_transaction": m.query("begin; insert into public.pitfall values (1)"), "copy": m.query("copy public.pitfall from stdin") + m.copy_data("1\n"),
            "rows_due": m.query("select repeat('dead', 1000) from generate_series(1, 20000)"), "waiting": m.query("select 'dead', pg_sleep(0.3)"),
            "group_open": m.parse("", "insert into public.pitfall values (1)") + m.bind() + m.execute() + m.flush(), "at_rest": m.query("select 'dead'")}[moment]
    for lap in range(8):
        dying = wire.sign_in(single.endpoint())
        dying.send(data)
        if lap % 2:
            time.sleep(0.1)
        dying.close()
        with wire.sign_in(single.endpoint()) as session:
            begin = time.monotonic()
            replies = session.query(f"select 'lap {lap}'")
            assert rows(replies) == [(f"lap {lap}".encode(),)] and replies[-1].fields == ("I",)
            assert time.monotonic() - begin < 5
    assert cluster.admin("select count(*) from public.pitfall") == "0"


@pytest.mark.parametrize("end", ["terminate", "vanish", "unlock"])
@pytest.mark.parametrize("taken", ["select pg_advisory_lock(2100)", "select pg_advisory_lock_shared(2100)", "do $$ begin perform pg_advisory_lock(2100); end $$",
                                   "begin; select pg_advisory_lock(2100); commit", "begin; select pg_advisory_lock(2100); rollback",
                                   "select f from (select pg_try_advisory_lock(2100) f) x"])
def test_pitfall_21_session_lock_is_held_by_its_session_and_goes_with_it(pair, cluster, target_name, request, taken, end):
    if target_name == "pgbouncer":
        request.applymarker(pytest.mark.xfail(reason="the lock stays on the pooled server connection", strict=False))
    held = "select count(*) from pg_locks where locktype = 'advisory' and objid = 2100"
    cluster.admin("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 2100")
    with wire.sign_in(pair.endpoint()) as other:
        owner = wire.sign_in(pair.endpoint())
        owner.query(taken)
        for _ in range(4):
            assert other.value("select pg_try_advisory_lock(2100)") == "f"
        assert cluster.admin(held) == "1"
        if end == "unlock":
            owner.query("select pg_advisory_unlock_all()")
        elif end == "terminate":
            owner.send(m.terminate())
        if end != "unlock":
            owner.close()
        wait_for(lambda: cluster.admin(held) == "0", 5, "the end of the lock")
        assert other.value("select pg_try_advisory_lock(2100)") == "t"
        owner.close()
