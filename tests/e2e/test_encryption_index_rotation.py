"""`key rotate --index`: equality holds all the while, joins and groups come back, and the old index key goes on evidence."""
from __future__ import annotations

import json
import time

import psycopg
import pytest

from encrypted import DEPOT
from processes import wait_for
from test_encryption_rotation import keys, quick

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def world(encrypted_world):
    yield encrypted_world
    for name in ("keys.grace_seconds", "keys.cells_per_second"):
        encrypted_world.command("setting", "set", name, "--default", check=False)


def index_keys(world, *states: str) -> list[dict]:
    return [key for key in keys(world) if key["purpose"] == "index" and key["state"] in states and key["owner"] == f"depot {DEPOT}"]


def indexes(world, table: str) -> dict[str, bytes]:
    """Blind indexes as they stand in the cells, by row."""
    with world.direct() as direct:
        return dict(direct.execute(f"select id, substr(v::bytea, 9, 16) from {table} where v is not null").fetchall())


def found(connection, value: str) -> list[int]:
    return [row[0] for row in connection.execute("select id from indexed where v = %s order by id", (value,)).fetchall()]


def joined(connection) -> int:
    """0 while it is refused."""
    try:
        return connection.execute("select count(*) from indexed join lists on lists.v = indexed.v").fetchone()[0]
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return 0


def test_both_indexes_are_asked_for_until_every_cell_has_the_new_one(world):
    # Kept for their grace: the index key must not wait for that.
    world.command("setting", "set", "keys.grace_seconds", "86400")
    world.command("setting", "set", "keys.cells_per_second", "150")
    with world.connect(autocommit=True) as owner:
        owner.execute("create table indexed (id int primary key, v text, w int)")
        owner.execute("create table lists (id int primary key, v text)")
    world.encrypt("public.indexed.v", "--search")
    world.encrypt("public.lists.v", "--join-with", "public.indexed.v")
    with world.connect(autocommit=True) as owner:
        with owner.cursor() as cursor, cursor.copy("copy indexed from stdin") as copy:
            for number in range(600):
                copy.write_row((number, f"value {number % 50}", number))
        owner.execute("insert into lists values (1, 'value 7'), (2, 'value 8')")
    before = indexes(world, "indexed")
    old = index_keys(world, "active")[0]["key"]
    with world.connect() as lingering:
        lingering.execute("prepare by_value as select count(*) from indexed where v = 'value 3'")
        assert lingering.execute("execute by_value").fetchone() == (12,)
        world.command("key", "rotate", "--depot", DEPOT, "--index")
        twice = world.command("key", "rotate", "--depot", DEPOT, "--index", check=False)
        assert twice.returncode != 0 and "already" in twice.stderr
        # What was planned for one index is in a transaction: nothing may have the other one alone so far.
        wait_for(lambda: any("sessions" in key["step"] for key in index_keys(world, "pending")), 20, "the session to be waited for", step=0.3)
        with world.connect(autocommit=True) as other:
            other.execute("insert into indexed values (9000, 'value 3', 0)")
            assert 9000 in found(other, "value 3")
        lingering.commit()
        with pytest.raises(psycopg.Error) as ended:
            for _ in range(100):
                lingering.execute("execute by_value")
                lingering.commit()
                time.sleep(0.1)
        assert ended.value.sqlstate in ("57P01", None)
    wait_for(lambda: index_keys(world, "retired"), 20, "the new index to be in force", step=0.2)
    during = 0
    while index_keys(world, "retired"):
        # One at a time: a session that signed in just before the new key was in force is waited for too.
        with world.connect(autocommit=True) as owner:
            now = indexes(world, "indexed")
            changed = sum(now[row] != index for row, index in before.items())
            during += 0 < changed < 600
            for number in (3, 7, 49):
                value = f"value {number}"
                expected = [row for row in range(600) if row % 50 == number] + ([9000] if number == 3 else [])
                assert found(owner, value) == expected
            assert owner.execute("select count(*) from indexed where v in ('value 1', 'value 2')").fetchone() == (24,)
            assert owner.execute("select count(*) from indexed where v = any(%s)", (["value 1", "none"],)).fetchone() == (12,)
            assert owner.execute("select count(*) from indexed where v <> 'value 3'").fetchone() == (601 - 13,)
            if 0 < changed < 600 and during < 3:
                with pytest.raises(psycopg.Error) as refused:
                    owner.execute("select count(*) from indexed join lists on lists.v = indexed.v")
                assert refused.value.sqlstate == "55000"
            if during > 3:
                world.command("setting", "set", "keys.cells_per_second", "1000000")
    assert during, "the rotation was over before it could be looked at"
    with world.connect(autocommit=True) as owner:
        assert wait_for(lambda: joined(owner), 10, "joins to be had again", step=0.2) == 24
        assert len(owner.execute("select v, count(*) from indexed group by v").fetchall()) == 50
        assert found(owner, "value 3")[-1] == 9000
    after = indexes(world, "indexed")
    assert all(after[row] != index for row, index in before.items())
    assert len(set(after.values())) == 50
    gone = next(key for key in keys(world) if key["key"] == old)
    assert gone["state"] == "destroyed" and gone["cells"] == 0 and gone["counted_at"]
    assert len(index_keys(world, "active")) == 1 and index_keys(world, "active")[0]["key"] != old
    # The data keys of before it are kept for their grace, for backups.
    assert any(key["purpose"] == "data" and key["state"] == "retired" and key["owner"] == f"depot {DEPOT}" for key in keys(world))


def test_a_kill_in_the_middle_is_made_up_for(world):
    world.command("setting", "set", "keys.cells_per_second", "150")
    before = indexes(world, "indexed")
    old = index_keys(world, "active")[0]["key"]
    world.command("key", "rotate", "--depot", DEPOT, "--index")
    wait_for(lambda: 0 < sum(index != before[row] for row, index in indexes(world, "indexed").items()) < len(before), 30,
             "some to be done", step=0.05)
    world.kill()
    world.gateway.start()
    with world.connect(autocommit=True) as owner:
        assert len(found(owner, "value 3")) == 13
    world.command("setting", "set", "keys.cells_per_second", "1000000")
    wait_for(lambda: not index_keys(world, "retired", "pending"), 60, "the old index key's end", step=0.3)
    assert next(key for key in keys(world) if key["key"] == old)["state"] == "destroyed"
    after = indexes(world, "indexed")
    assert all(after[row] != index for row, index in before.items())
    with world.connect(autocommit=True) as owner:
        assert len(found(owner, "value 3")) == 13


def test_a_unique_column_is_in_its_way(world):
    with world.connect(autocommit=True) as owner:
        owner.execute("create table only_once (id int primary key, v text)")
    world.encrypt("public.only_once.v", "--unique")
    refused = world.command("key", "rotate", "--depot", DEPOT, "--index", check=False)
    assert refused.returncode != 0 and "public.only_once.v is unique" in refused.stderr, refused
    world.command("column", "decrypt", DEPOT, "public.only_once.v")
    quick(world)
    wait_for(lambda: not [key for key in keys(world) if key["purpose"] == "data" and key["state"] == "retired"], 60,
             "the old data keys' end", step=0.5)
