"""Memory of a client that is connected over TLS, has run one statement and is idle: growth of the proportional set size
divided by the clients. Where each session has a server connection of its own only a few are opened."""
from __future__ import annotations

import concurrent.futures
import time

import wire
from stage import Stage

_WARM = 50        # clients that come and go first, so that what the first ones cost is not shared out
_UNSHARED = 200


def measure(stage: Stage, row: str, clients: int, settle: float) -> dict:
    """`settle`: seconds after which an idle session has given back what it can."""
    target = stage.running[row]
    clients = clients if target.shares else min(clients, _UNSHARED)

    def connect(_):
        session = wire.sign_in(target.endpoint(), seconds=60)
        assert session.value("select 1") == "1"
        return session
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        for session in executor.map(connect, range(_WARM)):
            session.close()
        time.sleep(settle)
        base = stage.pss_kib(row)
        begin = time.monotonic()
        sessions = list(executor.map(connect, range(clients)))
        seconds = time.monotonic() - begin
        time.sleep(settle)
        full = stage.pss_kib(row)
        alive = sum(session.value("select 1") == "1" for session in sessions[:: max(1, clients // 100)])
        for session in sessions:
            session.close()
    backends = int(stage.cluster.admin("select count(*) from pg_stat_activity where usename = 'app'"))
    return {"clients": clients, "base_kib": base, "kib_each": (full - base) / clients, "connecting_s": seconds, "answered": alive,
            "backends_after": backends}


def measure_all(stage: Stage, args, progress) -> list[dict]:
    cells = []
    for name in args.targets:  # once: the memory of a process that has held many clients is no longer fresh
        value = measure(stage, name, args.memory_clients, args.settle)
        progress(f"memory of {name}")
        cells.append({"part": "memory", "target": name, **{key: [v] for key, v in value.items()}})
    return cells
