"""What follows from `key rotate`: cells sealed again, counted, the old key destroyed; through kill -9 at its steps."""
from __future__ import annotations

import json
import random
import threading
import time

import psycopg
import pytest

import bartizan
from deaths import Deaths
from encrypted import DEPOT, Encrypted
from processes import Child, clean_environment, wait_for

pytestmark = pytest.mark.gateway


def keys(world) -> list[dict]:
    return json.loads(world.command("key", "status", "--json").stdout)


def data_keys(world, state: str, owner: str = "") -> list[dict]:
    return [key for key in keys(world) if key["purpose"] == "data" and key["state"] == state and owner in key["owner"]]


def key_ids(world, table: str, column: str) -> dict[int, int]:
    with world.direct() as direct:
        found = direct.execute(f"select substr({column}, 3, 4), count(*) from {table} where {column} is not null group by 1")
        return {int.from_bytes(key, "big"): count for key, count in found.fetchall()}


def quick(world) -> None:
    world.command("setting", "set", "keys.grace_seconds", "0")
    world.command("setting", "set", "keys.cells_per_second", "1000000")


@pytest.fixture(scope="module")
def world(encrypted_world):
    quick(encrypted_world)
    yield encrypted_world
    for name in ("keys.grace_seconds", "keys.cells_per_second", "keys.rotate_after_seconds"):
        encrypted_world.command("setting", "set", name, "--default", check=False)


def test_cells_are_sealed_again_and_the_old_key_goes_on_evidence(world):
    with world.connect(autocommit=True) as owner:
        owner.execute("create table renewed (id int primary key, v text, other text)")
        owner.execute("create table renewed_per_tenant (id int primary key, v text)")
    world.encrypt("public.renewed.v", "--search")
    world.encrypt("public.renewed_per_tenant.v", "--per-tenant")
    with world.connect(autocommit=True) as owner, world.connect("ana@north", autocommit=True) as north:
        with owner.cursor() as cursor, cursor.copy("copy renewed from stdin") as copy:
            for number in range(700):
                copy.write_row((number, None if number % 7 == 0 else f"value {number % 50}", "x"))
        north.execute("insert into renewed_per_tenant values (1, 'mine')")
    before = key_ids(world, "renewed", "v")
    assert len(before) == 1
    old = next(iter(before))
    # A prepared statement may hold constants under the old key: as long as its session stays, the key does.
    with world.connect(autocommit=True) as lingering:
        lingering.execute("prepare late as insert into renewed values (5000, 'sealed before', 'x')")
        world.command("key", "rotate", "--depot", DEPOT)
        wait_for(lambda: key_ids(world, "renewed", "v").keys() == {data_keys(world, "active", "depot")[0]["key"]}, 30,
                 "cells under the new key", step=0.3)
        wait_for(lambda: any("sessions from before" in key["step"] for key in data_keys(world, "retired")), 20,
                 "the old key to wait for its sessions", step=0.3)
        time.sleep(4)
        assert old in {key["key"] for key in data_keys(world, "retired")}
        lingering.execute("execute late")
        assert old in key_ids(world, "renewed", "v")
    wait_for(lambda: not data_keys(world, "retired"), 30, "the old key's end", step=0.3)
    gone = next(key for key in keys(world) if key["key"] == old)
    assert gone["state"] == "destroyed" and gone["cells"] == 0 and gone["counted_at"]
    assert old not in key_ids(world, "renewed", "v")
    with world.connect(autocommit=True) as owner, world.connect("ana@north", autocommit=True) as north:
        assert owner.execute("select count(*), count(v) from renewed").fetchall() == [(701, 600 + 1)]
        assert owner.execute("select v from renewed where id in (1, 5000) order by id").fetchall() == [
            ("value 1",), ("sealed before",)]
        assert owner.execute("select count(*) from renewed where v = 'value 3'").fetchall() == [(12,)]
        assert north.execute("select v from renewed_per_tenant").fetchall() == [("mine",)]
    def recorded() -> bool:
        texts = [json.dumps(record) for record in world.records()]
        return any('"cause": "rotation"' in text and str(old) in text and '"cells": 0' in text for text in texts)

    wait_for(recorded, 20, "the audit record with the count", step=0.5)


def test_a_tenants_cells_are_sealed_again_and_a_damaged_one_keeps_the_key(world):
    with world.connect("ana@north", autocommit=True) as north:
        north.execute("insert into renewed_per_tenant values (10, 'ten'), (11, 'eleven')")
    with world.direct() as direct:
        cell = bytearray(direct.execute("select v::bytea from renewed_per_tenant where id = 11").fetchone()[0])
        good = bytes(cell)
        cell[-1] ^= 1
        direct.execute("update renewed_per_tenant set v = %s where id = 11", (bytes(cell),))
    world.command("key", "rotate", "--tenant", "north")
    wait_for(lambda: any("do not open" in key["error"] and key["cells"] == 1 for key in data_keys(world, "retired")), 30,
             "the damaged cell to be told of", step=0.3)
    assert len(key_ids(world, "renewed_per_tenant", "v")) == 2
    with world.direct() as direct:
        direct.execute("update renewed_per_tenant set v = %s where id = 11", (good,))
    wait_for(lambda: not data_keys(world, "retired"), 40, "the old key's end", step=0.3)
    with world.connect("ana@north", autocommit=True) as north:
        assert north.execute("select id, v from renewed_per_tenant order by id").fetchall() == [
            (1, "mine"), (10, "ten"), (11, "eleven")]


def test_a_column_is_encrypted_while_cells_are_counted(world):
    """Counting takes as long as a table is locked; who encrypts another column waits for it and is not sent away."""
    with world.connect(autocommit=True) as owner:
        owner.execute("create table counted (id int primary key, v text)")
        for number in range(2):
            owner.execute(f"create table beside{number} (id int primary key, v text)")
    world.encrypt("public.counted.v")
    with world.connect(autocommit=True) as owner:
        owner.execute("insert into counted values (1, 'one')")
    with world.direct() as locker, world.direct() as watcher:
        with locker.transaction():
            locker.execute("lock table counted in access exclusive mode")
            world.command("key", "rotate", "--depot", DEPOT)
            for number in range(2):
                wait_for(lambda: watcher.execute("select 1 from pg_locks where relation = 'counted'::regclass and not granted").fetchall(),
                         20, "somebody to wait for the table", step=0.05)
                world.encrypt(f"public.beside{number}.v")
    wait_for(lambda: not data_keys(world, "retired", "depot"), 40, "the old key's end", step=0.3)


def test_keys_are_rotated_by_their_age(world):
    before = {key["key"] for key in data_keys(world, "active")}
    world.command("setting", "set", "keys.rotate_after_seconds", "1")
    try:
        wait_for(lambda: not before & {key["key"] for key in data_keys(world, "active")}, 30, "new keys", step=0.3)
    finally:
        world.command("setting", "set", "keys.rotate_after_seconds", "0")
    wait_for(lambda: not data_keys(world, "retired"), 60, "the old keys' end", step=0.5)


def _start(world, environment: dict) -> None:
    gateway = world.gateway
    gateway.child = Child([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"],
                          world.folder / "up-again.log", env=clean_environment(**environment))


def _serving(world) -> bool:
    """Whether it got so far: it may die before."""
    try:
        world.gateway.state = wait_for(world.gateway._serving, 60, "bartizan up", step=0.2)
        return True
    except RuntimeError:
        return False


class _Writers:
    """Who write and read all along, through deaths; what was acknowledged has to be there afterwards."""

    def __init__(self, world, count: int = 2) -> None:
        self.world, self.certain, self.possible, self.wrong = world, {}, {}, []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self, who: int) -> None:
        chosen = random.Random(who)
        while not self._stop.is_set():
            try:
                with self.world.connect(autocommit=True) as connection:
                    for _ in range(20):
                        self._one(connection, who * 1000 + chosen.randrange(100), chosen)
                        time.sleep(0.01)
            except psycopg.OperationalError:
                time.sleep(0.05)
            except psycopg.Error as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                return

    def _one(self, connection, row: int, chosen: random.Random) -> None:
        value = f"row {row} {chosen.random()}"
        self.possible[row] = value
        connection.execute("insert into ledger (id, v) values (%s, %s) on conflict (id) do update set v = excluded.v",
                           (10_000 + row, value))
        self.certain[row] = self.possible.pop(row)
        found = connection.execute("select v from ledger where id = %s", (10_000 + row,)).fetchall()
        if found != [(value,)]:
            self.wrong.append(f"{row}: {found} in place of {value}")
        found = connection.execute("select id from ledger where v = %s", (value,)).fetchall()
        if found != [(10_000 + row,)]:
            self.wrong.append(f"{row}: {found} by its value")

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["data", "index"])
def test_killed_at_every_step_of_a_rotation_no_row_is_lost(request, what):
    """kill -9 before the n-th step, again and again; in between it goes on where it was broken off. Every row is
    found by its value all along, the index's rotation or not."""
    full = request.config.getoption("--full")
    if what == "index" and not full:
        pytest.skip("long form: --full runs it; test_encryption_index_rotation.py has a kill of its own")
    index = ["--index"] if what == "index" else []
    world = Encrypted()
    try:
        quick(world)
        deaths = Deaths(world.folder)
        with world.connect(autocommit=True) as owner:
            owner.execute("create table ledger (id int primary key, v text)")
        world.encrypt("public.ledger.v", "--search")
        with world.connect(autocommit=True) as owner, owner.cursor() as cursor, \
                cursor.copy("copy ledger from stdin") as copy:
            for number in range(300):
                copy.write_row((number, f"value {number}"))
        world.gateway.stop()
        # Counted from each start: first in the midst of making a key, then of its cells, then of the old one's end.
        moments = [*range(1, 30), *range(30, 330, 15), *range(1, 15)] if full else [2, 120, 3]
        if index:
            moments = [*range(1, 20), *range(20, 320, 25), *range(1, 10)]
        writers = _Writers(world)
        died = 0
        try:
            for moment in moments:
                deaths.at(moment)
                _start(world, deaths.environment)
                if _serving(world):
                    if not _retired_or_dead(world):
                        world.command("key", "rotate", "--depot", DEPOT, *index, check=False)
                    wait_for(lambda: not world.gateway.child.alive() or not _retired_or_dead(world), 60,
                             "death, or the end of the rotation", step=0.2)
                died += not world.gateway.child.alive()
                world.gateway.child.stop(9)
        finally:
            _start(world, {})
            assert _serving(world)
            time.sleep(1)
            writers.stop()
        assert died >= len(moments) // 2, "too few deaths to show anything"
        assert not writers.wrong, writers.wrong[:3]
        assert len(writers.certain) > 20
        wait_for(lambda: not [key for key in keys(world) if key["state"] in ("pending", "retired")], 60,
                 "the end of all rotations", step=0.3)
        with world.connect(autocommit=True) as owner:
            found = dict(owner.execute("select id, v from ledger").fetchall())
            assert owner.execute("select id from ledger where v = 'value 77'").fetchall() == [(77,)]
        assert {number: found[number] for number in range(300)} == {number: f"value {number}" for number in range(300)}
        for row, value in writers.certain.items():
            assert found[10_000 + row] in (value, writers.possible.get(row)), row
        assert key_ids(world, "ledger", "v").keys() == {data_keys(world, "active", "depot")[0]["key"]}
        assert all(key["cells"] == 0 for key in data_keys(world, "destroyed"))
    finally:
        world.stop()


def _retired_or_dead(world) -> bool:
    """True as well where nobody can be asked."""
    answer = world.command("key", "status", "--json", check=False)
    if answer.returncode != 0:
        return world.gateway.child.alive()
    return any(key["state"] in ("retired", "pending") for key in json.loads(answer.stdout))
