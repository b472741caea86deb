"""Files of the embedded PostgreSQL at rest where neither the file system encrypts nor an image may be mounted: gocryptfs."""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path

import pytest

from processes import give, make_folder, remove_folder, run, unprivileged_user, wait_for
from test_at_rest import CANARY, Rest, files_with, starts_not, write_canaries

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]

DEVICE = Path("/dev/fuse")
REQUIRE = {"BARTIZAN_EMBEDDED_AT_REST": "require"}


def mounts(folder: Path) -> list[str]:
    """The connection number of each mount of gocryptfs in there."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines() if " fuse.gocryptfs " in line]
    return [line[2].split(":")[1] for line in lines if line[4].startswith(str(folder))]


def servers(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"gocryptfs") and any(word.startswith(bytes(folder)) for word in words):
                found.append(int(process.name))
    return found


def cut_off(folder: Path) -> None:
    """Whatever a failed test has left: nobody waits for a mount that nobody serves."""
    for number in mounts(folder):
        with contextlib.suppress(OSError):
            Path(f"/sys/fs/fuse/connections/{number}/abort").write_text("1")
        run(["umount", "-l", *{line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
                               if f" 0:{number} " in line}], check=False)


@pytest.fixture
def device():
    """/dev/fuse as udev sets it up; a bare container may have it for root alone."""
    if not DEVICE.exists() or not shutil.which("gocryptfs") or not shutil.which("fusermount3"):
        pytest.skip("Debian packages gocryptfs and fuse3, or /dev/fuse, are not there")
    before = DEVICE.stat().st_mode & 0o777
    if before & 0o006 != 0o006:
        if os.geteuid() != 0:
            pytest.skip("/dev/fuse is not everybody's here")
        DEVICE.chmod(0o666)
    yield DEVICE
    if DEVICE.stat().st_mode & 0o777 != before:
        DEVICE.chmod(before)


@pytest.fixture
def rest(target_name, device):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has an embedded PostgreSQL")
    folder = make_folder()
    data = folder / "data"
    data.mkdir()
    give(data)
    try:
        started = Rest(folder, data=data, unprivileged=unprivileged_user() is not None, environment=REQUIRE)
        if started.at_rest()["method"] != "gocryptfs":
            started.gateway.stop()
            pytest.skip(f"there are other means here: {started.at_rest()}")
        yield started
        started.gateway.stop()
    finally:
        cut_off(folder)
        remove_folder(folder)


def is_closed(rest: Rest) -> bool:
    return not mounts(rest.encrypted) and not servers(rest.encrypted) and not os.listdir(rest.encrypted / "open")


def seen_through(rest: Rest, text: str) -> set[str]:
    """Kinds of files with the text, for the user whose mount it is: nobody else may look, not even root."""
    inside = rest.encrypted / "open" / "cluster" / "pgdata"
    found = run(["grep", "-rlF", text, inside], unprivileged=unprivileged_user() is not None, check=False).stdout
    return {Path(line).relative_to(inside).parts[0] for line in found.splitlines()}


def test_a_canary_is_in_no_file_and_nothing_is_open_after_a_stop(rest):
    assert rest.at_rest() == {"held": True, "how": "AES-256-GCM, gocryptfs", "method": "gocryptfs"}
    with rest.connect() as connection:
        write_canaries(connection)
        rest.checkpoint()
        assert {"base", "pg_wal"} <= seen_through(rest, CANARY), "the control"
        assert not files_with(rest.encrypted / "cipher", CANARY)
    assert len(servers(rest.encrypted)) == 1
    rest.gateway.stop()
    wait_for(lambda: is_closed(rest), 5, "the mount to be gone")
    assert not files_with(rest.gateway.data, CANARY)
    rest.gateway.start()
    with rest.connect() as connection:
        assert connection.execute("select count(*) from notes where text like %s", (CANARY + "%",)).fetchone() == (2000,)


def test_kill_9_leaves_nothing_open_and_loses_nothing(rest):
    with rest.connect() as connection:
        connection.execute("create table kills (round int)")
    for round_ in range(3):
        with rest.connect() as connection:
            connection.execute("insert into kills values (%s)", (round_,))
            victim = servers(rest.encrypted)[0] if round_ == 1 else rest.gateway.child.pid
            os.kill(victim, signal.SIGKILL)
            if round_ == 1:  # its files are gone under it: whatever it says, it has to be stopped
                rest.gateway.child.stop(signal.SIGKILL)
            rest.gateway.child.process.wait(10)
        if round_ == 0:
            wait_for(lambda: is_closed(rest), 45, "the mount to go after the gateway and its PostgreSQL")
        rest.gateway.start()
        with rest.connect() as connection:
            assert connection.execute("select count(*) from kills").fetchone() == (round_ + 1,)
        assert len(mounts(rest.encrypted)) == 1 and len(servers(rest.encrypted)) == 1


def test_another_key_opens_nothing_and_without_the_device_it_does_not_start(rest, device):
    rest.gateway.stop()
    configuration = rest.encrypted / "cipher" / "gocryptfs.conf"
    kept = configuration.read_bytes()
    # Of another folder of gocryptfs, well-formed, and so under another key.
    other = rest.folder / "other"
    other.mkdir()
    give(other)
    run(["gocryptfs", "-init", "-q", "-nosyslog", "-scryptn", "10", other], input="another\n",
        unprivileged=unprivileged_user() is not None)
    configuration.unlink()
    shutil.copy2(other / "gocryptfs.conf", configuration)
    give(configuration)
    assert "does not open" in starts_not(rest.gateway, **REQUIRE)
    configuration.unlink()
    assert "no gocryptfs.conf" in starts_not(rest.gateway, **REQUIRE)
    configuration.write_bytes(kept)
    configuration.chmod(0o400)
    give(configuration)
    assert is_closed(rest)
    if os.geteuid() == 0:
        device.chmod(0o600)
        assert "can't be opened: gocryptfs /dev/fuse" in starts_not(rest.gateway, **REQUIRE)
        shutil.move(rest.encrypted, rest.folder / "kept")
        assert "not to be had: fscrypt: " in (said := starts_not(rest.gateway, **REQUIRE)) and "gocryptfs: /dev/fuse" in said
        shutil.move(rest.folder / "kept", rest.encrypted)
        device.chmod(0o666)
    rest.gateway.start()
    assert rest.at_rest()["held"]
