"""The audit log's key is replaced in a running gateway: nobody notices who follows the notes, nobody else is led astray, and a
kill at any moment leaves a log that opens."""
from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import audit_records
import bartizan
import wire
from processes import clean_environment, run
from test_audit_witness import Witness, _key_of, _said, _size, _wait_cosigned, _write

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _verify(target, key: str, *more, folder=None) -> tuple[int, str]:
    done = run([bartizan.program().parent / "bartizan-verify", "log", "--key", key, *more, folder or target.audit_folder],
               check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_new_key_in_a_running_gateway_with_a_witness_that_follows(start_target):
    target = start_target(audit='checkpoint_every = "100ms"')
    target.stop()
    first = target.audit_key
    witness = Witness(target.folder, _key_of(first, "system"))
    config = target.folder / "bartizan.toml"
    config.write_text(config.read_text() + f'witness = "http://127.0.0.1:{witness.port}"\n'
                      f'witness_key = "{witness.key}"\nwitness_every = "1s"\n')
    target.start()
    try:
        _write(target, 50)
        _wait_cosigned(target, 50)
        assert target.command("audit", "key-rotate", check=False).returncode != 0, "without a reason"
        told = json.loads(target.command("audit", "key-rotate", "--reason", "yearly", "--grace-days", "0", "--json").stdout)
        assert told["number"] == 2 and told["before"] == first and told["key"] != first
        assert target.audit_key == told["key"]
        assert json.loads(target.command("status", "--json").stdout)["audit"]["public_key"] == told["key"]
        note = (target.audit_folder / "tree/system/checkpoint").read_text()
        assert note.count("\u2014 ") == 2, "until it is started anew the key before signs along"
        _write(target, 50)
        _wait_cosigned(target, _size(target))
        for key in (first, told["key"]):
            code, said = _verify(target, key, "--witness", witness.key)
            assert code == 0, said
        assert "VERIFIED" in target.command("audit", "verify").stdout
        target.stop()
        target.start()  # the grace is over
        assert not (target.folder / "data/keys/audit.key.before").exists()
        _write(target, 50)
        size = _wait_cosigned(target, _size(target))
        assert not _said(target)["alarm"]
        for tree in (target.audit_folder / "tree").iterdir():
            assert (tree / "checkpoint").read_text().count("\u2014 ") == 1, tree
        for key in (first, told["key"]):
            code, said = _verify(target, key, "--witness", witness.key)
            cosigned = re.search(r"cosigned (\d+) entries", said)  # reading the log is recorded as well
            assert code == 0 and cosigned and int(cosigned[1]) >= size, said
        assert "VERIFIED" in target.command("audit", "verify").stdout
        found = json.loads(target.command("audit", "search", "--action", "key_use", "--json").stdout)["records"]
        assert len(found) == 1
        # Who took the old key with it, and goes on under it, is not this log to anybody who has seen the new one.
        target.stop()
        (record,) = [r for r in audit_records.records(target.audit_folder) if r["event"] == "key_use"]
        assert record["operation"] == "key.rotate"
        shutil.copytree(target.audit_folder, target.folder / "fork")
        shutil.rmtree(target.folder / "fork" / "keys")
        code, said = _verify(target, first, folder=target.folder / "fork")
        assert code == 1 and "not signed by the log's key" in said
    finally:
        witness.stop()


def _rotate(target, stopped: threading.Event, rotated: list) -> None:
    while not stopped.is_set():
        done = subprocess.run([bartizan.program(), "audit", "key-rotate", "--reason", "kill", "--json", "--socket",
                               target.folder / "admin.sock"], capture_output=True, text=True, env=clean_environment())
        if done.returncode == 0:
            rotated.append(json.loads(done.stdout)["number"])


def test_kill_9_in_the_middle_of_rotations(start_target, request):
    target = start_target(audit='checkpoint_every = "100ms"')
    first = target.audit_key
    rng = random.Random(20)
    rotated: list = []
    for _ in range(40 if request.config.getoption("--full") else 5):
        stopped = threading.Event()
        thread = threading.Thread(target=_rotate, args=(target, stopped, rotated))
        thread.start()
        time.sleep(rng.uniform(0.05, 0.6))
        os.kill(target.child.pid, signal.SIGKILL)
        target.child.stop()
        stopped.set()
        thread.join()
        target.start()
        with wire.sign_in(target.endpoint()) as connection:
            assert connection.value("select 1") == "1"
    target.stop()
    assert rotated, "no rotation got through"
    notes = sorted(int(path.name) for path in (target.audit_folder / "keys").iterdir() if path.name.isdigit())
    assert notes == list(range(2, len(notes) + 2)) and set(rotated) <= set(notes)
    for key in (first, target.audit_key):
        code, said = _verify(target, key)
        assert code == 0, said
