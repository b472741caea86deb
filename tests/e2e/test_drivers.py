"""Drivers that people use, each over TLS verify-full and SCRAM: psql, libpq by psycopg and psycopg2,
node-postgres, libpqxx."""
from __future__ import annotations

import concurrent.futures
import io
import json
import os
import shutil
from pathlib import Path

import psycopg
import psycopg2
import psycopg2.extensions
import pytest

from postgres import binary_folder
from processes import clean_environment, run

_HERE = Path(__file__).parent


@pytest.fixture
def libpq_environment(endpoint, tmp_path):
    """For programs that link libpq: everything about the connection; the password in a pass file."""
    pass_file = tmp_path / "pass"
    pass_file.write_text(endpoint.pass_file_line() + "\n")
    pass_file.chmod(0o600)
    return clean_environment(PGPASSFILE=str(pass_file), HOME=str(tmp_path), **endpoint.environment())


# ---- psql -----------------------------------------------------------------------------------------------

def psql(environment, *commands: str, check: bool = True, text: str | None = None, tuples_only: bool = True):
    arguments = [binary_folder() / "psql", "-X", "-A", "-q", "-v", "ON_ERROR_STOP=1", *(["-t"] if tuples_only else [])]
    for command in commands:
        arguments += ["-c", command]
    return run(arguments, env=environment, check=check, **({"input": text} if text is not None else {}))


def test_psql_answers_and_shows_tls(libpq_environment):
    assert psql(libpq_environment, "select 40 + 2").stdout == "42\n"
    assert "TLSv1.3" in psql(libpq_environment, "\\conninfo").stdout


def skip_with_an_older_client():
    """tools/fetch-postgres.sh brings servers alone, with Debian's clients where they are not older."""
    if not (binary_folder() / "pg_dump").exists():
        pytest.skip("no client programs of this server's version here: an older psql's \\l and pg_dump refuse it")


def test_psql_describes(libpq_environment):
    skip_with_an_older_client()
    script = """
        create temp table d(a int primary key, b text default 'x' check (b <> ''));
        create index on d(b);
        \\d d
        \\d+ d
        \\dt pg_temp.*
        \\df abs
        \\dn
        \\l
        \\du
        \\dT+ int4
        \\sf pg_catalog.abs(int)
        select 1 as one, 'x' as two \\gdesc
        \\x
        select 1 as expanded;
    """
    out = psql(libpq_environment, text=script, tuples_only=False).stdout
    for part in ("a|integer", "d_pkey", "d_b_idx", "CHECK (b <> ''::text)", "one|integer", "expanded|1"):
        assert part in out, out


def test_psql_copies_both_ways(libpq_environment, tmp_path):
    source, back = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("".join(f'{i},"row, ""{i}"""\n' for i in range(20000)))
    psql(libpq_environment, text=f"create temp table c(a int, b text);\n\\copy c from '{source}' csv\n"
                                 f"\\copy (select * from c order by a) to '{back}' csv\n")
    rows = back.read_text().splitlines()
    assert len(rows) == 20000 and rows[7] == '7,"row, ""7"""'


def test_psql_script_features(libpq_environment):
    script = """
        \\set who world
        select 'hello ' || :'who';
        select 3 as n \\gset
        select :n * 2;
        begin;
        savepoint s;
        \\set ON_ERROR_STOP 0
        select 1/0;
        \\set ON_ERROR_STOP 1
        rollback to s;
        select 'alive';
        commit;
        select 'select ' || g from generate_series(1,3) g \\gexec
        \\set FETCH_COUNT 10
        select count(*) from (select * from generate_series(1,95) x) y;
        select x from generate_series(1,25) x;
    """
    out = psql(libpq_environment, text=script).stdout.split()
    assert out[:2] == ["hello", "world"] and "6" in out and "alive" in out and out[-25:] == [str(i) for i in range(1, 26)]


def test_psql_reports_errors_as_usual(libpq_environment):
    failed = psql(libpq_environment, "select 1 +", check=False)
    assert failed.returncode != 0
    assert "ERROR:  syntax error at end of input\nLINE 1: select 1 +\n                  ^" in failed.stderr


def test_psql_reconnects_with_c(libpq_environment, endpoint):
    out = psql(libpq_environment, text=f"\\c {endpoint.dbname}\nselect 'again';\n").stdout
    assert "again" in out


def test_psql_refuses_an_unknown_authority(libpq_environment, cluster):
    libpq_environment["PGSSLROOTCERT"] = str(cluster.certificates.other_ca_file)
    failed = psql(libpq_environment, "select 1", check=False)
    assert failed.returncode == 2 and "certificate verify failed" in failed.stderr


def test_psql_refuses_without_tls(libpq_environment):
    libpq_environment["PGSSLMODE"] = "disable"
    failed = psql(libpq_environment, "select 1", check=False)
    assert failed.returncode == 2
    assert any(word in failed.stderr.lower() for word in ("tls", "ssl", "encryption"))


def test_psql_requires_channel_binding(libpq_environment):
    libpq_environment["PGCHANNELBINDING"] = "require"
    assert psql(libpq_environment, "select 1").stdout == "1\n"


def test_pg_dump_and_restore(libpq_environment, cluster, tmp_path):
    """A dump through the target is that of the server, and goes back in."""
    skip_with_an_older_client()
    psql(libpq_environment, "create schema dumped; create table dumped.t(a int primary key, b text); "
                            "insert into dumped.t select g, repeat('x', g) from generate_series(1, 500) g; "
                            "create view dumped.v as select count(*) from dumped.t")
    try:
        dump = tmp_path / "dump.sql"
        run([binary_folder() / "pg_dump", "-n", "dumped", "-f", dump], env=libpq_environment)
        psql(libpq_environment, "drop schema dumped cascade")
        run([binary_folder() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", dump], env=libpq_environment)
        assert psql(libpq_environment, "select * from dumped.v").stdout == "500\n"
    finally:
        psql(libpq_environment, "drop schema if exists dumped cascade")


# ---- libpq by psycopg 3 ---------------------------------------------------------------------------------

def test_psycopg_queries_and_types(endpoint):
    with psycopg.connect(**endpoint.libpq()) as connection:
        assert connection.pgconn.ssl_in_use
        row = connection.execute("select %s::int, %s::text, %s::jsonb, %s::bytea, %s::text[]",
                                 (7, "grüße", psycopg.types.json.Jsonb({"a": 1}), b"\0\xff", ["x", None])).fetchone()
        assert row == (7, "grüße", {"a": 1}, b"\0\xff", ["x", None])
        assert connection.execute("select 1::int8", binary=True).fetchone() == (1,)


def test_psycopg_pipeline_mode(endpoint):
    with psycopg.connect(**endpoint.libpq(), autocommit=True) as connection:
        with connection.pipeline():
            cursors = [connection.execute("select %s::int", (i,)) for i in range(500)]
        assert [c.fetchone()[0] for c in cursors] == list(range(500))
        with pytest.raises(psycopg.errors.DivisionByZero):
            with connection.pipeline() as pipeline:
                connection.execute("select 1")
                connection.execute("select 1/0")
                connection.execute("select 2")
                pipeline.sync()
        assert connection.execute("select 'alive'").fetchone() == ("alive",)


def test_psycopg_prepares_by_itself(endpoint):
    with psycopg.connect(**endpoint.libpq(), prepare_threshold=2) as connection:
        for i in range(40):
            assert connection.execute("select %s::int + 1", (i,)).fetchone() == (i + 1,)
        assert connection.execute("select count(*) > 0 from pg_prepared_statements").fetchone() == (True,)


def test_psycopg_copy(endpoint):
    with psycopg.connect(**endpoint.libpq()) as connection:
        connection.execute("create temp table c(a int, b text)")
        with connection.cursor().copy("copy c from stdin") as copy:
            for i in range(10000):
                copy.write_row((i, f"row\t{i}"))
        with connection.cursor().copy("copy (select * from c order by a) to stdout (format binary)") as copy:
            copy.set_types(["int4", "text"])
            rows = list(copy.rows())
        assert rows[:2] == [(0, "row\t0"), (1, "row\t1")] and len(rows) == 10000
        with pytest.raises(psycopg.errors.QueryCanceled):
            with connection.cursor().copy("copy c from stdin") as copy:
                copy.write_row((1, "x"))
                raise psycopg.errors.QueryCanceled("given up")


def test_psycopg_cursors_transactions_errors(endpoint):
    with psycopg.connect(**endpoint.libpq()) as connection:
        with connection.transaction():
            with connection.cursor("named") as cursor:
                cursor.itersize = 100
                cursor.execute("select generate_series(1, 1000)")
                assert sum(row[0] for row in cursor) == 500500
        with pytest.raises(psycopg.errors.UniqueViolation) as violation:
            with connection.transaction():
                connection.execute("create temp table u(a int primary key) on commit drop")
                connection.execute("insert into u values (1), (1)")
        assert violation.value.diag.constraint_name == "u_pkey"
        with connection.transaction():
            with pytest.raises(psycopg.errors.DivisionByZero):
                with connection.transaction():
                    connection.execute("select 1/0")
            assert connection.execute("select 1").fetchone() == (1,)
        connection.commit()


def test_psycopg_startup_options(endpoint):
    with psycopg.connect(**endpoint.libpq(options="-c statement_timeout=4321 -c search_path=pg_catalog",
                                          application_name="e2e", client_encoding="LATIN1")) as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("4321ms",)
        assert connection.info.parameter_status("application_name") == "e2e"
        assert connection.info.parameter_status("client_encoding") == "LATIN1"
        assert connection.execute("select 'ü'").fetchone() == ("ü",)


def test_psycopg_notify_notice_cancel(endpoint):
    with psycopg.connect(**endpoint.libpq(), autocommit=True) as connection:
        notices, notifies = [], []
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        connection.add_notify_handler(notifies.append)
        connection.execute("do $$ begin raise notice 'hello'; end $$")
        connection.execute("listen e2e")
        connection.execute("notify e2e, 'payload'")
        assert notices == ["hello"] and [n.payload for n in notifies] == ["payload"]
        assert notifies[0].pid == connection.info.backend_pid
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(connection.execute, "select pg_sleep(30)")
            with psycopg.connect(**endpoint.libpq()) as other:
                while not running.running() or other.execute(
                        "select count(*) from pg_stat_activity where query = 'select pg_sleep(30)'").fetchone() == (0,):
                    other.rollback()
            connection.cancel()
            with pytest.raises(psycopg.errors.QueryCanceled):
                running.result(10)


def test_psycopg_wrong_password(endpoint):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**{**endpoint.libpq(), "password": "wrong"})


def test_psycopg_many_at_once(endpoint):
    def work(number: int) -> int:
        with psycopg.connect(**endpoint.libpq()) as connection:
            for _ in range(5):
                assert connection.execute("select %s::int", (number,)).fetchone() == (number,)
            return number
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(work, range(64))) == list(range(64))


# ---- libpq by psycopg2 ----------------------------------------------------------------------------------

def test_psycopg2_simple_protocol(endpoint):
    connection = psycopg2.connect(**endpoint.libpq())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select %s, %s", (7, "grüße"))
            assert cursor.fetchone() == (7, "grüße")
            cursor.execute("create temp table c(a int, b text)")
            cursor.copy_expert("copy c from stdin", io.StringIO("1\ta\n2\tb\n"))
            out = io.StringIO()
            cursor.copy_expert("copy c to stdout", out)
            assert out.getvalue() == "1\ta\n2\tb\n"
        with pytest.raises(psycopg2.errors.DivisionByZero):
            with connection, connection.cursor() as cursor:
                cursor.execute("select 1/0")
        with connection, connection.cursor("named") as cursor:
            cursor.execute("select generate_series(1, 5000)")
            assert sum(row[0] for row in cursor) == 12502500
        assert connection.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    finally:
        connection.close()


def test_psycopg2_large_object(endpoint):
    connection = psycopg2.connect(**endpoint.libpq())
    try:
        made = connection.lobject(0, "wb")
        made.write(b"x" * 200000)
        made.close()
        assert connection.lobject(made.oid, "rb").read() == b"x" * 200000
        connection.lobject(made.oid).unlink()
        connection.rollback()
    finally:
        connection.close()


# ---- others ---------------------------------------------------------------------------------------------

@pytest.mark.timeout(300)
def test_node_postgres(endpoint, cluster, tmp_path):
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    for name in ("package.json", "package-lock.json", "drive.js"):
        shutil.copy(_HERE / "node" / name, tmp_path / name)
    installed = _HERE / "node" / "node_modules"
    if not (installed / "pg").exists():
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=_HERE / "node", timeout=240)
    os.symlink(installed, tmp_path / "node_modules")
    environment = clean_environment(OTHER_CA=str(cluster.certificates.other_ca_file), **endpoint.environment())
    result = run(["node", "drive.js"], cwd=tmp_path, env=environment, input=endpoint.password + "\n", check=False, timeout=120)
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert len(lines) >= 11, result.stdout + result.stderr
    assert not [line for line in lines if not line["ok"]]


@pytest.mark.timeout(300)
def test_libpqxx(libpq_environment):
    if not Path("/usr/include/pqxx/pqxx").exists() or not shutil.which("cmake"):
        pytest.skip("libpqxx-dev or cmake is not installed")
    build = _HERE.parents[1] / "build" / "e2e-libpqxx"
    run(["cmake", "-S", _HERE / "libpqxx", "-B", build, "-DCMAKE_BUILD_TYPE=Release"], timeout=120)
    run(["cmake", "--build", build], timeout=240)
    result = run([build / "drive"], env=libpq_environment, check=False, timeout=60)
    failed = [line for line in result.stdout.splitlines() if not line.startswith("ok ")]
    assert not failed and result.stdout.count("ok ") == 8, result.stdout + result.stderr
