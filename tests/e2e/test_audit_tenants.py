"""A tenant's reader sees its own tree of the audit log: it searches, proves and exports it. Other trees don't exist for it,
whatever it writes in place of a name."""
from __future__ import annotations

import json
import socket

import pytest

import audit_records
import bartizan
import wire
from postgres import DATABASE, USER
from processes import run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(120)]

_PASSWORD = "a reader's own password"


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


@pytest.fixture
def house(start_target):
    """Two tenants with one identity and ten statements each; ana@a is a reader of her tenant's log."""
    target = start_target(audit='checkpoint_every = "100ms"')
    target.stop()
    config = target.folder / "bartizan.toml"
    target.socket = target.folder / "audit.sock"
    config.write_text(config.read_text() + f'reader_socket_file = "{target.socket}"\n')
    target.start()
    for tenant, name in (("a", "ana@a"), ("b", "ben@b")):
        target.command("tenant", "create", tenant)
        target.command("identity", "create", name, "--tenant", tenant, "--password-stdin", input=_PASSWORD + "\n")
        target.command("grant", "add", "--depot", DATABASE, "--identity", name, "--login", USER)
        with wire.sign_in(target.endpoint().replace(user=name, password=_PASSWORD)) as connection:
            for _ in range(10):
                connection.query(f"select '{name}'")
    target.command("audit", "reader-add", "ana@a")
    wait_for(lambda: all((target.audit_folder / f"tree/t-{tenant}/checkpoint").exists() and
                         len(audit_records.entries(target.audit_folder / f"tree/t-{tenant}")) >= 11
                         for tenant in "ab"), 10, "both trees")
    return target


def _ask(house, *words: str, name: str = "ana@a", password: str = _PASSWORD):
    return run([bartizan.program(), "audit", *words, "--as", name, "--password-stdin", "--json", "--socket", house.socket],
               check=False, unprivileged=True, input=password + "\n")


def _answer(house, *words: str) -> dict:
    done = _ask(house, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_reader_searches_shows_proves_and_exports_its_own_tree(house, folder):
    found = _answer(house, "search")["records"]
    assert len(found) >= 11 and {row["record"].split(":")[0] for row in found} == {"t-a"}
    assert {row["tenant"] for row in found} == {"a"}
    record = next(row["record"] for row in found if row["action"] == "SELECT")
    proven = _answer(house, "prove", record)
    (folder / "record").write_text(proven["entry"])
    (folder / "proof").write_text(proven["proof"])
    assert run([bartizan.program().parent / "bartizan-verify", "record", "--key", proven["key"], "--proof",
                folder / "proof", folder / "record"], check=False).returncode == 0
    assert _answer(house, "show", record) == json.loads(proven["entry"])
    exported = _answer(house, "export")
    assert exported["tree"] == "t-a" and {json.loads(entry)["metadata"]["tenant_uid"] for entry in exported["entries"]} == {"a"}
    assert _answer(house, "export", "--tenant", "a")["tree"] == "t-a"


def test_other_trees_do_not_exist_for_it(house):
    nowhere = _ask(house, "show", "t-nobody:0")
    assert nowhere.returncode != 0 and "no such tree" in nowhere.stderr
    for place in ("t-b:0", "system:0", "T-B:0", "t-a/../t-b:0", "../tree/t-b:0", "t-a/../../state:0", "t-b%00:0", "t-b/:0",
                  "./t-b:0", ".:0", "t-a\\..\\t-b:0"):
        for verb in ("show", "prove"):
            done = _ask(house, verb, place)
            assert done.returncode != 0 and not done.stdout, place
            assert done.stderr == nowhere.stderr or "TREE:INDEX" in done.stderr, (place, done.stderr)
    for words in (("search", "--tenant", "b"), ("export", "--tenant", "b"), ("search", "--tenant", "../t-b"),
                  ("export", "--tenant", "system")):
        done = _ask(house, *words)
        assert done.returncode != 0 and done.stderr == nowhere.stderr, (words, done.stderr)
    # Another tenant's cursor leads nowhere but into its own tree.
    for cursor in ("t-b:5", "system:5", "a:5", "t-zzz:5"):
        rows = _answer(house, "search", "--after", cursor)["records"]
        assert all(row["tenant"] == "a" for row in rows), cursor
    assert _answer(house, "search", "--identity", "ben@b")["records"] == []


def test_who_has_not_the_right_gets_one_answer_whatever_the_reason(house):
    errors = {_ask(house, "search", name=name, password=password).stderr
              for name, password in (("ana@a", "wrong"), ("ben@b", _PASSWORD), ("nobody@a", "x"), (USER, "x"))}
    assert len(errors) == 1 and "wrong" in errors.pop()
    house.command("identity", "disable", "ana@a")
    assert _ask(house, "search").returncode != 0
    house.command("identity", "enable", "ana@a")
    assert _ask(house, "search").returncode == 0
    house.command("audit", "reader-remove", "ana@a")
    assert _ask(house, "search").returncode != 0
    refused = house.command("audit", "reader-add", USER, check=False)
    assert refused.returncode != 0 and "no tenant" in refused.stderr
    wait_for(lambda: any(r["event"] == "log_read" and r["status"] == "refused" and r["identity"] == "ben@b"
                         for r in audit_records.of(house)), 10, "the record of the refusal")


def test_guessing_is_slowed_down(house):
    for _ in range(6):
        done = _ask(house, "search", password="a guess")
        if "too many" in done.stderr:
            return
    raise AssertionError("six guesses in a row were all answered")


def test_the_socket_has_no_other_verb(house):
    def say(line: str) -> dict:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(house.socket))
            link.sendall(line.encode() + b"\n")
            return json.loads(link.makefile().readline())
    sign_in = {"as": "ana@a", "password": _PASSWORD}
    for verb in ("identity.list", "shutdown", "status", "audit.reader-add", "policy.show", "audit.hold-add", ""):
        answer = say(json.dumps({"v": 1, "verb": verb, "args": sign_in}))
        assert answer["ok"] is False and "result" not in answer, verb
    assert "password" in say('{"v":1,"verb":"audit.search","args":{"as":"ana@a"}}')["error"]["message"]
    assert say('{"v":1,"verb":"audit.search","args":{}}')["ok"] is False
    assert say(json.dumps({"v": 1, "verb": "audit.search", "args": sign_in}))["ok"] is True
    assert say("{" * 100)["ok"] is False


def test_a_reading_stands_in_the_tenants_own_tree(house):
    _answer(house, "search", "--identity", "ana@a")
    tree = house.audit_folder / "tree/t-a"
    wait_for(lambda: any(json.loads(entry)["unmapped"]["bartizan"].get("about") == "identity ana@a"
                         and json.loads(entry)["actor"]["user"]["name"] == "ana@a"
                         for entry in audit_records.entries(tree)), 10, "the record of the search")
