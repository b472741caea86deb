"""What a record of the audit log takes on disk, on traffic of the demo: `bartizan up`, its identities, its policies.

    /usr/bin/python3 tests/bench/audit_storage.py [--statements 20000] [--sessions 40]

Many short sessions of every demo identity, each asking what a clinic's application, its analysts and its support ask:
ten kinds of statement, by Query and by Parse/Bind/Execute, other values each time. Then the full bundles are compressed and
weighed, beside the hashes, the index, and what is sealed.
"""
from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import bartizan  # noqa: E402
import wire  # noqa: E402
import wire_messages as m  # noqa: E402
from processes import make_folder, remove_folder, run, wait_for  # noqa: E402

_READS = ("select id, name, email from clinic.customers where id = {}", "select count(*) from clinic.customers where id < {}",
          "select * from clinic.orders where customer_id = {} order by ordered_at desc limit 20",
          "select status, sum(amount) from clinic.invoices where customer_id < {} group by status",
          "select c.name, o.service from clinic.customers c join clinic.orders o on o.customer_id = c.id where c.id = {}",
          "select id, number, amount, due_on from clinic.invoices where order_id = {}", "select name, city from clinic.tenants",
          "show server_version")
_WRITES = ("update clinic.orders set status = 'done' where id = {}",
           "insert into clinic.orders (tenant, customer_id, service, quantity, unit_price, status) "
           "select tenant, id, 'checkup', 1, 10, 'booked' from clinic.customers where id = {}")


def _session(endpoint, seed: int, statements: int) -> None:
    chance = random.Random(seed)
    with wire.sign_in(endpoint) as connection:
        for _ in range(statements):
            text = chance.choice(_READS + _WRITES if chance.random() < 0.3 else _READS)
            value = str(chance.randrange(1, 20_000))
            if chance.random() < 0.5 and "{}" in text:
                connection.send(m.parse("", text.format("$1")) + m.bind(values=[value.encode()]) + m.execute() + m.sync())
                connection.read_until_ready()
            else:
                connection.query(text.format(value))


def _bytes(folder: Path, pattern: str = "**/*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--statements", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=200)
    args = parser.parse_args()
    folder = make_folder()
    gateway = bartizan.Embedded(folder)
    try:
        endpoints = gateway.endpoints()
        each = args.statements // args.sessions
        for first in range(0, args.sessions, 8):
            threads = [threading.Thread(target=_session, args=(endpoints[n % len(endpoints)], n, each))
                       for n in range(first, min(first + 8, args.sessions))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        audit = gateway.data / "audit"
        wait_for(lambda: not [path for path in audit.glob("tree/*/tile/entries/[0-9][0-9][0-9]")], 180, "compression", step=2)
        told = gateway.status()["audit"]["storage"]
        frames = list(audit.glob("tree/*/tile/entries/*.zst"))
        stored = sum(path.stat().st_size for path in frames)
        plain = sum(len(subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout) for path in frames)
        records = 256 * len(frames)
        print(f"{records} records in full bundles, of {len(endpoints)} identities in {args.sessions} sessions")
        print(f"| a record | bytes |\n| --- | --- |\n| as JSON | {plain / records:.1f} |\n| compressed | {stored / records:.1f} |")
        print(f"| its hashes | {32 * 256 / 255:.1f} |\n| the index | {_bytes(audit / 'index') / records:.1f} (none below 4,096 records of a tree) |")
        print(f"`status --json` says {told}")
        for level in (1, 3, 6, 9, 12, 19):
            smaller = sum(len(run_zstd(path, level)) for path in frames[:40]) / (256 * len(frames[:40]))
            print(f"at level {level}: {smaller:.1f}")
    finally:
        gateway.stop()
        run([bartizan.program(), "down", "--data", gateway.data], check=False)
        remove_folder(folder)


def run_zstd(path: Path, level: int) -> bytes:
    plain = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    return subprocess.run(["zstd", "-cq", f"-{level}"], input=plain, capture_output=True, check=True).stdout


if __name__ == "__main__":
    main()
