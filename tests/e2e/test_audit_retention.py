"""Old records in a running gateway: compressed once they are cold and read on by everybody, pruned by their ceiling, and
kept where a case holds them."""
from __future__ import annotations

import json
import os
import shutil
import time

import pytest

import audit_records
import bartizan
import wire
from processes import give, run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]

_TWO_YEARS = 2 * 365 * 86_400
_RECORDS = 1500  # a third of them in each tree: one full bundle and a part of the next


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _verify(target) -> str:
    done = run([bartizan.program().parent / "bartizan-verify", "log", "--key", target.audit_key, target.audit_folder],
               check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def target(start_target):
    """A log whose first 1,500 records were written two years ago, by the log's own code, under this gateway's key."""
    target = start_target(audit='origin = "log.example/test"\ncompress_every = "100ms"')
    target.command("tenant", "create", "acme")
    target.stop()
    secret = (target.folder / "data" / "keys" / "audit.key").read_text().strip()
    shutil.rmtree(target.audit_folder)
    run([bartizan.program().parent / "audit_write_log", target.audit_folder, str(_RECORDS), secret,
         str(int(time.time()) - _TWO_YEARS)])
    for folder, _, names in os.walk(target.audit_folder):
        for path in (target.audit_folder / folder, *(target.audit_folder / folder / name for name in names)):
            give(path)
    target.start()
    return target


def _bundles(target, tree: str) -> list[str]:
    """The full ones, by the names of their files."""
    return sorted(path.name for path in (target.audit_folder / "tree" / tree / "tile" / "entries").iterdir()
                  if not path.name.endswith(".p"))


def _status(target) -> dict:
    return json.loads(target.command("status", "--json").stdout)["audit"]


def _audit(target, *arguments: str) -> dict:
    return json.loads(target.command("audit", *arguments, "--json").stdout)


def test_cold_bundles_are_compressed_and_read_on(target):
    wait_for(lambda: _bundles(target, "t-acme") == ["000.zst"] and _bundles(target, "t-beta%20corp") == ["000.zst"], 20,
             "compression")
    assert "000" not in _bundles(target, "system")
    storage = wait_for(lambda: _status(target)["storage"], 10, "the figures")
    assert storage["compressed_records"] >= 3 * 256
    assert storage["bytes_per_record"] * 4 < storage["bytes_per_record_before"]
    # Read by index and by scan, shown, proven, exported, verified: as if they were plain.
    found = _audit(target, "search", "--tenant", "acme", "--identity", "user1", "--limit", "1000")["records"]
    assert len(found) == len([i for i in range(_RECORDS) if i % 3 == 1 and i % 7 == 1])
    assert _audit(target, "show", "t-acme:0")["metadata"]["tenant_uid"] == "acme"
    proven = _audit(target, "prove", "t-acme:3")
    record, proof = target.folder / "record", target.folder / "record.tlog-proof"
    record.write_text(proven["entry"])
    proof.write_text(proven["proof"])
    run([bartizan.program().parent / "bartizan-verify", "record", "--key", proven["key"], "--proof", proof, record])
    exported = _audit(target, "export", "--tenant", "acme", "--limit", "300")["entries"]
    assert exported == [entry.decode() for entry in audit_records.entries(target.audit_folder / "tree" / "t-acme")[:300]]
    assert "VERIFIED" in _verify(target)
    target.stop()
    target.start()
    assert _status(target)["storage"]["compressed_records"] >= 3 * 256, "remembered"
    assert "VERIFIED" in _verify(target)


def test_ceilings_prune_by_themselves_and_holds_stop_them(target):
    assert target.command("audit", "ceiling-set", "--days", "364", check=False).returncode != 0, "below the floor"
    target.command("audit", "ceiling-set", "--days", "400")
    target.command("audit", "ceiling-set", "--days", "1000", "--tenant", "acme")
    assert [(row["tenant"], row["days"]) for row in json.loads(target.command("audit", "ceiling-list", "--json").stdout)] == [
        (None, 400), ("acme", 1000)]
    target.command("audit", "hold-add", "2026-117", "--reason", "request of the court")
    before = {tree: _bundles(target, tree) for tree in ("t-acme", "t-beta%20corp", "system")}
    held = _restarted(target, "audit.held")
    for tree, names in before.items():  # the system's grows meanwhile
        now = [name.removesuffix(".zst") for name in _bundles(target, tree)]
        assert held and {name.removesuffix(".zst") for name in names} <= set(now), f"{tree} is held for a case"

    target.command("audit", "hold-release", "2026-117", "--reason", "case closed")
    assert _restarted(target, "audit.pruned")
    assert _bundles(target, "t-beta%20corp") == [] and "000" not in "".join(_bundles(target, "system"))
    assert [name.removesuffix(".zst") for name in _bundles(target, "t-acme")] == ["000"], "its own ceiling is higher"
    said = _verify(target)
    assert "below index 256 were pruned" in said and "t-acme: the log has signed" not in said
    # What was pruned says so, what is younger is there, and the removal is on the record.
    assert "pruned" in target.command("audit", "show", "t-beta%20corp:0", check=False).stderr
    assert _audit(target, "show", "t-beta%20corp:300")["class_uid"]
    with wire.sign_in(target.endpoint()) as connection:
        assert connection.value("select 1") == "1"
    # audit_records reads whole trees; here the beginning is gone.
    told = wait_for(lambda: _audit(target, "search", "--action", "log_read", "--identity", "bartizan")["records"], 10,
                    "the records of it")
    abouts = [_audit(target, "show", row["record"])["unmapped"]["bartizan"]["about"] for row in told]
    assert len(abouts) == 2 and all("its ceiling of 400 days" in about for about in abouts)

    target.command("audit", "ceiling-remove", "--tenant", "acme")
    assert _restarted(target, "audit.pruned")
    assert _bundles(target, "t-acme") == []
    assert "VERIFIED" in _verify(target)


def _restarted(target, event: str) -> bool:
    """Ceilings are looked at soon after the start."""
    target.stop()
    before = target.child.log_text().count(event) if target.child.log_file.exists() else 0
    target.start()
    return wait_for(lambda: target.child.log_text().count(event) > before, 20, event, step=0.2)
