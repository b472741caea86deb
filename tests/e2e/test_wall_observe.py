"""A depot in observe: what its policies would have done is in the records, and nothing of it is done. From enforcement it goes there
by two administrators."""
from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import audit_records
import siege
import walled
import wire
import wire_messages as m
from processes import wait_for

pytestmark = [pytest.mark.timeout(300), pytest.mark.gateway]
_MAIL = "SELECT email FROM shop.customers WHERE id = 1"  # another tenant's, and masked
_VAULT = "SELECT count(*) FROM back.vault"
_PLAIN = "SELECT name FROM shop.countries WHERE code = 'de'"


@pytest.fixture(scope="module")
def world(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has a wall")
    # Another user's than the one that the tests run as, so that there are two administrators.
    started = walled.Walled(pool_mode="transaction", published=False, unprivileged=os.geteuid() == 0)
    yield started
    started.stop()


def _session(world) -> siege.Session:
    return siege.of_identity(world, "ana@north")


def _answer(session, text: str):
    _, values, messages = session.send(m.query(text))
    errors = [message.error_field("C") for message in messages if message.name == "ErrorResponse"]
    return errors[0] if errors else [value.decode() for value in values]


def _over(session) -> bool:
    """Its session is ended where it stands."""
    try:
        message = session.connection.read_message(0.2)
        return message.name == "ErrorResponse" and message.error_field("C") == "57P01"
    except wire.Eof:
        return True
    except wire.Timeout:
        return False


def _enforcement(world) -> str:
    return json.loads(world.gateway.command("depot", "show", walled.DEPOT, "--json").stdout)["enforcement"]


def _recorded(world, decision: str, **members) -> None:
    """Waits for a record of a statement of which that would have become."""
    def found():
        observed = [one["observed"] for one in audit_records.records(world.gateway.data / "audit") if "observed" in one]
        return [one for one in observed if one["decision"] == decision and members.items() <= one.items()]
    wait_for(found, 10, f"the record of {decision}, {members}")


def test_a_new_depot_is_observed_and_then_enforced(world):
    told = json.loads(world.gateway.command("depot", "observe", walled.DEPOT, "--reason", "a trial", "--json").stdout)
    assert told["enforcement"] == "observe" and told["approval"] is None
    world.publish()
    assert world.gateway.status()["policies_not_enforced_in"] == [walled.DEPOT]
    doctor = world.gateway.command("doctor", "--json", check=False)
    assert doctor.returncode == 1 and "its policies are observed" in doctor.stdout
    wall = json.loads(world.gateway.command("wall", "status", "--json").stdout)["walls"][0]
    assert wall["enforcement"] == "observe" and {one["state"] for one in wall["classes"]} == {"ready"}

    session = _session(world)
    assert _answer(session, _MAIL) == ["aqzx7mail1@example.org"] and _answer(session, _VAULT) == ["5"]
    assert _answer(session, "SELECT current_user::text") == [f"{walled.DEPOT}_owner"]
    assert _answer(session, "SELECT 1/0") == "22012"
    session.send(m.parse("s", _PLAIN) + m.sync())
    session.send(m.bind("", "s") + m.execute() + m.sync())
    _recorded(world, "mask", relations=[{"schema": "shop", "name": "customers", "access": "read",
                                         "read": ["id", "email"], "masked": ["email"]}])
    _recorded(world, "deny", sqlstate="42P01", why='relation "back.vault" does not exist')
    _recorded(world, "allow", relations=[{"schema": "shop", "name": "countries", "access": "read", "read": ["code", "name"]}])

    world.gateway.command("depot", "enforce", walled.DEPOT)
    wait_for(lambda: _over(session), 3, "the session to end")
    session.close()
    assert _answer(session, _MAIL) == [] and _answer(session, _VAULT) == "42P01"
    assert "policies_not_enforced_in" not in world.gateway.status()
    session.close()


def _as_if_a_day_had_gone(world, approval: str) -> None:
    embedded = world.gateway.status()["embedded"]
    password = (Path(embedded["data_directory"]) / "secrets" / "superuser.password").read_text().strip()
    with psycopg.connect(host=embedded["socket_directory"], user="postgres", password=password, dbname="bartizan") as control:
        control.execute("SET session_replication_role = replica")  # a write that names no actor is refused
        control.execute("UPDATE bartizan.approvals SET expires_at = now() WHERE id = %s", (approval,))


def test_from_enforcement_two_administrators_lead_there(world):
    if os.geteuid() != 0:
        pytest.skip("one user alone is one administrator alone")
    run = world.gateway.command
    assert _enforcement(world) == "enforce"
    session = _session(world)
    assert _answer(session, _MAIL) == []
    asked = json.loads(run("depot", "observe", walled.DEPOT, "--reason", "ticket 4711", "--json").stdout)
    assert asked["enforcement"] == "enforce" and asked["approval"]["state"] == "waiting"
    one = asked["approval"]["id"]

    refused = run("approval", "approve", one, check=False)
    assert refused.returncode != 0 and "whoever asks" in refused.stderr
    assert _enforcement(world) == "enforce" and _answer(session, _MAIL) == []

    # It is for the depot as it was then.
    run("depot", "set", walled.DEPOT, "--pool-size", "7")
    refused = run("approval", "approve", one, check=False, unprivileged=True)
    assert refused.returncode != 0 and "asked for again" in refused.stderr
    run("approval", "withdraw", one)
    assert run("approval", "approve", one, check=False, unprivileged=True).returncode != 0
    assert _enforcement(world) == "enforce"

    # It is for a day.
    late = json.loads(run("depot", "observe", walled.DEPOT, "--reason", "ticket 4711", "--json").stdout)["approval"]
    day = datetime.fromisoformat(late["expires_at"]) - datetime.fromisoformat(late["requested_at"])
    assert abs(day - timedelta(days=1)) < timedelta(minutes=1)
    _as_if_a_day_had_gone(world, late["id"])
    refused = run("approval", "approve", late["id"], check=False, unprivileged=True)
    assert refused.returncode != 0 and "expired" in refused.stderr, refused.stderr
    assert _enforcement(world) == "enforce" and _answer(session, _MAIL) == []
    states = {each["id"]: each["state"] for each in json.loads(run("approval", "list", "--json").stdout)}
    assert states[late["id"]] == "expired"

    two = json.loads(run("depot", "observe", walled.DEPOT, "--reason", "ticket 4711", "--json").stdout)["approval"]["id"]
    run("approval", "approve", two, unprivileged=True)
    assert _enforcement(world) == "observe"
    wait_for(lambda: _over(session), 3, "the session to end")
    session.close()
    assert _answer(session, _MAIL) == ["aqzx7mail1@example.org"]
    assert run("approval", "approve", two, check=False, unprivileged=True).returncode != 0

    listed = {each["id"]: each for each in json.loads(run("approval", "list", "--json").stdout)}
    assert listed[one]["state"] == "withdrawn" and listed[two]["state"] == "approved"
    assert listed[two]["requested_by"] == "os:root" != listed[two]["approved_by"]
    changes = json.loads(run("changes", "list", "--json").stdout)
    actors = {(each["kind"], each["actor"]) for each in changes if each["kind"] == "approvals"}
    assert actors == {("approvals", "os:root"), ("approvals", listed[two]["approved_by"])}
    last = [each for each in changes if each["kind"] == "depots"][-1]
    assert last["actor"] == listed[two]["approved_by"]

    run("depot", "enforce", walled.DEPOT)
    wait_for(lambda: _over(session), 3, "the session to end")
    session.close()
    assert _answer(session, _MAIL) == []
    session.close()
