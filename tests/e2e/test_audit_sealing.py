"""Clients' addresses sealed in the log: nowhere in the clear on disk, read by whoever may, and erased for a record, a
month and a tenant without a proof's breaking."""
from __future__ import annotations

import json
import time

import pytest

import audit_records
import bartizan
import encrypted
import wire
import wire_messages as m
from postgres import DATABASE, USER, USER_PASSWORD
from processes import run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


@pytest.fixture
def target(start_target):
    """Sessions of an identity without a tenant, and of one of the tenant northside."""
    target = start_target(audit="seal = true")
    target.command("tenant", "create", "northside")
    target.command("identity", "create", "ana", "--tenant", "northside", "--password-stdin", input=USER_PASSWORD + "\n")
    target.command("grant", "add", "--depot", DATABASE, "--identity", "ana", "--login", USER)
    with pytest.raises(wire.SignInRefused):
        wire.sign_in(target.endpoint().replace(password="wrong"))
    for _ in range(2):
        with wire.sign_in(target.endpoint()) as connection:
            connection.query("select 1")
        with wire.sign_in(target.endpoint().replace(user="ana", password=USER_PASSWORD)) as connection:
            connection.query("select 1")
    wait_for(lambda: len(_sessions(target, "ana")) == 2 and len(_sessions(target, USER)) == 2, 10, "the records")
    return target


def _whole(target) -> list[tuple[str, dict]]:
    """(TREE:INDEX, record)."""
    return [(f"{tree.name}:{index}", json.loads(entry)) for tree in (target.audit_folder / "tree").glob("*")
            for index, entry in enumerate(audit_records.entries(tree)) if entry.startswith(b"{")]


def _sessions(target, identity: str) -> list[str]:
    """Names of the identity's statement records, one a session."""
    found = {}
    for name, record in _whole(target):
        if record["unmapped"]["bartizan"]["event"] == "statement" and record["actor"]["user"]["name"] == identity:
            found.setdefault(record["actor"]["session"]["uid"], name)
    return list(found.values())


def _unsealed(target, record: str, what: str = "address"):
    done = target.command("audit", "unseal", record, "--reason", "test", "--json", check=False)
    return json.loads(done.stdout).get(what) if done.returncode == 0 else None


def _disk(target, needle: bytes) -> list[str]:
    """Files below the audit folder and the data folder that hold it."""
    return [str(path) for folder in (target.audit_folder, target.folder / "data") for path in folder.rglob("*")
            if path.is_file() and needle in path.read_bytes()]


def _verify(target) -> None:
    done = run([bartizan.program().parent / "bartizan-verify", "log", "--key", target.audit_key, target.audit_folder],
               check=False, timeout=60)
    assert done.returncode == 0 and "VERIFIED" in done.stdout, done.stdout + done.stderr


def test_addresses_are_nowhere_in_the_clear_and_open_for_who_may(target):
    assert not _disk(target, b"127.0.0.1")
    records = [record for _, record in _whole(target) if record["unmapped"]["bartizan"]["event"] in
               ("sign_in", "sign_out", "statement")]
    assert len(records) >= 9
    for record in records:
        assert record["src_endpoint"] == {"name": "sealed"}
        assert set(record["unmapped"]["bartizan"]["sealed"]) == {"slot", "box"}
    for identity in ("ana", USER):
        for record in _sessions(target, identity):
            assert _unsealed(target, record).startswith("127.0.0.1:")
    refused = next(name for name, record in _whole(target) if record["class_uid"] == 3002 and record["status_id"] == 2)
    assert _unsealed(target, refused).startswith("127.0.0.1:")
    # Who looked is on the record.
    wait_for(lambda: any(r["event"] == "api_call" and r["operation"] == "audit.unseal" and r["arguments"]["id"] == refused
                         for r in audit_records.records(target.audit_folder)), 10, "the record of the look")
    target.stop()
    assert not _disk(target, b"127.0.0.1")
    target.start()
    assert _unsealed(target, refused).startswith("127.0.0.1:"), "after a restart"
    _verify(target)


def test_a_record_a_month_and_a_tenant_are_erased_and_proofs_hold(target):
    ours, theirs = _sessions(target, USER), _sessions(target, "ana")
    before = {name: record for name, record in _whole(target)}
    month = time.strftime("%Y-%m", time.gmtime())
    assert _unsealed(target, ours[0])
    slot = before[ours[0]]["unmapped"]["bartizan"]["sealed"]["slot"]
    tree, slot_month, index = slot.split("/")
    assert (tree, slot_month) == ("system", month)
    slots = target.audit_folder / "slots" / tree / f"{month}.slots"
    key = slots.read_bytes()[int(index) * 48:int(index) * 48 + 40]
    assert any(key) and _disk(target, key) == [str(slots)]

    # One record.
    assert target.command("audit", "erase", "--record", ours[0], check=False).returncode != 0, "without a reason"
    target.command("audit", "erase", "--record", ours[0], "--reason", "request 1701")
    assert not _disk(target, key), "the key is still on disk"
    assert _unsealed(target, ours[0]) is None
    assert _unsealed(target, ours[1]) and _unsealed(target, theirs[0])
    assert target.command("audit", "erase", "--record", ours[0], "--reason", "again", check=False).returncode == 4
    _verify(target)

    # A tenant.
    tenant_key = (target.audit_folder / "slots" / "t-northside" / f"{month}.key").read_bytes()
    target.command("audit", "erase", "--tenant", "northside", "--all", "--reason", "contract ended")
    assert not _disk(target, tenant_key)
    assert _unsealed(target, theirs[0]) is None and _unsealed(target, theirs[1]) is None
    assert _unsealed(target, ours[1])

    # A month.
    wrapped = slots.with_suffix(".key").read_bytes()
    left = [slots.read_bytes()[at:at + 40] for at in range(0, slots.stat().st_size, 48)]
    target.command("audit", "erase", "--month", month, "--reason", "retention")
    assert not _disk(target, wrapped) and not [found for each in left if any(each) for found in _disk(target, each)]
    assert not slots.exists() and _unsealed(target, ours[1]) is None

    # New sessions are sealed under new keys; what was erased stays so, over a restart too.
    with wire.sign_in(target.endpoint()) as connection:
        connection.query("select 1")
    fresh = wait_for(lambda: [name for name in _sessions(target, USER) if name not in ours], 10, "a new session's record")
    assert _unsealed(target, fresh[0]).startswith("127.0.0.1:")
    target.stop()
    target.start()
    assert _unsealed(target, fresh[0]) and not any(_unsealed(target, name) for name in ours + theirs)

    # Not a byte of a record has changed, and each proves.
    after = dict(_whole(target))
    assert all(after[name] == record for name, record in before.items())
    proven = json.loads(target.command("audit", "prove", ours[0], "--json").stdout)
    record, proof = target.folder / "record", target.folder / "record.tlog-proof"
    record.write_text(proven["entry"])
    proof.write_text(proven["proof"])
    run([bartizan.program().parent / "bartizan-verify", "record", "--key", proven["key"], "--proof", proof, record])
    _verify(target)
    told = [r for r in audit_records.records(target.audit_folder)
            if r["event"] == "api_call" and r["operation"] == "audit.erase" and r["status"] == "ok"]
    assert [r["arguments"]["reason"] for r in told] == ["request 1701", "contract ended", "retention"]


def _execute(connection, statement: str, values: list, formats=()) -> None:
    connection.send(m.parse("", statement) + m.bind(values=values, formats=formats) + m.execute() + m.sync())
    assert all(message.name != "ErrorResponse" for message in connection.read_until_ready())


def test_bind_values_are_sealed_on_request_and_nowhere_in_the_clear(start_target):
    target = start_target(audit="seal = true\nseal_values = true")
    with wire.sign_in(target.endpoint()) as connection:
        for value in (b"zebra-quartz-4711", b"okapi-basalt-1701"):
            _execute(connection, "select $1::text, $2::int", [value, None])
        _execute(connection, "select length($1::text)", [b"giraffe-slate" * 1000])
        connection.query("select 1")
    wait_for(lambda: len(_valued(target)) == 3, 10, "the records")
    words = (b"zebra-quartz", b"okapi-basalt", b"giraffe-slate")
    assert not [found for word in words for found in _disk(target, word)]
    first, second, long = _valued(target)
    assert _unsealed(target, first[0], "values") == ["zebra-quartz-4711", None]
    assert _unsealed(target, second[0], "values") == ["okapi-basalt-1701", None]
    assert long[1] == {"omitted_bytes": long[1]["omitted_bytes"]} and long[1]["omitted_bytes"] > 13_000
    # One statement's values are erased, and the other's and every proof stay.
    slot, box = first[1]["slot"], first[1]["box"]
    tree, month, index = slot.split("/")
    slots = target.audit_folder / "slots" / tree / f"{month}.slots"
    key = slots.read_bytes()[int(index) * 48:int(index) * 48 + 40]
    assert any(key) and _disk(target, key) == [str(slots)]
    target.command("audit", "erase", "--record", first[0], "--reason", "request 1702")
    assert not _disk(target, key)
    assert _unsealed(target, first[0], "values") is None and _unsealed(target, second[0], "values")
    assert dict(_valued(target))[first[0]] == {"slot": slot, "box": box}, "the record is what it was"
    target.stop()
    assert not [found for word in words for found in _disk(target, word)]
    _verify(target)


def _valued(target) -> list[tuple[str, dict]]:
    """Records with sealed values, by their ticket."""
    found = [(int(record["metadata"]["uid"]), name, record["unmapped"]["bartizan"]["sealed_values"])
             for name, record in _whole(target) if "sealed_values" in record["unmapped"]["bartizan"]]
    return [(name, sealed) for _, name, sealed in sorted(found)]


def test_values_without_sealing_are_refused_at_the_start(start_target):
    with pytest.raises(RuntimeError, match="audit.seal_values needs audit.seal"):
        start_target(audit="seal_values = true")


def test_a_lost_key_of_the_keys_is_not_made_anew(start_target):
    target = start_target(audit="seal = true")
    with wire.sign_in(target.endpoint()) as connection:
        connection.query("select 1")
    key = target.folder / "data" / "keys" / "audit-seal.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == 32
    target.stop()
    key.unlink()
    with pytest.raises(RuntimeError, match="put it back"):
        target.start()


def test_values_of_encrypted_columns_are_in_no_record(monkeypatch):
    """Not even sealed: their keys are others'. Beside them, values of statements that touch none are."""
    monkeypatch.setenv("BARTIZAN_AUDIT_SEAL", "true")
    monkeypatch.setenv("BARTIZAN_AUDIT_SEAL_VALUES", "true")
    world = encrypted.Encrypted()
    try:
        with world.connect(autocommit=True) as connection:
            connection.execute("create table patients (id int primary key, name text)")
            connection.execute("create table plain (id int primary key, name text)")
        world.encrypt("public.patients.name", "--search")
        with world.connect(autocommit=True) as connection:
            connection.execute("insert into patients values (%s, %s)", (1, "a patient"))
            connection.execute("select id from patients where name = %s", ("a patient",))
            connection.execute("insert into plain values (%s, %s)", (1, "anybody"))

        def of(table: str) -> list[dict]:
            return [r for r in world.records() if r["event"] == "execute" and table in json.dumps(r.get("relations", []))]

        plain, = wait_for(lambda: of("plain"), 10, "the records")
        assert set(plain["sealed_values"]) == {"slot", "box"}
        closed = of("patients")
        assert len(closed) == 2 and not any("sealed_values" in record for record in closed)
    finally:
        world.stop()
