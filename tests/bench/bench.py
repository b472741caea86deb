#!/usr/bin/python3
"""pgbench -S against PostgreSQL direct, PgBouncer and Bartizan in one run, TLS on both sides.

    tests/bench/bench.py [--modes simple extended prepared] [--clients 1 16 64] [--seconds 4] [--rounds 3]
                         [--targets postgres pgbouncer bartizan] [--pool-mode session|transaction]
                         [--scale 10] [--markdown FILE] [--json FILE] [--smoke]

The figure to compare is processor time: microseconds of the proxy's process tree, and of the server, per
transaction: user and system time from /proc before and after a run, less that of a run of the same shape with
one transaction a client, so that connecting, TLS handshakes and SCRAM are not in it. Client, proxy and server share
the machine, so transactions per second are the machine's and vary widely. Targets take turns within a round.
"""
from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import targets  # noqa: E402
from endpoint import Endpoint  # noqa: E402
from processes import clean_environment, cpu_seconds, run  # noqa: E402


class Bench:
    """One cluster with pgbench's tables, and the targets in front of it."""

    def __init__(self, folder: Path, cluster, names: list[str], scale: int, pool_mode: str) -> None:
        self.cluster = cluster
        self.pass_file = folder / "bench.pass"
        self.running = {}
        for name in names:
            options = {"pool_mode": pool_mode} if name == "pgbouncer" else {}
            self.running[name] = targets.start(name, folder, cluster, **options)
        lines = [t.endpoint().pass_file_line() for t in self.running.values()] + [cluster.endpoint().pass_file_line()]
        self.pass_file.write_text("\n".join(lines) + "\n")
        self.pass_file.chmod(0o600)
        self.pgbench(cluster.endpoint(), "-i", "-q", "-s", str(scale), timeout=600)
        cluster.admin("vacuum analyze")

    def pgbench(self, endpoint: Endpoint, *arguments: str, timeout: float = 120) -> str:
        environment = clean_environment(PGPASSFILE=str(self.pass_file), **endpoint.environment())
        result = run([self.cluster.bin / "pgbench", *arguments], env=environment, timeout=timeout)
        return result.stdout

    def measure(self, name: str, mode: str, clients: int, seconds: float) -> dict:
        """Processor time of one run and the transactions in it, connecting subtracted."""
        target = self.running[name]
        shape = ["-n", "-S", "-M", mode, "-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
        connect_cpu, connect_count, _, _ = self._run(target, shape + ["-t", "1"])
        cpu, count, tps, latency = self._run(target, shape + ["-T", f"{seconds:g}"], timeout=seconds + 60)
        done = count - connect_count
        proxy, server = ((cpu[i] - connect_cpu[i]) / done * 1e6 for i in (0, 1))
        return {"proxy_us": proxy if name != "postgres" else None, "server_us": server, "tps": tps, "latency_ms": latency}

    def _run(self, target, arguments: list[str], timeout: float = 120) -> tuple:
        def cpu() -> list[float]:
            return [cpu_seconds(target.child.pid), cpu_seconds(self.cluster.child.pid)]
        before = cpu()
        text = self.pgbench(target.endpoint(), *arguments, timeout=timeout)
        self._wait_backends_gone()  # a backend's time reaches the postmaster's account when it has ended
        spent = [b - a for a, b in zip(before, cpu())]
        count = int(re.search(r"actually processed: (\d+)", text).group(1))
        return (spent, count, float(re.search(r"tps = ([\d.]+)", text).group(1)),
                float(re.search(r"latency average = ([\d.]+)", text).group(1)))

    def _wait_backends_gone(self) -> None:
        """pgbench has ended; direct backends follow at once, pooled ones stay and are counted alive."""
        self.cluster.admin("select pg_sleep(0.05)")

    def stop(self) -> None:
        for target in self.running.values():
            target.stop()


def summary(values: list) -> dict | None:
    known = [v for v in values if v is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {model.group(1) if model else platform.machine()}"


def markdown(results: list[dict], args, version: str) -> str:
    def cell(value: dict | None, digits: int) -> str:
        if value is None:
            return "-"
        if args.rounds == 1:
            return f"{value['median']:.{digits}f}"
        return f"{value['median']:.{digits}f} ({value['min']:.{digits}f}-{value['max']:.{digits}f})"
    lines = [f"`pgbench -S`, scale {args.scale}, TLS 1.3 on both sides, {args.seconds:g} s a run, {args.rounds} round(s): median "
             "(min-max). CPU is user + system time per transaction without connecting.",
             f"{datetime.date.today()}; {machine()}; {version}; PgBouncer in {args.pool_mode} mode.", "",
             "| mode, clients | target | proxy us | server us | together us | tps | latency ms |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in results:
        together = (row["server_us"]["median"] + (row["proxy_us"]["median"] if row["proxy_us"] else 0))
        lines.append(f"| {row['mode']}, {row['clients']} | {row['target']} | {cell(row['proxy_us'], 1)} | {cell(row['server_us'], 1)} "
                     f"| {together:.1f} | {cell(row['tps'], 0)} | {cell(row['latency_ms'], 2)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", choices=targets.NAMES, default=["postgres", "pgbouncer", "bartizan"])
    parser.add_argument("--modes", nargs="+", choices=("simple", "extended", "prepared"), default=["simple", "extended", "prepared"])
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--pool-mode", choices=("session", "transaction"), default="session", help="of PgBouncer")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--smoke", action="store_true", help="2 s in all a target: shows that it works, proves nothing")
    args = parser.parse_args()
    if args.smoke:
        args.modes, args.clients, args.seconds, args.rounds, args.scale = ["extended"], [4], 2, 1, 1
    for name in list(args.targets):
        reason = targets.missing(name)
        if reason:
            print(f"skipped {name}: {reason}", file=sys.stderr)
            args.targets.remove(name)
    with targets.cluster_in_own_folder(shared_buffers="256MB", autovacuum="off", settings="jit = off") as (folder, cluster):
        version = "PostgreSQL " + cluster.admin("show server_version")
        bench = Bench(folder, cluster, args.targets, args.scale, args.pool_mode)
        try:
            results = measure_all(bench, args)
        finally:
            bench.stop()
    table = markdown(results, args, version)
    print(table)
    if args.markdown:
        args.markdown.write_text(table)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "server": version, "results": results}, indent=1))
    return 0


def measure_all(bench: Bench, args) -> list[dict]:
    results = []
    for mode in args.modes:
        for clients in args.clients:
            runs: dict[str, list[dict]] = {name: [] for name in args.targets}
            for _ in range(args.rounds):
                for name in args.targets:
                    runs[name].append(bench.measure(name, mode, clients, args.seconds))
            for name in args.targets:
                row = {"mode": mode, "clients": clients, "target": name}
                row |= {key: summary([r[key] for r in runs[name]]) for key in runs[name][0]}
                results.append(row)
    return results


if __name__ == "__main__":
    sys.exit(main())
