"""Operators of extensions: a comparison means to a consumer what it means to the owner, or is refused until somebody has
reviewed the function behind it."""
from __future__ import annotations

import pytest

import siege
import walled
import wire_messages as m
from past_the_gateway import PastTheGateway
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
_MAKE = """
CREATE SCHEMA ext;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE DOMAIN shop.handle AS public.citext CHECK (VALUE <> '');
CREATE TABLE shop.handles (id integer PRIMARY KEY, tenant text NOT NULL, handle shop.handle, words text);
INSERT INTO shop.handles VALUES (1, 'north', 'Ana', 'a table lamp'), (2, 'north', 'Bob', 'a chair'), (3, 'lake', 'ANA', 'qzx7');
CREATE FUNCTION back.spy(integer, integer) RETURNS text LANGUAGE sql SECURITY DEFINER STABLE
  AS $$ SELECT max(word) FROM back.vault $$;
"""
_POLICY = """
---
name: handles
version: v1
type: classification
classification: {depot: walled, schema: shop, table: handles, columns: {id: [], tenant: [], handle: [], words: []}}
"""
_EQUAL = "SELECT count(*) FROM shop.handles WHERE handle = 'ana'"
_SIMILAR = "SELECT string_agg(id::text, ',') FROM shop.handles WHERE words OPERATOR(ext.%) 'table lamp'"


@pytest.fixture(scope="module", params=["transaction", "session"])
def world(request, target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    started = walled.Walled(pool_mode=request.param, published=False)
    owner = siege.of_identity(started, walled.OWNER)
    owner.run(_MAKE)
    owner.close()
    started.publish(old="pay,nicks", new="pay,nicks,handles", more=_POLICY)
    yield started
    started.stop()


@pytest.fixture
def consumer(world):
    session = siege.of_identity(world, "cleo@north")
    yield session
    session.close()


def _allow(world, *functions: str) -> None:
    for function in functions:
        world.gateway.command("function", "allow", walled.DEPOT, function, "--reason", "a test",
                              "--acknowledge", "runs-text")


def _soon(session, text: str, expected: str) -> None:
    wait_for(lambda: siege.answer(session, text) == expected, 3, f"{text} to give {expected}")


def test_what_was_not_reviewed_is_refused_and_never_compared_as_text(world, consumer):
    owner = siege.of_identity(world, walled.OWNER)
    owner.run("SET search_path = public")
    assert siege.answer(owner, _EQUAL) == "2"
    owner.close()
    assert siege.answer(consumer, _EQUAL) == "42501"
    for refused in ("SELECT count(*) FROM shop.handles WHERE handle LIKE 'a%'",
                    "SELECT count(*) FROM shop.handles WHERE handle IN ('ana', 'bob')",
                    "SELECT count(*) FROM shop.handles a JOIN shop.handles b USING (handle)",
                    "SELECT count(*) FROM shop.handles WHERE handle OPERATOR(public.=) 'ana'",
                    "SELECT nullif(handle, 'ana') FROM shop.handles", _SIMILAR):
        assert siege.answer(consumer, refused) == "42501", refused
    assert siege.answer(consumer, "SELECT count(*) FROM shop.handles WHERE handle::text = 'ana'") == "0"
    assert siege.answer(consumer, "SELECT handle FROM shop.handles ORDER BY handle DESC") == "Bob"


def test_what_was_reviewed_compares_as_it_does_for_the_owner(world, consumer):
    _allow(world, "public.citext_eq(public.citext,public.citext)", "ext.similarity_op(text,text)")
    _soon(consumer, _EQUAL, "1")
    _soon(consumer, _SIMILAR, "1")
    for text, expected in {"SELECT count(*) FROM shop.handles WHERE handle IN ('ANA', 'bOB')": "2",
                           "SELECT count(*) FROM shop.handles a JOIN shop.handles b USING (handle)": "2",
                           "SELECT count(*) FROM shop.handles WHERE handle OPERATOR(public.=) 'ana'": "1",
                           "SELECT id FROM shop.handles WHERE handle = ANY (ARRAY['BOB'::public.citext])": "2",
                           "SELECT count(*) FROM shop.handles WHERE words % 'table lamp'": "1",
                           "SELECT 1 WHERE 'a' = 'a' AND 1 = 1 AND 'Ana'::text = 'Ana'": "1"}.items():
        assert siege.answer(consumer, text) == expected, text
    consumer.run("DISCARD ALL")
    consumer.run("SET search_path = pg_catalog")  # its own, which the server's is not
    assert siege.answer(consumer, _EQUAL) == "1"
    assert siege.answer(consumer, "SELECT count(*) FROM shop.handles WHERE handle <> 'ana'") == "42501"
    assert siege.answer(consumer, "SELECT count(*) FROM shop.handles WHERE words OPERATOR(ext.<%) 'lamp'") == "42501"
    world.gateway.command("function", "deny", walled.DEPOT, "public.citext_eq(public.citext,public.citext)")
    _soon(consumer, _EQUAL, "42501")
    world.gateway.command("function", "deny", walled.DEPOT, "ext.similarity_op(text,text)")
    _soon(consumer, _SIMILAR, "42501")


def test_an_operator_of_the_owners_takes_nobodys_place(world, consumer):
    """It would run with its owner's rights, for values that every statement has."""
    owner = siege.of_identity(world, walled.OWNER)
    past = PastTheGateway(world)
    assert siege.answer(consumer, "SELECT 'a' || 'b'") == "ab"
    owner.run("CREATE OPERATOR public.|| (LEFTARG = integer, RIGHTARG = integer, FUNCTION = back.spy)")
    try:
        assert past.values("SELECT 1 OPERATOR(public.||) 2")[0].startswith("QZX7")
        _soon(consumer, "SELECT 1 || 2", "42501")
        assert siege.answer(consumer, "SELECT 1 OPERATOR(public.||) 2") == "42501"
        assert siege.answer(consumer, "SELECT handle <-> 2 FROM shop.handles") == "42501"  # over a type of the class's
        assert siege.answer(consumer, "SELECT 1 OPERATOR(pg_catalog.||) 'b'::text") == "1b"
        straight = past.as_class()
        assert siege.answer(straight, "SELECT 1 OPERATOR(public.||) 2") == "42501"
        # One that PUBLIC may call until the next hardening, and not by a name that the class has USAGE for.
        past.superuser.run("BEGIN; " + _MAKE.strip().splitlines()[-2].replace("back.spy", "back.spy_too")
                           + _MAKE.strip().splitlines()[-1])
        past.superuser.run("CREATE OPERATOR public.|-| (LEFTARG = integer, RIGHTARG = integer, FUNCTION = back.spy_too)")
        may = f"SELECT has_function_privilege('{past.role}', 'back.spy_too(integer,integer)', 'EXECUTE')"
        assert past.values(may) == ["f"]
        past.superuser.run("COMMIT")
        assert siege.answer(straight, "SELECT 1 OPERATOR(public.|-|) 2") == "42501"
        straight.close()
    finally:
        owner.run("DROP OPERATOR public.|| (integer, integer)")
        owner.close()
        past.superuser.close()
    _soon(consumer, "SELECT 'a' || 'b'", "ab")
