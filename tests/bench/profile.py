#!/usr/bin/python3
"""Where the gateway's CPU time goes under pgbench clients: a flat profile by perf, or by sampling /proc without it.

    tests/bench/profile.py [--mode simple|extended|prepared] [--clients 64] [--seconds 10] [--target bartizan|pgbouncer]
                           [--pool-mode transaction|session] [--lines 60] [--callers]

perf reads the sampling clock, so it works in virtual machines without hardware counters. Needs the package linux-perf,
and symbols in the program (the release build keeps them).
"""
from __future__ import annotations

import argparse
import collections
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]

from processes import clean_environment, cpu_seconds, run  # noqa: E402
from stage import CLUSTER, Stage, targets  # noqa: E402

_WIDTH = 150  # template arguments have no end
_RATE = 997  # samples a second and thread; a prime, so as not to beat with timers


def record(pid: int, seconds: float, data: Path, callers: bool) -> bool:
    """False where perf cannot be used."""
    if not shutil.which("perf"):
        return False
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(_RATE), "-p", str(pid), "-o", str(data),
               *(["--call-graph", "fp"] if callers else []), "--", "sleep", f"{seconds:g}"]
    return subprocess.run(command, env=clean_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def report(data: Path, sort: str, lines: int, callers: bool = False) -> str:
    graph = ["-g", "caller,0.5,callee"] if callers else ["-g", "none"]
    text = run(["perf", "report", "--stdio", "--no-children", "-i", data, "--sort", sort, *graph], timeout=300).stdout
    kept = [re.sub(r"\s+-\s+-\s*$", "", line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(line[:_WIDTH] for line in kept[:lines])


def sample_proc(pid: int, seconds: float) -> str:
    """Without perf: in which system call, or in user code, each running thread was found."""
    seen: collections.Counter = collections.Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                if re.search(r"\) R ", (task / "stat").read_text()):
                    call = (task / "syscall").read_text().split()[0]
                    seen["user code" if call == "running" else f"system call {call}"] += 1
            except OSError:
                continue  # the thread has ended
        time.sleep(0.002)
    total = sum(seen.values()) or 1
    return "\n".join(f"{count / total:7.1%}  {what}" for what, count in seen.most_common(20))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=("simple", "extended", "prepared"), default="extended")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--target", choices=("bartizan", "pgbouncer"), default="bartizan")
    parser.add_argument("--pool-mode", choices=("session", "transaction"), default="transaction")
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--callers", action="store_true", help="with call graphs, where the build keeps frame pointers")
    args = parser.parse_args()
    with targets.cluster_in_own_folder(**CLUSTER) as (folder, cluster):
        stage = Stage(folder, cluster, [args.target], scale=10, pool_mode=args.pool_mode, sessions=args.clients)
        try:
            row = stage.row_of(args.target, args.mode)
            load = threading.Thread(target=stage.pgbench, daemon=True, args=(
                stage.running[row].endpoint(), "-n", "-S", "-M", args.mode, "-c", str(args.clients), "-j", "2", "-T", f"{args.seconds + 4:g}"))
            load.start()
            time.sleep(2)  # all have signed in
            pid, data = stage.running[row].child.pid, folder / "perf.data"
            before = cpu_seconds(pid)
            if record(pid, args.seconds, data, args.callers):
                print(f"{row}, {args.mode}, {args.clients} clients, {args.pool_mode} mode: {cpu_seconds(pid) - before:.1f} s of CPU in {args.seconds:g} s\n")
                print(report(data, "dso", 12), report(data, "comm", 12), report(data, "dso,symbol", args.lines, args.callers), sep="\n\n")
            else:
                print("perf cannot be used here (package linux-perf); from /proc:\n" + sample_proc(pid, args.seconds))
            load.join(30)
        finally:
            stage.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
