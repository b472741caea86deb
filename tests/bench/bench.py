#!/usr/bin/python3
"""PostgreSQL direct, PgBouncer and Bartizan in one run, TLS on both sides.

    tests/bench/bench.py [--parts transactions connections memory bulk] [--modes simple extended prepared]
                         [--clients 1 64 256] [--seconds 4] [--rounds 3] [--targets postgres pgbouncer bartizan]
                         [--pool-mode transaction|session] [--scale 10] [--memory-clients 2000] [--bulk-mb 200]
                         [--markdown FILE] [--json FILE] [--short] [--smoke]

The figure to compare is processor time: microseconds of the proxy's process tree, and of the server's, per
transaction. Client, proxy and server share the machine, so transactions per second are the machine's and vary
widely. Targets take turns within a round. What each part does stands at the head of its file.
"""
from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]

import bulk  # noqa: E402
import connections  # noqa: E402
import idle_memory  # noqa: E402
import transactions  # noqa: E402
from stage import CLUSTER, POOL_SIZE, Stage, targets  # noqa: E402
from table import machine, markdown  # noqa: E402

PARTS = {"transactions": transactions, "connections": connections, "memory": idle_memory, "bulk": bulk}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--targets", nargs="+", choices=targets.NAMES, default=["postgres", "pgbouncer", "bartizan"])
    parser.add_argument("--modes", nargs="+", choices=transactions.MODES, default=list(transactions.MODES))
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 64, 256])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--pool-mode", choices=("session", "transaction"), default="transaction", help="of PgBouncer and Bartizan")
    parser.add_argument("--memory-clients", type=int, default=2000)
    parser.add_argument("--settle", type=float, default=4, help="seconds that idle clients are left alone before their memory is read")
    parser.add_argument("--bulk-mb", type=int, default=200)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path, help="every round's values")
    parser.add_argument("--short", action="store_true", help="every part, under a minute: shows that it works, proves nothing")
    parser.add_argument("--smoke", action="store_true", help="one cell, 2 s a target: the same, of transactions only")
    args = parser.parse_args()
    if args.short:
        args.modes, args.clients, args.seconds, args.rounds, args.scale = ["simple", "prepared"], [4], 1, 1, 1
        args.memory_clients, args.settle, args.bulk_mb = 60, 0.5, 10
    if args.smoke:
        args.parts, args.modes, args.clients, args.seconds, args.rounds, args.scale = ["transactions"], ["extended"], [4], 2, 1, 1
    for name in list(args.targets):
        reason = targets.missing(name)
        if reason:
            print(f"skipped {name}: {reason}", file=sys.stderr)
            args.targets.remove(name)
    return args


def pooling(stage: Stage, args) -> str:
    said = [f"PgBouncer in {args.pool_mode} mode"] if "pgbouncer" in args.targets else []
    if "bartizan" in args.targets:
        said.append(f"Bartizan in {'transaction' if stage.running['bartizan'].shares else 'session'} mode")
    if args.pool_mode == "transaction":
        said.append(f"{POOL_SIZE} server connections")
    return ", ".join(said)


def main() -> int:
    args = arguments()
    begin = time.monotonic()

    def progress(what: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {what}", file=sys.stderr, flush=True)

    with targets.cluster_in_own_folder(**CLUSTER) as (folder, cluster):
        version = "PostgreSQL " + cluster.admin("show server_version")
        stage = Stage(folder, cluster, args.targets, scale=args.scale, pool_mode=args.pool_mode, sessions=args.memory_clients)
        try:
            cells = [cell for part in args.parts for cell in PARTS[part].measure_all(stage, args, progress)]
            text = markdown(cells, args, version, pooling(stage, args))
        finally:
            stage.stop()
    print(text)
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "server": version, "results": cells}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
