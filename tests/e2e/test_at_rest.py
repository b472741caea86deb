"""Files of the embedded PostgreSQL at rest: an encrypted image where mounting is permitted, fscrypt itself where
the file system has it, in the clear and said so where there are no means."""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

import bartizan
from endpoint import Endpoint
from processes import clean_environment, give, make_folder, remove_folder, run, unprivileged_user, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(240)]

DEPOT = "crm"
PASSWORD = "a test's password"
CANARY = "canary-3c9e-in-a-plain-column"
ENCRYPTED = {"BARTIZAN_EMBEDDED_AT_REST": "require", "BARTIZAN_EMBEDDED_AT_REST_IMAGE": "1GiB"}


class Rest:
    """`bartizan up` with a depot, its files encrypted at rest; skips the test where this system has not the means."""

    def __init__(self, folder: Path, **options) -> None:
        self.folder = folder
        options.setdefault("environment", ENCRYPTED)
        try:
            self.gateway = bartizan.Embedded(folder, "--no-demo", **options)
        except RuntimeError as error:
            if "required (embedded.at_rest), and not to be had" in str(error):
                pytest.skip(str(error).strip().splitlines()[-1])
            raise
        self.gateway.command("depot", "create", DEPOT)
        self.gateway.command("identity", "create", "olga", "--password-stdin", input=PASSWORD + "\n")
        self.gateway.command("grant", "add", "--depot", DEPOT, "--identity", "olga", "--login", f"{DEPOT}_owner")

    @property
    def encrypted(self) -> Path:
        return self.gateway.data / "postgres" / "encrypted"

    @property
    def inside(self) -> Path:
        """The cluster, as the gateway's own processes see it."""
        return Path(f"/proc/{self.gateway.child.pid}/root{self.encrypted}/open/cluster/pgdata")

    def connect(self) -> psycopg.Connection:
        state = self.gateway.state
        endpoint = Endpoint("bartizan", "localhost", state["endpoints"][0]["port"], "olga", PASSWORD, DEPOT, state["ca_file"])
        return psycopg.connect(**endpoint.libpq(), autocommit=True)

    def at_rest(self) -> dict:
        embedded = self.gateway.status()["embedded"]
        return {"held": embedded["encrypted_at_rest"], "how": embedded["at_rest"], "method": embedded["at_rest_method"]}

    def checkpoint(self) -> None:
        folder = self.gateway.data / "postgres"
        password = (folder / "secrets" / "superuser.password").read_text().strip()
        with psycopg.connect(host=self.gateway.state["embedded"]["socket_directory"], port=5432, user="postgres",
                             password=password, dbname="postgres", autocommit=True) as direct:
            direct.execute("checkpoint")
        os.sync()


def starts_not(gateway: bartizan.Embedded, **environment: str) -> str:
    """What `up` says as it refuses to start."""
    began = time.monotonic()
    result = run([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"], check=False,
                 unprivileged=gateway._how["unprivileged"], env=clean_environment(**(ENCRYPTED | environment)))
    assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), result
    assert time.monotonic() - began < 20
    return result.stderr


_CHUNK = 1 << 22


def finds(file: Path, text: bytes) -> bool:
    """Whether the file's bytes hold the text; a sparse file's holes are not read. Files may shrink meanwhile."""
    with open(file, "rb", buffering=0) as opened:
        at = 0
        while True:
            try:
                at = os.lseek(opened.fileno(), at, os.SEEK_DATA)
                end = os.lseek(opened.fileno(), at, os.SEEK_HOLE)
            except OSError:
                return False  # a hole up to the end
            tail = b""
            while at < end:
                read = os.pread(opened.fileno(), min(_CHUNK, end - at), at)
                if not read:
                    return False
                if text in tail + read:
                    return True
                tail, at = read[-len(text) + 1:], at + len(read)


def files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and finds(path, text.encode())]


def loops_on(image: Path) -> list[str]:
    """Loop devices over the image, of any namespace."""
    wanted = image.stat().st_ino
    found = []
    for device in Path("/sys/block").glob("loop*"):
        with contextlib.suppress(OSError), open(f"/dev/{device.name}", "rb") as opened:
            status = bytearray(232)  # loop_info64: lo_device, lo_inode
            fcntl.ioctl(opened, 0x4C05, status)
            if int.from_bytes(status[8:16], "little") == wanted:
                found.append(device.name)
    return found


def is_closed(rest: Rest) -> bool:
    mounts = "".join(path.read_text() for path in [Path("/proc/self/mountinfo")])
    return str(rest.encrypted) not in mounts and not loops_on(rest.encrypted / "image") and not os.listdir(rest.encrypted / "open")


def write_canaries(connection: psycopg.Connection) -> None:
    """In 2,000 rows, and in temporary files for as long as the session stays."""
    connection.execute("create table notes (id int primary key, text text)")
    connection.execute("insert into notes select i, %s || i from generate_series(1, 2000) i", (CANARY,))
    with connection.transaction():
        connection.execute("set local work_mem = '64kB'")
        connection.execute("declare sorted cursor with hold for select text, repeat(text, 20) from notes order by random()")


@pytest.fixture(scope="module")
def rest(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has an embedded PostgreSQL")
    if os.geteuid() != 0:
        pytest.skip("mounting an image is root's")
    folder = make_folder()
    try:
        started = Rest(folder)
    except BaseException:
        remove_folder(folder)
        raise
    yield started
    started.gateway.stop()
    remove_folder(folder)


def test_a_canary_in_a_plain_column_is_in_no_file_of_the_host(rest):
    """Neither in the heap, the WAL nor temporary files, while it runs and afterwards."""
    state = rest.at_rest()
    assert state["held"] and state["method"] in ("image", "fscrypt") and state["how"].startswith("AES-256-XTS"), state
    checks = {check["name"]: check for check in json.loads(rest.gateway.command("doctor", "--json", check=False).stdout)["checks"]}
    assert checks["at rest"]["ok"] and "AES-256-XTS" in checks["at rest"]["detail"]
    with rest.connect() as connection:
        write_canaries(connection)
        rest.checkpoint()
        if state["method"] == "image":
            assert not files_with(rest.gateway.data, CANARY)
            # The control: it is on that disk, for those who see through the mount.
            kinds = {path.relative_to(rest.inside).parts[0] for path in files_with(rest.inside, CANARY)}
            assert {"base", "pg_wal"} <= kinds, kinds
            assert files_with(rest.inside / "base" / "pgsql_tmp", CANARY), "no temporary file: does the cursor spill?"
        assert loops_on(rest.encrypted / "image") if state["method"] == "image" else True
    rest.gateway.stop()
    wait_for(lambda: is_closed(rest), 5, "the image to be given back")
    assert not files_with(rest.gateway.data, CANARY)
    rest.gateway.start()
    with rest.connect() as connection:
        assert connection.execute("select count(*) from notes where text like %s", (CANARY + "%",)).fetchone() == (2000,)


def test_kill_9_leaves_nothing_open_and_loses_nothing(rest, request):
    """By itself everything goes when the gateway is killed; started at once it waits for what is left."""
    for round_ in range(20 if request.config.getoption("--full") else 2):
        with rest.connect() as connection:
            connection.execute("create table if not exists kills (round int)")
            connection.execute("insert into kills values (%s)", (round_,))
            postmaster = rest.gateway.status()["embedded"]["postmaster_pid"]
            os.kill(rest.gateway.child.pid, signal.SIGKILL)
            if round_ % 2:
                os.kill(postmaster, signal.SIGKILL)
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(postmaster, signal.SIGSTOP)  # it can't go by itself
                    subprocess.Popen(["sh", "-c", f"sleep 1; kill -CONT {postmaster}"])
            rest.gateway.child.process.wait(10)
        rest.gateway.start()
        if rest.at_rest()["method"] == "image":
            assert len(loops_on(rest.encrypted / "image")) == 1
        with rest.connect() as connection:
            assert connection.execute("select count(*) from kills").fetchone() == (round_ + 1,)
    os.kill(rest.gateway.child.pid, signal.SIGKILL)
    rest.gateway.child.process.wait(10)
    wait_for(lambda: is_closed(rest), 30, "the kernel to let go of the image")
    rest.gateway.start()


def test_another_key_or_none_opens_nothing(rest):
    """It does not start, and the files are as they were."""
    rest.gateway.stop()
    keys = rest.gateway.data / "keys"
    kept = rest.folder / "kept-keys"
    shutil.copytree(keys, kept)
    keyring = next((keys / "keyrings").glob("storage-*.keyring"))
    assert "storage key" not in keyring.read_bytes().decode("latin-1")
    keyring.unlink()
    assert "no key of these files" in starts_not(rest.gateway)
    # Another installation's keys, well-formed: its record in place of ours, over our image.
    folder = make_folder()
    other = Rest(folder)
    other.gateway.stop()
    record = (rest.encrypted / "record").read_text()
    try:
        shutil.rmtree(keys)
        shutil.copytree(other.gateway.data / "keys", keys)
        shutil.copy2(other.encrypted / "record", rest.encrypted / "record")
        assert "does not open" in starts_not(rest.gateway)
        wait_for(lambda: is_closed(rest), 5, "the image to be given back")
        (rest.encrypted / "record").unlink()
        assert "record can't be read" in starts_not(rest.gateway)
    finally:
        (rest.encrypted / "record").write_text(record)
        (rest.encrypted / "record").chmod(0o600)
        shutil.rmtree(keys)
        shutil.copytree(kept, keys)
        remove_folder(folder)
    rest.gateway.start()
    with rest.connect() as connection:
        assert connection.execute("select count(*) from notes").fetchone() == (2000,)


def test_the_key_is_wrapped_anew_and_still_opens(rest):
    """`key rewrap` forgets the old root: files at rest must not be forgotten by it."""
    rest.gateway.command("key", "rewrap")
    owners = {key["owner"] for key in json.loads(rest.gateway.command("key", "list", "--json").stdout)}
    assert "files at rest" in owners
    rest.gateway.stop()
    rest.gateway.start()
    assert rest.at_rest()["held"]


def test_without_means_auto_starts_plainly_and_require_not(target_name):
    """As a user who may not mount, on a file system that does not encrypt."""
    if target_name != "bartizan":
        pytest.skip("only Bartizan has an embedded PostgreSQL")
    folder = make_folder()
    data = folder / "data"
    try:
        data.mkdir()
        give(data)
        started = bartizan.Embedded(folder, "--no-demo", data=data, unprivileged=True,
                                    environment={"BARTIZAN_EMBEDDED_AT_REST": "auto"})
        embedded = started.status()["embedded"]
        started.stop()
        if embedded["at_rest_method"] != "none":
            pytest.skip(f"there are means here: {embedded['at_rest']}")
        if embedded["encrypted_at_rest"]:
            pytest.skip(f"the disk is encrypted by others' means: {embedded['at_rest']}")
        assert embedded["at_rest"].startswith("not held: "), embedded
        assert "fscrypt: " in embedded["at_rest"] and "image: " in embedded["at_rest"]
        assert "made without it" in starts_not(started)
        shutil.rmtree(data / "postgres")
        assert "required (embedded.at_rest), and not to be had: fscrypt: " in starts_not(started)
        assert not (data / "postgres" / "pgdata").exists()
    finally:
        remove_folder(folder)


def test_fscrypt_itself_where_the_file_system_has_it(target_name):
    """On a disk of its own that can encrypt: no image in the image, and no privilege for it."""
    if target_name != "bartizan" or os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("needs root and loop devices to make such a disk")
    folder = make_folder()
    disk, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    with open(disk, "wb") as file:
        file.truncate(1 << 30)
    run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "encrypt", disk])
    # Without CAP_SYS_ADMIN, or in a kernel without loop devices, there is nothing to test on.
    if run(["mount", "-o", "loop", disk, mounted], check=False).returncode != 0:
        remove_folder(folder)
        pytest.skip("no loop device may be mounted here")
    try:
        data = mounted / "data"
        data.mkdir()
        give(data)
        rest = Rest(folder, data=data, unprivileged=unprivileged_user() is not None)
        try:
            assert rest.at_rest() == {"held": True, "how": "AES-256-XTS, fscrypt", "method": "fscrypt"}
            with rest.connect() as connection:
                connection.execute("create table notes as select %s || i as text from generate_series(1, 500) i", (CANARY,))
            assert (rest.encrypted / "open" / "cluster" / "pgdata").is_dir()
        finally:
            rest.gateway.stop()
        cluster = rest.encrypted / "open" / "cluster"
        assert len(os.listdir(cluster)) == 1 and not (cluster / "pgdata").exists(), "the key is still in the kernel"
        os.sync()
        assert not finds(disk, CANARY.encode())
        rest.gateway.start()
        with rest.connect() as connection:
            assert connection.execute("select count(*) from notes").fetchone() == (500,)
        # Killed, it leaves the key with the kernel; the next stop takes it away.
        rest.gateway.child.stop(signal.SIGKILL)
        rest.gateway.start()
        rest.gateway.stop()
        assert not (cluster / "pgdata").exists()
    finally:
        wait_for(lambda: run(["umount", mounted], check=False).returncode == 0, 20, "the disk to be unmounted", step=0.2)
        remove_folder(folder)


def test_plain_files_are_moved_under_encryption(target_name):
    """And a call that was ended between the copy and the removal of the originals is made up for."""
    if target_name != "bartizan" or os.geteuid() != 0:
        pytest.skip("mounting an image is root's")
    folder = make_folder()
    plain = {"BARTIZAN_EMBEDDED_AT_REST": "auto", "BARTIZAN_EMBEDDED_AT_REST_IMAGE": "1GiB"}
    try:
        rest = Rest(folder, environment={"BARTIZAN_EMBEDDED_AT_REST": "off"})
        with rest.connect() as connection:
            connection.execute("create table notes as select %s || i as text from generate_series(1, 500) i", (CANARY,))
        rest.checkpoint()
        assert files_with(rest.gateway.data / "postgres" / "pgdata" / "base", CANARY), "the control"
        command = [bartizan.program(), "rest", "encrypt", "--data", rest.gateway.data]
        running = run(command, check=False, env=clean_environment(**plain))
        assert running.returncode != 0 and "in use by another Bartizan" in running.stderr
        rest.gateway.stop()
        originals = folder / "originals"
        shutil.copytree(rest.gateway.data / "postgres" / "pgdata", originals, symlinks=True)
        done = run(command, check=False, env=clean_environment(**plain))
        if "not to be had" in done.stderr:
            pytest.skip(done.stderr)
        assert done.returncode == 0 and "AES-256-XTS" in done.stdout, done
        assert not (rest.gateway.data / "postgres" / "pgdata").exists()
        assert not files_with(rest.gateway.data, CANARY)
        assert "already" in run(command, check=False, env=clean_environment(**plain)).stderr
        # Ended before all of the originals were gone.
        subprocess.run(["cp", "-a", originals, rest.gateway.data / "postgres" / "pgdata"], check=True)
        run(["chown", "-R", "bartizan-pg:", rest.gateway.data / "postgres" / "pgdata"])
        assert "there are both" in starts_not(rest.gateway)
        run(command, env=clean_environment(**plain))
        rest.gateway.start()
        assert rest.at_rest()["held"]
        with rest.connect() as connection:
            assert connection.execute("select count(*) from notes").fetchone() == (500,)
        rest.gateway.stop()
    finally:
        remove_folder(folder)
