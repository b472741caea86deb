"""pgbench's select-only transactions: CPU microseconds each, transactions per second, latency."""
from __future__ import annotations

import math
import os
import re
import statistics
import time
from pathlib import Path

from stage import Stage, take_turns

MODES = ("simple", "extended", "prepared")


def measure(stage: Stage, name: str, mode: str, clients: int, seconds: float, logged: bool = False) -> dict:
    """Processor time of one run and the transactions in it, less those of a run of the same shape with one transaction a
    client, so that connecting, TLS handshakes and SCRAM are not in it."""
    row = stage.row_of(name, mode)
    shape = ["-n", "-S", "-M", mode, "-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
    if clients > stage.warm.get(row, 0):  # server connections that stay are not to be opened in the run that is subtracted
        _run(stage, row, [*shape, "-t", "1"])
        stage.warm[row] = clients
    begin = time.monotonic()
    connecting = _run(stage, row, [*shape, "-t", "1"])
    seconds += time.monotonic() - begin if clients > 16 else 0  # -T counts connecting, which takes long for many
    while True:
        result = _run(stage, row, [*shape, "-T", str(math.ceil(seconds))], logged=logged or clients == 1, timeout=seconds + 120)
        if result["count"] > 2 * connecting["count"]:
            break
        seconds *= 2  # all of it went into connecting
    done = result["count"] - connecting["count"]
    proxy, server = (None if result[key] is None else (result[key] - connecting[key]) / done * 1e6 for key in ("proxy", "server"))
    return {"row": row, "proxy_us": proxy, "server_us": server, "together_us": (proxy or 0) + server, "tps": result["tps"],
            "latency_ms": result["latency_ms"], "p50_us": result.get("p50_us"), "p99_us": result.get("p99_us")}


def _run(stage: Stage, row: str, arguments: list[str], logged: bool = False, timeout: float = 180) -> dict:
    prefix = stage.folder / "latency"
    if logged:
        arguments = [*arguments, "-l", "--log-prefix", str(prefix)]
    before = stage.cpu(row)
    text = stage.pgbench(stage.running[row].endpoint(), *arguments, timeout=timeout)
    proxy, server = stage.spent(row, before)
    result = {"proxy": proxy, "server": server, "count": int(re.search(r"actually processed: (\d+)", text)[1])}
    if result["count"] == 0:
        return result  # pgbench says no more then
    result |= {"tps": float(re.search(r"tps = ([\d.]+)", text)[1]), "latency_ms": float(re.search(r"latency average = ([\d.]+)", text)[1])}
    if logged:
        times = sorted(int(line.split()[2]) for path in _logs(prefix) for line in path.read_text().splitlines())
        result |= {"p50_us": statistics.median(times), "p99_us": times[len(times) * 99 // 100]}
        for path in _logs(prefix):
            path.unlink()
    return result


def _logs(prefix: Path) -> list[Path]:
    return list(prefix.parent.glob(prefix.name + ".*"))


def measure_all(stage: Stage, args, progress) -> list[dict]:
    """One entry a cell and target, with the values of every round."""
    cells = []
    for mode in args.modes:
        for clients in args.clients:
            runs: dict[str, list[dict]] = {name: [] for name in args.targets}
            for round_ in range(args.rounds):
                for name in take_turns(args.targets, round_):
                    runs[name].append(measure(stage, name, mode, clients, args.seconds))
            progress(f"{mode}, {clients} clients")
            for name in args.targets:
                values = {key: [r[key] for r in runs[name]] for key in runs[name][0] if key != "row"}
                cells.append({"part": "transactions", "mode": mode, "clients": clients, "target": runs[name][0]["row"], **values})
    return cells
