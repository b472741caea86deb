"""Unique words go into encrypted columns by every way there is: none is found in what the server or the gateway keeps."""
from __future__ import annotations

import os
import signal

import psycopg
import psycopg2
import pytest

import wire
from encrypted import DEPOT
from processes import wait_for

pytestmark = pytest.mark.gateway


@pytest.fixture(scope="module")
def world(encrypted_world):
    with encrypted_world.direct() as direct:
        direct.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
        direct.execute("create extension if not exists pg_stat_statements")
    restart_server(encrypted_world)
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("create table t (id int primary key, secret text, pin varchar(30), open text)")
    encrypted_world.encrypt("public.t.secret", "--search")
    encrypted_world.encrypt("public.t.pin")
    talkative = ("log_min_messages = debug1", "log_statement = 'all'", "log_min_duration_statement = 0", "log_parameter_max_length = -1",
                 "log_parameter_max_length_on_error = -1", "log_min_error_statement = debug5",
                 "log_error_verbosity = verbose", "debug_print_plan = on", "session_preload_libraries = 'auto_explain'",
                 "auto_explain.log_min_duration = 0", "auto_explain.log_analyze = on", "auto_explain.log_verbose = on",
                 "pg_stat_statements.track = 'all'", "pg_stat_statements.track_utility = on")
    with encrypted_world.direct() as direct:
        for setting in talkative:
            direct.execute(f"alter database {DEPOT} set {setting}")
        direct.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
                       "and pid <> pg_backend_pid()")  # the pool's, which don't log that much
    yield encrypted_world
    with encrypted_world.direct() as direct:
        direct.execute(f"alter database {DEPOT} reset all")
        direct.execute("drop extension pg_stat_statements")
        direct.execute("alter system reset shared_preload_libraries")
    restart_server(encrypted_world)


def restart_server(world) -> None:
    """The embedded PostgreSQL ends in order, and its supervisor starts it again."""
    file = next((world.data / "postgres").rglob("postmaster.pid"))
    before = file.read_text()
    os.kill(int(before.split()[0]), signal.SIGINT)

    def stands() -> bool:
        try:
            if file.read_text() == before:
                return False
            with world.direct() as direct, world.connect(autocommit=True) as connection:
                return direct.execute("select 1").fetchone() == connection.execute("select 1").fetchone()
        except (OSError, StopIteration, psycopg.OperationalError):
            return False

    wait_for(stands, 60, "the embedded server", step=0.2)


class Canaries:
    def __init__(self) -> None:
        self.words: dict[str, str] = {}

    def __call__(self, where: str) -> str:
        return self.words.setdefault(where, f"kanarie{len(self.words):03}gelb")


def attempt(work) -> None:
    try:
        work()
    except (psycopg.Error, psycopg2.Error):
        pass


def test_no_canary_is_found(world):
    canary = Canaries()
    number = iter(range(1, 10_000))
    connection = world.connect(autocommit=True)

    def run(text, *parameters, **options):
        def work():
            nonlocal connection
            if connection.closed:
                connection = world.connect(autocommit=True)
            connection.execute(text, parameters or None, **options)
        attempt(work)

    for shape, text in {
            "insert": "insert into t (id, secret, pin) values (%d, '%s', '%s')",
            "insert select": "insert into t (id, secret) select %d, '%s' union all select -1, '%s'",
            "conflict": "insert into t (id, secret) values (%d, '%s') on conflict (id) do update set secret = '%s'",
            "update": "update t set secret = '%s2' where id = %d or secret = '%s'",
            "in": "select %d from t where secret in ('%s', '%s')",
            "any": "select %d from t where secret = any('{%s,%s}')",
            "prepare": "prepare p%d as insert into t (id, secret) values (0, '%s'); execute p0('%s')",
            # refused, or an error of the server's
            "like": "select %d from t where secret like '%s' or secret = '%s'",
            "syntax": "insert into t (id, secret) valuse (%d, '%s', '%s')",
            "concatenated": "update t set secret = '%s' || '%s' where id = %d",
            "function": "select length('%s') from t where secret = lower('%s') and id = %d",
            "do": "do $$ begin insert into t (id, secret) values (%d, '%s'); perform '%s'; end $$",
            "create as": "create table copy%d as select '%s'::text, secret, '%s'::text from t",
            "default": "alter table t alter secret set default '%s'; select '%s', %d",
            "explain": "explain analyze insert into t (id, secret, pin) values (%d, '%s', '%s')",
            "too long": "insert into t (id, pin, secret) values (%d, '%s and very much too long for it', '%s')",
            "unknown": "insert into nowhere values (%d, '%s', '%s')",
            "two": "select 1; insert into t (id, secret, pin) values (%d, '%s', '%s')",
            "duplicate": "insert into t (id, secret, pin) values (1, '%s', '%s'), (1, 'x', 'y'); select %d"}.items():
        words = [canary(f"{shape} 1"), canary(f"{shape} 2")]
        parts = text.split("%d")
        run(str(next(number)).join(part for part in parts) % tuple((words * 2)[:text.count("%s")]))
    for prepare in (None, True):
        for binary in ("%s", "%b"):
            kind = f"{prepare} {binary}"
            run(f"insert into t (id, secret, pin) values ({next(number)}, {binary}, {binary})", canary(f"bind {kind}"),
                canary(f"bind pin {kind}"), prepare=prepare)
            run(f"select id from t where secret = {binary} or secret = any(%s)", canary(f"find {kind}"),
                [canary(f"any {kind}")], prepare=prepare)
            run(f"insert into t (id, pin) values (1, {binary})", canary(f"bind long {kind}") + "x" * 40, prepare=prepare)
            run(f"insert into t (id, secret) values (1, {binary})", canary(f"bind duplicate {kind}"), prepare=prepare)
    for form in ("text", "csv", "binary"):
        for fails in ("", "x" * 40, "duplicate"):
            def copy():
                with world.connect(autocommit=True) as own, \
                        own.cursor().copy(f"copy t (id, secret, pin) from stdin (format {form})") as stream:
                    first = 1 if fails == "duplicate" else next(number)
                    if form == "csv":
                        stream.write(f"{first},{canary(f'copy {form} {fails}')},{canary(f'pin {form} {fails}')}{fails}\n")
                    else:
                        if form == "binary":
                            stream.set_types(["int4", "text", "varchar"])
                        stream.write_row((first, canary(f"copy {form} {fails}"), canary(f"pin {form} {fails}") + fails))
            attempt(copy)
    inline = psycopg2.connect(**world.endpoint().libpq())
    inline.autocommit = True
    for text in ("insert into t (id, secret, pin) values (%s, %s, %s)", "select %s from t where secret = %s or pin = %s"):
        attempt(lambda: inline.cursor().execute(text, (next(number), canary("psycopg2 1" + text), canary("psycopg2 2" + text))))
    inline.close()
    with wire.sign_in(world.endpoint()) as raw:  # a Parse that is refused, and a text that is cut off
        raw.query(f"insert into t (id, secret) values (5, '{canary('cut')}")
    known = canary("not encrypted")
    connection.execute("insert into t (id, open) values (%s, %s)", (next(number), known))
    connection.close()
    with world.direct() as direct:
        assert direct.execute("select count(*) from t where secret is not null").fetchone()[0] > 10
        direct.execute("checkpoint")
        activity = str(direct.execute("select * from pg_stat_activity, pg_prepared_statements").fetchall())
        statistics = str(direct.execute("select query from pg_stat_statements").fetchall())
        activity += statistics + str(direct.execute("select * from pg_stats where tablename = 't'").fetchall())
    assert "::pg_catalog.bytea" in statistics  # the statements in question are among them
    found, positive, plans = {}, set(), False
    for file in world.folder.rglob("*"):
        if not file.is_file():
            continue
        try:
            data = file.read_bytes()
        except OSError:
            continue
        plans = plans or b"Query Text: " in data
        if known.encode() in data:
            positive.add("log" if file.suffix == ".log" else file.relative_to(world.folder).parts[-2])
        for where, word in canary.words.items():
            if where != "not encrypted" and word.encode() in data:
                found.setdefault(where, str(file.relative_to(world.folder)))
    assert not found, found
    assert plans
    assert {"pg_wal", "log"} <= positive and len(positive) >= 3, positive  # the search finds what is there
    assert not [word for where, word in canary.words.items() if where != "not encrypted" and word in activity]


def test_temporary_files_hold_cells(world):
    """A sort that spills, looked at while its cursor is open; the column in the clear is found there."""
    word, known = "kanarieTEMP", "kanarieOPEN"
    with world.connect() as connection:
        with connection.cursor().copy("copy t (id, secret, open) from stdin") as copy:
            for number in range(100_000, 103_000):
                copy.write_row((number, word, f"{known}{number * 7919 % 3000}"))
        connection.execute("set local work_mem = '64kB'")
        connection.execute("declare spilled cursor for select secret, open from t order by open, id")
        assert connection.execute("fetch 1 from spilled").fetchone() is not None
        files = [file for file in (world.data / "postgres").rglob("pgsql_tmp/*") if file.is_file()]
        data = b"".join(file.read_bytes() for file in files)
        connection.rollback()
    assert files and known.encode() in data
    assert word.encode() not in data
