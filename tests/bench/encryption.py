"""What encrypted columns cost, side by side in one run: plain and encrypted columns through the gateway, and pgcrypto.
`/usr/bin/python3 tests/bench/encryption.py [rows]` prints a table for docs/benchmarks.md."""
from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from encrypted import Encrypted  # noqa: E402

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
READS = 1500


def column(cursor, table: str, rows: int) -> float:
    begun = time.perf_counter()
    with cursor.copy(f"copy {table} (id, a, b, c, d) from stdin") as copy:
        for number in range(rows):
            copy.write_row((number, f"user{number}@example.org", f"name {number}", f"street {number}", f"note {number}"))
    return time.perf_counter() - begun


def alternately(works: dict) -> dict[str, float]:
    """Median seconds of each; in turns, so that what else the machine does hits all alike."""
    taken = {name: [] for name in works}
    for number in range(READS):
        for name, work in works.items():
            begun = time.perf_counter()
            work(number * 61 % ROWS)
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    world = Encrypted("transaction")
    try:
        with world.connect(autocommit=True) as connection:
            for table in ("plain", "sealed"):
                connection.execute(f"create table {table} (id int primary key, a text, b text, c text, d text)")
        with world.direct() as direct:
            direct.execute("create extension pgcrypto; create table crypto (id int primary key, a bytea, b bytea, c bytea, "
                           "d bytea); grant all on crypto to crm_owner")
        for name in "abcd":
            world.encrypt(f"public.sealed.{name}", *(["--search"] if name == "a" else []))
        with world.connect(autocommit=True) as connection, world.direct() as direct:
            cursor = connection.cursor()
            loads = {table: column(cursor, table, ROWS) for table in ("plain", "sealed")}
            direct.execute("create index on plain (a)")
            direct.execute("analyze plain")
            direct.execute("analyze sealed")
            begun = time.perf_counter()
            share = max(ROWS // 50, 100)
            direct.execute("insert into crypto select id, pgp_sym_encrypt(a, 'k'), pgp_sym_encrypt(b, 'k'), "
                           f"pgp_sym_encrypt(c, 'k'), pgp_sym_encrypt(d, 'k') from plain where id < {share}")
            loads["pgcrypto"] = (time.perf_counter() - begun) / share * ROWS

            def by_key(table):
                return lambda n: connection.execute(f"select a, b, c, d from {table} where id = %s", (n,),
                                                    prepare=True).fetchall()

            def by_value(table):
                return lambda n: connection.execute(f"select id from {table} where a = %s",
                                                    (f"user{n}@example.org",), prepare=True).fetchall()

            def by_pgcrypto(n):
                return direct.execute("select pgp_sym_decrypt(a, 'k'), pgp_sym_decrypt(b, 'k'), pgp_sym_decrypt(c, 'k'), "
                                      "pgp_sym_decrypt(d, 'k') from crypto where id = %s", (n % share,), prepare=True).fetchall()

            reads = alternately({"plain": by_key("plain"), "sealed": by_key("sealed"), "pgcrypto": by_pgcrypto})
            finds = alternately({"plain": by_value("plain"), "sealed": by_value("sealed")})
        print(f"{ROWS} rows, 4 columns of text, {READS} reads each")
        print(f"| COPY in, s | plain {loads['plain']:.2f} | encrypted {loads['sealed']:.2f} "
              f"| pgcrypto, as far as measured {loads['pgcrypto']:.0f} |")
        print("| by primary key, µs | " + " | ".join(f"{name} {value * 1e6:.0f}" for name, value in reads.items()) + " |")
        print("| by equality, µs | " + " | ".join(f"{name} {value * 1e6:.0f}" for name, value in finds.items()) + " |")
    finally:
        world.stop()


if __name__ == "__main__":
    main()
