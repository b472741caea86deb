"""Whoever holds the gateway's machine changes its log: a byte, the tail, an older copy, another log in its place. The
verifier or the witness, which runs elsewhere with a key of its own, finds each and names the index."""
from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import shutil
import signal

import pytest

import bartizan
import wire
from processes import Child, clean_environment, give, run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _tool(name: str):
    return bartizan.program().parent / name


def _key_of(key: str, tree: str) -> str:
    """The log's key under a tree's name, as C2SP signed-note has it."""
    name, _, encoded = key.split("+", 2)
    name += "/" + tree
    return f"{name}+{hashlib.sha256(name.encode() + bytes([10]) + base64.b64decode(encoded)).digest()[:4].hex()}+{encoded}"


class Witness:
    """`bartizan-witness serve` of one log, at a port that stays."""

    def __init__(self, folder, log_key: str, name: str = "e2e") -> None:
        self.folder = folder / f"witness-{name}"
        self.folder.mkdir()
        give(self.folder)
        self.key = run([_tool("bartizan-witness"), "keygen", f"witness.example/{name}", self.folder / "key"],
                       unprivileged=True).stdout.strip()
        self.log_key, self.port, self.child = log_key, 0, None
        self.start()

    def start(self) -> None:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self.child = Child([_tool("bartizan-witness"), "serve", "--listen", f"127.0.0.1:{self.port}", "--key",
                            self.folder / "key", "--state", self.folder / "state", "--log", self.log_key],
                           log, unprivileged=True, env=clean_environment())
        self.port = int(wait_for(lambda: re.search(r"listening on \S+:(\d+)", self.child.log_text()), 10,
                                 "the witness").group(1))

    def stop(self) -> None:
        self.child.stop(signal.SIGTERM)


@pytest.fixture
def witnessed(start_target):
    """A gateway that has a witness, and some records under a cosigned checkpoint."""
    target = start_target(audit='checkpoint_every = "100ms"')
    target.stop()
    witness = Witness(target.folder, _key_of(target.audit_key, "system"))
    config = target.folder / "bartizan.toml"
    config.write_text(config.read_text() + f'witness = "http://127.0.0.1:{witness.port}"\n'
                      f'witness_key = "{witness.key}"\nwitness_every = "1s"\n')
    target.start()
    target.witness = witness
    _write(target, 300)
    _wait_cosigned(target, 300)
    yield target
    witness.stop()


def _write(target, count: int) -> None:
    with wire.sign_in(target.endpoint()) as connection:
        for _ in range(count):
            connection.query("select 1")


def _size(target) -> int:
    checkpoint = target.audit_folder / "tree/system/checkpoint"
    return int(checkpoint.read_text().split("\n")[1]) if checkpoint.exists() else 0


def _said(target) -> dict:
    return json.loads(target.command("status", "--json").stdout)["audit"]["witness"]


def _wait_cosigned(target, least: int) -> int:
    """Until so many entries are published, and all that is there then is cosigned."""
    wait_for(lambda: _size(target) >= least, 20, "the checkpoint", step=0.1)
    size = _size(target)
    wait_for(lambda: _said(target)["entries"] >= size and not _said(target)["error"], 20, "a cosignature", step=0.1)
    return size


def _alarm(target) -> str:
    return wait_for(lambda: _said(target)["alarm"], 20, "the witness's alarm", step=0.1)


def _verify(target, *more, folder=None) -> tuple[int, str]:
    done = run([_tool("bartizan-verify"), "log", "--key", target.audit_key, *more, folder or target.audit_folder], check=False)
    return done.returncode, done.stdout


def _copy(source, to):
    shutil.rmtree(to, ignore_errors=True)
    run(["cp", "-a", source, to])
    return to


def test_the_witness_cosigns_and_its_age_shows(witnessed):
    said = _said(witnessed)
    assert said["name"] == "witness.example/e2e" and said["age_seconds"] < 20 and said["alarm"] is None
    code, out = _verify(witnessed, "--witness", witnessed.witness.key)
    assert code == 0 and "witness witness.example/e2e: cosigned" in out, out
    witnessed.witness.stop()
    before = said["entries"]
    _write(witnessed, 5)  # nobody waits for a witness
    wait_for(lambda: "reached" in (_said(witnessed)["error"] or ""), 20, "the error", step=0.1)
    witnessed.witness.start()
    wait_for(lambda: _said(witnessed)["entries"] > before and not _said(witnessed)["error"], 20, "a cosignature", step=0.1)


def test_a_byte_flipped_anywhere_is_found_with_its_index(witnessed, folder):
    witnessed.stop()
    code, out = _verify(witnessed)
    assert code == 0, out
    copy = _copy(witnessed.audit_folder, folder / "copy")
    dice = random.Random(6)
    files = sorted(path for path in (copy / "tree").rglob("*") if path.is_file() and path.name != "checkpoint.cosigned")
    assert any("entries" in str(path) for path in files) and any("/0/" in str(path) for path in files)
    for path in files:
        whole = path.read_bytes()
        for _ in range(12 if path.name == "checkpoint" else 2 if ".p/" in str(path) else 6):
            place = dice.randrange(len(whole))
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << dice.randrange(8)]) + whole[place + 1:])
            code, out = _verify(witnessed, folder=copy)
            named = f"{path} byte {place}: {out}"
            stale = ".p/" in str(path) and code == 0  # a narrower tile that no checkpoint rests on any more
            assert code == 1 or stale, named
            assert stale or path.name == "checkpoint" or " index " in out, named
        path.write_bytes(whole)
    assert _verify(witnessed, folder=copy)[0] == 0


def test_a_tail_cut_off_is_found_by_the_verifier(witnessed, folder):
    witnessed.stop()
    size = _size(witnessed)
    copy = _copy(witnessed.audit_folder, folder / "copy")
    for gone in (copy / "tree/system/tile/entries").rglob(str(size % 256)):
        gone.unlink()
    code, out = _verify(witnessed, folder=copy)
    assert code == 1 and f"index {size // 256 * 256}:" in out, out


def test_an_older_copy_put_back_is_found_by_the_witness_and_the_verifier(witnessed, folder):
    witnessed.stop()
    old_size = _size(witnessed)
    old = _copy(witnessed.audit_folder, folder / "old")
    witnessed.start()
    _write(witnessed, 40)
    new_size = _wait_cosigned(witnessed, old_size + 40)
    witnessed.stop()
    cosigned = folder / "kept"
    shutil.copy(witnessed.audit_folder / "tree/system/checkpoint.cosigned", cosigned)
    _copy(old, witnessed.audit_folder)
    assert _verify(witnessed)[0] == 0, "on its own an older copy is sound: that is what a witness is for"
    code, out = _verify(witnessed, "--against", cosigned)
    assert code == 1 and f"index {old_size}:" in out and "an older copy put back" in out, out
    witnessed.start()
    alarm = _alarm(witnessed)
    here = int(re.search(r"from index (\d+) on", alarm).group(1))
    assert "an older copy put back" in alarm and old_size <= here < new_size, alarm
    assert "an older copy put back" in witnessed.command("doctor", check=False).stdout


def test_a_fork_is_found_by_the_witness_and_the_verifier(witnessed, folder):
    """An older copy, grown beyond what the witness has seen with other records in it."""
    witnessed.stop()
    old_size = _size(witnessed)
    old = _copy(witnessed.audit_folder, folder / "old")
    witnessed.start()
    _write(witnessed, 20)
    _wait_cosigned(witnessed, old_size + 20)
    witnessed.stop()
    cosigned = folder / "kept"
    shutil.copy(witnessed.audit_folder / "tree/system/checkpoint.cosigned", cosigned)
    seen = int(cosigned.read_text().split("\n")[1])
    _copy(old, witnessed.audit_folder)
    witnessed.witness.stop()
    witnessed.start()
    while _size(witnessed) <= seen + 5:
        _write(witnessed, 30)
        wait_for(lambda: _said(witnessed)["error"], 20, "no cosignature")
    witnessed.witness.start()
    alarm = _alarm(witnessed)
    assert f"rewritten or forked before index {seen}" in alarm, alarm
    witnessed.stop()
    code, out = _verify(witnessed, "--against", cosigned)
    assert code == 1 and "rewritten or forked" in out, out
    assert old_size <= int(re.search(r"index (\d+): the checkpoint in", out).group(1)) < seen, out


def test_the_witness_answers_nobody_but_its_log(witnessed):
    def ask(path: str, body: bytes, method: str = "POST") -> int:
        import http.client
        link = http.client.HTTPConnection("127.0.0.1", witnessed.witness.port, timeout=10)
        link.request(method, path, body)
        return link.getresponse().status
    note = (witnessed.audit_folder / "tree/system/checkpoint").read_bytes()
    assert ask("/add-checkpoint", b"old 0\n\n" + note.replace(b"/system\n", b"/t-a\n", 1)) == 404
    assert ask("/add-checkpoint", b"old 0\n\n" + note[:40] + b"\n") == 400
    assert ask("/add-checkpoint", b"", "GET") == 405
    assert ask("/", b"") == 404
    assert ask("/add-checkpoint", b"x" * 200_000) == 413
    assert ask("/add-checkpoint", b"old 1\n\n" + note) == 409


def test_several_witnesses_cosign_each_by_itself(witnessed, folder):
    second = Witness(witnessed.folder, _key_of(witnessed.audit_key, "system"), "second")
    try:
        config = witnessed.folder / "bartizan.toml"
        config.write_text(re.sub(r'witness = "(.*)"', rf'witness = "\1 http://127.0.0.1:{second.port}"',
                                 re.sub(r'witness_key = "(.*)"', rf'witness_key = "\1 {second.key}"', config.read_text())))
        witnessed.stop()
        witnessed.start()

        def said() -> list[dict]:
            return json.loads(witnessed.command("status", "--json").stdout)["audit"]["witnesses"]

        wait_for(lambda: all(each["entries"] >= 300 and not each["error"] for each in said()), 20, "both", step=0.1)
        assert [each["name"] for each in said()] == ["witness.example/e2e", "witness.example/second"]
        both = ["--witness", witnessed.witness.key, "--witness", second.key]
        code, out = _verify(witnessed, *both)
        assert code == 0 and out.count(": cosigned ") == 2, out
        assert witnessed.command("audit", "verify").stdout.count(": cosigned ") == 2
        # One is away: the other goes on.
        second.stop()
        before = said()[0]["entries"]
        _write(witnessed, 5)
        wait_for(lambda: said()[0]["entries"] > before and "reached" in (said()[1]["error"] or ""), 20, "one of two", step=0.1)
        # Without its cosignature the log does not pass for what both have seen.
        stripped = _copy(witnessed.audit_folder, folder / "stripped")
        (stripped / "tree/system/checkpoint.cosigned.2").unlink()
        code, out = _verify(witnessed, *both, folder=stripped)
        assert code == 1 and "witness.example/second" in out and "has cosigned no checkpoint" in out, out
    finally:
        second.stop()
