"""Every class of event that the program leaves, made by the program itself: each record follows the published schema,
and each says who did what to which resource."""
from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest

import audit_records
import wire
import wire_messages as m
from faulty_disk import Disk
from postgres import DATABASE, USER
from processes import wait_for

jsonschema = pytest.importorskip("jsonschema")

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(120)]

_SCHEMA = Path(__file__).parents[2] / "docs/formats/audit-record.schema.json"
_PASSWORD = "correct horse battery"


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _statements(target, cluster) -> None:
    """Every activity of a statement, in both protocols, and the endings."""
    cluster.admin(f"create table kinds (a int primary key); grant all on kinds to {USER}", dbname=DATABASE)
    with wire.sign_in(target.endpoint()) as connection:
        for statement in ("select a from kinds", "values (1)", "show server_version", "explain select 1",
                          "insert into kinds values (1)", "update kinds set a = 2", "select nothing from kinds",
                          "merge into kinds k using (values (3)) v(a) on k.a = v.a when not matched then insert values (v.a)",
                          "copy kinds to stdout", "delete from kinds", "truncate kinds", "create temp table t (a int)",
                          "begin", "commit", "select 1; select 2"):
            connection.query(statement)
        connection.send(m.parse("", "select 1") + m.bind() + m.execute() + m.sync())
        connection.read_until_ready()


def _calls(target, session_of) -> None:
    command = target.command
    command("tenant", "create", "northside", "--region", "eu-central")
    command("identity", "create", "ana@northside", "--tenant", "northside", "--password-stdin", input=_PASSWORD + "\n")
    command("role", "create", "clerks")
    command("role", "assign", "clerks", "ana@northside")
    command("grant", "add", "--depot", DATABASE, "--role", "clerks", "--login", USER)
    grant, = json.loads(command("grant", "list", "--role", "clerks", "--json").stdout)
    command("identity", "disable", "ana@northside")
    command("grant", "remove", grant["id"])
    command("setting", "list")
    command("reload")
    assert command("depot", "show", "no_such_depot", check=False).returncode != 0
    command("audit", "search", "--identity", "nobody")
    command("audit", "break-glass", "on", "--for", "1m", "--reason", "a rehearsal")
    command("audit", "break-glass", "off")
    command("key", "create", "--tenant", "northside")
    command("key", "rotate", "--tenant", "northside")
    command("key", "destroy", "--tenant", "northside", "--reason", "a rehearsal", "--irrevocably")
    command("role", "unassign", "clerks", "ana@northside")
    command("grant", "add", "--depot", DATABASE, "--identity", "ana@northside", "--login", USER)
    command("session", "kill", session_of())


@pytest.fixture(scope="module")
def records(target_name, folder, cluster):
    import targets
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")
    target = targets.start(target_name, folder, cluster)
    try:
        _statements(target, cluster)
        with pytest.raises(wire.SignInRefused):
            wire.sign_in(target.endpoint().replace(password="wrong"))
        with socket.create_connection(("127.0.0.1", target.port)) as stranger:  # no TLS, no name, no depot
            stranger.sendall(bytes.fromhex("000000090003000000"))
            while stranger.recv(1024):
                pass
        with wire.sign_in(target.endpoint()) as connection:
            connection.send(m.query("select pg_sleep(20)"))
            time.sleep(0.3)
            wire.send_cancel(target.endpoint(), connection.pid, connection.key)
            connection.read_until_ready()
            _calls(target, lambda: json.loads(target.command("session", "list", "--json").stdout)[0]["id"])
        wait_for(lambda: any(_own(r)["event"] == "grant" and r["class_uid"] == 3005 and r["user"]["name"] == "ana@northside"
                             for r in _whole(target)), 10, "the last change's record")
    finally:
        target.stop()
    return _whole(target)


def _whole(target) -> list[dict]:
    """Every record as it stands in its leaf."""
    found = [json.loads(entry) for tree in (target.audit_folder / "tree").glob("*")
             for entry in audit_records.entries(tree) if entry.startswith(b"{")]
    return sorted(found, key=lambda record: int(record["metadata"]["uid"]))


def _own(record) -> dict:
    return record["unmapped"]["bartizan"]


def test_every_class_follows_the_schema(records):
    schema = json.loads(_SCHEMA.read_text())
    validator = jsonschema.Draft7Validator(schema)
    for record in records:
        faults = [error.message for error in validator.iter_errors(record)]
        assert not faults, (record, faults)
        assert record["type_uid"] == record["class_uid"] * 100 + record["activity_id"]
    named = set(schema["properties"]["unmapped"]["properties"]["bartizan"]["properties"]["event"]["enum"])
    # The wire client makes no FunctionCall; its records are the unit tests'. What the program can't do yet it does not tell.
    assert {_own(record)["event"] for record in records} == named - {"function_call", "consent", "backup", "drill"}
    assert {(r["class_uid"], r["activity_id"]) for r in records} >= {
        (6005, 2), (6005, 4), (6005, 5), (6005, 6), (6005, 7), (6005, 99), (3002, 1), (3002, 2),
        (6003, 1), (6003, 2), (6003, 3), (6003, 4), (6003, 99), (3005, 1), (3006, 1), (3006, 2), (3006, 3), (3006, 4)}
    assert {r["status_id"] for r in records} >= {1, 2}
    assert {"service", "dst_endpoint"} <= {name for r in records if r["class_uid"] == 3002 for name in r}


def test_calls_are_recorded_with_their_actor_and_end(records):
    calls = {r["api"]["operation"]: r for r in records if _own(r)["event"] == "api_call"}
    for operation, activity in (("tenant.create", 1), ("identity.create", 1), ("role.assign", 1), ("grant.add", 1),
                                ("grant.remove", 4), ("identity.disable", 3), ("setting.list", 2), ("reload", 99),
                                ("session.kill", 4)):
        call = calls[operation]
        assert (call["activity_id"], call["status_id"]) == (activity, 1), operation
        assert call["actor"]["user"]["name"].startswith("os:")
    assert _own(calls["identity.create"])["arguments"] == {"name": "ana@northside", "tenant": "northside"}
    failed = calls["depot.show"]
    assert (failed["status_id"], failed["status_code"]) == (2, "42704")
    assert "status" not in calls


def test_changes_are_recorded_before_and_after(records):
    changes = [r for r in records if _own(r)["event"] == "config_change"]
    assert [_own(r)["change_seq"] for r in changes] == sorted({_own(r)["change_seq"] for r in changes})
    ana = [r for r in changes if r["resources"][0].get("name") == "ana@northside"]
    assert ana[0]["activity_id"] == 1 and "before" not in _own(ana[0])
    disabled = next(r for r in ana if r["activity_id"] == 3 and _own(r)["after"].get("enabled") is False)
    assert _own(disabled)["before"]["enabled"] is True
    assert "name" not in _own(disabled)["before"], "what did not change is not repeated"
    grants = [r for r in changes if r["resources"][0]["type"] == "grants"]
    assert {r["activity_id"] for r in grants} >= {1, 4}


def test_grants_are_recorded_by_name(records):
    grants = [r for r in records if _own(r)["event"] == "grant" and r["actor"]["user"]["name"].startswith("os:")]
    told = [(_own(r)["operation"], r.get("group", {}).get("name"), r.get("user", {}).get("name"), r.get("privileges"))
            for r in grants]
    assert ("role.assign", "clerks", "ana@northside", None) in told and ("role.unassign", "clerks", "ana@northside", None) in told
    assert ("grant.add", "clerks", None, [USER]) in told and ("grant.remove", "clerks", None, [USER]) in told
    given, = [r for r in grants if r["class_uid"] == 3005 and r["user"]["name"] == "ana@northside"]
    assert given["resources"][0]["name"] == DATABASE and given["privileges"] == [USER]
    # Beside the change of the same row.
    changes = {_own(r)["change_seq"] for r in records if _own(r)["event"] == "config_change"}
    assert {_own(r)["change_seq"] for r in grants} <= changes


def test_uses_of_keys_are_recorded_in_their_owners_tree(records):
    uses = [r for r in records if _own(r)["event"] == "key_use"]
    keys = [r for r in uses if r["resources"][0]["type"] == "key"]
    assert {r["metadata"]["tenant_uid"] for r in keys} == {"northside"}
    assert {(r["api"]["operation"], _own(r)["purpose"]) for r in keys} >= {
        ("key.create", "data"), ("key.create", "index"), ("key.destroy", "data"), ("key.destroy", "index")}
    made = {r["resources"][0]["uid"] for r in keys if r["api"]["operation"] == "key.create"}
    assert len(made) == 3 and made == {r["resources"][0]["uid"] for r in keys if r["api"]["operation"] == "key.destroy"}
    assert {r["api"]["operation"] for r in uses if r["resources"][0]["type"] == "root"} == {"root.rotate", "root.destroy"}
    assert all(_own(r)["root"].startswith("file:main ") for r in keys)


def test_opening_a_key_is_recorded(encrypted_world):
    """Before its first use: whoever then reads the column does so after that record."""
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("create table opened (id int primary key, word text)")
    encrypted_world.encrypt("public.opened.word")  # sessions of before end
    with encrypted_world.connect(autocommit=True) as connection:
        connection.execute("insert into opened values (1, 'a word')")

    def inserts() -> list[dict]:
        return [r for r in encrypted_world.records() if r.get("tag") == "INSERT" and "opened" in json.dumps(r["relations"])]

    used = wait_for(inserts, 10, "the record of the first use")[0]["ticket"]
    records = encrypted_world.records()
    opened = [r for r in records if r["event"] == "key_use" and r["operation"] == "key.unwrap" and r["ticket"] < used]
    assert {r["purpose"] for r in opened} >= {"data"} and all(r["root"].startswith("file:main ") for r in opened)
    assert all(r["owner"].startswith(("depot ", "tenant ")) for r in opened)


def test_no_secret_is_in_any_record(records):
    text = json.dumps(records)
    assert _PASSWORD not in text and "SCRAM-SHA-256$" not in text


def test_changes_survive_a_kill_between_change_and_record(start_target):
    """A change that is in the control database is recorded, whenever the gateway died."""
    target = start_target()
    target.command("role", "create", "before_the_kill")
    os.kill(target.child.pid, 9)
    target.child.stop()
    cursor = target.audit_folder / "changes.cursor"
    if cursor.exists():  # as if the kill had come before its record
        cursor.write_text(str(int(cursor.read_text()) - 1))
    target.start()
    wait_for(lambda: any(r["event"] == "config_change" and '"before_the_kill"' in json.dumps(r)
                         for r in audit_records.records(target.audit_folder)), 10, "the record of the change")


def test_no_change_without_its_record(start_target, folder):
    """With a log that can't be written an administrator changes nothing, but can look."""
    disk = Disk(folder)
    target = start_target(environment=disk.environment)
    disk.becomes("fail")
    wait_for(lambda: target.command("role", "create", "unrecorded", check=False).returncode != 0, 10, "the refusal", step=0)
    refused = target.command("role", "create", "unrecorded_too", check=False)
    assert refused.returncode != 0 and "audit log" in refused.stderr
    assert "unrecorded" not in target.command("role", "list").stdout
    disk.becomes("")
    wait_for(lambda: target.command("role", "create", "recorded", check=False).returncode == 0, 10, "recovery", step=0.2)
