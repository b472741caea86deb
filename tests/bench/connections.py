"""A connection for each transaction: sign-ins per second and what one costs the proxy and the server (TLS 1.3, full
handshake, SCRAM-SHA-256, one SELECT, Terminate). The client's PBKDF2 and handshake share the machine's cores."""
from __future__ import annotations

import re

from stage import Stage, take_turns

_CLIENTS = 8


def measure(stage: Stage, row: str, seconds: float) -> dict:
    endpoint = stage.running[row].endpoint()
    stage.pgbench(endpoint, "-n", "-S", "-C", "-c", "1", "-t", "5")  # caches and server connections are there
    before = stage.cpu(row)
    text = stage.pgbench(endpoint, "-n", "-S", "-C", "-c", str(_CLIENTS), "-j", "2", "-T", f"{seconds:g}", timeout=seconds + 120)
    proxy, server = stage.spent(row, before)
    count = int(re.search(r"actually processed: (\d+)", text)[1])
    return {"per_second": float(re.search(r"tps = ([\d.]+)", text)[1]), "proxy_us": None if proxy is None else proxy / count * 1e6,
            "server_us": server / count * 1e6}


def measure_all(stage: Stage, args, progress) -> list[dict]:
    runs: dict[str, list[dict]] = {name: [] for name in args.targets}
    for round_ in range(args.rounds):
        for name in take_turns(args.targets, round_):
            runs[name].append(measure(stage, name, args.seconds))
    progress("connections")
    return [{"part": "connections", "target": name, **{key: [r[key] for r in runs[name]] for key in runs[name][0]}} for name in args.targets]
