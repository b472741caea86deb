"""Installing into a scratch root by dpkg itself, scripts included, removing and purging; the system's own dpkg is
not asked and its files are not touched."""

import os
import pathlib
import pwd
import shutil
import subprocess

import pytest


@pytest.fixture
def scratch(tmp_path):
    """A root with dpkg's records and nothing installed."""
    root = tmp_path / "root"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "etc"):
        (root / folder).mkdir(parents=True)
    for file in ("var/lib/dpkg/status", "var/lib/dpkg/available", "etc/passwd", "etc/group"):
        (root / file).touch()
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    return root


def dpkg(root, *arguments):
    command = ["dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends", "--force-not-root", *arguments]
    if os.geteuid() != 0:
        if not shutil.which("fakeroot"):
            pytest.skip("neither root nor fakeroot")
        command = ["fakeroot", *command]
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers makes the users in a scratch root")
def test_install_remove_purge(package, scratch):
    before = {entry.pw_name for entry in pwd.getpwall()}
    dpkg(scratch, "--install", str(package))
    said = subprocess.run([str(scratch / "usr/bin/bartizan"), "--version"], check=True, capture_output=True, text=True)
    assert said.stdout.startswith("bartizan ")
    users = (scratch / "etc/passwd").read_text()
    assert "\nbartizan:" in users and "\nbartizan-pg:" in users
    assert (scratch / "etc/bartizan").stat().st_mode & 0o777 == 0o750
    assert {entry.pw_name for entry in pwd.getpwall()} == before, "a user was made outside the scratch root"

    toml = scratch / "etc/bartizan/bartizan.toml"
    toml.write_text("# mine\n")
    dpkg(scratch, "--force-confold", "--install", str(package))
    assert toml.read_text() == "# mine\n"

    data = scratch / "var/lib/bartizan/keys/root.key"
    data.parent.mkdir(parents=True)
    data.write_text("key")
    dpkg(scratch, "--remove", "bartizan")
    assert not (scratch / "usr/bin/bartizan").exists() and toml.exists()
    dpkg(scratch, "--purge", "bartizan")
    assert not toml.exists() and not (scratch / "etc/bartizan").exists()
    assert data.read_text() == "key"
    left = [path for path in scratch.rglob("*bartizan*") if "dpkg" not in path.parts and pathlib.Path("var/lib/bartizan") !=
            path.relative_to(scratch)]
    assert left == []
