"""The measured cells as markdown: medians, with min and max where there is more than one round."""
from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
from pathlib import Path


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {model.group(1) if model else platform.machine()}"


def cell(values: list | None, digits: int) -> str:
    known = [v for v in values or [] if v is not None]
    if not known:
        return "-"
    median = f"{statistics.median(known):.{digits}f}"
    return median if len(known) == 1 else f"{median} ({min(known):.{digits}f}-{max(known):.{digits}f})"


def ratio(row: dict, rows: list[dict], key: str, same: tuple) -> str:
    """The row's median over that of PgBouncer in the same cell."""
    base = [r for r in rows if r["target"].startswith("pgbouncer") and all(r[k] == row[k] for k in same)]
    if not base or row["target"] == "postgres" or row in base or None in row[key] or None in base[0][key]:
        return "-"
    divisor = statistics.median(base[0][key])
    return f"{statistics.median(row[key]) / divisor:.2f}" if divisor else "-"


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |", *["| " + " | ".join(line) + " |" for line in body], ""]


def _transactions(rows: list[dict]) -> list[str]:
    lines = _table(["mode, clients", "target", "proxy us", "of PgBouncer's", "server us", "together us", "tps", "latency ms"],
                   [[f"{r['mode']}, {r['clients']}", r["target"], cell(r["proxy_us"], 1), ratio(r, rows, "proxy_us", ("mode", "clients")),
                     cell(r["server_us"], 1), cell(r["together_us"], 1), cell(r["tps"], 0), cell(r["latency_ms"], 2)] for r in rows])
    single = [r for r in rows if r["clients"] == 1]
    if single:
        lines += ["Latency of one client:", "", *_table(["mode", "target", "p50 us", "p99 us"],
                  [[r["mode"], r["target"], cell(r["p50_us"], 0), cell(r["p99_us"], 0)] for r in single])]
    return lines


def _connections(rows: list[dict]) -> list[str]:
    return ["A connection for each transaction, 8 clients, ECDSA P-256 certificate:", "",
            *_table(["target", "proxy us a sign-in", "of PgBouncer's", "server us", "connections per second"],
                    [[r["target"], cell(r["proxy_us"], 0), ratio(r, rows, "proxy_us", ()), cell(r["server_us"], 0), cell(r["per_second"], 0)]
                     for r in rows])]


def _memory(rows: list[dict]) -> list[str]:
    return ["Idle TLS clients that have run one statement (PSS):", "",
            *_table(["target", "clients", "KiB each", "process before, KiB", "seconds to connect"],
                    [[r["target"], cell(r["clients"], 0), cell(r["kib_each"], 1), cell(r["base_kib"], 0), cell(r["connecting_s"], 1)] for r in rows])]


def _bulk(rows: list[dict]) -> list[str]:
    return ["Large results, one client:", "",
            *_table(["work", "target", "proxy s/GB", "of PgBouncer's", "server s/GB", "MB/s"],
                    [[r["work"], r["target"], cell(r["proxy_s_per_gb"], 2), ratio(r, rows, "proxy_s_per_gb", ("work",)),
                      cell(r["server_s_per_gb"], 2), cell(r["mb_per_s"], 0)] for r in rows])]


_PARTS = {"transactions": _transactions, "connections": _connections, "memory": _memory, "bulk": _bulk}


def markdown(cells: list[dict], args, version: str, pooling: str) -> str:
    lines = [f"`pgbench -S`, scale {args.scale}, TLS 1.3 on both sides, {args.seconds:g} s a run, {args.rounds} round(s), targets in turns: median "
             "(min-max). CPU is user + system time per transaction without connecting.",
             f"{datetime.date.today()}; {machine()}; {version}; {pooling}.", ""]
    for part, render in _PARTS.items():
        rows = [c for c in cells if c["part"] == part]
        if rows:
            lines += render(rows)
    return "\n".join(lines)
