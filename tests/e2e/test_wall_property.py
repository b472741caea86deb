"""Random statements over random tables and policies: what a consumer is answered through the gateway is what PostgreSQL
answers over copies that the policies have been applied to beforehand (mask_reference.py, by the reference alone).

A failure tells the seed of its round and the statement, made as short as still fails. BARTIZAN_WALL_SEED repeats a
round; --full runs 60 rounds.
"""
from __future__ import annotations

import collections
import hmac
import json
import os
import re
import time

import pytest

import siege
import walled
import wire_messages as m
from past_the_gateway import PastTheGateway
from processes import make_folder, remove_folder
from random_choices import Choices, shortened
from random_queries import Generator, Statement
from random_walled import RandomWall, literal

pytestmark = [pytest.mark.timeout(7200), pytest.mark.gateway]

_SHORT, _LONG = 5, 60
_STATEMENTS = 75
# identity: (tenant, role)
_PEOPLE = {**walled.CONSUMERS, "noa": (None, "analyst")}
_KEYS = """SELECT r.rolname FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid WHERE a.pid = %s"""


class _Mismatch(AssertionError):
    pass


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(published=False)
    run = started.gateway.command
    run("identity", "create", "noa", "--password-stdin", input=walled.PASSWORD + "\n")
    run("grant", "add", "--depot", walled.DEPOT, "--identity", "noa", "--login", f"{walled.DEPOT}_owner")
    run("role", "assign", "analyst", "noa")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def past(world):
    world.gateway.publish({"none.yaml": json.dumps({"name": "none", "version": "v1", "type": "policy", "policy": {
        "access": {"subjects": {"tags": ["roles:id:analyst"]}, "predicates": ["read"], "objects": {"paths": [f"{walled.DEPOT}:app.*"]},
                   "allow": True}}})})
    yield PastTheGateway(world, role=False)


def _publish(world, documents: dict[str, str]) -> None:
    """The classes of the round before can't stand any more, since their tables are gone: `publish` says so by its exit code."""
    folder = make_folder()
    for name, text in documents.items():
        (folder / name).write_text(text)
    accepted = "unique_reveals,token_writable,foreign_key_reveals,clear_exception,mask_on_key"
    done = world.gateway.command("policy", "publish", str(folder), "--reason", "a test", "--acknowledge", accepted, check=False)
    remove_folder(folder)
    assert done.returncode in (0, 1) and re.search(r"^published +[0-9]", done.stdout, re.MULTILINE), done.stdout + done.stderr


class _Round:
    """One seed: tables, policies, and a session and a copy for each of the people."""

    def __init__(self, world, past, owner: siege.Session, seed) -> None:
        self.world, self.owner, self.seed = world, owner, seed
        self.failing: collections.Counter = collections.Counter()
        self.wall = RandomWall(Choices(seed=f"wall {seed}"))
        owner.run(self.wall.tables_sql())
        _publish(world, self.wall.policies(walled.DEPOT))
        mask_key = bytes.fromhex(past.values("SELECT encode(key, 'hex') FROM bartizan.secret_key WHERE purpose = 'mask'")[0])
        self.sessions = {}
        for name, (tenant, role) in _PEOPLE.items():
            session = self.sessions[name] = siege.Session(lambda name=name: world.session(name, {"search_path": "app, ref"}))
            session.run("SELECT 1")
            login = past.values(_KEYS % session.connection.pid)[0]
            key = hmac.digest(mask_key, f"bartizan mask 1\n{login}".encode(), "sha256")
            owner.run(self.wall.copies_sql(self._copy(name), role, tenant, key))

    @staticmethod
    def _copy(name: str) -> str:
        return "copy_" + name.replace("@", "_")

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()

    def statement(self, name: str, draw: Choices) -> Statement:
        made = Generator(draw, self.wall, _PEOPLE[name][1]).statement()
        made.text = made.text.replace("@tenant@", literal(_PEOPLE[name][0]))
        return made

    def _through_the_gateway(self, name: str, statement: Statement):
        """A session ends when the keeper's look at the catalog, once a minute, finds what the copies have added to it."""
        session = self.sessions[name]
        while True:
            try:
                got = _answer(session, statement, "app", "ref")
            except AssertionError:
                if session.connection:
                    raise
            if session.connection:
                return got

    def check(self, name: str, statement: Statement) -> str | None:
        """Raises _Mismatch; what the gateway refused by its own account is returned."""
        copy = self._copy(name)
        self.owner.run(f"SET search_path = {copy}")
        got = self._through_the_gateway(name, statement)
        expected = _answer(self.owner, statement, copy, copy)
        if isinstance(got, str) and isinstance(expected, str):
            self.failing[got] += 1
            return None
        if isinstance(got, str) and got.startswith("0A000"):
            return got
        if got != expected:
            raise _Mismatch(f"{name}: {statement}\n  came     {str(got)[:1500]}\n  expected {str(expected)[:1500]}")
        return None


def _answer(session: siege.Session, statement: Statement, app: str, ref: str):
    """The rows (and what the table then holds), or the error."""
    text = statement.text.replace("@app@", app).replace("@ref@", ref)
    if statement.writes or statement.form == "cursor":
        session.run("BEGIN")
    try:
        if statement.parameters:
            data = m.parse("", text) + m.bind(values=statement.parameters) + m.describe("P") + m.execute() + m.sync()
        else:
            data = m.query({"copy": f"COPY ({text}) TO STDOUT", "prepare": f"PREPARE p AS {text}; EXECUTE p; DEALLOCATE p",
                            "cursor": f"DECLARE c CURSOR FOR {text}; FETCH ALL FROM c"}.get(statement.form, text))
        messages = session.send(data)[2]
        for message in messages:
            if message.name == "ErrorResponse":
                return f"{message.error_field('C')} {message.error_field('M')}"
        rows = [message.fields for message in messages if message.name in ("DataRow", "CopyData")]
        names = [[column[0] for column in message.fields] for message in messages if message.name == "RowDescription"]
        tags = [message.fields for message in messages if message.name == "CommandComplete"]
        then = []
        if statement.writes:
            then = sorted(map(str, session.run(f"SELECT t FROM {app}.\"{statement.writes.name.replace(chr(34), chr(34) * 2)}\" AS t")))
        return names, tags, rows if statement.ordered else sorted(rows, key=str), then
    finally:
        if session.connection:
            session.send(m.query("ROLLBACK; DEALLOCATE ALL"))


def _short_case(round_: _Round, name: str, taken: list[int], first: str) -> str:
    best = first

    def still_fails(candidate: list[int]) -> bool:
        nonlocal best
        try:
            round_.check(name, round_.statement(name, Choices(given=candidate)))
        except _Mismatch as error:
            best = str(error)
            return True
        except (AssertionError, IndexError, RecursionError):
            pass
        return False

    shortened(taken, still_fails)
    return best


def _run(world, past, seeds) -> None:
    owner = siege.of_identity(world, walled.OWNER)
    sent, failed = 0, []
    refused: collections.Counter = collections.Counter()
    failing: collections.Counter = collections.Counter()
    begun = time.monotonic()
    for seed in seeds:
        round_ = _Round(world, past, owner, seed)
        for number in range(_STATEMENTS):
            name = list(_PEOPLE)[number % len(_PEOPLE)]
            draw = Choices(seed=f"statement {seed} {number}")
            statement = round_.statement(name, draw)
            sent += 1
            try:
                message = round_.check(name, statement)
                if message:
                    refused[message] += 1
            except _Mismatch as error:
                failed.append(f"round {seed}, statement {number}, {_short_case(round_, name, draw.taken, str(error))}")
        round_.close()
        failing += round_.failing
        if len(failed) >= 10:
            break
    owner.close()
    print(f"{sent} statements in {time.monotonic() - begun:.0f} s, {sum(refused.values())} refused: {refused.most_common(8)}, "
          f"{sum(failing.values())} fail on both sides: {failing.most_common(8)}")
    assert not failed, f"{len(failed)} of {sent}:\n" + "\n".join(failed)
    assert sum(refused.values()) * 10 < sent, refused
    assert sum(failing.values()) * 5 < sent, failing


def test_the_answer_is_that_over_data_the_policies_were_applied_to(world, past):
    given = os.environ.get("BARTIZAN_WALL_SEED")
    _run(world, past, [given] if given else [str(n) for n in range(_SHORT)])


@pytest.mark.full
def test_the_answer_for_long(world, past):
    _run(world, past, [f"long {n}" for n in range(_LONG)])
