"""catalog classify: tags are proposed from names and samples; no value is told, nothing is changed, nothing of the owner's runs."""
from __future__ import annotations

import json

import pytest

import siege
import walled
import wire
import wire_messages as m
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan classifies")
    started = walled.Walled(pool_mode="transaction")
    yield started
    started.stop()


@pytest.fixture
def owner(world):
    session = siege.of_identity(world, walled.OWNER)
    yield session
    session.close()


def _classify(world, *options: str) -> dict:
    told = world.gateway.command("catalog", "classify", walled.DEPOT, "--json", *options).stdout
    assert "qzx7" not in told.lower().replace('"table":"qzx7table"', "")
    return {(one["table"], one["column"]): one for one in json.loads(told)}


def test_tags_are_proposed_with_their_evidence(world, owner):
    owner.run("CREATE TABLE shop.people (id int, contact text, nr text, konto text, host text, extra text, born date, note text);"
              "INSERT INTO shop.people SELECT n, 'p' || n || '@example.org', '4111111111111111', 'DE89370400440532013000',"
              " '192.0.2.' || n, CASE WHEN n = 7 THEN 'ask qzx7@example.org for it' END, date '1970-01-01' + n, 'x'"
              " FROM generate_series(1, 50) AS n")
    before = owner.send(m.query("SELECT count(*) FROM pg_class; SELECT md5(string_agg(p::text, '')) FROM shop.people AS p"))[1]
    found = _classify(world)
    tags = {column: (found["people", column]["tag"], found["people", column]["confidence"])
            for column in ("id", "contact", "nr", "konto", "host", "extra", "born", "note")}
    assert tags == {"id": (None, None), "contact": ("PII.Email", "high"), "nr": ("PII.Card", "high"),
                    "konto": ("PII.Iban", "high"), "host": ("PII.Ip", "high"), "extra": (None, None),
                    "born": ("PII.BirthDate", "high"), "note": ("PII.FreeText", "medium")}
    assert found["people", "contact"]["evidence"] == "50 of 50 values look like e-mail addresses"
    assert found["customers", "email"]["tag"] == "PII.Email" and found["customers", "ssn"]["tag"] == "PII.NationalId"
    assert _classify(world, "--table", "shop.people", "--rows", "20")["people", "contact"]["values"] == 20
    assert owner.send(m.query("SELECT count(*) FROM pg_class; SELECT md5(string_agg(p::text, '')) FROM shop.people AS p"))[1] == before


def test_a_policy_file_is_written_and_can_be_published(world, owner):
    file = world.folder / "proposed.yaml"
    world.gateway.command("catalog", "classify", walled.DEPOT, "--table", "shop.orders", "--write", str(file), check=False)
    assert not file.exists()  # nothing to propose there
    owner.run("CREATE TABLE shop.contacts (id int, email text, \"Odd: thing\" text)")
    world.gateway.command("catalog", "classify", walled.DEPOT, "--table", "shop.contacts", "--write", str(file))
    assert "    email: [PII.Email]  # medium: its name\n" in file.read_text() and "    # id: []" in file.read_text()
    assert world.gateway.command("catalog", "classify", walled.DEPOT, "--write", str(file), check=False).returncode != 0
    text = (walled.DATA / "policies.yaml").read_text()
    world.gateway.publish({"walled.yaml": text.replace("nicks,countries}", "nicks,countries,contacts}").replace(
        'shared: ["walled:shop.countries"]', 'shared: ["walled:shop.{countries,contacts}"]'), "proposed.yaml": file.read_text()})
    consumer = siege.of_identity(world, "ana@north")
    _, _, messages = consumer.send(m.query("SELECT * FROM shop.contacts"))
    assert [message.name for message in messages if message.name == "ErrorResponse"] == []
    assert _columns(messages) == ["email"]
    consumer.close()
    world.publish()


def _columns(messages) -> list[str]:
    description = next(message for message in messages if message.name == "RowDescription")
    return [column[0] for column in description.fields]


def test_a_cast_of_the_owners_does_not_run_as_a_superuser(world, owner):
    """Values are written by their type's output function; a cast, an operator or a view would be the owner's code."""
    owner.run("CREATE TYPE shop.odd AS ENUM ('a');"
              "CREATE TABLE shop.traces (who text);"
              "CREATE FUNCTION shop.grab(shop.odd) RETURNS text LANGUAGE sql AS "
              "$$ INSERT INTO shop.traces VALUES (current_user) RETURNING 'grabbed@example.org' $$;"
              "CREATE CAST (shop.odd AS text) WITH FUNCTION shop.grab(shop.odd) AS IMPLICIT;"
              "CREATE TABLE shop.baits (bait shop.odd, email text);"
              "CREATE VIEW shop.bait AS SELECT bait::text FROM shop.baits;"
              "INSERT INTO shop.baits SELECT 'a' FROM generate_series(1, 20)")
    assert owner.run("SELECT count(*) FROM shop.traces") == [b"0"]
    found = _classify(world)
    assert found["baits", "bait"]["tag"] is None and found["baits", "bait"]["values"] == 20
    assert owner.run("SELECT count(*) FROM shop.traces") == [b"0"]


def test_a_new_column_of_a_protected_table_is_hidden(world, owner):
    owner.run("ALTER TABLE shop.tickets ADD fresh text DEFAULT 'QZX7FRESH'")
    consumer = siege.of_identity(world, "cleo@north")

    def columns():
        try:
            came, _, messages = consumer.send(m.query("SELECT * FROM shop.tickets LIMIT 1"))
        except wire.SignInRefused:  # 57P03: the wall is being built
            return None
        assert b"QZX7" not in came
        if any(message.name == "ErrorResponse" for message in messages):
            consumer.close()
            return None
        return _columns(messages)

    try:
        shown = wait_for(columns, 5, "the wall to stand again")
        assert "fresh" not in shown and "title" in shown
        _, _, messages = consumer.send(m.query("SELECT fresh FROM shop.tickets"))
        assert [message.error_field("C") for message in messages if message.name == "ErrorResponse"] == ["42703"]
    finally:
        consumer.close()
        owner.run("ALTER TABLE shop.tickets DROP fresh")
