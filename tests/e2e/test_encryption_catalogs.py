"""What catalogs say of encrypted columns: what they said before. By SQL, psql's \\d and two ORMs."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from postgres import binary_folder
from processes import clean_environment, run

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
_HERE = Path(__file__).parent / "node-orm"

COLUMNS = {"email": "text", "pin": "varchar(20)", "small": "int2", "age": "int4", "visits": "int8", "paid": "numeric(8,2)",
           "active": "bool", "born": "date", "seen": "timestamp", "zoned": "timestamptz", "token": "uuid", "extra": "jsonb",
           "raw": "bytea"}

QUESTIONS = {
    "pg_attribute": "select attname, atttypid, attlen, attnum, attndims, atttypmod, attbyval, attalign, attnotnull, attcollation, "
                    "format_type(atttypid, atttypmod), atttypid::regtype from pg_catalog.pg_attribute "
                    "where attrelid = 'kinds'::regclass and attnum > 0 and not attisdropped order by attnum",
    "information_schema": "select * from information_schema.columns where table_name = 'kinds' order by ordinal_position",
    "its name alone": "select columns.udt_name, information_schema.columns.data_type from information_schema.columns "
                      "where table_name in ('kinds', 'kinds_list') order by 1, 2",
    # pgjdbc's getColumns, shortened.
    "pgjdbc": "select n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull or (t.typtype = 'd' and t.typnotnull), "
              "a.atttypmod, a.attlen, t.typtypmod, row_number() over (partition by a.attrelid order by a.attnum), t.typbasetype, "
              "t.typtype from pg_catalog.pg_namespace n join pg_catalog.pg_class c on (c.relnamespace = n.oid) "
              "join pg_catalog.pg_attribute a on (a.attrelid = c.oid) join pg_catalog.pg_type t on (a.atttypid = t.oid) "
              "where c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped and c.relname like 'kinds%' "
              "order by n.nspname, c.relname, a.attnum",
    "a cursor's": "declare k cursor for select attname, atttypid from pg_attribute where attrelid = 'kinds'::regclass "
                  "and attnum > 0 and not attisdropped order by attnum; fetch all from k",
}


@pytest.fixture(scope="module")
def told(encrypted_world):
    """Answers before columns are encrypted, and after."""
    described = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute(f"create table kinds (id int primary key, {described}, note text)")
        connection.execute("insert into kinds (id, email, age) values (1, 'ada@example.org', 36)")
    before = answers(encrypted_world)
    for name in COLUMNS:
        encrypted_world.encrypt(f"public.kinds.{name}", *([] if name in ("extra", "raw") else ["--search"]))
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("create view kinds_list as select id, email, paid from kinds")
    return before, answers(encrypted_world)


def answers(world) -> dict:
    out = {}
    with world.connect() as connection:
        for name, text in QUESTIONS.items():
            for prepare in (False, True):
                if prepare and ";" in text:
                    continue
                cursor = connection.cursor()
                for part in text.split(";"):
                    cursor.execute(part, prepare=prepare)
                out[name, prepare] = [row for row in cursor.fetchall() if "kinds_list" not in row]
            connection.rollback()
    endpoint = world.endpoint()
    psql = shutil.which("psql") or str(binary_folder() / "psql")
    done = subprocess.run([psql, "-X", "-c", "\\d kinds"], capture_output=True, text=True, timeout=60,
                          env=clean_environment(**endpoint.environment(), PGPASSWORD=endpoint.password))
    out["psql", False] = [line.rstrip() for line in (done.stdout + done.stderr).split("Indexes:")[0].splitlines()]
    return out


@pytest.mark.parametrize("name", [*QUESTIONS, "psql"])
def test_answers_are_those_of_before(told, name):
    before, after = told
    for prepare in (False, True):
        if (name, prepare) not in before:
            continue
        told_before, told_after = before[name, prepare], after[name, prepare]
        if name == "its name alone":  # the view has been made since
            told_after = sorted(set(told_after))
            told_before = sorted(set(told_before))
        assert told_before and told_after == told_before


def test_a_view_gives_the_logical_types_too(told, encrypted_world):
    with encrypted_world.connect(autocommit=True) as connection:
        assert connection.execute("select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                                  "'kinds_list'::regclass and attnum > 0 order by attnum").fetchall() == [
            ("id", "integer"), ("email", "text"), ("paid", "numeric(8,2)")]
        assert connection.execute("select email, paid from kinds_list").fetchall() == [("ada@example.org", None)]


def test_what_lies_in_the_database_is_cells(told, encrypted_world):
    """So that the answers are the gateway's doing."""
    with encrypted_world.direct() as direct:
        kinds = direct.execute("select distinct format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                               "'kinds'::regclass and attname = any(%s)", (list(COLUMNS),)).fetchall()
    assert kinds == [("bartizan_cells.cell",)]


@pytest.fixture(scope="module")
def steps(encrypted_world):
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    if not (_HERE / "node_modules" / "typeorm").exists():
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=_HERE, timeout=300)
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute(
            "create table accounts (id int primary key, email text, pin varchar(20), age int, visits bigint, paid numeric(8,2), "
            "active boolean, token uuid, born date, extra jsonb, note text)")
    for name in ("email", "age"):
        encrypted_world.encrypt(f"public.accounts.{name}", "--search")
    for name in ("pin", "visits", "paid", "active", "token", "born", "extra"):
        encrypted_world.encrypt(f"public.accounts.{name}")
    endpoint = encrypted_world.endpoint()
    done = run(["node", "encrypted.js"], cwd=_HERE, env=clean_environment(**endpoint.environment()), input=endpoint.password + "\n",
               check=False, timeout=120)
    return {step.pop("name"): step for step in map(json.loads, done.stdout.splitlines())}


ROW = {"id": 7, "email": "ada@example.org", "pin": "4711", "age": 36, "visits": "9000000000000000000", "paid": "12.50",
       "active": True, "token": "7e9a1c52-0000-4000-8000-00000000000a", "born": "1815-12-10", "extra": {"k": [1, "zwei"]},
       "note": "plain"}
STEPS = {
    "knex.write": {"made": [{"email": "ada@example.org", "age": 36}],
                   "found": [{"id": 8, "pin": "4711", "paid": "12.50", "extra": {"k": [1, "zwei"]}}],
                   "changed": 1, "grouped": [{"email": "grace@example.org", "n": "1"}], "gone": 1},
    "typeorm.initialize": True,
    "typeorm.save": ROW,
    "typeorm.update": ["new@example.org"],
    "typeorm.count": 1,
    "typeorm.remove": 0,
    "typeorm.differences": [],
}


@pytest.mark.parametrize("name", STEPS)
def test_an_orm_writes_and_reads_encrypted_columns(steps, name):
    assert steps[name].get("value") == STEPS[name], steps[name]


def test_knex_sees_the_logical_types(steps):
    info = steps["knex.columnInfo"]["value"]
    assert {name: (one["type"], one["maxLength"]) for name, one in info.items()} == {
        "id": ("integer", None), "email": ("text", None), "pin": ("character varying", 20), "age": ("integer", None),
        "visits": ("bigint", None), "paid": ("numeric", None), "active": ("boolean", None), "token": ("uuid", None),
        "born": ("date", None), "extra": ("jsonb", None), "note": ("text", None)}


def test_an_orm_is_told_what_can_not_be_asked(steps):
    assert steps["knex.refused"]["code"] == "0A000" and "email" in steps["knex.refused"]["error"]


def test_a_view_over_the_catalogs_is_as_the_server_says(told, encrypted_world):
    """What the gateway leaves alone still works."""
    with encrypted_world.connect(autocommit=True) as connection:
        assert connection.execute("select count(*) > 0 from only pg_attribute").fetchall() == [(True,)]
        with pytest.raises(psycopg.errors.UndefinedColumn):
            connection.execute("select nothing from pg_attribute")
