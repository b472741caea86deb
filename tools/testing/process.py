"""Running one command under a deadline: output shown as it comes and kept in a file, no stdin,
no PG* or BARTIZAN_* of the caller's environment, and nothing left behind.

The runner is a "child subreaper" (prctl(2)), so that a daemon which a test forgot becomes its
child; it is found by pid, reported and ended. No process is ever ended by name.
"""

import collections
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 10

Outcome = collections.namedtuple("Outcome", "code output seconds timed_out left_behind")


def become_subreaper():
    try:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # Only the report of forgotten processes suffers.


def clean_environment(extra=None):
    env = {k: v for k, v in os.environ.items() 
           if k.startswith("BARTIZAN_TEST_") or not k.startswith(("PG", "BARTIZAN_", "MAKE", "MFLAGS"))}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env.update(extra or {})
    return env


def _stat(pid):
    """(name, state, parent) of a process, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return name, state, int(parent)


def descendants(root):
    """{pid: name} of every living process below root."""
    children = collections.defaultdict(list)
    names = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))):
            if stat[1] != "Z":
                names[int(entry)] = stat[0]
            children[stat[2]].append(int(entry))
    found, todo = {}, list(children[root])
    while todo:
        pid = todo.pop()
        if pid in names:
            found[pid] = names[pid]
        todo += children[pid]
    return found


def _signal_each(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def end_descendants():
    """Ends every process below this one; returns {pid: name} of those that there were."""
    found = descendants(os.getpid())
    _signal_each(found, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while descendants(os.getpid()) and time.monotonic() < deadline:
        _reap()
        time.sleep(0.05)
    _signal_each(descendants(os.getpid()), signal.SIGKILL)
    time.sleep(0.05 if found else 0)
    _reap()
    return found


def _remaining_after(seconds):
    """The processes that are still there once short-lived ones had time to end."""
    deadline = time.monotonic() + seconds
    while (found := descendants(os.getpid())) and time.monotonic() < deadline:
        _reap()
        time.sleep(0.05)
    return found


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def run(command, log, timeout, env=None, cwd=None, show=True):
    """Runs command for at most timeout seconds. Never raises for what the command does."""
    started = time.monotonic()
    lines = []
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=env or clean_environment(), cwd=cwd, start_new_session=True)
    except OSError as error:
        text = f"{command[0]}: {error.strerror}\n"
        sys.stdout.write(text)
        return Outcome(127, text, time.monotonic() - started, False, {})

    def copy():
        with open(log, "ab") as file:
            for raw in child.stdout:
                file.write(raw)
                line = raw.decode("utf-8", errors="replace")
                lines.append(line)
                if show:
                    sys.stdout.write(line)
                    sys.stdout.flush()

    # A forgotten daemon may hold the pipe open, so the copying has a thread of its own.
    reader = threading.Thread(target=copy, daemon=True)
    reader.start()
    timed_out = False
    try:
        code = child.wait(timeout=max(1, timeout))
    except subprocess.TimeoutExpired:
        timed_out, code = True, -1
    reader.join(timeout=0 if timed_out else 2)
    left_behind = {} if timed_out else _remaining_after(1.0)
    end_descendants()
    reader.join(timeout=5)
    if not reader.is_alive():
        child.stdout.close()
    if timed_out:
        child.wait(timeout=_GRACE_SECONDS)
        print(f"!! stopped after {timeout:.0f} s: {' '.join(command)}", flush=True)
    return Outcome(code, "".join(lines), time.monotonic() - started, timed_out, left_behind)
