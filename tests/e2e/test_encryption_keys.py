"""Keys of encrypted columns: whose they are, rotated, destroyed; a column's way there and back through crashes."""
from __future__ import annotations

import shutil
import subprocess
import threading
import time

import psycopg
import pytest

import bartizan
from encrypted import DEPOT, Encrypted
from processes import Child, clean_environment, wait_for

pytestmark = pytest.mark.gateway


@pytest.fixture(scope="module")
def world():
    """Its own: a tenant's keys are destroyed here."""
    one = Encrypted("transaction", tenants=True)
    with one.connect(autocommit=True) as connection:
        connection.execute("create table patients (id int primary key, tenant text, name text, secret text)")
        connection.execute("create table typed (id int primary key, a text, b varchar(40), c int, d numeric(10,2), "
                           "e date, f uuid, g jsonb, h bool, i bytea, j timestamp)")
    one.encrypt("public.patients.secret", "--search", "--per-tenant")
    one.encrypt("public.patients.name")
    yield one
    one.stop()


def rows(connection, text, parameters=None):
    return connection.execute(text, parameters).fetchall()


def test_a_tenants_values_open_for_that_tenant_alone(world):
    with world.connect("ana@north", autocommit=True) as north, world.connect("ana@lake", autocommit=True) as lake:
        north.execute("insert into patients values (1, 'north', 'N', 'shared word')")
        lake.execute("insert into patients values (2, 'lake', 'L', 'shared word')")
        assert rows(north, "select id from patients where secret = %s", ("shared word",)) == [(1,)]
        assert rows(lake, "select id, secret from patients where secret = 'shared word'") == [(2, "shared word")]
        with pytest.raises(psycopg.Error, match="does not open"):
            rows(lake, "select secret from patients where id = 1")
    with world.connect(autocommit=True) as owner:
        assert rows(owner, "select name from patients order by id") == [("N",), ("L",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("insert into patients values (3, 'none', 'x', 'mine')")
    with world.direct() as direct:
        cells = [bytes(cell) for cell, in rows(direct, "select secret from patients order by id")]
        assert cells[0][8:24] != cells[1][8:24], "equal values of two tenants are not to be linked"


def test_after_a_rotation_old_values_open_and_new_ones_are_under_the_new_key(world):
    with world.connect(autocommit=True) as owner:
        owner.execute("update patients set name = 'before' where id = 1")
        world.command("key", "rotate", "--depot", DEPOT)
        owner.execute("update patients set name = 'after' where id = 2")
        assert rows(owner, "select name from patients order by id") == [("before",), ("after",)]
    with world.direct() as direct:
        cells = [bytes(cell) for cell, in rows(direct, "select name from patients order by id")]
    assert cells[0][2:6] != cells[1][2:6]
    assert world.command("key", "list").stdout.count("retired") >= 1
    world.command("key", "rewrap")
    with world.connect(autocommit=True) as owner:
        assert rows(owner, "select name from patients order by id") == [("before",), ("after",)]


def test_destroyed_keys_are_gone_for_sessions_restarts_and_old_copies_of_keys_and_data(world):
    keys = world.data / "keys"
    old_keys, old_rows = world.folder / "old-keys", None
    with world.connect("ana@lake", autocommit=True) as lake, world.connect("ana@north", autocommit=True) as north:
        lake.execute("insert into patients values (20, 'lake', 'L', 'gone for ever') on conflict (id) do nothing")
        north.execute("insert into patients values (21, 'north', 'N', 'stays') on conflict (id) do nothing")
        with world.direct() as direct:
            old_rows = rows(direct, "select id, secret from patients where id in (20, 21)")
        shutil.copytree(keys, old_keys)
        refused = world.command("key", "destroy", "--tenant", "lake", "--reason", "contract ended", check=False)
        assert refused.returncode != 0 and "irrevocably" in refused.stderr + refused.stdout
        world.command("key", "destroy", "--tenant", "lake", "--reason", "contract ended", "--irrevocably")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no key"):
            rows(lake, "select secret from patients where id = 20")
        assert rows(north, "select secret from patients where id = 21") == [("stays",)]
    with world.connect("ana@lake", autocommit=True) as lake, pytest.raises(psycopg.errors.InsufficientPrivilege):
        lake.execute("insert into patients values (22, 'lake', 'L', 'again')")
    listed = world.command("key", "list").stdout
    assert "contract ended" in listed and "destroyed" in listed
    # An older copy of the keyring, put back: its root is forgotten.
    ring = next(path for path in (old_keys / "keyrings").glob("tenant-*")
                if path.read_bytes() != (keys / "keyrings" / path.name).read_bytes()
                and b"contract ended" in (keys / "keyrings" / path.name).read_bytes())
    tombstone = (keys / "keyrings" / ring.name).read_bytes()
    (keys / "keyrings" / ring.name).write_bytes(ring.read_bytes())
    try:
        with world.direct() as direct:  # and a backup of the rows
            for number, cell in old_rows:
                direct.execute("update patients set secret = %s where id = %s", (cell, number))
        _restart(world)
        with world.connect("ana@lake", autocommit=True) as lake, pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(lake, "select secret from patients where id = 20")
        with world.connect("ana@north", autocommit=True) as north:
            assert rows(north, "select secret from patients where id = 21") == [("stays",)]
    finally:
        (keys / "keyrings" / ring.name).write_bytes(tombstone)


def _restart(world) -> None:
    gateway = world.gateway
    gateway.stop()
    gateway.child = Child([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"],
                          world.folder / "up-again.log", env=clean_environment())
    gateway.state = wait_for(gateway._serving, 120, "bartizan up", step=0.2)


TYPES = {"a": "text %d", "b": "varchar %d", "c": 7, "d": "12.50", "e": "2024-02-29",
         "f": "7e9a1c52-0000-4000-8000-00000000000a", "g": '{"k": [1, 2.50]}', "h": True, "i": b"\x00\xff",
         "j": "2024-02-29 12:00:00.5"}


def test_columns_of_every_type_there_and_back_beside_writers(world):
    with world.connect(autocommit=True) as owner:
        with owner.cursor() as cursor, cursor.copy("copy typed from stdin") as copy:
            for number in range(400):
                copy.write_row((number, *(value % number if isinstance(value, str) and "%d" in value else value
                                          for value in TYPES.values())))
        before = rows(owner, "select * from typed order by id")
    stop = threading.Event()
    failed: list[str] = []

    def write() -> None:
        """As an application with a pool does: it connects again when a session was ended."""
        number = 1000
        while not stop.is_set():
            try:
                with world.connect(autocommit=True) as connection:
                    while not stop.is_set():
                        number += 1
                        connection.execute("insert into typed (id, a, c) values (%s, %s, %s)", (number, f"w{number}", number))
                        found = rows(connection, "select a, c from typed where id = %s", (number,))
                        if found != [(f"w{number}", number)]:
                            failed.append(f"{number}: {found}")
            except (psycopg.errors.AdminShutdown, psycopg.OperationalError):
                number += 1
            except psycopg.Error as error:
                failed.append(str(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for column in TYPES:
            world.encrypt(f"public.typed.{column}", *(["--search"] if column in "ac" else []))
    finally:
        stop.set()
        writer.join()
    assert not failed, failed[:3]
    with world.connect(autocommit=True) as owner:
        assert rows(owner, "select * from typed where id < 1000 order by id") == before
        assert rows(owner, "select count(*) from typed where c = 7") == [(400,)]
        assert rows(owner, "select count(*), count(a) from typed where id > 1000")[0][0] > 10
    for column in TYPES:
        world.command("column", "decrypt", DEPOT, f"public.typed.{column}")
    with world.direct() as direct:
        assert rows(direct, "select * from typed where id < 1000 order by id") == before


def test_a_migration_that_is_killed_goes_on_and_loses_nothing(world, request):
    """kill -9 at moments all along the way; each time it starts again, is asked again and goes on."""
    with world.connect(autocommit=True) as owner:
        owner.execute("create table killed (id int primary key, v text)")
        with owner.cursor() as cursor, cursor.copy("copy killed from stdin") as copy:
            for number in range(3000):
                copy.write_row((number, f"value {number}"))
    deaths = 0
    moments = [number * 0.04 for number in range(1, 40)] if request.config.getoption("--full") else [0.05, 0.4, 0.9]
    for pause in moments:
        asked = subprocess.Popen([str(bartizan.program()), "column", "encrypt", DEPOT, "public.killed.v", "--search",
                                  "--data", str(world.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=clean_environment())
        time.sleep(pause)
        if asked.poll() is not None:
            break
        world.gateway.child.stop(9)
        asked.wait()
        deaths += 1
        _restart(world)
        with world.connect(autocommit=True) as owner:
            assert rows(owner, "select count(*), min(id), count(v) from killed") == [(3000, 0, 3000)]
            assert rows(owner, "select v from killed where id = 2999") == [("value 2999",)]
    state = {column["column"]: column["state"] for column in world.columns()}.get("public.killed.v")
    if state != "encrypted":
        world.encrypt("public.killed.v", "--search")
    assert deaths > 0
    with world.connect(autocommit=True) as owner:
        assert rows(owner, "select id, v from killed order by id") == [(n, f"value {n}") for n in range(3000)]
        assert rows(owner, "select id from killed where v = 'value 77'") == [(77,)]
    with world.direct() as direct:
        assert rows(direct, "select count(*) from killed where get_byte(v, 0) = 199") == [(3000,)]
