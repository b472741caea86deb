"""The faults that became CVEs or silent cross-client faults in other poolers, by their number in
the research's table. This file holds those which a client can provoke; test_pitfalls_cancel.py those of CancelRequest, test_pitfalls_server.py
those which need a malicious server. Several have more cases in test_hostile.py and in the differential scenarios."""
from __future__ import annotations

import struct
import time

import pytest

import wire
import wire_messages as m
from hostile_client import PROMPT, assert_closed, open_tls, rows, start_scram
from postgres import SIGN_IN_SECONDS, USER
from processes import cpu_seconds, resident_kib
from wire_scram import ScramClient

pytestmark = pytest.mark.usefixtures("still_serves")


@pytest.mark.parametrize("stuffed", ["startup", "garbage", "one_byte"])
def test_pitfall_01_bytes_after_ssl_request(endpoint, stuffed):
    """What came in plaintext must never be taken as if it had come through TLS."""
    data = {"startup": m.startup({"user": endpoint.user, "database": endpoint.dbname, "application_name": "stuffed"}),
            "garbage": b"\0" * 30, "one_byte": b"\0"}[stuffed]
    with wire.Connection(endpoint) as connection:
        connection.send(m.ssl_request() + data)
        try:
            if connection.read_bytes(1) == b"S":
                connection.handshake()  # a careful target has closed by now, else it must after the handshake
                assert_closed(connection, SIGN_IN_SECONDS + PROMPT)
        except (OSError, wire.Eof):
            pass  # closed before or during the handshake: better still


@pytest.mark.parametrize("stage", ["offer", "after_first", "after_final_sent"])
def test_pitfall_03_second_startup_during_scram(endpoint, stage):
    """CVE-2026-107350: one exchange as oneself, another name slipped in before its end."""
    other = m.startup({"user": "postgres", "database": "postgres"})
    with start_scram(endpoint) as connection:
        scram = ScramClient(endpoint.password)
        if stage == "offer":
            connection.send(other)
        else:
            connection.send(m.sasl_initial(scram.mechanism, scram.first()))
            server_first = connection.read_message().fields[0]
            if stage == "after_first":
                connection.send(other + m.sasl_response(scram.final(server_first)))
            else:
                connection.send(m.sasl_response(scram.final(server_first)) + other + m.query("select current_user"))
        messages = connection.read_to_end(SIGN_IN_SECONDS + PROMPT)
    assert "AuthenticationSASL" not in [x.name for x in messages], "a second sign-in was begun"
    assert not rows(messages)
    if stage != "after_final_sent":
        assert "AuthenticationOk" not in [x.name for x in messages]


def test_pitfall_03_user_cannot_change_after_scram_first(endpoint):
    """The name inside SCRAM's own message counts for nothing."""
    with start_scram(endpoint) as connection:
        scram = ScramClient(endpoint.password)
        scram.first_bare = f"n=postgres,r={scram.nonce}"
        connection.send(m.sasl_initial(scram.mechanism, scram.first()))
        server_first = connection.read_message()
        if server_first.name == "ErrorResponse":
            return
        connection.send(m.sasl_response(scram.final(server_first.fields[0])))
        connection.finish_startup()
        assert connection.value("select session_user") == endpoint.user


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0xFFFFFFFB, 70_000, 3, 0])
@pytest.mark.parametrize("stage", ["initial", "response"])
def test_pitfall_04_length_overflow_in_scram(endpoint, target, stage, length):
    before = resident_kib(target.child.pid)
    with start_scram(endpoint) as connection:
        if stage == "response":
            scram = ScramClient(endpoint.password)
            connection.send(m.sasl_initial(scram.mechanism, scram.first()))
            assert connection.read_message().name == "AuthenticationSASLContinue"
        connection.send(m.raw("p", b"SCRAM-SHA-256\0", length))
        assert_closed(connection)
    assert resident_kib(target.child.pid) - before < 32 * 1024


@pytest.mark.parametrize("inner", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0x0000FFFF, 0])
def test_pitfall_04_length_overflow_inside_sasl_initial(endpoint, inner):
    with start_scram(endpoint) as connection:
        connection.send(m.password(b"SCRAM-SHA-256\0" + struct.pack("!I", inner) + b"n,,n=,r=abcdefgh"))
        assert_closed(connection)


@pytest.mark.parametrize("options", ["-c=", "-c =", "-c =x", "--=", "--=x", "-c", "--", "-", "-c= -c=", "\\", "-c a=\\",
                                     "-c\t=", "-c ''=1", "--c=--c=--c=", "-c x", "=" * 500, "-" * 500, " -c=" * 500])
def test_pitfall_07_options_parser_always_ends(endpoint, target, options):
    """CVE-2026-107349: an empty name spun for ever. Answered, whatever the answer is."""
    begin = time.monotonic()
    with open_tls(endpoint) as connection:
        connection.send_startup({"options": options})
        try:
            connection.finish_startup()
        except (wire.SignInRefused, wire.Eof):
            pass
    assert time.monotonic() - begin < PROMPT
    before = cpu_seconds(target.child.pid)
    time.sleep(0.2)
    assert cpu_seconds(target.child.pid) - before < 0.15, "still busy after the connection has gone"


def test_pitfall_08_search_path_of_the_client_is_not_used_by_the_gateway(endpoint, cluster):
    """Look-alikes of everything that a gateway may read at sign-in lie first in the search_path; none may run."""
    names = ("pg_authid", "pg_shadow", "pg_roles", "pg_user", "pg_database", "pg_settings", "pg_class", "pg_auth_members")
    views = [f"create view evil.{n} as select evil.trap('{n}') as rolname, now() as rolvaliduntil, true as rolcanlogin, "
             f"'x' as usename, 'x' as passwd, 'x' as datname, 'x' as name, 1 as oid" for n in names]
    cluster.admin("drop schema if exists evil cascade", "create schema evil", "create table evil.caught(what text, who text)",
                  "create function evil.trap(what text) returns text language plpgsql as $$ begin "
                  "insert into evil.caught values (what, session_user); return what; end $$",
                  "create function evil.trap_op(text, text) returns bool language plpgsql as $$ begin "
                  "insert into evil.caught values ('operator', session_user); return true; end $$",
                  "create operator evil.= (leftarg = text, rightarg = text, function = evil.trap_op)",
                  *views, "grant usage on schema evil to public", "grant all on all tables in schema evil to public")
    try:
        for parameters in ({"search_path": "evil, pg_catalog"}, {"options": "-c search_path=evil,pg_catalog"}):
            try:
                with wire.sign_in(endpoint, parameters) as connection:
                    assert connection.value("show search_path").replace(" ", "") == "evil,pg_catalog"
                with wire.sign_in(endpoint) as connection:  # and whoever gets that server connection next
                    connection.value("select 1")
            except wire.SignInRefused:
                pass  # refusing the parameter is no leak
        assert cluster.admin("select string_agg(what || ' as ' || who, ', ') from evil.caught") is None
    finally:
        cluster.admin("drop schema evil cascade")


@pytest.mark.parametrize("change,undo", [
    ("valid until '2000-01-01'", "valid until 'infinity'"), ("nologin", "login"), ("password null", None)])
def test_pitfall_09_expired_and_disabled_roles_stay_out(endpoint, cluster, change, undo):
    with wire.sign_in(endpoint) as connection:
        assert connection.value("select 1") == "1"
    verifier = cluster.verifiers()[USER]
    cluster.admin(f"alter role {USER} {change}")
    try:
        # a session that existed may go on; its backend must not be lent to a new sign-in for long
        deadline = time.monotonic() + 5
        while True:
            try:
                wire.sign_in(endpoint).close()
            except (wire.SignInRefused, wire.Eof) as refused:
                if isinstance(refused, wire.SignInRefused):
                    # 08006: Bartizan's own sign-in as that role failed, whose reason is not the client's to know
                    assert refused.sqlstate in ("28P01", "28000", "08P01", "08006"), refused
                break
            assert time.monotonic() < deadline, f"still let in after: alter role {change}"
            time.sleep(0.2)
    finally:
        cluster.admin(f"alter role {USER} {undo}" if undo else f"alter role {USER} password '{verifier}'")
    end = time.monotonic() + 10
    while True:
        try:
            wire.sign_in(endpoint).close()
            return
        except wire.SignInRefused:
            assert time.monotonic() < end, "does not come back"
            time.sleep(0.3)


@pytest.mark.parametrize("user", ["no_such_user", "", "pgbouncer", "bartizan", "APP", "app ", "app\x00x", "pg_monitor",
                                  "public", "auth_user", "a" * 63, "a" * 5000, "' or 1=1 --", "%s%s%n"])
@pytest.mark.parametrize("password", ["", "x"])
def test_pitfall_10_unknown_user_never_gets_in(endpoint, user, password):
    with pytest.raises((wire.SignInRefused, wire.Eof)):
        wire.sign_in(endpoint.replace(user=user.split("\0")[0] or "", password=password)).close()


@pytest.mark.gateway
@pytest.mark.parametrize("dbname", ["pgbouncer", "bartizan", "admin", "pgpool", "odyssey", "console", "template1"])
def test_pitfall_11_no_console_for_ordinary_users(endpoint, cluster, dbname):
    """If such a database opens at all, it shows no secret and kills nobody."""
    secrets = [v.split("$")[2][:20] for v in cluster.verifiers().values()] + [endpoint.password]
    with wire.sign_in(endpoint) as other:
        try:
            with wire.sign_in(endpoint.replace(dbname=dbname)) as connection:
                shown = ""
                for command in ("show users", "show config", "show pool_status", "show clients", "show databases",
                                "kill app", "shutdown", "pause", "suspend", "reload"):
                    shown += str(connection.query(command))
                assert not [s for s in secrets if s in shown]
        except (wire.SignInRefused, wire.Eof):
            pass
        assert other.value("select 1") == "1"


def test_pitfall_12_every_client_is_authenticated(endpoint):
    """CVE-2025-46801: a connection of the same user was cached, so the next client was not asked."""
    for _ in range(5):
        with wire.sign_in(endpoint) as connection:
            connection.value("select 1")
        with pytest.raises(wire.SignInRefused) as refusal:
            wire.sign_in(endpoint.replace(password="wrong")).close()
        assert refusal.value.sqlstate in ("28P01", "28000", "08P01")


@pytest.mark.parametrize("kind,prefix", [("Q", b"select '"), ("P", b"\0select '"), ("B", b"\0\0"), ("d", b"x"), ("F", b"\0\0\0\1")])
@pytest.mark.parametrize("length", [0x40000000, 0x7FFFFFFF, 0x80000010, 0xFFFFFFFF])
def test_pitfall_14_message_of_1_gib_and_more_is_refused(endpoint, kind, prefix, length):
    with wire.sign_in(endpoint) as connection:
        connection.send(m.raw(kind, prefix + b"x" * 100, length))
        messages = connection.read_to_end(PROMPT)
    assert all(x.error_field("S") == "FATAL" for x in messages), messages


def test_pitfall_14_parameter_count_does_not_wrap(endpoint):
    """65,535 parameters are the protocol's limit; one more wraps to none."""
    with wire.sign_in(endpoint) as connection:
        body = b"\0\0" + struct.pack("!H", 0) + struct.pack("!H", 65536 & 0xFFFF) + struct.pack("!i", -1) * 65536
        connection.send(m.parse("", "select 1") + m.raw("B", body + b"\0\0") + m.sync())
        replies = connection.read_until_ready()
        assert [x.error_field("C") for x in replies if x.name == "ErrorResponse"] == ["08P01"]


def test_pitfall_15_same_text_means_another_thing_in_another_session(endpoint, cluster):
    cluster.admin("drop schema if exists one cascade", "drop schema if exists two cascade", "create schema one",
                  "create schema two", "create table one.t as select 'one' as v", "create table two.t as select 2::int8 as v",
                  "grant usage on schema one, two to public", "grant select on one.t, two.t to public")
    try:
        with wire.sign_in(endpoint) as first, wire.sign_in(endpoint) as second:
            first.query("set search_path to one")
            second.query("set search_path to two")
            for _ in range(10):
                for connection, value, oid in ((first, b"one", 25), (second, b"2", 20)):
                    connection.send(m.parse("s", "select v from t") + m.bind("", "s") + m.describe("P") + m.execute()
                                    + m.close("S", "s") + m.sync())
                    replies = connection.read_until_ready()
                    assert rows(replies) == [(value,)]
                    assert [x.fields[0][3] for x in replies if x.name == "RowDescription"] == [oid]
            second.query("set search_path to one")
            assert rows(second.query("select v from t")) == [(b"one",)]
    finally:
        cluster.admin("drop schema one cascade", "drop schema two cascade")


def test_pitfall_17_replies_stay_in_order_with_skips_and_errors(endpoint):
    """Twenty pipelines of many shapes at once on one connection; every reply belongs to its own message."""
    with wire.sign_in(endpoint) as connection:
        data, expected = b"", []
        for i in range(20):
            fails = i % 3 == 1
            data += m.parse(f"s{i}", f"select {i}") + m.bind("", f"s{i}") + m.execute()
            expected.append(("DataRow", str(i)))
            if fails:
                data += m.bind("", "nope") + m.execute() + m.close("S", f"s{i}") + m.describe("S", "nope")
                expected.append(("ErrorResponse", "26000"))
            data += m.sync()
            expected.append(("ReadyForQuery", "I"))
        connection.send(data)
        seen = []
        for _ in range(20):
            for x in connection.read_until_ready():
                if x.name == "DataRow":
                    seen.append((x.name, x.fields[0].decode()))
                elif x.name == "ErrorResponse":
                    seen.append((x.name, x.error_field("C")))
                elif x.name == "ReadyForQuery":
                    seen.append((x.name, x.fields[0]))
        assert seen == expected


def test_pitfall_18_no_sync_is_injected_into_a_pipeline(endpoint, cluster):
    """Flush, wait for the replies, then fail: the group is one transaction, so nothing of it may stay."""
    cluster.admin("create table public.pitfall_18(a int)", f"grant all on public.pitfall_18 to {USER}")
    try:
        with wire.sign_in(endpoint) as connection:
            connection.send(m.parse("", "insert into public.pitfall_18 values (1)") + m.bind() + m.execute() + m.flush())
            connection.read_until("CommandComplete")
            time.sleep(0.3)
            assert cluster.admin("select count(*) from public.pitfall_18") == "0", "committed before the Sync"
            connection.send(m.parse("", "select 1/0") + m.bind() + m.execute() + m.sync())
            assert connection.read_until_ready()[-1].fields == ("I",)
        assert cluster.admin("select count(*) from public.pitfall_18") == "0"
    finally:
        cluster.admin("drop table public.pitfall_18")


_DEATHS = {
    "idle_in_transaction": m.query("begin; create temp table leftover(a int)"),
    "failed_transaction": m.query("begin; select 1/0"),
    "mid_message": m.query("begin") + m.query("select 'half")[:9],
    "replies_in_flight": m.query("begin; select repeat('x', 1000) from generate_series(1, 50000)"),
    "copy_in": m.query("begin; create temp table leftover(a int); copy leftover from stdin") + m.copy_data("1\n"),
    "copy_out": m.query("copy (select repeat('x', 1000) from generate_series(1, 50000)) to stdout"),
    "pipeline_without_sync": m.parse("left_s", "select 1") + m.bind("left_p", "left_s") + m.flush(),
    "skipping_to_sync": m.query("begin") + m.parse("", "selec") + m.parse("", "select 2"),
    "running": m.query("select pg_sleep(0.3)"),
    "session_state": m.query("set application_name to leftover; set work_mem to '3MB'; listen leftover; "
                             "select pg_advisory_lock(1919); create temp table leftover(a int)"),
}


@pytest.mark.parametrize("death", _DEATHS)
def test_pitfall_19_next_client_gets_a_clean_session(endpoint, death):
    for polite in (False, True):
        connection = wire.sign_in(endpoint)
        connection.send(_DEATHS[death] + (m.terminate() if polite else b""))
        try:
            connection.read_bytes(1, seconds=1.0)
        except (wire.Timeout, wire.Eof):
            pass
        connection.close()
        sessions = [wire.sign_in(endpoint) for _ in range(3)]
        try:
            for session in sessions:
                first = session.query("select 'fresh', to_regclass('leftover') is null, current_setting('work_mem'), "
                                      "current_setting('application_name'), (select count(*) from pg_listening_channels()), "
                                      "(select count(*) from pg_prepared_statements where name not like 'bartizan\\_%'), "
                                      "(select count(*) from pg_cursors)")
                assert rows(first) == [(b"fresh", b"t", b"4MB", b"", b"0", b"0", b"0")], death
                assert first[-1].fields == ("I",), "inherited a transaction"
        finally:
            for session in sessions:
                session.close()


def test_pitfall_20_empty_statement_in_aborted_transaction_is_answered(endpoint):
    """psql: begin; bogus; ; \\gdesc hung in Odyssey."""
    with wire.sign_in(endpoint) as connection:
        connection.query("begin")
        assert connection.query("bogus")[-1].fields == ("E",)
        connection.send(m.parse("", "") + m.sync())
        assert [x.name for x in connection.read_until_ready(PROMPT)] == ["ParseComplete", "ReadyForQuery"]
        connection.send(m.describe("S", "") + m.sync())
        names = [x.name for x in connection.read_until_ready(PROMPT)]
        assert names[-1] == "ReadyForQuery"


def test_pitfall_21_advisory_locks_end_with_their_session(endpoint):
    with wire.sign_in(endpoint) as connection:
        assert connection.value("select pg_try_advisory_lock(2121)") == "t"
        connection.send(m.terminate())
        connection.read_to_end()
    end = time.monotonic() + 5
    while True:
        with wire.sign_in(endpoint) as connection:
            if connection.value("select pg_try_advisory_lock(2121)") == "t":
                return
        assert time.monotonic() < end, "held on after its session ended"
        time.sleep(0.1)


SYNTAX_ERRORS = ["selec 1", "select * frm x", "select 'a", "select \"a", "select 1 +", "/* open", "select $$a", "select 1;; selec",
                 "créate tâble", "select é é é frm", "\tselect\n\n  frm frm", "insert into", "select (((", "select 1))",
                 "with x as (select 1", "merge into t using", "select U&'\\zz'", "select 1 as 1", "copy t from", "\\d", "%%%"]


@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_pitfall_22_syntax_errors_are_postgresqls_own(endpoint, oracle, protocol):
    with wire.sign_in(endpoint) as through, wire.sign_in(oracle) as direct:
        for text in SYNTAX_ERRORS:
            replies = []
            for connection in (direct, through):
                connection.send(m.query(text) if protocol == "simple" else m.parse("", text) + m.sync())
                replies.append([dict(x.fields) if x.name == "ErrorResponse" else x.name for x in connection.read_until_ready()])
            assert replies[1] == replies[0], text
