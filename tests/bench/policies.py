#!/usr/bin/python3
"""What policies cost: the same statements at PostgreSQL directly, through Bartizan past the policies, and under them.

    tests/bench/policies.py [--clients 8] [--seconds 4] [--rounds 3] [--mode prepared] [--tenants 5000] [--rows 20]
                            [--only STATEMENT...] [--markdown FILE] [--json FILE] [--short]

`bartizan up` with one depot, a tenant filter on every table and masks on four columns. Directly: over the unix socket, as the
depot's owner would be. Through Bartizan: TLS and transaction pooling, `tree` log as it comes. The statements name their
tenant in every column, so that all three do the same work; under policies the filter says it once more. Then 5,000 tenants
through one service identity (SET LOCAL bartizan.tenant), beside one tenant through the same identity.

Columns take turns within a round, the medians count, and ratios rather than times: client, gateway and server share the
machine. Processor time is that of the process trees, that of connecting subtracted as transactions.py does.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]

import bartizan  # noqa: E402
from endpoint import Endpoint  # noqa: E402
from postgres import binary_folder  # noqa: E402
from processes import clean_environment, cpu_seconds, make_folder, remove_folder, run, wait_for  # noqa: E402
from stage import take_turns  # noqa: E402
from table import machine  # noqa: E402

DEPOT, PASSWORD, POOL = "bench", "a bench's password", 16
COLUMNS = ("direct", "no policy", "policy")
# Of tenant t1 alone: its rows have the numbers 1 to ROWS in every table.
STATEMENTS = {
    "primary key": r"""\set id random(1, {rows})
SELECT id, email, phone, balance FROM bench.accounts WHERE tenant = 't1' AND id = :id;""",
    "join of two": r"""\set id random(1, {rows})
SELECT o.id, o.amount, a.email FROM bench.orders AS o JOIN bench.accounts AS a ON a.id = o.account AND a.tenant = 't1'
WHERE o.tenant = 't1' AND o.id = :id;""",
    "join of five": r"""\set id random(1, {rows})
SELECT o.id, a.email, s.city, l.quantity, p.name FROM bench.orders AS o
JOIN bench.accounts AS a ON a.id = o.account AND a.tenant = 't1' JOIN bench.shops AS s ON s.id = o.shop AND s.tenant = 't1'
JOIN bench.lines AS l ON l.order_id = o.id AND l.tenant = 't1' JOIN bench.products AS p ON p.id = l.product AND p.tenant = 't1'
WHERE o.tenant = 't1' AND o.id = :id;""",
    "queue": r"""BEGIN;
SELECT id AS job FROM bench.jobs WHERE tenant = 't1' AND state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED \gset
UPDATE bench.jobs SET tries = tries + 1 WHERE tenant = 't1' AND id = :job;
COMMIT;""",
    "aggregate": "SELECT count(*), sum(amount), avg(amount) FROM bench.orders WHERE tenant = 't1';",
}
SCHEMA = """
CREATE SCHEMA bench;
CREATE TABLE bench.accounts (id bigint PRIMARY KEY, tenant text NOT NULL, email text, phone text, balance numeric);
CREATE TABLE bench.shops (id bigint PRIMARY KEY, tenant text NOT NULL, city text);
CREATE TABLE bench.products (id bigint PRIMARY KEY, tenant text NOT NULL, name text);
CREATE TABLE bench.orders (id bigint PRIMARY KEY, tenant text NOT NULL, account bigint, shop bigint, amount numeric);
CREATE TABLE bench.lines (id bigint PRIMARY KEY, tenant text NOT NULL, order_id bigint, product bigint, quantity int);
CREATE TABLE bench.jobs (id bigint PRIMARY KEY, tenant text NOT NULL, state text NOT NULL, tries int NOT NULL) WITH (fillfactor = 50);
INSERT INTO bench.accounts SELECT n, 't' || 1 + (n - 1) / {rows}, 'person' || n || '@example.org', '+49 30 ' || n, n FROM generate_series(1, {all}) AS n;
INSERT INTO bench.shops SELECT n, tenant, 'city ' || n FROM (SELECT id AS n, tenant FROM bench.accounts) AS a;
INSERT INTO bench.products SELECT n, tenant, 'product ' || n FROM (SELECT id AS n, tenant FROM bench.accounts) AS a;
INSERT INTO bench.orders SELECT id, tenant, id, id, id % 1000 FROM bench.accounts;
INSERT INTO bench.lines SELECT id, tenant, id, id, id % 9 FROM bench.accounts;
INSERT INTO bench.jobs SELECT id, tenant, 'new', 0 FROM bench.accounts;
CREATE INDEX ON bench.orders (tenant); CREATE INDEX ON bench.lines (order_id); CREATE INDEX ON bench.jobs (tenant, id) WHERE state = 'new';
VACUUM ANALYZE;
"""
TABLES = {"accounts": "id: [], tenant: [], email: [PII.Email], phone: [PII.Phone], balance: []", "shops": "id: [], tenant: [], city: [PII.City]",
          "products": "id: [], tenant: [], name: [PII.Name]", "orders": "id: [], tenant: [], account: [], shop: [], amount: []",
          "lines": "id: [], tenant: [], order_id: [], product: [], quantity: []", "jobs": "id: [], tenant: [], state: [], tries: []"}
MASKS = {"Email": "operator: email", "Phone": "operator: redact, redact: {replacement: hidden}",
         "City": "operator: redact, redact: {replacement: hidden}", "Name": "operator: redact, redact: {replacement: hidden}"}


def policies() -> str:
    names = ",".join(TABLES)
    parts = [f'name: read\nversion: v1\ntype: policy\npolicy:\n  access: {{subjects: {{tags: ["**"]}}, predicates: [read, update], '
             f'objects: {{paths: ["{DEPOT}:bench.{{{names}}}"]}}, allow: true}}',
             f'name: tenants\nversion: v1\ntype: tenancy\ntenancy: {{tables: ["{DEPOT}:bench.{{{names}}}"], column: tenant}}']
    parts += [f"name: {table}\nversion: v1\ntype: classification\nclassification: {{depot: {DEPOT}, schema: bench, table: {table}, "
              f"columns: {{{columns}}}}}" for table, columns in TABLES.items()]
    parts += [f'name: mask-{tag.lower()}\nversion: v1\ntype: policy\npolicy:\n  data: {{type: mask, depot: {DEPOT}, selector: {{user: {{tags: '
              f'["**"]}}, column: {{tags: [PII.{tag}]}}}}, mask: {{{mask}}}}}' for tag, mask in MASKS.items()]
    return "\n---\n".join(parts) + "\n"


class World:
    """Gone after stop()."""

    def __init__(self, tenants: int, rows: int, audit: str) -> None:
        self.folder, self.rows = make_folder("bartizan-bench-"), rows
        self.gateway = bartizan.Embedded(self.folder, "--no-demo", environment={"BARTIZAN_AUDIT_MODE": audit})
        run_ = self.gateway.command
        run_("depot", "create", DEPOT)
        run_("depot", "set", DEPOT, "--pool-mode", "transaction", "--pool-size", str(POOL))
        embedded = self.gateway.status()["embedded"]
        self.socket, self.postmaster = Path(embedded["socket_directory"]), embedded["postmaster_pid"]
        self._trust_superuser(Path(embedded["data_directory"]) / "conf" / "pg_hba.conf")
        self._tenants(tenants)
        for name, more, grant in (("owner", [], ["--past-wall"]), ("reader", ["--tenant", "t1"], []), ("app", [], ["--act-for", "*"])):
            run_("identity", "create", name, *more, "--password-stdin", input=PASSWORD + "\n")
            run_("grant", "add", "--depot", DEPOT, "--identity", name, "--login", f"{DEPOT}_owner", *grant)
        self.superuser(f"SET ROLE {DEPOT}_owner;" + SCHEMA.format(rows=rows, all=tenants * rows).replace("VACUUM ANALYZE;", ""))
        self.superuser("VACUUM ANALYZE")
        self.gateway.publish({"bench.yaml": policies()}, acknowledge="unique_reveals")
        self.pass_file = self.folder / "bench.pass"
        self.pass_file.write_text("".join(self.endpoint(name).pass_file_line() + "\n" for name in ("owner", "reader", "app")))
        self.pass_file.chmod(0o600)

    def _tenants(self, count: int) -> None:
        """At once, past the admin socket, which takes its time for each."""
        self._psql("BEGIN; SELECT set_config('bartizan.actor', 'bench', true); INSERT INTO bartizan.tenants SELECT gen_random_uuid(), 't' || n, '', "
                   f"0, now(), 'bench', now(), 'bench' FROM generate_series(1, {count}) AS n; COMMIT", database="bartizan")

    def _trust_superuser(self, hba: Path) -> None:
        hba.write_text("local all postgres trust\n" + hba.read_text())
        os.kill(self.postmaster, signal.SIGHUP)
        wait_for(lambda: self._psql("select 1", check=False).returncode == 0, 10, "pg_hba.conf to be read")

    def _psql(self, text: str, database: str = DEPOT, **options):
        return run([binary_folder() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", "postgres", database, "-f", "-"],
                   input=text, timeout=300, **options)

    def superuser(self, text: str) -> str:
        return self._psql(text).stdout

    def endpoint(self, name: str) -> Endpoint:
        state = self.gateway.state
        return Endpoint("bartizan", "localhost", state["endpoints"][0]["port"], name, PASSWORD, DEPOT, state["ca_file"])

    def environment(self, column: str) -> dict:
        if column == "direct":
            return clean_environment(PGHOST=str(self.socket), PGUSER="postgres", PGDATABASE=DEPOT, PGOPTIONS=f"-c role={DEPOT}_owner")
        name = {"no policy": "owner", "policy": "reader"}.get(column, "app")
        return clean_environment(PGPASSFILE=str(self.pass_file), **self.endpoint(name).environment())

    def cpu(self) -> tuple[float, float]:
        """(gateway, PostgreSQL), whose tree may be the gateway's child."""
        server = cpu_seconds(self.postmaster)
        everything = cpu_seconds(self.gateway.child.pid)
        own = bartizan_processes_hold(self.gateway.child.pid, self.postmaster)
        return (everything - server if own else everything), server

    def server_connections(self) -> int:
        """Of the depot's classes."""
        return int(self.superuser("select count(*) from pg_stat_activity where usename ~ '^bz_[0-9a-f]{8}_c_'"))

    def pgbench(self, column: str, script: str, mode: str, *arguments: str) -> dict:
        path = self.folder / "script.sql"
        path.write_text(script)
        before = self.cpu()
        text = run([binary_folder() / "pgbench", "-n", "-M", mode, "-f", path, *arguments], env=self.environment(column), timeout=300).stdout
        after = self.cpu()
        assert "number of failed transactions: 0 " in text or "failed" not in text, text
        count = int(re.search(r"actually processed: (\d+)", text)[1])
        if count == 0:
            return {"count": 0}  # pgbench says no more then
        return {"count": count, "gateway": after[0] - before[0], "server": after[1] - before[1],
                "tps": float(re.search(r"tps = ([\d.]+)", text)[1]), "ms": float(re.search(r"latency average = ([\d.]+)", text)[1])}

    def measure(self, column: str, script: str, mode: str, clients: int, seconds: float) -> dict:
        shape = ["-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
        self.pgbench(column, script, mode, *shape, "-t", "1")  # so that pooled connections stand
        connecting = self.pgbench(column, script, mode, *shape, "-t", "1")
        while True:
            result = self.pgbench(column, script, mode, *shape, "-T", str(max(1, round(seconds))))
            if result["count"] > 2 * connecting["count"]:
                break
            seconds *= 2  # all of it went into connecting
        done = max(1, result["count"] - connecting["count"])
        return {"gateway_us": None if column == "direct" else (result["gateway"] - connecting["gateway"]) / done * 1e6,
                "server_us": (result["server"] - connecting["server"]) / done * 1e6, "tps": result["tps"], "ms": result["ms"]}

    def stop(self) -> None:
        self.gateway.stop()
        remove_folder(self.folder)


def bartizan_processes_hold(parent: int, child: int) -> bool:
    from processes import descendants
    return child in descendants(parent)


def median(values: list) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def acting(tenants: int, rows: int, several: bool) -> str:
    """One tenant or all of them: nothing else differs."""
    return (f"\\set n random(1, {tenants if several else 1})\n\\set id (:n - 1) * {rows} + random(1, {rows})\nBEGIN;\n"
            "SET LOCAL bartizan.tenant = 't:n';\nSELECT id, email, phone, balance FROM bench.accounts WHERE id = :id;\nCOMMIT;\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", choices=("simple", "extended", "prepared"), default="prepared")
    parser.add_argument("--tenants", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=20, help="of each tenant in each table")
    parser.add_argument("--only", nargs="+", choices=STATEMENTS, default=list(STATEMENTS))
    parser.add_argument("--audit", choices=("tree", "basic"), default="tree",
                        help="basic: no flushes, whose share in a transaction grows as its throughput falls")
    parser.add_argument("--without-acting", action="store_true", help="the statements alone")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path, help="every round's values")
    parser.add_argument("--short", action="store_true", help="shows that it works, proves nothing")
    args = parser.parse_args()
    if args.short:
        args.clients, args.seconds, args.rounds, args.tenants = 2, 1, 1, 50
    return args


def main() -> int:
    args = arguments()
    begin = time.monotonic()

    def progress(what: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {what}", file=sys.stderr, flush=True)

    world = World(args.tenants, args.rows, args.audit)
    try:
        progress("everything stands")
        cells = {}
        for name in args.only:
            runs: dict[str, list[dict]] = {column: [] for column in COLUMNS}
            for round_ in range(args.rounds):
                for column in take_turns(list(COLUMNS), round_):
                    runs[column].append(world.measure(column, STATEMENTS[name].format(rows=args.rows), args.mode, args.clients, args.seconds))
            cells[name] = runs
            progress(name)
        turns: dict[str, list[dict]] = {"one tenant": [], "all tenants": []}
        connections = 0
        for round_ in range(0 if args.without_acting else args.rounds):
            for which in take_turns(list(turns), round_):
                script = acting(args.tenants, args.rows, which == "all tenants")
                turns[which].append(world.measure("app", script, "simple", 4 * args.clients, args.seconds))
                connections = max(connections, world.server_connections())
        progress("acting for tenants")
    finally:
        world.stop()
    text = markdown(cells, turns, connections, args)
    print(text)
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "statements": cells, "acting": turns, "server_connections": connections}, indent=1))
    return 0


def _of(runs: dict, column: str, key: str) -> float | None:
    return median([one[key] for one in runs[column]])


def _ratio(runs: dict, key: str, column: str, base: str) -> str:
    """Round by round, since what runs beside changes from round to round; the median of that."""
    pairs = [(a[key], b[key]) for a, b in zip(runs[column], runs[base]) if a[key] and b[key]]
    return f"{statistics.median(a / b for a, b in pairs):.2f}" if pairs else "-"


def markdown(cells: dict, turns: dict, connections: int, args) -> str:
    lines = [f"{machine()}; {args.clients} clients, {args.mode}, `audit: {args.audit}`, {args.rounds} rounds of {args.seconds:g} s in turns, medians.", "",
             "| statement | direct: server us, ms | no policy: gateway + server us, ms | policy: gateway + server us, ms | "
             "latency of direct's: no policy, policy | gateway us added by policy |", "| --- | --- | --- | --- | --- | --- |"]
    for name, runs in cells.items():
        def cell(column: str) -> str:
            gateway = _of(runs, column, "gateway_us")
            server = f"{_of(runs, column, 'server_us'):.0f}"
            return (f"{gateway:.0f} + " if gateway is not None else "") + f"{server}, {_of(runs, column, 'ms'):.2f}"
        added = _of(runs, "policy", "gateway_us") - _of(runs, "no policy", "gateway_us")
        lines.append(f"| {name} | {cell('direct')} | {cell('no policy')} | {cell('policy')} | {_ratio(runs, 'ms', 'no policy', 'direct')}, "
                     f"{_ratio(runs, 'ms', 'policy', 'direct')} | {added:.0f} |")
    if args.without_acting:
        return "\n".join(lines) + "\n"
    lines += ["", f"One service identity, {4 * args.clients} clients, `SET LOCAL bartizan.tenant` and a read in each transaction:", "",
              "| | tps | gateway + server us | tps of one tenant's |", "| --- | --- | --- | --- |"]
    for which in turns:
        what = f"{args.tenants} tenants" if which == "all tenants" else which
        lines.append(f"| {what} | {_of(turns, which, 'tps'):.0f} | {_of(turns, which, 'gateway_us'):.0f} + {_of(turns, which, 'server_us'):.0f} | "
                     f"{_ratio(turns, 'tps', which, 'one tenant')} |")
    lines += ["", f"Server connections of classes at the end: {connections} at most; the pool's size is {POOL}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
