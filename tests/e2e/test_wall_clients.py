"""Clients as masked consumers: node-postgres, Knex, TypeORM, psql's \\copy, and what dumps are told.

psql's \\d family is in test_wall_catalogs.py. docs/compatibility.md tells the same.
"""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import leaks
import walled
from postgres import binary_folder
from processes import clean_environment, run

pytestmark = [pytest.mark.timeout(600), pytest.mark.gateway]
_HERE = Path(__file__).parent / "node-orm"


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def steps(world):
    """What each step of orm.js came to, by name."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    if not (_HERE / "node_modules" / "typeorm").exists():
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=_HERE, timeout=300)
    endpoint = world.endpoint("cleo@north")
    done = run(["node", "orm.js"], cwd=_HERE, env=clean_environment(**endpoint.environment()), input=endpoint.password + "\n",
               check=False, timeout=120)
    assert not leaks.found_in(done.stdout.encode()), done.stdout
    return {step.pop("name"): step for step in map(json.loads, done.stdout.splitlines())}


_ANSWERS = {
    "pg.masked": [{"id": "4", "email": "a***@example.org", "ssn": "***0028", "born": "1913-01-01T00:00:00.000Z"}],
    "pg.named": [{"note": "calls at 6 o'clock"}],
    "pg.binary": [{"n": 30}],
    "pg.search_path": [{"count": "10"}],
    "knex.select": [{"id": "6", "email": "a***@example.org"}, {"id": "12", "email": "a***@example.org"}],
    "knex.join": [{"id": "4", "code": "N4"}, {"id": "8", "code": "N8"}],
    "knex.aggregate": [{"item": "lamp", "n": "60", "s": "180"}, {"item": "table", "n": "60", "s": "180"}],
    "knex.write": {"made": [{"id": "950", "title": "by knex"}], "changed": 1, "gone": 1},
    "knex.maskedColumn": 1,
    "typeorm.initialize": True,
    "typeorm.find": [{"id": "8", "code": "N8", "email": "a***@example.org", "note": "calls at 8 o'clock"}],
    "typeorm.count": 30,
    "typeorm.save": {"tenant": "north", "title": "by typeorm", "state": "closed", "hours": 1},
}
_REFUSALS = {
    "pg.refused": ("42703", 'column "secret" does not exist'),
    "knex.otherTenant": ("42501", "the row lies outside of what you may write"),
    "knex.migrate": ("42501", "CREATE TABLE is not permitted for identities under a policy"),
    "typeorm.maskedColumn": ("42501", "permission denied for relation customers"),
}


@pytest.mark.parametrize("name", _ANSWERS)
def test_drivers_and_orms_have_the_masked_answer(steps, name):
    assert steps[name].get("value") == _ANSWERS[name], steps[name]


@pytest.mark.parametrize("name", _REFUSALS)
def test_what_they_may_not_is_refused_in_words(steps, name):
    code, words = _REFUSALS[name]
    assert steps[name].get("code") == code and words in steps[name]["error"], steps[name]


def _client(world, *command: str) -> subprocess.CompletedProcess:
    endpoint = world.endpoint("cleo@north")
    program = shutil.which(command[0]) or str(binary_folder() / command[0])
    return subprocess.run([program, *command[1:]], env=clean_environment(**endpoint.environment(), PGPASSWORD=endpoint.password),
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", [["pg_dump"], ["pg_dump", "--schema-only"], ["pg_dump", "--inserts", "-t", "shop.customers"],
                                     ["pg_dump", "-Fc", "-a"], ["pg_dumpall", "-l", walled.DEPOT]], ids=" ".join)
def test_a_dump_is_refused_and_says_why(world, command):
    done = _client(world, *command)
    assert done.returncode != 0 and not done.stdout
    assert "Dumps need an identity that is under no policy" in done.stderr, done.stderr
    assert not leaks.found_in((done.stdout + done.stderr).encode())


def test_psql_copies_out_what_is_visible_and_nothing_in(world):
    done = _client(world, "psql", "-XAtc", r"\copy shop.customers to stdout")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 30
    assert not leaks.found_in(done.stdout.encode())
    done = _client(world, "psql", "-XAtc", r"\copy shop.tickets (title) from /dev/null")
    assert done.returncode != 0 and "Use INSERT with several rows" in done.stderr
