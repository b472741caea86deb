"""Columns under keys of data subjects (`column encrypt --subject`): one person's values are destroyed alone, for good, in the
database, its backups and older copies of the key store; all others' go on."""
from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import bartizan
from deaths import Deaths
from encrypted import DEPOT, Encrypted
from processes import Child, clean_environment, wait_for

pytestmark = [pytest.mark.timeout(420), pytest.mark.gateway]
DOES_NOT_OPEN = "an encrypted value does not open"
ADA, BOB, CAT, DAN, EVE = 4711, 4712, 4713, 4714, 4715


@pytest.fixture(scope="module")
def world():
    one = Encrypted(tenants=True)
    with one.connect(autocommit=True) as owner:
        owner.execute("""create table visits (id int primary key, person bigint, mail text, note text, free text);
                         create table letters (id uuid primary key default gen_random_uuid(), person bigint, text text not null);
                         create table files (id int primary key, person text, content text);
                         create table stays (person bigint, day int, cost int, primary key (person, day))""")
        owner.execute("insert into visits select i, 4711 + i % 5, 'mail' || i % 5, 'note ' || i, 'free ' || i "
                      "from generate_series(0, 49) i")
        owner.execute("insert into visits (id) values (90)")
        owner.execute("insert into letters (person, text) select 4711 + i % 5, 'letter ' || i from generate_series(0, 9) i")
    one.encrypt("public.visits.mail", "--search", "--subject", "person")
    one.encrypt("public.visits.note", "--subject", "person")
    one.encrypt("public.visits.free")
    one.encrypt("public.letters.text", "--subject", "person")
    one.encrypt("public.stays.cost", "--subject", "person")
    one.encrypt("public.files.content", "--per-tenant", "--subject", "person")
    yield one
    one.stop()


def start(world, environment=None) -> None:
    gateway = world.gateway
    gateway.child = Child([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"],
                          world.folder / "up-again.log", env={**clean_environment(), **(environment or {})})
    gateway.state = wait_for(gateway._serving, 120, "bartizan up", step=0.2)


def destroy(world, person, *whose: str, check: bool = True, reason: str = "erasure request 81"):
    return world.command("key", "destroy", *(whose or ("--depot", DEPOT)), "--subject-stdin", "--reason", reason, "--irrevocably",
                         "--json", input=f"{person}\n", check=check)


def rows(world, text: str, parameters=None, name: str = "olga", **options):
    with world.connect(name, autocommit=True) as connection:
        return connection.execute(text, parameters, **options).fetchall()


def notes(world, person: int) -> set:
    return {row[0] for row in rows(world, "select note from visits where person = %s", (person,))}


def whole(person: int) -> set:
    return {f"note {i}" for i in range(50) if 4711 + i % 5 == person}


def lives(world, *persons: int) -> None:
    for person in persons:
        assert notes(world, person) == whole(person)


def gone(world, person: int) -> None:
    assert notes(world, person) == {None}
    assert rows(world, "select mail, note, free is not null from visits where person = %s limit 1", (person,)) == [(None, None, True)]


def refused_records(world) -> list[dict]:
    return [record for record in world.records() if record.get("tag") == "CELL REFUSED"]


def test_status_says_by_whom(world):
    bound = {column["column"]: column["bound"] for column in world.columns()}
    assert bound["public.visits.mail"] == bound["public.files.content"] == "subject person"
    assert bound["public.visits.free"] == "no"
    keys = json.loads(world.command("key", "list", "--json").stdout)
    assert [key["destroyed_subjects"] for key in keys if key["purpose"] == "subjects" and key["owner"] == f"depot {DEPOT}"] == [0]


@pytest.mark.parametrize("options", [("--bind-row",), ("--subject", "nobody"), ("--subject", "free"), ("--subject", "cost")])
def test_what_can_be_no_subject_is_refused(world, options):
    with world.connect(autocommit=True) as owner:
        owner.execute("create table if not exists odd (id int primary key, person bigint, cost numeric, value text)")
    done = world.encrypt("public.odd.value" if options[1:] != ("free",) else "public.visits.person",
                         *(("--subject", "person", *options) if options == ("--bind-row",) else options), check=False)
    assert done.returncode != 0 and any(word in done.stderr for word in ("exclude", "no column", "bound", "type")), done.stderr


def test_one_table_has_one_key(world):
    with world.connect(autocommit=True) as owner:
        owner.execute("create table twice (id int primary key, person bigint, other bigint, a text, b text)")
    world.encrypt("public.twice.a", "--subject", "person")
    for options in (("--bind-row",), ("--subject", "other")):
        done = world.encrypt("public.twice.b", *options, check=False)
        assert done.returncode != 0 and "another key" in done.stderr
    done = world.encrypt("public.twice.person", check=False)
    assert done.returncode != 0 and "stay plain" in done.stderr
    with world.connect(autocommit=True) as owner:
        owner.execute("create table people (id int primary key)")
        owner.execute("create table cascading (id int primary key, person int references people on delete set null, a text)")
    done = world.encrypt("public.cascading.a", "--subject", "person", check=False)
    assert done.returncode != 0 and "ON DELETE" in done.stderr


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("prepare", [None, True])
def test_values_are_written_and_read(world, binary, prepare):
    with world.connect(autocommit=True) as connection, connection.cursor(binary=binary) as cursor:
        def run(text, parameters=None):
            return cursor.execute(text, parameters, prepare=prepare)

        run("delete from visits where id between 100 and 199")
        run("insert into visits (id, person, mail, note) values (%s, %s, %s, %s), (%s, %s, null, %s)",
            (100, 7, "m", "one", 101, 8, "two"))
        assert run("select note, mail from visits where id in (100, 101) order by id").fetchall() == [("one", "m"), ("two", None)]
        assert [column.name for column in cursor.description] == ["note", "mail"]
        assert run("select note from visits where mail = %s and id = 100", ("m",)).fetchall() == [("one",)]
        # All of a person's rows at once, and one of them.
        run("update visits set note = %s where person = %s", ("both", 7))
        run("update visits set note = %s where person = %s and id = %s returning note", ("only", 8, 101))
        assert cursor.fetchall() == [("only",)]
        run("insert into visits (id, person, note) values (%s, %s, %s)", (102, None, None))
        run("update visits set note = null where id = 101")
        assert run("select note from visits where id between 100 and 102 order by id").fetchall() == [("both",), (None,), (None,)]
        run("insert into stays (person, day, cost) values (%s, %s, %s) on conflict (person, day) do update set cost = excluded.cost",
            (7, 1, 10))
        run("insert into stays (person, day, cost) values (%s, %s, %s) on conflict (person, day) do update set cost = excluded.cost",
            (7, 1, 11))
        assert run("select cost from stays where person = 7").fetchall() == [(11,)]
        run("delete from visits where id between 100 and 199")


@pytest.mark.parametrize("statement", [
    "insert into visits (id, note) values (110, 'whose?')",
    "update visits set note = 'x' where id = 1",
    "update visits set person = 4712 where id = 0",
    "update visits set note = (select note from visits where id = 1) where person = 4711",
    "insert into visits (id, person, note) values (1, 4711, 'x') on conflict (id) do update set note = excluded.note",
    "insert into visits (id, person, note) select 111, 4711, 'x'",
    "copy visits (note) to stdout",
    "alter table visits alter column person type int",
])
def test_what_does_not_say_whose_it_is_is_refused(world, statement):
    with world.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute(statement)


def test_a_value_without_a_subject_is_refused(world):
    with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as said:
        connection.execute("insert into visits (id, person, note) values (%s, %s, %s)", (112, None, "whose?"))
    assert said.value.sqlstate in ("22P02", "42501", "22023"), said.value


@pytest.mark.parametrize("options", ["", "with (format csv)", "with (format binary)"])
def test_copy(world, options):
    with world.connect(autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("delete from stays; insert into stays values (1, 1, 5), (1, 2, null), (2, 1, 6)")
        with cursor.copy(f"copy stays to stdout {options}") as copy:
            data = b"".join(bytes(part) for part in copy)
        cursor.execute("delete from stays")
        with cursor.copy(f"copy stays from stdin {options}") as copy:
            copy.write(data)
        assert cursor.execute("select * from stays order by 1, 2").fetchall() == [(1, 1, 5), (1, 2, None), (2, 1, 6)]


def test_a_cell_in_another_persons_row_does_not_open(world):
    before = len(refused_records(world))
    swap = "update visits v set note = o.note from visits o where (v.id, o.id) in ((0, 1), (1, 0))"
    with world.direct() as direct:
        direct.execute(swap)
        for number in (0, 1):
            with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as said:
                connection.execute(f"select note from visits where id = {number}")
            assert DOES_NOT_OPEN in str(said.value)
        direct.execute(swap)
    wait_for(lambda: len(refused_records(world)) == before + 2, 10, "a record for each")
    lives(world, ADA, BOB)


@pytest.fixture(scope="module")
def kept(world):
    """The key store of before any destruction, and rows of it."""
    folder = world.folder / "kept"
    folder.mkdir()
    with world.direct() as direct:
        cells = direct.execute("select id, mail, note from visits where note is not null").fetchall()
    world.gateway.stop()
    subprocess.run(["cp", "-a", world.data / "keys", folder / "keys"], check=True)
    start(world)
    return folder, cells


def test_destroying_one_leaves_the_others_and_is_certified(world, kept):
    mine = 0
    with world.direct() as direct:
        for column in world.columns():
            table, _, name = column["column"].rpartition(".")
            if column["bound"].startswith("subject "):
                subject = column["bound"].removeprefix("subject ")
                mine += direct.execute(f"select count({name}) from {table} where {subject}::text = %s", (str(ADA),)).fetchone()[0]
    assert mine > 3
    for person, values in ((ADA, mine), (987654, 0)):
        refused = world.command("key", "destroy", "--depot", DEPOT, "--subject-stdin", "--reason", "x", input=f"{person}\n",
                                check=False)
        assert refused.returncode != 0 and f" {values} values of this data subject" in refused.stderr, refused
    lives(world, ADA, BOB, CAT, DAN, EVE)
    with world.connect(autocommit=True) as lingering:
        lingering.execute("prepare mine as select note from visits where id = 0")
        assert lingering.execute("execute mine").fetchall() == [("note 0",)]
        answer = json.loads(destroy(world, ADA).stdout)
        assert lingering.execute("execute mine").fetchall() == [(None,)]
    gone(world, ADA)
    lives(world, BOB, CAT, DAN, EVE)
    assert {row[0] for row in rows(world, "select text from letters where person = %s", (ADA,))} == {None}
    assert rows(world, "select count(*), count(note) from visits where person = 4711") == [(10, 10)]
    # What the index tells stays: the row is found by the value, and shows none.
    assert rows(world, "select note from visits where mail = 'mail0' and id = 0") == [(None,)]
    text, _, signatures = answer["certificate"].partition("\n\n")
    text += "\n"
    lines = text.splitlines()
    assert lines[0] == "bartizan key destruction 1" and str(ADA) not in text
    subject = next(line for line in lines if line.startswith("owner subject depot ")).split()[-1]
    assert len(subject) == 16 and int(subject, 16) >= 0
    assert any(line.startswith("authority os:") and "erasure request 81" in line for line in lines)
    name, key_id, encoded = answer["verifier"].split("+", 2)
    raw = base64.b64decode(signatures.split("\n")[0].split(" ")[2])
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
    key.verify(raw[4:], text.encode())
    with pytest.raises(Exception):
        key.verify(raw[4:], text.replace(subject, subject[::-1]).encode())
    assert any(subject in file.name for file in (world.data / "keys" / "certificates").iterdir())
    states = [(row["state"], row["destroyed_subjects"]) for row in answer["keys"] if row["purpose"] == "subjects"]
    assert sorted(states, key=str) == [("active", 1), ("destroyed", None)]
    again = destroy(world, ADA, check=False)
    assert again.returncode != 0 and "already" in again.stderr
    nobody = destroy(world, "no number", check=False)
    assert nobody.returncode != 0 and "no encrypted column" in nobody.stderr
    # The number stands in no record of it, nor in the log.
    def calls() -> list[dict]:
        return [record for record in world.records() if "key.destroy" in json.dumps(record)]

    wait_for(calls, 10, "the records of it")
    assert not any(f'"{ADA}"' in json.dumps(record) or f" {ADA}" in json.dumps(record) for record in calls())


def test_nothing_is_written_for_the_destroyed(world, kept):
    for text in ("insert into visits (id, person, note) values (200, 4711, %s)", "update visits set note = %s where person = 4711"):
        with world.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege) as said:
            connection.execute(text, ("again",))
        assert "public.visits.note" in str(said.value) and "destroyed" in str(said.value)
    with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error):
        connection.execute("insert into visits (id, person, note) values (200, 4711, 'again')")
    with world.connect(autocommit=True) as connection, connection.cursor() as cursor, pytest.raises(psycopg.Error) as said:
        with cursor.copy("copy visits (id, person, note) from stdin") as copy:
            copy.write_row((201, ADA, "again"))
    assert "destroyed" in str(said.value)
    # Rows of theirs may come and go, values apart.
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into visits (id, person, free) values (202, 4711, 'free')")
        connection.execute("delete from visits where id = 202")


@pytest.mark.parametrize("binary", [False, True])
def test_it_is_null_in_both_protocols_and_in_copy(world, kept, binary):
    with world.connect(autocommit=True) as connection, connection.cursor(binary=binary) as cursor:
        found = cursor.execute("select id, mail, note from visits where id in (0, 1) order by id", prepare=True).fetchall()
        assert found == [(0, None, None), (1, "mail1", "note 1")]
        with cursor.copy("copy (select id, person, note from visits where id < 2 order by id) to stdout"
                         + (" with (format binary)" if binary else "")) as copy:
            copy.set_types(["int4", "int8", "text"])
            assert list(copy.rows()) == ([(0, ADA, None), (1, BOB, "note 1")])


def test_rows_of_a_backup_stay_unreadable(world, kept):
    _, cells = kept
    with world.direct() as direct:
        direct.execute("update visits set mail = null, note = null where person = 4711")
        for number, mail, note in cells:
            direct.execute("update visits set mail = %s, note = %s where id = %s", (mail, note, number))
    gone(world, ADA)
    lives(world, BOB, CAT, DAN, EVE)


@pytest.mark.parametrize("what", ["tree", "keyrings", "keys"])
def test_an_older_key_store_revives_nothing(world, kept, what):
    """The tree's file alone opens under nothing; so do the keyrings without their root file. All of it: what the control
    database knows is done again, and the others go on."""
    folder, _ = kept
    today = world.folder / f"today-{what}"
    world.gateway.stop()
    subprocess.run(["cp", "-a", world.data / "keys", today], check=True)
    for file in (folder / "keys").rglob("*"):
        part = file.relative_to(folder / "keys")
        if file.is_file() and (what == "keys" or (part.parts[0] == "keyrings" and (what == "keyrings" or part.suffix == ".tree"))):
            shutil.copy2(file, world.data / "keys" / part)
    start(world)
    if what == "keys":
        gone(world, ADA)
        lives(world, BOB, CAT, DAN, EVE)
        keys = json.loads(world.command("key", "list", "--json").stdout)
        assert [key["destroyed_subjects"] for key in keys if key["purpose"] == "subjects" and key["state"] == "active"
                and key["owner"] == f"depot {DEPOT}"] == [1]
        return
    with world.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as said:
        print(connection.execute("select note from visits where person = 4711").fetchall())
    assert said.value.sqlstate in ("42501", "XX001"), said.value
    world.gateway.stop()
    shutil.rmtree(world.data / "keys")
    subprocess.run(["cp", "-a", today, world.data / "keys"], check=True)
    start(world)
    gone(world, ADA)
    lives(world, BOB, CAT, DAN, EVE)


def test_a_rotation_ends_although_cells_can_not_be_sealed_again(world, kept):
    world.command("setting", "set", "keys.grace_seconds", "0")
    world.command("setting", "set", "keys.cells_per_second", "1000000")

    def states() -> dict[int, dict]:
        return {key["key"]: key for key in json.loads(world.command("key", "status", "--json").stdout)
                if key["purpose"] == "data" and key["owner"] == f"depot {DEPOT}"}

    old = next(key for key, row in states().items() if row["state"] == "active")
    with world.direct() as direct:
        hers = direct.execute("select note from visits where id = 0").fetchone()[0]
    world.command("key", "rotate", "--depot", DEPOT)
    wait_for(lambda: states()[old]["state"] == "destroyed", 90, "the end of the old key", step=0.5)
    with world.direct() as direct:
        assert direct.execute("select note from visits where id = 0").fetchone()[0] == hers
        assert direct.execute("select count(*) from visits where person <> 4711 and substr(note, 3, 4) = %s",
                              (old.to_bytes(4, "big"),)).fetchone()[0] == 0
    gone(world, ADA)
    lives(world, BOB, CAT, DAN, EVE)
    world.command("setting", "set", "keys.grace_seconds", "--default")
    world.command("setting", "set", "keys.cells_per_second", "--default")


def test_a_copy_that_runs_meanwhile_is_broken_off(world, kept):
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into visits (id, person, note) values (%s, %s, %s)", (8000, 8000, "leaves"))
    copying = world.connect(autocommit=True)
    with pytest.raises(psycopg.Error) as cut:
        with copying.cursor() as cursor, cursor.copy("copy visits (id, person, note) from stdin") as copy:
            copy.write_row((8001, 8001, "before"))
            time.sleep(0.2)
            destroy(world, 8000)
            for number in range(8002, 12000):
                copy.write_row((number, 8001, "after " * 20))
                time.sleep(0.001)
    assert "destroyed meanwhile" in str(cut.value), cut.value
    assert notes(world, 8000) == {None} and notes(world, 8001) == set()


def test_killed_at_any_step_it_is_done_at_the_next_start(world, kept):
    deaths = Deaths(world.folder)
    environment = {**deaths.environment, "DEATHS_OF": "INTO bartizan.subject_destructions"}
    persons = iter(range(9000, 9100))
    steps, step = 0, 0
    while True:
        step += 1
        person = next(persons)
        with world.connect(autocommit=True) as connection:
            connection.execute("insert into visits (id, person, note) values (%s, %s, %s)", (person, person, "mortal"))
        world.gateway.stop()
        deaths.at(0)
        (world.folder / "deaths.at.count").unlink(missing_ok=True)
        start(world, environment)
        assert notes(world, person) == {"mortal"}
        deaths.at(deaths.count + step)
        done = destroy(world, person, check=False)
        deaths.at(0)
        if done.returncode == 0:
            break
        wait_for(lambda: not world.gateway.child.alive(), 20, "its death")
        world.gateway.child.stop(9)
        deaths.at(0)
        start(world, environment)
        # The first is the order itself: nothing was done yet, and nothing was promised.
        expected = {"mortal"} if step == 1 else {None}
        assert notes(world, person) == expected, step
        lives(world, BOB, CAT)
        steps += 1
        if step > 1:
            again = destroy(world, person, check=False)
            assert again.returncode != 0 and "already" in again.stderr
        step += 0 if step < 8 else 2
    assert steps > 6
    gone(world, ADA)
    world.gateway.stop()
    start(world)


def test_tenants_have_trees_of_their_own(world, kept):
    for name in ("ana@north", "ana@lake"):
        with world.connect(name, autocommit=True) as connection:
            connection.execute("insert into files values (%s, 'p-1', %s), (%s, 'p-2', %s)",
                               (1 if "north" in name else 3, "first", 2 if "north" in name else 4, "second"))
    answer = json.loads(destroy(world, "p-1", "--tenant", "north").stdout)
    assert "owner subject tenant " in answer["certificate"]
    assert rows(world, "select content from files where id in (1, 2) order by id", name="ana@north") == [(None,), ("second",)]
    assert rows(world, "select content from files where id in (3, 4) order by id", name="ana@lake") == [("first",), ("second",)]
    with world.direct() as direct:
        direct.execute("update files set content = (select content from files where id = 3) where id = 2")
    with world.connect("ana@north", autocommit=True) as connection, pytest.raises(psycopg.Error) as said:
        connection.execute("select content from files where id = 2")
    assert DOES_NOT_OPEN in str(said.value)
    # The whole owner's, the tree with it.
    world.command("key", "destroy", "--tenant", "lake", "--reason", "contract ended", "--irrevocably")
    with world.connect("ana@lake", autocommit=True) as connection, pytest.raises(psycopg.Error) as said:
        connection.execute("select content from files where id = 3")
    assert said.value.sqlstate in ("42501", "XX001")


def test_back_to_a_plain_column(world, kept):
    done = world.command("column", "decrypt", DEPOT, "public.letters.text", check=False)
    assert done.returncode != 0 and "NOT NULL" in done.stderr, done.stderr
    assert {row[0] for row in rows(world, "select text from letters where person = %s", (BOB,))} == {"letter 1", "letter 6"}
    with world.connect(autocommit=True) as connection:
        connection.execute("delete from letters where person = 4711")
    world.command("column", "decrypt", DEPOT, "public.letters.text")
    world.command("column", "decrypt", DEPOT, "public.visits.note")
    with world.direct() as direct:
        assert direct.execute("select note from visits where id in (0, 1) order by id").fetchall() == [(None,), ("note 1",)]
        assert direct.execute("select text from letters where person = 4712 order by text").fetchall() == [
            ("letter 1",), ("letter 6",)]
    # Nor back again, as long as values of theirs are there.
    with world.connect(autocommit=True) as connection:
        connection.execute("update visits set note = 'written meanwhile' where id = 0")
    done = world.encrypt("public.visits.note", "--subject", "person", check=False)
    assert done.returncode != 0 and "destroyed" in done.stderr
    world.command("column", "decrypt", DEPOT, "public.visits.note")
