"""Functions of the owner's that somebody has reviewed: classes, and depots with encrypted columns, may call them as long as they
are what was reviewed."""
from __future__ import annotations

import json

import psycopg
import pytest

import siege
import walled
import wire_messages as m
from encrypted import DEPOT as CRM
from encrypted import Encrypted
from past_the_gateway import PastTheGateway
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
_INITIALS = "public.initials(text)"
_MAKE = """CREATE OR REPLACE FUNCTION public.initials(text) RETURNS text LANGUAGE sql IMMUTABLE
           AS $$ SELECT pg_catalog.left($1, 2) $$"""
_REPLACE = """CREATE OR REPLACE FUNCTION public.initials(text) RETURNS text LANGUAGE sql SECURITY DEFINER STABLE
              AS $$ SELECT max(email) FROM shop.customers $$"""


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode="transaction")
    yield started
    started.stop()


@pytest.fixture
def owner(world):
    session = siege.of_identity(world, walled.OWNER)
    session.run(_MAKE)
    yield session
    session.close()
    for one in _listed(world):
        world.gateway.command("function", "deny", walled.DEPOT, one["function"])


@pytest.fixture
def consumer(world):
    session = siege.of_identity(world, "cleo@north")
    yield session
    session.close()


def _allow(world, function: str, *options: str, check: bool = True):
    return world.gateway.command("function", "allow", walled.DEPOT, function, "--reason", "a test", *options, check=check)


def _listed(world) -> list[dict]:
    return json.loads(world.gateway.command("function", "list", "--json").stdout)


def _soon(what) -> None:
    wait_for(what, 3, "the gateway to follow")


def test_a_reviewed_function_is_called_and_no_other(world, owner, consumer):
    call = "SELECT public.initials(note) FROM shop.customers WHERE id = 2"
    assert siege.answer(consumer, call) == "42501"
    shown = json.loads(world.gateway.command("function", "allow", walled.DEPOT, _INITIALS, "--dry-run", "--json").stdout)
    assert not shown["allowed"] and shown["findings"] == []
    assert siege.answer(consumer, call) == "42501"
    _allow(world, "public.initials")
    assert [(one["function"], one["state"], one["reason"]) for one in _listed(world)] == [(_INITIALS, "allowed", "a test")]
    _soon(lambda: siege.answer(consumer, call) == "ca")
    assert siege.answer(consumer, "SELECT initials('xyz')") == "xy"
    assert len(siege.answer(consumer, "SELECT initials(email) FROM shop.customers WHERE id = 2")) == 2  # of the mask
    for refused in ("SELECT shop.peek()", "SELECT peek()", "SELECT initials()", "SELECT initials('a', 'b')",
                    "SELECT * FROM initials('a')", "SELECT shop.initials('a')"):
        assert siege.answer(consumer, refused) in ("42501", "0A000"), refused
    told = json.loads(world.gateway.command("policy", "explain", "--as", "cleo@north", call, "--json").stdout)
    assert told["decision"] == "permitted"
    world.gateway.command("function", "deny", walled.DEPOT, _INITIALS)
    _soon(lambda: siege.answer(consumer, call) == "42501")
    kinds = [(one["kind"], one["actor"]) for one in json.loads(
        world.gateway.command("changes", "list", "--json").stdout) if one["kind"] == "reviewed_functions"]
    assert len(kinds) == 2 and all(actor.startswith("os:") for _, actor in kinds)


def test_what_was_put_in_the_place_of_the_function_read_is_refused(world, owner, consumer):
    read = json.loads(world.gateway.command("function", "allow", walled.DEPOT, _INITIALS, "--dry-run", "--json").stdout)
    with_digest = ("function", "allow", walled.DEPOT, _INITIALS, "--reason", "a test", "--digest", read["digest"])
    owner.run(_MAKE.replace("2", "3"))
    refused = world.gateway.command(*with_digest, check=False)
    assert refused.returncode != 0 and "--digest" in refused.stderr and "--dry-run" in refused.stderr
    assert siege.answer(consumer, "SELECT initials('xyz')") == "42501" and _listed(world) == []
    owner.run(_MAKE)
    world.gateway.command(*with_digest)
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "xy")


def test_a_function_that_is_replaced_has_not_been_reviewed(world, owner, consumer):
    """Nobody calls what stands in its place, not even past the gateway, from the owner's transaction on."""
    past = PastTheGateway(world)
    _allow(world, _INITIALS)
    straight = past.as_class()
    may = f"SELECT has_function_privilege('{past.role}', '{_INITIALS}', 'EXECUTE')"
    assert straight.run("SELECT public.initials('xyz')") == [b"xy"] and past.values(may) == ["t"]
    past.superuser.run("BEGIN")
    past.superuser.run(_REPLACE)
    assert past.values(may) == ["f"]
    past.superuser.run("ROLLBACK")
    assert past.values(may) == ["t"]
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "xy")

    owner.run(_REPLACE)
    assert siege.answer(straight, "SELECT public.initials('xyz')") == "42501"
    world.gateway.command("wall", "reconcile")
    assert siege.answer(straight, "SELECT public.initials('xyz')") == "42501"
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "42501")
    assert [one["state"] for one in _listed(world)] == ["changed"]
    refused = _allow(world, _INITIALS, check=False)
    assert refused.returncode != 0 and "security-definer" in refused.stderr and "tables" in refused.stderr
    assert siege.answer(consumer, "SELECT initials('xyz')") == "42501"
    owner.run(_MAKE)  # what was reviewed
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "xy")
    assert [one["state"] for one in _listed(world)] == ["allowed"]
    owner.run("ALTER FUNCTION public.initials(text) SECURITY DEFINER")
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "42501")
    straight.close()
    past.superuser.close()


def test_an_overload_that_was_not_reviewed_closes_the_name(world, owner, consumer):
    """The server would choose between them by type."""
    _allow(world, _INITIALS)
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "xy")
    owner.run("CREATE FUNCTION public.initials(name) RETURNS text LANGUAGE sql SECURITY DEFINER STABLE "
              "AS $$ SELECT max(email) FROM shop.customers $$")
    try:
        _soon(lambda: siege.answer(consumer, "SELECT initials('xyz'::name)") == "42501")
        _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "42501")
    finally:
        owner.run("DROP FUNCTION public.initials(name)")
    _soon(lambda: siege.answer(consumer, "SELECT initials('xyz')") == "xy")


def test_functions_of_extensions_and_their_types(world, owner, consumer):
    owner.run("CREATE SCHEMA IF NOT EXISTS ext; CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ext;"
              "CREATE FUNCTION ext.rank(shop.grade) RETURNS integer LANGUAGE sql IMMUTABLE "
              "AS $$ SELECT CASE WHEN $1 = 'gold'::shop.grade THEN 2 ELSE 1 END $$")
    assert siege.answer(consumer, "SELECT ext.rank('gold'::shop.grade)") == "42501"
    _allow(world, "ext.similarity(text,text)")
    _allow(world, "ext.rank(shop.grade)")
    _soon(lambda: siege.answer(consumer, "SELECT ext.similarity('lamp', 'lamp')") == "1")
    assert siege.answer(consumer, "SELECT ext.rank('gold'::shop.grade)") == "2"
    assert siege.answer(consumer, "SELECT ext.show_trgm('lamp')") == "42501"


def test_a_table_whose_triggers_are_reviewed_is_written(world, owner, consumer):
    write = "UPDATE shop.tickets SET hours = 3 WHERE id = 2"
    owner.run("CREATE FUNCTION back.touch() RETURNS trigger LANGUAGE plpgsql AS "
              "$$ BEGIN NEW.state := 'closed'; RETURN NEW; END $$")
    owner.run("CREATE TRIGGER touch BEFORE UPDATE ON shop.tickets FOR EACH ROW EXECUTE FUNCTION back.touch()")
    try:
        def refused() -> bool:
            try:
                return len(siege.answer(consumer, write)) == 5  # an SQLSTATE
            except Exception:  # nobody of the class is let in
                consumer.close()
                return True
        _soon(refused)
        assert "trigger" in _allow(world, "back.touch()", check=False).stderr
        _allow(world, "back.touch()", "--acknowledge", "trigger")
        consumer.close()
        row = "SELECT state FROM shop.tickets WHERE id = 2"
        assert consumer.run("SELECT id FROM shop.tickets WHERE id = 2") == [b"2"]
        consumer.run(write)
        assert siege.answer(consumer, row) == "closed"
        assert siege.answer(consumer, "SELECT back.touch()") == "42501"
    finally:
        owner.run("DROP TRIGGER touch ON shop.tickets; DROP FUNCTION back.touch()")


def test_a_depot_with_encrypted_columns(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan encrypts")
    world = Encrypted()
    try:
        with world.connect(autocommit=True) as owner:
            owner.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
            owner.execute(_MAKE)
            owner.execute(_MAKE.replace("initials", "other"))
            world.encrypt("public.people.email")
        with world.connect(autocommit=True) as owner:
            def answer(text: str) -> str:
                try:
                    return owner.execute(text).fetchone()[0]
                except psycopg.Error as error:
                    return error.sqlstate

            assert answer("SELECT initials('xyz')") == "42501"
            world.command("function", "allow", CRM, _INITIALS, "--reason", "a test")
            _soon(lambda: answer("SELECT initials('xyz')") == "xy")
            assert answer(_MAKE) == "0A000"  # withdraw the review first
            with world.direct() as past:
                past.execute(_MAKE.replace("$1, 2", "$1, 3"))
            # The keeper looks at once, not in half a minute.
            world.command("function", "allow", CRM, "public.other(text)", "--reason", "a test")
            _soon(lambda: answer("SELECT initials('xyz')") == "42501")
            world.command("function", "allow", CRM, _INITIALS, "--reason", "seen again")
            _soon(lambda: answer("SELECT initials('xyz')") == "xyz")
            world.command("function", "deny", CRM, _INITIALS)
            _soon(lambda: answer("SELECT initials('xyz')") == "42501")
    finally:
        world.stop()
