"""Child processes, ports and folders of the tests.

Children are ended by their recorded pid only, and die with the test run (PR_SET_PDEATHSIG) should it be
killed. PostgreSQL and PgBouncer refuse to run as root, so under root they run as an unprivileged user.
"""
from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def clean_environment(**extra: str) -> dict:
    """The caller's environment without PG* (which would redirect libpq) and with a fixed locale and zone."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    kept.update({"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC"})
    # Quicker, and files of the embedded PostgreSQL can be looked at; test_at_rest.py has it on.
    kept["BARTIZAN_EMBEDDED_AT_REST"] = "off"
    kept.update(extra)
    return kept


def unprivileged_user() -> pwd.struct_passwd | None:
    """The user that servers run as when the tests run as root; None when they already are unprivileged."""
    if os.geteuid() != 0:
        return None
    for name in (os.environ.get("BARTIZAN_TEST_USER"), "postgres", "nobody"):
        if name:
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
    raise RuntimeError("running as root, but no unprivileged user (postgres, nobody) exists")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_folder(prefix: str = "bartizan-e2e-") -> Path:
    """A private temporary folder that the unprivileged user owns. The caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    give(folder)
    folder.chmod(0o755)
    return folder


def remove_folder(folder: Path) -> None:
    if os.environ.get("BARTIZAN_KEEP"):
        print(f"kept {folder}")
        return
    shutil.rmtree(folder, ignore_errors=True)


def give(path: Path) -> None:
    """Hand a file over to the unprivileged user."""
    user = unprivileged_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def demotion() -> dict:
    """Popen arguments that drop root."""
    user = unprivileged_user()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def run(command: list, *, unprivileged: bool = False, timeout: float = 60, check: bool = True,
        env: dict | None = None, **options) -> subprocess.CompletedProcess:
    """subprocess.run with the clean environment and captured text output."""
    if unprivileged:
        options.update(demotion())
    result = subprocess.run([str(c) for c in command], env=env or clean_environment(), timeout=timeout,
                            stdin=options.pop("stdin", None if "input" in options else subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if check and result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result


class Child:
    """One long-running process with its output in a file. Lives until stop(); stop() is idempotent."""

    def __init__(self, command: list, log_file: Path, *, unprivileged: bool = False,
                 env: dict | None = None, cwd: Path | None = None, pass_fds: tuple[int, ...] = ()) -> None:
        self.log_file = log_file
        self._log = open(log_file, "ab")
        if unprivileged:
            give(log_file)
        self.process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env=env or clean_environment(), cwd=cwd, preexec_fn=_die_with_parent,
            pass_fds=pass_fds, **(demotion() if unprivileged else {}))
        self.pid = self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace")

    def stop(self, first: int = signal.SIGTERM, patience: float = 10.0) -> int | None:
        """Sends `first`, then SIGQUIT, then SIGKILL, waiting `patience` after each; returns the exit status."""
        for number in (first, signal.SIGQUIT, signal.SIGKILL):
            if not self.alive():
                break
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        self._log.close()
        return self.process.returncode


def wait_for(condition, seconds: float, what: str, step: float = 0.05):
    """Polls `condition` until it returns something true; that value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(step)


def port_open(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def descendants(pid: int) -> list[int]:
    """`pid` and every process below it, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue.extend(parents.get(current, []))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process tree at `pid`, its ended and reaped children included."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(f) for f in fields[11:15])  # utime stime cutime cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    """Resident memory of the process tree at `pid`."""
    total = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError, IndexError):
            status = Path(f"/proc/{each}/status").read_text()
            total += int(status.split("VmRSS:")[1].split()[0])
    return total
