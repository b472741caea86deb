"""A cell with any byte changed, cut, or from another column, tenant or key version, put there past the gateway: one error
whatever it was, one record each, and the session ends. src/transform/test/cell_mutation_test.cpp does it with every bit."""
from __future__ import annotations

import psycopg
import pytest

from encrypted import DEPOT
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(encrypted_world):
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("create table vaulted (id int primary key, email text, ssn text, own text)")
    encrypted_world.encrypt("public.vaulted.email", "--search")
    encrypted_world.encrypt("public.vaulted.ssn", "--search")
    encrypted_world.encrypt("public.vaulted.own", "--per-tenant")
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("insert into vaulted (id, email, ssn) values (1, 'ada@example.org', 'ada@example.org')")
    # As it was under the first key: after the rotation it is sealed again in the background.
    encrypted_world.older_cell = cell(encrypted_world, "email", 1)
    encrypted_world.command("key", "rotate", "--depot", DEPOT)
    wait_for(lambda: new_key(encrypted_world), 20, "a new key version in use")
    for name, number in (("ana@north", 10), ("ana@lake", 11)):
        with encrypted_world.connect(name, autocommit=True) as connection:
            connection.execute("insert into vaulted (id, own) values (%s, 'own value')", (number,))
    return encrypted_world


def cell(world, column: str, number: int) -> bytes | None:
    with world.direct() as direct:
        found = direct.execute(f"select {column} from vaulted where id = {number}").fetchone()
        return bytes(found[0]) if found and found[0] is not None else None


def new_key(world) -> bool:
    with world.connect(autocommit=True) as connection:
        connection.execute("insert into vaulted (id, email) values (2, 'ada@example.org') on conflict (id) do update set "
                           "email = excluded.email")
    return cell(world, "email", 2)[2:6] != world.older_cell[2:6]


def refused(world) -> list[dict]:
    return [record for record in world.records() if record.get("tag") == "CELL REFUSED"]


def read(world, column: str, number: int, name: str = "olga") -> tuple[str | None, str | None]:
    """All that was said; None and the value."""
    with world.connect(name, autocommit=True) as connection:
        try:
            return None, connection.execute(f"select {column} from vaulted where id = {number}").fetchone()[0]
        except psycopg.Error as error:
            assert connection.closed or connection.broken
            return str(error), None


def test_whatever_was_done_to_it_is_one_error_and_one_record(world):
    kept, newer = world.older_cell, cell(world, "email", 2)
    changed = [(kept[:at] + bytes([kept[at] ^ (1 << at % 8)]) + kept[at + 1:]) for at in range(len(kept))]
    changed += [kept[:-1], kept + b"\0", kept[:48]]
    changed += [cell(world, "ssn", 1)]                        # another column's
    changed += [kept[:2] + newer[2:6] + kept[6:]]             # said to be of another key version
    changed += [newer[:2] + kept[2:6] + newer[6:]]
    changed += [kept[:8] + newer[8:24] + kept[24:], kept[:-16] + newer[-16:]][1:]  # another's tag
    said, tried, by_check = set(), 0, 0
    before = len(refused(world))
    with world.direct() as direct:
        for one in changed:
            try:
                direct.execute("update vaulted set email = %s where id = 1", (one,))
            except psycopg.errors.CheckViolation:
                by_check += 1  # the domain's: it is no cell at all
                continue
            tried += 1
            said.add(read(world, "email", 1))
        direct.execute("update vaulted set email = %s where id = 1", (kept,))
    assert len(said) == 1 and "an encrypted value does not open" in next(iter(said))[0], said
    assert tried > 80 and 1 <= by_check <= 3
    wait_for(lambda: len(refused(world)) >= before + tried, 10, "the records of refused cells")
    assert len(refused(world)) == before + tried
    assert {(record["column"], record["sqlstate"]) for record in refused(world)[before:]} == {("public.vaulted.email", "XX001")}
    assert read(world, "email", 1) == (None, "ada@example.org")


def test_a_cell_of_another_tenant_does_not_open(world):
    north, lake = cell(world, "own", 10), cell(world, "own", 11)
    before = len(refused(world))
    with world.direct() as direct:
        direct.execute("update vaulted set own = %s where id = 10", (lake,))
        direct.execute("update vaulted set own = %s where id = 11", (north,))
    said = {read(world, "own", 10, "ana@north"), read(world, "own", 11, "ana@lake")}
    assert len(said) == 1 and "an encrypted value does not open" in next(iter(said))[0], said
    wait_for(lambda: len(refused(world)) == before + 2, 10, "the records of refused cells")
    assert read(world, "own", 11, "ana@north") == (None, "own value")  # who it is of can, wherever it lies
    with world.direct() as direct:
        direct.execute("update vaulted set own = %s where id = 10", (north,))
    assert read(world, "own", 10, "ana@north") == (None, "own value")


def test_no_core_is_written_of_the_gateway(world):
    limits = open(f"/proc/{world.gateway.child.pid}/limits").read()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")] == [["0", "0"]]
