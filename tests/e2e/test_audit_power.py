"""The audit log over a disk that keeps what was synced and nothing else, with the power cut at a sync: in the middle of a group of
records, of a round of tiles and checkpoints, of a recovery. Whatever a client has seen has its record afterwards."""
from __future__ import annotations

import os
import random
import shutil

import pytest

from processes import give, run, wait_for
from test_audit_barrier import kill_rounds, verify

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


class LossyDisk:
    """lossy_disk.c under a program's audit folder."""

    def __init__(self, folder) -> None:
        library = folder / "lossy_disk.so"
        run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(os.path.dirname(__file__), "lossy_disk.c"), "-ldl",
             "-lpthread"])
        library.chmod(0o755)
        self.root, self._shadow = folder / "lossy" / "audit", folder / "shadow"
        self.root.parent.mkdir()
        self.root.mkdir()
        give(self.root.parent)
        give(self.root)
        self._fresh()
        self._random = random.Random(6962)
        self.environment = {"LD_PRELOAD": str(library), "LOSSY_ROOT": str(self.root), "LOSSY_SHADOW": str(self._shadow),
                            "LOSSY_KILL_AT": "0"}

    def _fresh(self) -> None:
        shutil.rmtree(self._shadow, ignore_errors=True)
        self._shadow.mkdir()
        give(self._shadow)

    def cut(self) -> None:
        """What is left is what the folder holds from now on."""
        shutil.rmtree(self.root)
        shutil.copytree(self._shadow / "names", self.root)
        for folder, _, names in os.walk(self.root):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                give(path)
        self._fresh()

    def revive(self, target, at: int | None = None) -> None:
        """A life whose end is set; where it comes before anybody is let in, another one after it."""
        for _ in range(50):
            self.cut()
            early = self._random.random() < 0.4
            chosen = at if at is not None else self._random.randint(1, 60) if early else self._random.randint(60, 1500)
            target._environment["LOSSY_KILL_AT"] = str(chosen)
            try:
                return target.start()
            except RuntimeError:
                assert "malformed" not in target.child.log_text().lower(), target.child.log_text()[-2000:]
                target.child.stop()
        raise AssertionError("the gateway does not get up any more")


def _dies(target, _round: int) -> None:
    wait_for(lambda: not target.child.alive(), 60, "the end that was set")


def test_a_power_cut_at_any_sync_loses_no_record_of_what_a_client_has_seen(start_target, cluster, folder, request):
    disk = LossyDisk(folder)
    target = start_target(environment=disk.environment, audit_folder=disk.root,
                          audit='checkpoint_every = "100ms"\nsegment_bytes = "1MiB"\ncount_every = "1s"')
    rounds = 40 if request.config.getoption("--full") else 5
    lives = []

    def revive(target_) -> None:
        lives.append(1)
        disk.revive(target_, at=0 if len(lives) == rounds else None)

    def die(target_, round_: int) -> None:
        if round_ == 0:  # the first life is the one in which everything was made
            target_.child.process.kill()
        _dies(target_, round_)

    kill_rounds(target, cluster, rounds, die, revive)
    assert "VERIFIED" in verify(target)
