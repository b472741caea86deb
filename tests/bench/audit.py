"""What the audit log costs: the provable log (strict, and with reads that don't wait) beside the basic one, in one run.

    /usr/bin/python3 tests/bench/audit.py [--seconds 5] [--rounds 3] [--clients 128] [--scale 10]

Select-only transactions at many clients (tps, CPU, latency), writes beside them, a single client's p50, and what an
fdatasync of 4 KiB takes on the same disk between the runs.
"""
from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import targets  # noqa: E402
from stage import CLUSTER, Stage, take_turns  # noqa: E402
from transactions import measure  # noqa: E402

_LOGS = {"basic": 'mode = "basic"', "tree": 'mode = "tree"', "tree, async reads": 'mode = "tree"\nreads = "async"'}


class AuditStage(Stage):
    """One Bartizan a log, all in front of one cluster."""

    def _start(self, name: str, pool_mode: str, sessions: int):
        return targets.start("bartizan", self.folder, self.cluster, pool_mode=pool_mode, audit=_LOGS[name])


def fdatasync_us(folder: Path, count: int = 300) -> float:
    """The median, into space that was set aside before."""
    path = folder / "fdatasync"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.posix_fallocate(file, 0, count * 4096)
    times = []
    for n in range(count):
        begin = time.perf_counter()
        os.pwrite(file, b"x" * 4096, n * 4096)
        os.fdatasync(file)
        times.append(time.perf_counter() - begin)
    os.close(file)
    path.unlink()
    return statistics.median(times) * 1e6


def writes(stage: Stage, name: str, clients: int, seconds: float) -> dict:
    while True:
        text = stage.pgbench(stage.running[name].endpoint(), "-n", "-N", "-M", "prepared", "-c", str(clients), "-j", "2", "-T",
                             str(int(seconds)), timeout=seconds + 120)
        if re.search(r"tps = ", text):
            break
        seconds *= 2  # all of it went into connecting
    return {"tps": float(re.search(r"tps = ([\d.]+)", text)[1]), "latency_ms": float(re.search(r"latency average = ([\d.]+)", text)[1])}


def _shown(values: list, digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=128)
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--logs", nargs="+", default=list(_LOGS), choices=list(_LOGS), help="basic is what others are compared with")
    args = parser.parse_args()
    names = args.logs
    with targets.cluster_in_own_folder(**CLUSTER) as (folder, cluster):
        stage = AuditStage(folder, cluster, names, scale=args.scale, pool_mode="session", sessions=args.clients)
        try:
            many, one, wrote = ({name: [] for name in names} for _ in range(3))
            syncs = [fdatasync_us(folder)]
            for round_ in range(args.rounds):
                for name in take_turns(names, round_):
                    many[name].append(measure(stage, name, "prepared", args.clients, args.seconds, logged=True))
                    one[name].append(measure(stage, name, "prepared", 1, args.seconds))
                    wrote[name].append(writes(stage, name, args.clients, args.seconds))
                    syncs.append(fdatasync_us(folder))
        finally:
            stage.stop()
    print(f"fdatasync of 4 KiB, median us between the runs: {_shown(syncs, 0)}; load {os.getloadavg()[0]:.1f}\n")
    print(f"| log | select tps, {args.clients} | of basic | p50 ms | gateway us | more | 1 client p50 us | p99 us | write tps, {args.clients} | latency ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        # Round by round: what else the machine did in that minute concerned all.
        of_basic = [r["tps"] / b["tps"] for r, b in zip(many[name], many["basic"])]
        more = [r["proxy_us"] - b["proxy_us"] for r, b in zip(many[name], many["basic"])]
        print("| " + " | ".join([name, _shown([r["tps"] for r in many[name]], 0), _shown(of_basic, 2),
                                 _shown([r["p50_us"] / 1000 for r in many[name]], 2),
                                 _shown([r["proxy_us"] for r in many[name]]), _shown(more), _shown([r["p50_us"] for r in one[name]], 0),
                                 _shown([r["p99_us"] for r in one[name]], 0), _shown([r["tps"] for r in wrote[name]], 0),
                                 _shown([r["latency_ms"] for r in wrote[name]], 2)]) + " |")


if __name__ == "__main__":
    main()
