"""`bartizan audit`: who searches finds what happened, page by page, with proofs that others can check; and is recorded."""
from __future__ import annotations

import json
import threading

import pytest

import audit_records
import bartizan
import wire
from postgres import DATABASE, USER
from processes import run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


@pytest.fixture
def log(start_target, cluster):
    """A gateway whose log holds 30 reads of one table, 3 failures and a write."""
    target = start_target()
    cluster.admin(f"create table if not exists found (a int); grant all on found to {USER}", dbname=DATABASE)
    with wire.sign_in(target.endpoint()) as connection:
        for _ in range(30):
            connection.query("select a from public.found")
        for _ in range(3):
            connection.query("select b from found")
        connection.query("insert into found values (1)")
    wait_for(lambda: any(r.get("tag") == "INSERT" for r in audit_records.of(target)), 10, "the last record")
    return target


def _audit(target, *arguments: str) -> dict:
    return json.loads(target.command("audit", *arguments, "--json").stdout)


def _pages(target, *arguments: str) -> list[dict]:
    found, after = [], []
    for _ in range(50):
        answer = _audit(target, "search", *arguments, *after)
        found += answer["records"]
        if answer["next"] is None:
            return found
        after = ["--after", answer["next"]]
    raise AssertionError("a search without an end")


def test_search_finds_by_table_action_and_outcome(log):
    assert len(_pages(log, "--table", "found")) == 34
    assert len(_pages(log, "--table", "public.found")) == 30
    assert len(_pages(log, "--table", "found", "--outcome", "failed")) == 3
    written, = _pages(log, "--table", "found", "--action", "INSERT")
    assert (written["identity"], written["depot"], written["outcome"], written["rows"]) == (USER, DATABASE, "ok", 1)
    assert _pages(log, "--identity", "nobody_of_that_name") == []
    assert _pages(log, "--table", "found", "--from", "2099-01-01T00:00:00Z") == []
    assert len(_pages(log, "--table", "found", "--to", "2099-01-01T00:00:00Z")) == 34


def test_search_finds_by_fingerprint_address_depot_and_effect(log):
    found = _pages(log, "--table", "public.found")[0]
    assert found["fingerprint"] and found["address"] and found["columns"] == "unknown"
    assert len(_pages(log, "--fingerprint", found["fingerprint"])) == 30
    assert len(_pages(log, "--table", "found", "--address", found["address"])) == 34
    assert len(_pages(log, "--table", "found", "--depot", DATABASE, "--action", "read")) == 33
    assert _pages(log, "--table", "found", "--address", "203.0.113.9") == []


def test_a_summary_counts_what_a_search_finds(log):
    def counts(*arguments: str) -> dict:
        answer = _audit(log, "search", *arguments)
        assert answer["next"] is None
        return {(row["time"], row["key"]): row["records"] for row in answer["counts"]}

    assert counts("--table", "found", "--count-by", "identity") == {(None, USER): 34}
    assert counts("--table", "found", "--count-by", "outcome") == {(None, "ok"): 31, (None, "failed"): 3}
    assert counts("--table", "found", "--count-by", "table") == {(None, "public.found"): 30, (None, "found"): 4}
    assert counts("--column", "public.found.a", "--count-by", "column") == {(None, "public.found.?"): 30}
    by_day = counts("--table", "found", "--count-by", "action", "--per", "day")
    assert {key for _, key in by_day} == {"SELECT", "INSERT"} and sum(by_day.values()) == 34
    written, = _audit(log, "search", "--table", "found", "--action", "INSERT", "--count-by", "action")["counts"]
    assert (written["records"], written["rows"]) == (1, 1) and written["first"] == written["last"]
    assert "identity" in log.command("audit", "search", "--count-by", "mood", check=False).stderr
    assert log.command("audit", "search", "--per", "day", check=False).returncode != 0
    assert "34" in log.command("audit", "search", "--table", "found", "--count-by", "identity").stdout


def test_an_export_of_all_pages_is_the_tree(log):
    lines = log.command("audit", "export", "--all").stdout.splitlines()
    assert len(lines) >= 34
    stands = [entry.decode() for entry in audit_records.entries(log.audit_folder / "tree/system")][:len(lines)]
    assert [line for line in lines if line.startswith("{")] == [text for text in stands if text.startswith("{")]
    assert [json.loads(line) for line in lines if not line.startswith("{")] == [t for t in stands if not t.startswith("{")]


def test_a_column_search_shows_who_may_have_used_it(log):
    assert len(_pages(log, "--column", "public.found.a")) == 30
    assert len(_pages(log, "--column", "found.a")) == 34
    assert _pages(log, "--column", "elsewhere.a") == []
    refused = log.command("audit", "search", "--column", "a", check=False)
    assert refused.returncode != 0 and "TABLE.COLUMN" in refused.stderr


def test_search_finds_the_same_by_the_index_and_without_it(log):
    """What the index has not come to is read from the tree: from the first moment on an answer is whole."""
    def indexed() -> int:
        return json.loads(log.command("status", "--json").stdout)["audit"]["indexed"]
    before = _pages(log, "--table", "found")
    published = len(audit_records.entries(log.audit_folder / "tree" / "system"))
    wait_for(lambda: indexed() >= published > 34, 10, "the index")
    assert _pages(log, "--table", "found") == before and len(before) == 34
    index = log.audit_folder / "index"
    assert not index.exists() or not list(index.glob("*/*")), "fewer than 4,096 leaves are in no file"


def test_pages_join_without_gap_or_repetition(log):
    whole = [r["record"] for r in _pages(log, "--table", "found", "--limit", "1000")]
    paged = [r["record"] for r in _pages(log, "--table", "found", "--limit", "7")]
    assert paged == whole and len(set(paged)) == 34


def test_proof_of_a_record_verifies_with_the_program_that_shares_no_code(log, folder):
    found = _audit(log, "search", "--table", "found", "--action", "INSERT")["records"][0]["record"]
    proven = _audit(log, "prove", found)
    record, proof = folder / "record", folder / "record.tlog-proof"
    record.write_text(proven["entry"])
    proof.write_text(proven["proof"])
    verify = [bartizan.program().parent / "bartizan-verify", "record", "--key", proven["key"], "--proof", proof]
    assert run([*verify, record], check=False).returncode == 0
    record.write_text(proven["entry"].replace("INSERT", "SELECT"))
    assert run([*verify, record], check=False).returncode == 1
    assert json.loads(proven["entry"]) == _audit(log, "show", found)


def test_export_is_the_tree_from_its_beginning(log):
    first = _audit(log, "export", "--limit", "10")
    rest = _audit(log, "export", "--after", str(first["next"]))
    entries = [e.encode() for e in first["entries"] + rest["entries"]]
    assert len(first["entries"]) == 10
    assert entries == audit_records.entries(log.audit_folder / "tree" / "system")[:len(entries)]


def test_reading_is_itself_recorded(log):
    _audit(log, "search", "--table", "found")
    wait_for(lambda: any(r["event"] == "log_read" and r["operation"] == "audit.search" and r["about"] == "table found"
                         and r["identity"].startswith("os:") for r in audit_records.of(log)), 10, "the record of the search")


def test_bad_arguments_are_refused(log):
    for arguments in (["show", "nonsense"], ["show", "../state:1"], ["prove", "system:99999999"], ["search", "--after", "x"]):
        answer = log.command("audit", *arguments, check=False)
        assert answer.returncode not in (0, 1) and answer.stderr


def _began(target, operation: str) -> None:
    wait_for(lambda: any(r["event"] == "log_read" and r["operation"] == operation for r in audit_records.of(target)), 10,
             f"the record of {operation}")


def test_tail_prints_what_happens_from_now_on(log):
    told: list = []
    follower = threading.Thread(target=lambda: told.append(
        log.command("audit", "tail", "--table", "found", "--limit", "4", "--json", timeout=40)))
    follower.start()
    _began(log, "audit.tail")
    with wire.sign_in(log.endpoint()) as connection:
        connection.query("select 1")  # not of that table
        for _ in range(3):
            connection.query("select a from found")
        connection.query("insert into found values (2)")
    follower.join(45)
    rows = [json.loads(line) for line in told[0].stdout.splitlines()]
    assert [row["action"] for row in rows] == ["SELECT"] * 3 + ["INSERT"]
    assert len({row["record"] for row in rows}) == 4


def test_nobody_goes_on_with_what_another_follows(log):
    refused = log.command("audit", "tail", "--follow", "0" * 32, check=False)
    assert refused.returncode != 0 and "begin again" in refused.stderr


def test_verify_runs_the_program_that_shares_no_code(log):
    done = log.command("audit", "verify", "--hours")
    assert "VERIFIED" in done.stdout and "limit:" in done.stdout and "hour " in done.stdout
    _began(log, "audit.verify")
    found = _audit(log, "search", "--table", "found", "--action", "INSERT")["records"][0]["record"]
    assert "VERIFIED" in log.command("audit", "verify", "--record", found).stdout
    checkpoint = log.audit_folder / "tree" / "system" / "checkpoint"
    kept = log.folder / "kept"
    kept.write_bytes(checkpoint.read_bytes())
    kept.chmod(0o644)
    with wire.sign_in(log.endpoint()) as connection:
        connection.query("select a from found")
    wait_for(lambda: checkpoint.read_bytes() != kept.read_bytes(), 10, "the next checkpoint")
    assert "grew from" in log.command("audit", "verify", "--from", kept).stdout
    assert "VERIFIED" in log.command("audit", "verify", "--against", kept).stdout
    kept.write_text(kept.read_text().replace("\n", "0\n", 2).replace("0\n", "\n", 1))  # ten times the size
    refused = log.command("audit", "verify", "--against", kept, check=False)
    assert refused.returncode == 1 and "NOT VERIFIED" in refused.stdout


def test_nothing_young_or_held_is_pruned(log):
    young = log.command("audit", "prune", "--before", "2099-01-01T00:00:00Z", "--reason", "a test", check=False)
    assert young.returncode != 0 and "365 days" in young.stderr
    old = ("audit", "prune", "--before", "2020-01-01T00:00:00Z", "--reason", "a test", "--json")
    assert json.loads(log.command(*old).stdout) == {"tree": "system", "removed": 0, "minimum_index": 0}
    log.command("audit", "hold-add", "case 7", "--reason", "the court")
    held = log.command(*old, check=False)
    assert held.returncode != 0 and "case 7" in held.stderr
    assert json.loads(log.command("audit", "hold-list", "--json").stdout)[0]["case"] == "case 7"
    assert log.command("audit", "hold-add", "case 7", "--reason", "again", check=False).returncode != 0
    log.command("audit", "hold-release", "case 7", "--reason", "closed")
    assert log.command("audit", "hold-release", "case 7", "--reason", "closed", check=False).returncode != 0
    log.command(*old)


def test_basic_log_has_nothing_to_search(start_target):
    target = start_target(audit='mode = "basic"')
    refused = target.command("audit", "search", check=False)
    assert refused.returncode != 0 and "provable" in refused.stderr
