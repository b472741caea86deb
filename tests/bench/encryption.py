"""What encrypted columns cost, side by side in one run: plain and encrypted columns through the gateway, and pgcrypto.

    /usr/bin/python3 tests/bench/encryption.py [rows of COPY] [rows of look-ups] [seconds]

prints the table of docs/benchmarks.md. What is compared runs in turns, and medians are told; processor time is that of the
gateway and of the server's process, which what else the machine does changes less than the time that passes.
"""
from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from encrypted import Encrypted  # noqa: E402

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
LOOK_UPS_IN = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 12
ROUNDS = 5
PIECE = 64 * 1024


class Meter:
    """Time that passes, and processor time of processes, since it was made."""

    def __init__(self, *processes: int) -> None:
        self.processes, self.begun = processes, time.perf_counter()
        self.spent = [self._of(process) for process in processes]

    @staticmethod
    def _of(process: int) -> float:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read(self) -> list[float]:
        return [time.perf_counter() - self.begun,
                *(self._of(process) - before for process, before in zip(self.processes, self.spent))]


def medians(measured: list[list[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*measured)]


def in_turns(works: dict, seconds: float) -> dict[str, float]:
    """Median seconds of each."""
    taken, until, number = {name: [] for name in works}, time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += 7919
        for name, work in works.items():
            begun = time.perf_counter()
            work(number)
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def copies(connection, gateway: int, server: int, data: bytes) -> dict:
    """(direction, table): passed, of the gateway, of the server."""
    measured: dict = {}
    for _ in range(ROUNDS):
        for table in ("plain", "sealed"):
            connection.execute(f"truncate {table}")
            meter = Meter(gateway, server)
            with connection.cursor().copy(f"copy {table} (id, a, b, c, d) from stdin") as copy:
                for at in range(0, len(data), PIECE):
                    copy.write(data[at:at + PIECE])
            measured.setdefault(("in", table), []).append(meter.read())
            meter = Meter(gateway, server)
            with connection.cursor().copy(f"copy {table} (id, a, b, c, d) to stdout") as copy:
                for _ in copy:
                    pass
            measured.setdefault(("out", table), []).append(meter.read())
    return {key: medians(values) for key, values in measured.items()}


def main() -> None:
    world = Encrypted("session")
    gateway = world.gateway.child.pid
    try:
        with world.connect(autocommit=True) as connection:
            for table in ("plain", "sealed"):
                connection.execute(f"create table {table} (id int primary key, a text, b text, c text, d text)")
            for table in ("find_plain", "find_sealed"):
                connection.execute(f"create table {table} (id int primary key, a text)")
        with world.direct() as direct:
            direct.execute("create extension pgcrypto; create table crypto (id int primary key, a bytea, b bytea, c bytea, "
                           "d bytea)")
        for name in "abcd":
            world.encrypt(f"public.sealed.{name}", *(["--search"] if name == "a" else []))
        world.encrypt("public.find_sealed.a", "--search")
        data = "".join(f"{n}\tuser{n}@example.org\tname {n}\tstreet {n}\tnote {n}\n" for n in range(ROWS)).encode()
        with world.connect(autocommit=True) as connection, world.direct() as direct:
            server = connection.execute("select pg_backend_pid()").fetchone()[0]
            own = direct.execute("select pg_backend_pid()").fetchone()[0]
            copied = copies(connection, gateway, server, data)
            few = min(ROWS, 1000)
            meter = Meter(own)
            direct.execute("insert into crypto select id, pgp_sym_encrypt(a, 'k'), pgp_sym_encrypt(b, 'k'), "
                           f"pgp_sym_encrypt(c, 'k'), pgp_sym_encrypt(d, 'k') from plain where id < {few}")
            crypto_in = [value / few * ROWS for value in meter.read()]
            meter = Meter(own)
            direct.execute("select pgp_sym_decrypt(a, 'k'), pgp_sym_decrypt(b, 'k'), pgp_sym_decrypt(c, 'k'), "
                           "pgp_sym_decrypt(d, 'k') from crypto").fetchall()
            crypto_out = [value / few * ROWS for value in meter.read()]

            for table in ("find_plain", "find_sealed"):
                with connection.cursor().copy(f"copy {table} (id, a) from stdin") as copy:
                    for first in range(0, LOOK_UPS_IN, 10_000):
                        copy.write("".join(f"{n}\tuser{n}@example.org\n"
                                           for n in range(first, min(first + 10_000, LOOK_UPS_IN))))
            direct.execute("create index on find_plain (a)")
            for table in ("plain", "sealed", "find_plain", "find_sealed"):
                direct.execute(f"vacuum analyze {table}")

            def by_key(table):
                return lambda n: connection.execute(f"select a, b, c, d from {table} where id = %s", (n % ROWS,),
                                                    prepare=True).fetchall()

            def by_value(table):
                return lambda n: connection.execute(f"select id from {table} where a = %s",
                                                    (f"user{n % LOOK_UPS_IN}@example.org",), prepare=True).fetchall()

            def in_server(statement):
                plan = direct.execute(f"explain (analyze, format json) {statement}").fetchone()[0]
                return plan[0]["Execution Time"] * 1000

            reads = in_turns({table: by_key(table) for table in ("plain", "sealed")}, SECONDS)
            finds = in_turns({table: by_value(table) for table in ("find_plain", "find_sealed")}, SECONDS)
            served = {"find_plain": [], "find_sealed": []}
            for number in range(0, 400):
                n = number * 7919 % LOOK_UPS_IN
                served["find_plain"].append(in_server(f"select id from find_plain where a = 'user{n}@example.org'"))
                index = bytes(direct.execute(f"select substr(a, 9, 16) from find_sealed where id = {n}").fetchone()[0]).hex()
                served["find_sealed"].append(in_server(
                    f"select id from find_sealed where substr(a, 9, 16) = '\\x{index}'::bytea"))
        print(f"{ROWS} rows of four columns of text, {ROUNDS} rounds; look-ups among {LOOK_UPS_IN} rows; load "
              f"{os.getloadavg()[0]:.0f}")
        for direction in ("in", "out"):
            plain, sealed = copied[direction, "plain"], copied[direction, "sealed"]
            crypto = crypto_in if direction == "in" else crypto_out
            print(f"| COPY {direction}, s | {plain[0]:.2f} | {sealed[0]:.2f} | {crypto[0]:.0f} |")
            print(f"| its processor time, gateway / server, s | {plain[1]:.2f} / {plain[2]:.2f} | {sealed[1]:.2f} / {sealed[2]:.2f} "
                  f"| - / {crypto[1]:.0f} |")
        print(f"| row by primary key, p50, µs | {reads['plain'] * 1e6:.0f} | {reads['sealed'] * 1e6:.0f} | |")
        print(f"| id by equality, p50, µs | {finds['find_plain'] * 1e6:.0f} | {finds['find_sealed'] * 1e6:.0f} | can't |")
        print(f"| the same, in the server alone, µs | {statistics.median(served['find_plain']):.0f} "
              f"| {statistics.median(served['find_sealed']):.0f} | can't |")
    finally:
        world.stop()


if __name__ == "__main__":
    main()
