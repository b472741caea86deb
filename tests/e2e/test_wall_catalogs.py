"""What a consumer is shown of the system catalogs: its own tables under their own names, and nothing else."""
from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

import walled
import wire_messages as m

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction")
    yield started
    started.stop()


def _psql(world, command: str, *options: str, name: str = "ana@north") -> str:
    end = world.endpoint(name)
    done = subprocess.run(
        ["psql", "-X", "-A", *options, "-v", "ON_ERROR_STOP=1", "-c", command,
         f"host={end.host} port={end.port} user={end.user} dbname={end.dbname} sslmode=verify-full "
         f"sslrootcert={end.ca_file}"],
        env={**os.environ, "PGPASSWORD": end.password, "PGCLIENTENCODING": "UTF8"}, capture_output=True, text=True,
        timeout=60)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


# psql's questions; each is several statements over many catalogs.
_COMMANDS = [r"\d", r"\d+", r"\dt", r"\dt *.*", r"\dt+ shop.*", r"\d shop.*", r"\d+ shop.customers", r"\d shop.orders",
             r"\d+ shop.events", r"\di shop.*", r"\ds", r"\ds shop.*", r"\dv *.*", r"\dm *.*", r"\dn", r"\dn+", r"\du",
             r"\l", r"\l+", r"\dT", r"\dT+ *.*", r"\df", r"\df shop.*", r"\dp", r"\z shop.*", r"\dx", r"\dc", r"\dC",
             r"\dd", r"\ddp", r"\dE", r"\des", r"\dew", r"\dF", r"\dg", r"\dL", r"\do", r"\dO", r"\drds", r"\dRp", r"\dP",
             r"\dX", r"\dy", r"\db", r"\dA", r"\dD", r"\sf upper(text)"]

_REFUSED = [r"\sf upper(text)", r"\dd", r"\dL", r"\dO"]


@pytest.mark.parametrize("command", _COMMANDS)
def test_psql_describes_without_telling(world, command):
    """They work, or are refused by name; none shows what the consumer may not know."""
    try:
        shown = _psql(world, command)
    except AssertionError as failed:
        assert command in _REFUSED, failed
        assert any(word in str(failed) for word in ("permitted", "not supported", "tableoid does not exist")), failed
        return
    for word in ("qzx7", "vault", "history", "all_customers", "old_customers", "secret", "margin", "peek",
                 "events_north", "events_lake", "big_numbers", "grade", "bartizan_views", "walled_owner", "bz_"):
        assert word not in shown.lower(), (command, word, shown)


def test_psql_lists_the_consumers_tables(world):
    assert {line.split("|")[1] for line in _psql(world, r"\dt shop.*", "-t").splitlines()} >= {
        "customers", "orders", "events", "tickets", "countries"}
    described = _psql(world, r"\d shop.orders")
    for part in ("id|bigint||not null", "price|numeric(10,2)", "at|timestamp with time zone",
                 '"orders_pkey" PRIMARY KEY, btree (id)', '"orders_customer_idx" btree (customer)',
                 "FOREIGN KEY (customer) REFERENCES shop.customers(id)"):
        assert part in described, (part, described)
    assert 'TABLE "shop.orders" CONSTRAINT "orders_customer_fkey"' in _psql(world, r"\d shop.customers")


def _rows(session, text: str) -> list:
    return [tuple(None if v is None else v.decode() for v in one.fields) for one in session.query(text)
            if one.name == "DataRow"]


_PROBES = [
    # (what is asked, what the consumer gets; the owner gets something else)
    ("select count(*) from pg_class where relname in ('vault', 'history', 'all_customers', 'events_lake')", "0"),
    ("select count(*) from pg_catalog.pg_attribute where attname in ('secret', 'margin', 'origin')", "0"),
    ("select count(*) from pg_namespace where nspname in ('back', 'bartizan', 'bartizan_views')", "0"),
    ("select count(*) from pg_type where typname in ('grade', 'vault', '_vault', 'all_customers')", "0"),
    ("select count(*) from pg_proc where proname = 'peek'", "0"),
    ("select count(*) from pg_description where objoid >= 16384", "0"),
    ("select count(*) from pg_constraint where contype = 'c'", "0"),
    ("select count(*) from pg_attrdef where adrelid = 'shop.tickets'::regclass", "0"),  # constants are told by none
    ("select sum(reltuples) from pg_class where relname in ('customers', 'orders')", "-2"),
    ("select sum(relpages) from pg_class where oid >= 16384", "0"),
    ("select count(*) from pg_roles", "2"),
    ("select count(*) from information_schema.columns where table_name in ('vault', 'history', 'all_customers')", "0"),
    ("select count(*) from information_schema.columns where column_name = 'secret'", "0"),
    ("select to_regclass('back.vault') is null and to_regclass('shop.nothing') is null", "t"),
    ("select to_regclass('bartizan.secret_key') is null", "t"),
    ("select has_table_privilege('shop.customers', 'INSERT')", "f"),
    ("select has_table_privilege('shop.customers', 'SELECT')", "t"),
    ("select pg_get_viewdef('shop.all_customers') is null", "t"),
    ("select obj_description('shop.customers'::regclass) is null", "t"),
    ("select pg_total_relation_size('shop.customers'::regclass) is null", "t"),
    ("select current_user", "ana@north"),
    ("select user = session_user", "t"),
    ("select pg_get_userbyid(relowner) from pg_class where relname = 'orders'", "owner"),
    ("select count(*) from pg_database", "1"),
    ("select count(*) from pg_settings where name = 'data_directory'", "0"),
    ("select current_schemas(true)", '{pg_catalog,public}'),
    ("select count(*) from pg_enum", "0"),
]


@pytest.mark.parametrize("text,expected", _PROBES)
def test_catalogs_answer_for_the_consumer_alone(world, text, expected):
    with world.session("ana@north") as ana:
        assert ana.value(text) == expected


def test_no_oid_tells_of_what_is_hidden(world):
    """Every object of the database by its number, through each function and cast that would name it."""
    with world.session(walled.OWNER) as owner:
        oids = [oid for oid, in _rows(owner, "select oid from pg_class where oid >= 16384 union select oid from pg_type "
                                             "where oid >= 16384 union select oid from pg_proc where oid >= 16384 union "
                                             "select oid from pg_constraint where oid >= 16384 union "
                                             "select oid from pg_namespace where oid >= 16384")]
        assert len(oids) > 60
    forms = ["x::oid::regclass::text", "x::oid::regtype::text", "x::oid::regnamespace::text", "x::oid::regproc::text",
             "format_type(x::oid, -1)", "pg_get_viewdef(x::oid)", "pg_get_functiondef(x::oid)", "x::regclass::text",
             "pg_get_constraintdef(x::oid)", "pg_get_indexdef(x::oid)", "pg_get_indexdef(x::oid, 1, true)",
             "obj_description(x::oid)", "col_description(x::oid, 14)", "pg_get_partkeydef(x::oid)", "x::regtype::text",
             "pg_get_function_result(x::oid)", "pg_table_is_visible(x::oid)", "has_table_privilege(x::oid, 'select')"]
    seen = ""
    with world.session("ana@north") as ana:
        for form in forms:
            rows = _rows(ana, f"select {form} from unnest(array[{','.join(repr(o) for o in oids)}]) as x")
            assert len(rows) == len(oids), form
            seen += json.dumps(rows)
        # An unknown constant beside a value is read as of its type: none may be of one that names objects.
        for one in ("'pg_class'::regclass", "1259::oid::regclass", "'text'::regtype", "25::oid::regtype",
                    "(select typinput from pg_type where typname = 'text')", "(select data_type from pg_sequences)",
                    "'public'::regnamespace", "(select amhandler from pg_am limit 1)", "to_regclass('pg_class')"):
            for oid in oids[:40]:
                seen += json.dumps(_rows(ana, f"select coalesce(nullif({one}, {one}), '{oid}')"))
    assert "shop.orders" in seen and "orders_pkey" in seen
    for word in ("qzx7", "vault", "history", "all_customers", "peek", "events_lake", "bartizan", "big_numbers", "grade"):
        assert word not in seen.lower(), (word, re.findall(f".{{60}}{word}.{{60}}", seen, re.I)[:3])


def test_a_hidden_name_and_a_missing_one_are_told_apart_by_nothing(world):
    with world.session("ana@north") as ana:
        for form in ("select '{}'::regclass", "select '{}'::regclass::oid", "select '{}'::regtype",
                     "select has_table_privilege('{}', 'SELECT')"):
            replies = []
            for name in ("back.vault", "back.vaulx"):
                error = [one for one in ana.query(form.format(name)) if one.name == "ErrorResponse"]
                assert error, form
                replies.append([one for one in error[0].fields if one[0] not in "PFLR"])
            assert str(replies[0]).replace("vault", "vaulx") == str(replies[1]), form


def test_statistics_are_refused_by_name(world):
    with world.session("ana@north") as ana:
        for relation in ("pg_stats", "pg_statistic", "pg_stat_activity", "pg_stat_user_tables", "pg_authid",
                         "pg_stat_statements", "pg_locks", "pg_prepared_statements", "pg_cursors", "pg_largeobject"):
            error = [one for one in ana.query(f"select * from {relation}") if one.name == "ErrorResponse"][0]
            assert error.error_field("C") == "42501" and relation in error.error_field("M"), error.fields


def test_another_class_sees_its_own(world):
    """Two classes over one set of views."""
    ask = "select has_table_privilege('shop.tickets', 'INSERT'), is_insertable_into from information_schema.tables " \
          "where table_name = 'tickets'"
    with world.session("ana@north") as ana, world.session("cleo@north") as cleo:
        assert _rows(ana, ask) == [("f", "NO")]
        assert _rows(cleo, ask) == [("t", "YES")]


def test_a_new_table_and_a_new_policy_are_seen(world):
    granted = re.search(r"walled:shop\.\{[a-z,]*countries\}", (walled.DATA / "policies.yaml").read_text())[0]
    with world.session(walled.OWNER) as owner:
        owner.query("create table shop.crates (id int primary key, tenant text not null, weight int)")
        try:
            world.publish(old=granted, new=granted.replace("countries}", "crates,countries}"))
            with world.session("ana@north") as ana:
                assert ana.value("select count(*) from information_schema.columns where table_name = 'crates'") == "3"
        finally:
            world.publish()
            owner.query("drop table shop.crates cascade")


def test_explain_policy_tells_rules_and_masks(world):
    with world.session("ana@north") as ana:
        for send in (lambda text: _rows(ana, text), lambda text: _extended_rows(ana, text)):
            rows = send("explain policy select name, email from shop.customers where visits > 3")
            told = {row[0]: row[1:] for row in rows}
            assert told["statement"][1] == "permitted"
            assert "tenant" in told["shop.customers"][1] and "analysts-read" in told["shop.customers"][2], told
            assert "email" in told["shop.customers.email"][1] and "emails" in told["shop.customers.email"][2], told
            assert told["shop.customers.visits"][1] == "clear"
            assert "shop.customers.ssn" not in told
        refused = _rows(ana, "EXPLAIN POLICY SELECT word FROM back.vault")
        assert refused == [("statement", "", "refused with 42P01", refused[0][3])] and "back.vault" in refused[0][3]
        assert ana.query("explain select 1")[0].error_field("C") == "0A000"


def _extended_rows(session, text: str) -> list:
    session.send(m.parse("", text) + m.bind() + m.describe("P") + m.execute() + m.sync())
    return [tuple(v.decode() for v in one.fields) for one in session.read_until_ready() if one.name == "DataRow"]
