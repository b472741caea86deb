"""What the gateway counts at its own door against what its log holds: whole, over kill -9, and where the end of the journal was
taken away before anything was signed."""
from __future__ import annotations

import json
import os
import signal
import struct
from pathlib import Path

import pytest

import audit_records
import bartizan
import wire
from postgres import DATABASE, USER
from processes import run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]

_PASSWORD = "a tenant's password"


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _verify(target) -> tuple[int, str]:
    done = run([bartizan.program().parent / "bartizan-verify", "log", "--key", target.audit_key, target.audit_folder],
               check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def _tenant(target) -> None:
    target.command("tenant", "create", "a")
    target.command("identity", "create", "ana@a", "--tenant", "a", "--password-stdin", input=_PASSWORD + "\n")
    target.command("grant", "add", "--depot", DATABASE, "--identity", "ana@a", "--login", USER)


def _work(target, count: int) -> None:
    for endpoint in (target.endpoint(), target.endpoint().replace(user="ana@a", password=_PASSWORD)):
        with wire.sign_in(endpoint) as connection:
            for _ in range(count):
                connection.query("select 1")


def _counted(target) -> None:
    """Until the log is told of all that was there when this was called, in the gateway's first life."""
    def status() -> dict:
        return json.loads(target.command("status", "--json").stdout)["audit"]

    records = status()["records"]
    wait_for(lambda: status()["counted_through"] >= records, 20, "a count", step=0.2)


def _counts(target) -> list[dict]:
    return [record for record in audit_records.records(target.audit_folder) if record["event"] == "counts"]


def test_every_hour_of_every_tree_is_counted_and_verified(start_target):
    target = start_target(audit='checkpoint_every = "100ms"\ncount_every = "1s"')
    _tenant(target)
    _work(target, 40)
    _counted(target)
    _work(target, 40)
    _counted(target)
    os.kill(target.child.pid, signal.SIGKILL)
    target.child.stop()
    target.start()
    _work(target, 10)
    target.stop()
    code, said = _verify(target)
    assert code == 0, said
    assert "counts: " in said and "counts: there are none" not in said
    told = _counts(target)
    by_tree = {tenant: [r for r in told if r["tenant"] == tenant and not r.get("lost")] for tenant in (None, "a")}
    assert sum(r["intents"] for r in by_tree["a"]) >= 90 and sum(r["intents"] for r in by_tree[None]) >= 90
    records = audit_records.records(target.audit_folder)
    for tenant, counts in by_tree.items():
        for count in counts:
            there = [r for r in records if r["tenant"] == tenant and count["first_ticket"] <= r["ticket"] <= count["last_ticket"]]
            assert len(there) == count["intents"], count
    assert any(r["refused"] or r["failed"] or r["ok"] for r in by_tree["a"])


def _groups(segment: Path) -> list[int]:
    """Offsets of the groups of a journal segment (docs/formats/audit-log.md, "Journal")."""
    data, at, found = segment.read_bytes(), 32, []
    while data[at:at + 4] == b"BZG1":
        found.append(at)
        at += 48 + struct.unpack_from(">I", data, at + 24)[0]
    return found


def test_a_journal_whose_end_was_taken_away_before_it_was_signed_is_found(start_target):
    target = start_target(audit='checkpoint_every = "1m"\ncount_every = "1s"')
    _tenant(target)
    _work(target, 30)
    _counted(target)
    os.kill(target.child.pid, signal.SIGKILL)
    target.child.stop()
    segment = max((target.audit_folder / "journal").glob("*.segment"))
    cut = _groups(segment)[-20]
    with segment.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        end = file.tell()
        file.seek(cut)
        file.write(bytes(end - cut))
    target.start()  # nothing newer stands behind the cut: to the log it is as if it had never been durable
    target.stop()
    code, said = _verify(target)
    assert code == 1 and "records that were counted are gone from the log" in said, said
    assert "audit.counts_ahead" in target.child.log_text()
