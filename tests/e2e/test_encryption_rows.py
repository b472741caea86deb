"""Columns whose cells are bound to their row (`column encrypt --bind-row`): a cell that is put into another row past the gateway
does not open there, where one of an unbound column does; and all that may be asked of a bound column."""
from __future__ import annotations

import itertools
import threading
import uuid

import psycopg
import psycopg2
import pytest

from encrypted import DEPOT
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
DOES_NOT_OPEN = "an encrypted value does not open"


@pytest.fixture(scope="module")
def world(encrypted_world):
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("""create table wages (id int primary key, who text, amount int, iban text, free text);
                              create table pockets (id int primary key, own text);
                              create table shifts (site text, no bigint, note text, primary key (site, no))""")
        connection.execute("insert into wages values (1, 'ada', 900, 'AD12', 'a free one'), (2, 'bob', 100, 'BE34', 'b free one'), "
                           "(3, 'eve', null, null, null)")
    encrypted_world.encrypt("public.wages.amount", "--search", "--bind-row")
    encrypted_world.encrypt("public.wages.iban", "--bind-row")
    encrypted_world.encrypt("public.wages.free")
    encrypted_world.encrypt("public.pockets.own", "--per-tenant", "--bind-row")
    encrypted_world.encrypt("public.shifts.note", "--bind-row")
    return encrypted_world


@pytest.fixture(params=["transaction", "session"])
def connection(request, world):
    world.command("depot", "set", DEPOT, "--pool-mode", request.param)
    with world.connect(autocommit=True) as connection:
        yield connection
    world.command("depot", "set", DEPOT, "--pool-mode", "transaction")


def rows(connection, text, parameters=None, **options):
    return connection.execute(text, parameters, **options).fetchall()


def refused(world) -> list[dict]:
    return [record for record in world.records() if record.get("tag") == "CELL REFUSED"]


def stored(world, text: str) -> list[bytes]:
    with world.direct() as direct:
        return [bytes(value) for value in direct.execute(text).fetchone()]


def read(world, text: str, name: str = "olga") -> tuple[str | None, object]:
    """All that was said; None and the value."""
    with world.connect(name, autocommit=True) as connection:
        try:
            return None, connection.execute(text).fetchone()[0]
        except psycopg.Error as error:
            assert connection.closed or connection.broken
            return str(error), None


def test_status_says_which_columns_are_bound(world):
    bound = {column["column"]: column["bound"] for column in world.columns()}
    assert (bound["public.wages.amount"], bound["public.wages.free"], bound["public.shifts.note"]) == ("row", "no", "row")


def test_a_key_stays_plain(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("create table bound_codes (code text primary key, value text); "
                           "create table token_codes (code text primary key, value text)")
    world.encrypt("public.bound_codes.value", "--bind-row")
    said: list[str] = []

    def tokenized(table: str) -> bool:
        """Not where another module's rotation of the index is under way."""
        done = world.command("column", "tokenize", DEPOT, f"public.{table}.code", "--alphabet", "digits", check=False)
        said[:] = [done.stderr]
        return "being rotated" not in done.stderr

    wait_for(lambda: tokenized("bound_codes"), 60, "an end of the rotation")
    assert "has to stay plain" in said[0], said
    wait_for(lambda: tokenized("token_codes"), 60, "an end of the rotation")
    done = world.encrypt("public.token_codes.value", "--bind-row", check=False)
    assert done.returncode != 0 and "not plain" in done.stderr, done.stderr
    world.command("column", "detokenize", DEPOT, "public.token_codes.code")


def test_cells_swapped_between_rows_open_where_they_are_not_bound_and_nowhere_else(world):
    before = len(refused(world))
    swap = "update wages w set {0} = o.{0} from wages o where (w.id, o.id) in ((1, 2), (2, 1))"
    with world.direct() as direct:
        for column in ("free", "amount", "iban"):
            direct.execute(swap.format(column))
    # What binding is for: an unbound cell is as good in any row of its column.
    assert read(world, "select free from wages where id = 1") == (None, "b free one")
    said = {read(world, f"select {column} from wages where id = {number}") for column in ("amount", "iban") for number in (1, 2)}
    assert len(said) == 1 and DOES_NOT_OPEN in next(iter(said))[0], said
    wait_for(lambda: len(refused(world)) == before + 4, 10, "a record for each refused cell")
    with world.direct() as direct:
        for column in ("free", "amount", "iban"):
            direct.execute(swap.format(column))
    assert read(world, "select amount from wages where id = 1") == (None, 900)


def test_whatever_is_done_to_a_bound_cell_is_one_error_and_one_record(world):
    with world.connect("ana@north", autocommit=True) as north, world.connect("ana@lake", autocommit=True) as lake:
        north.execute("insert into pockets (id, own) values (10, 'one'), (11, 'two')")
        lake.execute("insert into pockets (id, own) values (12, 'one')")
    kept, ibans = stored(world, "select amount, iban from wages where id = 1")
    other_row, free = stored(world, "select a.amount, b.free from wages a, wages b where a.id = 2 and b.id = 1")
    north, north_other, lake = stored(world, "select (select own from pockets where id = 10), (select own from pockets where id = 11), "
                                             "(select own from pockets where id = 12)")
    assert kept[1] & 3 == 3 and free[1] & 2 == 0
    changed = [("amount", 1, kept[:at] + bytes([kept[at] ^ (1 << at % 8)]) + kept[at + 1:]) for at in range(len(kept))]
    changed += [("amount", 1, one) for one in (kept[:-1], kept + b"\0", other_row, ibans, free, bytes([free[0], free[1] | 2]) + free[2:],
                                               bytes([kept[0], kept[1] & ~2]) + kept[2:], kept[:2] + other_row[2:8] + kept[8:-1] + b"x")]
    changed += [("iban", 1, kept), ("free", 1, ibans)]
    changed += [("own", 10, north_other), ("own", 10, lake)]
    # Of an older key version that still opens, in another row.
    world.command("key", "rotate", "--depot", DEPOT)
    with world.connect(autocommit=True) as connection:
        connection.execute("update wages set amount = 100 where id = 2")
    changed += [("amount", 1, stored(world, "select amount from wages where id = 2")[0])]
    said, tried = set(), 0
    before = len(refused(world))
    with world.direct() as direct:
        for column, number, one in changed:
            table = "pockets" if column == "own" else "wages"
            was = direct.execute(f"select {column} from {table} where id = {number}").fetchone()[0]
            try:
                direct.execute(f"update {table} set {column} = %s where id = {number}", (one,))
            except psycopg.errors.CheckViolation:
                continue  # the domain's: it is no cell at all
            tried += 1
            said.add(read(world, f"select {column} from {table} where id = {number}", "ana@north" if column == "own" else "olga"))
            direct.execute(f"update {table} set {column} = %s where id = {number}", (was,))
    assert len(said) == 1 and DOES_NOT_OPEN in next(iter(said))[0], said
    assert tried > 70
    wait_for(lambda: len(refused(world)) >= before + tried, 10, "the records of refused cells")
    assert len(refused(world)) == before + tried
    assert read(world, "select amount from wages where id = 1") == (None, 900)
    assert read(world, "select own from pockets where id = 10", "ana@north") == (None, "one")


def test_a_row_whose_key_was_changed_past_the_gateway_does_not_open(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into wages (id, iban) values (500, 'moved')")
    with world.direct() as direct:
        direct.execute("update wages set id = 501 where id = 500")
        assert DOES_NOT_OPEN in read(world, "select iban from wages where id = 501")[0]
        direct.execute("update wages set id = 500 where id = 501")
    assert read(world, "select iban from wages where id = 500") == (None, "moved")


@pytest.mark.parametrize("binary", [False, True])
def test_parameters_and_rows(connection, binary):
    with connection.cursor(binary=binary) as cursor:
        for prepare in (None, True):
            cursor.execute("delete from wages where id between 20 and 29")
            cursor.execute("insert into wages (id, amount, iban) values (%s, %s, %s), (%s, %s, null)", (20, 5, "x", 21, 5),
                           prepare=prepare)
            assert cursor.execute("select iban, amount from wages where amount = %s order by id", (5,), prepare=prepare
                                  ).fetchall() == [("x", 5), (None, 5)]
            assert [column.name for column in cursor.description] == ["iban", "amount"]
            cursor.execute("update wages set amount = %s, iban = %s where id = %s returning iban", (6, "y", 20), prepare=prepare)
            assert cursor.fetchall() == [("y",)] and len(cursor.description) == 1
            assert cursor.execute("select * from wages where id = %s", (20,), prepare=prepare).fetchall() == [
                (20, None, 6, "y", None)]
            cursor.execute("insert into wages (id, amount) values (%s, %s), (%s, %s) on conflict (id) do update set amount = "
                           "excluded.amount", (20, 7, 22, 8), prepare=prepare)
            assert cursor.execute("select amount from wages where id in (20, 22) order by id", prepare=prepare).fetchall() == [
                (7,), (8,)]
            # A key as a wider integer than its column.
            cursor.execute("update wages set iban = %s where id = %s", ("wide", 20), prepare=prepare)
            assert cursor.execute("delete from wages where id = 20 returning iban", prepare=prepare).fetchall() == [("wide",)]


def test_constants_prepared_statements_and_cursors(world, connection):
    other = psycopg2.connect(**world.endpoint().libpq())
    other.autocommit = True
    cursor = other.cursor()
    cursor.execute("delete from wages where id between 30 and 39")
    cursor.execute("insert into wages (id, iban) values (%s, %s), (31, 'o''hara')", (30, "ü"))
    cursor.execute("select iban from wages where id in (30, 31) order by id")
    assert cursor.fetchall() == [("ü",), ("o'hara",)] and len(cursor.description) == 1
    cursor.execute("prepare put (int, text) as update wages set iban = $2 where id = $1 returning iban")
    cursor.execute("execute put (30, 'by execute')")
    assert cursor.fetchall() == [("by execute",)]
    cursor.execute("begin; declare c cursor for select iban from wages where id in (30, 31) order by id")
    cursor.execute("fetch all from c")
    assert cursor.fetchall() == [("by execute",), ("o'hara",)]
    cursor.execute("commit")
    other.close()


def test_joins_queries_and_groups(connection):
    assert rows(connection, "select a.iban, b.iban from wages a left join wages b on b.id = a.id + 1 and b.id < 3 where a.id in (1, 2) "
                            "order by a.id") == [("AD12", "BE34"), ("BE34", None)]
    assert rows(connection, "with w as (select id, iban from wages where id < 3) select x.iban, y.iban from w x, w y where x.id < y.id"
                ) == [("AD12", "BE34")]
    assert rows(connection, "select amount, count(*) over () from wages where id < 3 order by id") == [(900, 2), (100, 2)]
    assert rows(connection, "select count(amount) from wages where amount in (900, 100)") == [(2,)]
    assert sorted(rows(connection, "select distinct amount from wages where id in (1, 2)")) == [(100,), (900,)]
    assert rows(connection, "select id, iban from wages where id = 1 union all select id, iban from wages where id = 2") == [
        (1, "AD12"), (2, "BE34")]
    assert rows(connection, "select who from wages where iban is null and id = 3") == [("eve",)]


@pytest.mark.parametrize("statement", [
    "insert into wages (amount) values (5)",
    "insert into wages (id, amount) values (default, 5)",
    "insert into wages (id, amount) select 40, 5",
    "insert into wages (id, amount) select id + 100, amount from wages",
    "update wages set amount = 5",
    "update wages set amount = 5 where who = 'ada'",
    "update wages set amount = 5 where id in (1, 2)",
    "update wages set id = 7 where id = 1",
    "update wages w set iban = o.iban from wages o where w.id = 1 and o.id = 2",
    "insert into wages (id, amount) values (1, 5) on conflict (id) do update set id = 9",
    "select x.iban from (select iban from wages) x",
    "select iban from wages union all select iban from wages",
    "select amount, count(*) from wages group by amount",
    "copy wages (iban) to stdout",
    "alter table wages alter column id type bigint",
    "alter table wages rename column id to number",
])
def test_what_does_not_give_the_row_is_refused(connection, statement):
    with pytest.raises(psycopg.errors.FeatureNotSupported) as said:
        connection.execute(statement)
    assert "row" in str(said.value) or "key" in str(said.value) or "encrypted" in str(said.value)
    assert rows(connection, "select iban from wages where id = 1") == [("AD12",)]


@pytest.mark.parametrize("options", ["", "with (format csv, header)", "with (format binary)"])
def test_copy(connection, options):
    connection.execute("delete from shifts")
    with connection.cursor() as cursor:
        for site, no in itertools.product(("north", "south, \"west\"\t\\x"), (1, 2)):
            cursor.execute("insert into shifts (note, site, no) values (%s, %s, %s)", (f"note {site} {no}", site, no))
        whole = rows(connection, "select * from shifts order by 1, 2")
        with cursor.copy(f"copy shifts (note, no, site) to stdout {options}") as copy:
            data = b"".join(bytes(part) for part in copy)
        cursor.execute("delete from shifts")
        with cursor.copy(f"copy shifts (note, no, site) from stdin {options}") as copy:
            for at in range(0, len(data), 7):
                copy.write(data[at:at + 7])
        assert rows(connection, "select * from shifts order by 1, 2") == whole
        with cursor.copy("copy (select note, site, no from shifts order by no, site) to stdout") as copy:
            assert len(list(copy.rows())) == 4


def test_copy_of_a_moved_cell_ends_the_session(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into shifts values ('copied', 1, 'one'), ('copied', 2, 'two')")
    before = len(refused(world))
    swap = "update shifts s set note = o.note from shifts o where s.site = 'copied' and o.site = 'copied' and s.no <> o.no"
    with world.direct() as direct:
        direct.execute(swap)
        # Drivers differ in which of the error and the end they tell; the record says which it was.
        with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error):
            with connection.cursor() as cursor, cursor.copy("copy shifts to stdout") as copy:
                list(copy)
        direct.execute(swap)
    wait_for(lambda: len(refused(world)) == before + 1, 10, "the record of the refused cell")


def test_rotations_keep_the_binding(world):
    def key_of(text: str) -> bytes:
        return stored(world, text)[0][2:6]

    one = "select amount from wages where id = 1"
    old = key_of(one)
    index = stored(world, one)[0][8:24]
    world.command("setting", "set", "keys.grace_seconds", "0")
    try:
        world.command("key", "rotate", "--depot", DEPOT, "--index")
        wait_for(lambda: key_of(one) != old and stored(world, one)[0][8:24] != index, 60, "the cell sealed again")
        world.command("key", "rotate", "--depot", DEPOT)
        again = key_of(one)
        wait_for(lambda: key_of(one) != again, 60, "the cell sealed again")
    finally:
        world.command("setting", "set", "keys.grace_seconds", "--default")
    assert stored(world, one)[0][1] & 3 == 3
    with world.connect(autocommit=True) as connection:
        assert rows(connection, "select id, iban from wages where amount = 900") == [(1, "AD12")]
    swap = "update wages w set amount = o.amount from wages o where (w.id, o.id) in ((1, 2), (2, 1))"
    with world.direct() as direct:
        direct.execute(swap)
        assert DOES_NOT_OPEN in read(world, one)[0]
        direct.execute(swap)
    assert read(world, one) == (None, 900)


def test_a_column_is_migrated_beside_writers_that_change_keys_and_back(world):
    with world.connect(autocommit=True) as connection:
        connection.execute("create table busy (id uuid primary key, value text)")
        with connection.cursor() as cursor, cursor.copy("copy busy from stdin") as copy:
            for number in range(3000):
                copy.write_row((uuid.UUID(int=number), f"value {number}"))
    stop, moved, failures = threading.Event(), [], []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                with world.connect(autocommit=True) as connection:
                    for _ in range(20):
                        number += 1
                        new = uuid.UUID(int=1_000_000 + number)
                        done = connection.execute("update busy set id = %s where id = %s", (new, uuid.UUID(int=number % 3000)))
                        moved.append(done.rowcount)
            except psycopg.errors.FeatureNotSupported:
                return  # bound by now: keys stay
            except psycopg.Error as error:
                if error.sqlstate not in ("57P01", "57P03", None):
                    failures.append(str(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        world.encrypt("public.busy.value", "--bind-row")
    finally:
        stop.set()
        writer.join()
    assert not failures, failures
    with world.connect(autocommit=True) as connection:
        values = [value for (value,) in rows(connection, "select value from busy")]
        assert sorted(values) == sorted(f"value {number}" for number in range(3000))
    world.command("column", "decrypt", DEPOT, "public.busy.value")
    with world.direct() as direct:
        assert sorted(value for (value,) in direct.execute("select value from busy")) == sorted(values)


@pytest.mark.parametrize("table, why", [
    ("unkeyed (id int, value text)", "primary key"),
    ("numbered (id numeric primary key, value text)", "another type"),
    ("timed (id int, at timestamptz, value text, primary key (id, at))", "another type"),
    ("cascaded (id int primary key references targets on update cascade, value text)", "ON UPDATE"),
    ("collated (id text collate anyhow primary key, value text)", "collation"),
])
def test_tables_whose_rows_cant_be_told(world, table, why):
    name = table.split(" ")[0]
    with world.direct() as direct:
        direct.execute("create table if not exists targets (id int primary key); "
                       "create collation if not exists anyhow (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
                       f"create table {table}")
    done = world.encrypt(f"public.{name}.value", "--bind-row", check=False)
    assert done.returncode != 0 and why in done.stderr, done.stderr
    assert f"public.{name}.value" not in {column["column"] for column in world.columns()}
