"""Encrypted columns through the gateway: applications don't change, the database holds cells alone."""
from __future__ import annotations

import psycopg
import psycopg2
import pytest

import wire
import wire_messages as m
from encrypted import DEPOT
from processes import wait_for

pytestmark = pytest.mark.gateway

SCHEMA = """
create table people (id int primary key, email text, ssn varchar(20), note text);
insert into people values (1, 'ada@example.org', '078-05-1120', 'first'), (2, 'grace@example.org', null, 'second'),
                          (3, null, '219-09-9999', 'third');
"""


@pytest.fixture(scope="module", params=["transaction", "session"])
def world(request, encrypted_world):
    encrypted_world.command("depot", "set", DEPOT, "--pool-mode", request.param)
    if not any(column["column"] == "public.people.email" for column in encrypted_world.columns()):
        with encrypted_world.connect(autocommit=True) as connection:
            connection.execute(SCHEMA)
        encrypted_world.encrypt("public.people.email", "--search")
        encrypted_world.encrypt("public.people.ssn")
    yield encrypted_world
    encrypted_world.command("depot", "set", DEPOT, "--pool-mode", "transaction")


@pytest.fixture
def connection(world):
    with world.connect(autocommit=True) as connection:
        yield connection


def rows(connection, text, parameters=None, **options):
    return connection.execute(text, parameters, **options).fetchall()


def errors(replies) -> list[str]:
    return [reply.error_field("C") for reply in replies if reply.name == "ErrorResponse"]


def test_the_values_that_were_there_are_cells_now(world, connection):
    assert rows(connection, "select id, email, ssn from people where id < 4 order by id") == [
        (1, "ada@example.org", "078-05-1120"), (2, "grace@example.org", None), (3, None, "219-09-9999")]
    with world.direct() as direct:
        stored = rows(direct, "select email from people where id = 1")[0][0]
        assert bytes(stored)[:2] == b"\xc7\x11" and b"ada" not in bytes(stored)
        with pytest.raises(psycopg.errors.CheckViolation):
            direct.execute("insert into people (id, email) values (99, 'plain')")


@pytest.mark.parametrize("binary", [False, True])
def test_parameters_become_cells_and_rows_become_values(connection, binary):
    with connection.cursor(binary=binary) as cursor:
        for prepare in (None, True):
            cursor.execute("delete from people where id = 10")
            cursor.execute("insert into people (id, email, ssn) values (10, %s, %s)", ("jo@x.org", "12"), prepare=prepare)
            assert cursor.execute("select email, ssn, note from people where email = %s", ("jo@x.org",),
                                  prepare=prepare).fetchall() == [("jo@x.org", "12", None)]
            assert cursor.execute("select id from people where email = %s", ("JO@x.org",),
                                  prepare=prepare).fetchall() == []


def test_constants_of_a_text(world):
    connection = psycopg2.connect(**world.endpoint().libpq())
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("insert into people (id, email, ssn) values (%s, %s, %s)", (20, "o'hara\\@x.org", "é" * 20))
    cursor.execute("select email, ssn from people where email = %s", ("o'hara\\@x.org",))
    assert cursor.fetchall() == [("o'hara\\@x.org", "é" * 20)]
    cursor.execute("update people set email = %s where email = %s returning id, email", ("new@x.org", "o'hara\\@x.org"))
    assert cursor.fetchall() == [(20, "new@x.org")]
    cursor.execute("select id from people where email in ('new@x.org', 'ada@example.org') order by id")
    assert cursor.fetchall() == [(1,), (20,)]
    cursor.execute("select count(*) from people where email is null")
    assert cursor.fetchall() == [(1,)]
    cursor.execute("delete from people where email = 'new@x.org'")
    assert cursor.rowcount == 1
    with pytest.raises(psycopg2.errors.StringDataRightTruncation):
        cursor.execute("insert into people (id, ssn) values (21, %s)", ("x" * 21,))
    connection.close()


def test_arrays_joins_groups_and_conflicts(connection):
    connection.execute("insert into people (id, email) values (30, 'twin@x.org'), (31, 'twin@x.org')")
    assert rows(connection, "select id from people where email = any(%s) order by id",
                (["twin@x.org", "ada@example.org", None],)) == [(1,), (30,), (31,)]
    assert rows(connection, "select a.id, b.id from people a join people b on a.email = b.email where a.id = 30 "
                            "order by 2") == [(30, 30), (30, 31)]
    assert rows(connection, "select email, count(*) from people where id in (30, 31) group by email") == [("twin@x.org", 2)]
    assert rows(connection, "select distinct email from people where id in (30, 31)") == [("twin@x.org",)]
    assert rows(connection, "insert into people (id, email) values (30, %s) on conflict (id) do update set "
                            "email = excluded.email returning email", ("other@x.org",)) == [("other@x.org",)]
    connection.execute("delete from people where id in (30, 31)")


def test_the_catalog_types_are_the_logical_ones(connection):
    with connection.cursor() as cursor:
        cursor.execute("select email, ssn, id from people")
        assert [column.type_code for column in cursor.description] == [25, 1043, 23]
        assert cursor.description[1].display_size == 20 or cursor.description[1].type_code == 1043


def test_cursors_and_prepared_statements_of_sql(world):
    with world.connect() as connection:
        connection.execute("prepare find (text) as select id, email from people where email = $1")
        assert rows(connection, "execute find('ada@example.org')") == [(1, "ada@example.org")]
        connection.execute("declare c cursor for select email from people where id = 1")
        assert rows(connection, "fetch all from c") == [("ada@example.org",)]
        connection.execute("deallocate find")


@pytest.mark.parametrize("options", ["", "(format csv, header)", "(format binary)"])
def test_copy_in_and_out(connection, options):
    connection.execute("delete from people where id in (40, 41)")
    with connection.cursor() as cursor:
        if "binary" in options:
            with cursor.copy("copy people (id, email, ssn) from stdin (format binary)") as copy:
                copy.set_types(["int4", "text", "varchar"])
                copy.write_row((40, "copied@x.org", None))
                copy.write_row((41, "with,comma\n", "9"))
        elif "csv" in options:
            with cursor.copy(f"copy people (id, email, ssn) from stdin {options}") as copy:
                copy.write("id,email,ssn\n40,copied@x.org,\n41,\"with,comma\n\",9\n")
        else:
            with cursor.copy("copy people (id, email, ssn) from stdin") as copy:
                copy.write_row((40, "copied@x.org", None))
                copy.write_row((41, "with,comma\n", "9"))
    assert rows(connection, "select email, ssn from people where id in (40, 41) order by id") == [
        ("copied@x.org", None), ("with,comma\n", "9")]
    with connection.cursor() as cursor:
        with cursor.copy(f"copy (select id, email from people where id = 40) to stdout {options}") as copy:
            data = b"".join(bytes(part) for part in copy)
    assert b"copied@x.org" in data and b"\xc7" not in data and b"\\x" not in data


def test_a_bad_value_ends_its_copy_and_not_the_session(connection):
    with pytest.raises(psycopg.Error) as raised:
        with connection.cursor().copy("copy people (id, ssn) from stdin") as copy:
            copy.write_row((50, "x" * 30))
            copy.write_row((51, "fine"))
    assert "BARTIZAN" not in str(raised.value) and "xxx" not in str(raised.value)
    assert rows(connection, "select count(*) from people where id in (50, 51)") == [(0,)]


REFUSED = [
    ("select id from people order by email", "0A000", "email"),
    ("select id from people where email like 'a%%'", "0A000", "email"),
    ("select lower(email) from people", "0A000", "email"),
    ("select id from people where ssn = '1'", "0A000", "ssn"),
    ("update people set note = email", "0A000", "email"),
    ("select min(email) from people", "0A000", "email"),
    ("do $$ begin end $$", "0A000", ""),
    ("create index on people (email)", "0A000", "email"),
    ("select people from people", "0A000", ""),
    ("set search_path = pg_temp", "0A000", "search_path"),
    ("set bytea_output = escape", "0A000", "bytea_output"),
    ("set client_encoding = latin1", "0A000", "client_encoding"),
    ("select * from nowhere", "42P01", "nowhere"),
]


@pytest.mark.parametrize("text, sqlstate, names", REFUSED)
def test_what_is_not_understood_is_refused_and_names_the_column(connection, text, sqlstate, names):
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(text)
    assert raised.value.sqlstate == sqlstate
    assert names in raised.value.diag.message_primary
    assert rows(connection, "select 1") == [(1,)]


def test_a_refusal_aborts_the_transaction_as_the_server_would(world):
    with world.connect() as connection:
        connection.execute("insert into people (id, email) values (60, 'gone@x.org')")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("select id from people order by email")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert rows(connection, "select count(*) from people where id = 60") == [(0,)]


def test_new_tables_are_usable_at_once_by_their_maker_and_soon_by_others(world):
    with world.connect() as maker, world.connect(autocommit=True) as other:
        maker.execute("create table fresh (id int, v text)")
        maker.execute("insert into fresh values (1, 'x')")
        assert rows(maker, "select v from fresh") == [("x",)]
        maker.commit()
        assert rows(other, "select v from fresh") == [("x",)]
        maker.execute("create temp table passing (id int)")
        assert rows(maker, "select count(*) from passing") == [(0,)]
        maker.commit()
        other.execute("drop table fresh")
        maker.execute("create schema if not exists app; create table app.fresh (id int); insert into app.fresh values (1)")
        assert rows(maker, "select id from app.fresh") == [(1,)]
        maker.rollback()


def test_function_calls_of_the_protocol_are_refused(world):
    with wire.sign_in(world.endpoint()) as connection:
        connection.send(m.function_call(2026))
        assert errors(connection.read_until_ready()) == ["42501"]


def test_pipelines(connection):
    with connection.pipeline():
        one = connection.execute("insert into people (id, email) values (70, %s) returning email", ("p@x.org",))
        two = connection.execute("select email from people where email = %s", ("p@x.org",))
        three = connection.execute("delete from people where id = 70")
        assert one.fetchall() == [("p@x.org",)] and two.fetchall() == [("p@x.org",)] and three.rowcount == 1


def test_errors_of_the_server_show_no_cell(connection):
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        connection.execute("insert into people (id, email) values (1, 'again@x.org')")
    assert raised.value.diag.message_detail is None


def test_unread_names_are_refused_at_bind(world):
    with wire.sign_in(world.endpoint()) as connection:
        connection.send(m.bind("", "nothing", [b"secret"]) + m.sync())
        assert errors(connection.read_until_ready()) == ["26000"]


def test_a_cell_that_was_changed_or_moved_does_not_open(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into people (id, email, ssn) values (80, 'victim@x.org', '80'), (81, 'b@x.org', '81')")
    before = sum(record.get("tag") == "CELL REFUSED" for record in world.records())
    said = set()
    changes = ["set email = ssn where id = 80",  # another column's
               "set email = set_byte(email, octet_length(email) - 1, get_byte(email, octet_length(email) - 1) # 1) where id = 80",
               "set email = set_byte(email, 2, get_byte(email, 2) # 1) where id = 80",  # another key
               "set email = set_byte(email, 9, get_byte(email, 9) # 128) where id = 80"]  # the index
    with world.direct() as direct:
        kept = rows(direct, "select email from people where id = 80")[0][0]
        for change in changes:
            direct.execute("update people " + change)
            with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as raised:
                rows(connection, "select email from people where id = 80")
            said.add((raised.value.sqlstate, str(raised.value)))
            direct.execute("update people set email = %s where id = 80", (kept,))
    assert len(said) == 1 and "does not open" in next(iter(said))[1], said
    def refused():
        return [record for record in world.records() if record.get("tag") == "CELL REFUSED"]

    wait_for(lambda: len(refused()) >= before + len(changes), 10, "the records of refused cells")
    assert len(refused()) == before + len(changes)
    assert refused()[-1]["column"] == "public.people.email" and refused()[-1]["sqlstate"] == "XX001"
    with world.connect(autocommit=True) as connection:
        assert rows(connection, "select email from people where id = 80") == [("victim@x.org",)]
        connection.execute("delete from people where id in (80, 81)")
