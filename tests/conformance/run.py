#!/usr/bin/python3
"""PostgreSQL's regression suite and libpq_pipeline through a target, scored against a direct run made just before.

    tests/conformance/run.py --target bartizan|pgbouncer|postgres [--pool-mode session|transaction] [--short] [--only NAME ...]
                             [--json FILE]

A regression test counts as equal when its output file is byte for byte that of the direct run (not of
expected/: the source package may lag behind the server). Exit status: 0 when every difference is in KNOWN, 1 when
one is not, 3 when something needed is missing.
"""
from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]

import source  # noqa: E402
import targets  # noqa: E402
from endpoint import Endpoint  # noqa: E402
from postgres import SUPERUSER, SUPERUSER_PASSWORD, Cluster  # noqa: E402
from processes import clean_environment, demotion, give, make_folder, remove_folder, run  # noqa: E402

DATABASE = "regression"

# Thirty tests in an order in which each finds what it needs (horology wants the date and time tables).
SHORT = ("test_setup", "boolean", "char", "varchar", "text", "int4", "int8", "float8", "numeric", "date", "time", "timetz",
         "timestamp", "timestamptz", "interval", "horology", "guc", "transactions", "strings", "prepare", "plancache", "errors",
         "copy", "copydml", "psql", "largeobject", "truncate", "temp", "advisory_lock", "combocid")

_RESET = "RESET goes to the server connection's default, not to the client's startup value"
_OPTIONS = "1.18 drops the startup options, so IntervalStyle is the default"
KNOWN: dict[str, dict[str, str]] = {  # bartizan: each one is explained in docs/compatibility.md
    "postgres": {},
    "bartizan": {},
    "pgbouncer": {"date": _RESET, "timestamp": _RESET, "timestamptz": _RESET, "horology": _RESET, "guc": _RESET,
                  "temp": "an error that needs a backend without a temporary schema", "stats": "counts sessions",
                  **dict.fromkeys(("timetz", "create_view", "arrays", "brin_multi", "window", "alter_table", "fast_default"),
                                  _OPTIONS)},
}

KNOWN_IN_TRANSACTION_MODE: dict[str, dict[str, str]] = {  # besides those above
    "postgres": {},
    "bartizan": {"stats": "pg_stat_database counts server connections: a new client session is none"},
    "pgbouncer": {},  # pins nothing: half of the suite differs, and it stalls in advisory_lock
}
_POOL_SIZE = 60  # 20 tests in parallel, most of them pinned, some with several sessions

# pg_regress sends `options` at startup, which PgBouncer refuses unless told to ignore it.
TARGET_OPTIONS = {"pgbouncer": {"settings": "ignore_startup_parameters = options, extra_float_digits"}}

_DATABASE_SETTINGS = {"lc_messages": "C", "lc_monetary": "C", "lc_numeric": "C", "lc_time": "C", "bytea_output": "hex",
                      "timezone_abbreviations": "Default"}


class Workspace:
    """A copy of the suite where the unprivileged server and pg_regress can read and write. Gone after remove()."""

    def __init__(self) -> None:
        self.folder = make_folder("bartizan-conformance-")
        self.input = self.folder / "regress"
        self.libraries = self.folder / "dl"
        shutil.copytree(source.source_tree() / "src/test/regress", self.input)
        shutil.copytree(source.modules_folder(), self.libraries)
        self.home = self.folder / "home"
        self.home.mkdir()
        for path in (self.folder, *self.folder.rglob("*")):
            give(path)

    def sign_in_without_environment(self, endpoint: Endpoint) -> None:
        """pg_regress clears PGPASSFILE and PGSSLMODE: the password and the CA go to their default places."""
        pass_file = self.home / ".pgpass"
        pass_file.write_text(endpoint.pass_file_line() + "\n")
        pass_file.chmod(0o600)
        (self.home / ".postgresql").mkdir(exist_ok=True)
        shutil.copy(endpoint.ca_file, self.home / ".postgresql/root.crt")
        for path in self.home.rglob("*"):
            give(path)

    def remove(self) -> None:
        remove_folder(self.folder)


def fresh_database(cluster: Cluster) -> None:
    """Empty, and nothing left of an earlier run in the whole cluster."""
    for gid in (cluster.admin("select string_agg(gid, ',') from pg_prepared_xacts", dbname="postgres") or "").split(","):
        if gid:
            cluster.admin(f"rollback prepared '{gid}'", dbname=DATABASE)
    cluster.admin(f"drop database if exists {DATABASE} with (force)", dbname="postgres")
    for kind, query in (("tablespace", "select string_agg(quote_ident(spcname), ',') from pg_tablespace where spcname ~ '^regress'"),
                        ("role", "select string_agg(quote_ident(rolname), ',') from pg_roles where rolname ~ '^regress'")):
        for name in (cluster.admin(query, dbname="postgres") or "").split(","):
            if name:
                cluster.admin(f"drop {kind} {name}", dbname="postgres")
    cluster.admin(f"create database {DATABASE} template template0 lc_collate 'C' lc_ctype 'C'", dbname="postgres")
    for name, value in _DATABASE_SETTINGS.items():
        cluster.admin(f"alter database {DATABASE} set {name} to '{value}'", dbname="postgres")


def schedule(args) -> list[str]:
    """One line a group of parallel tests."""
    chosen = args.only or (SHORT if args.short else None)
    if chosen:
        return [f"test: {name}" for name in chosen]
    lines = (source.source_tree() / "src/test/regress/parallel_schedule").read_text().splitlines()
    lines = [line for line in lines if line.startswith(("test:", "ignore:"))]
    return lines


def run_regression(workspace: Workspace, endpoint: Endpoint, label: str, lines: list[str], seconds: float) -> Path:
    """Returns the folder of output files."""
    output = workspace.folder / label
    output.mkdir()
    give(output)
    plan = workspace.folder / f"{label}.schedule"
    plan.write_text("\n".join(lines) + "\n")
    give(plan)
    workspace.sign_in_without_environment(endpoint)
    command = [source.pg_regress(), "--use-existing", f"--host={endpoint.host}", f"--port={endpoint.port}",
               f"--user={endpoint.user}", f"--dbname={DATABASE}", f"--dlpath={workspace.libraries}",
               f"--inputdir={workspace.input}", f"--outputdir={output}", f"--bindir={source.pg_config('--bindir')}",
               "--max-connections=20", f"--schedule={plan}"]
    environment = clean_environment(HOME=str(workspace.home))
    with open(output / "console.txt", "wb") as console:
        process = subprocess.Popen([str(c) for c in command], cwd=output, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=console, stderr=console, start_new_session=True, **demotion())
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 15)  # the group that we made, its psql children included
            process.wait(30)
            print(f"{label}: stopped after {seconds:g} s")
    return output


def verdicts(output: Path) -> dict[str, str]:
    """What pg_regress itself said of each test, by its expected files."""
    text = (output / "console.txt").read_text(errors="replace")
    return dict(re.findall(r"^(?:test| )\s*(\w+)\s+\.\.\. (ok|FAILED|failed)", text, re.M))


def compare(direct: Path, through: Path, lines: list[str]) -> list[dict]:
    rows = []
    names = [name for line in lines if line.startswith("test:") for name in line.split()[1:]]
    said_direct, said_through = verdicts(direct), verdicts(through)
    for name in names:
        files = [folder / "results" / f"{name}.out" for folder in (direct, through)]
        texts = [f.read_text(errors="replace").splitlines() if f.exists() else None for f in files]
        if texts[0] is None:
            result = "no direct output"
        elif texts[1] is None:
            result = "no output"
        else:
            result = "equal" if texts[0] == texts[1] else "differs"
        diff = list(difflib.unified_diff(*[t or [] for t in texts], "direct", "target", n=1, lineterm="")) if result != "equal" else []
        rows.append({"test": name, "result": result, "direct": said_direct.get(name, "-"), "target": said_through.get(name, "-"),
                     "diff": diff[:60]})
    return rows


def run_pipeline(direct: Endpoint, endpoint: Endpoint) -> list[dict]:
    """libpq_pipeline's tests, each with a time limit: a hang is the usual failure."""
    program = source.libpq_pipeline()
    rows = []
    for name in run([program, "tests"]).stdout.split():
        outcome = {}
        for label, where in (("direct", direct), ("target", endpoint)):
            settings = {**where.libpq(), "dbname": DATABASE}
            quoted = " ".join(f"{k}='{str(v).replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"
                              for k, v in settings.items())
            try:
                outcome[label] = "ok" if run([program, name, quoted], check=False, timeout=30).returncode == 0 else "failed"
            except subprocess.TimeoutExpired:
                outcome[label] = "hangs"
        rows.append({"test": f"libpq_pipeline {name}", "result": "equal" if len(set(outcome.values())) == 1 else "differs",
                     **outcome, "diff": []})
    return rows


def report(rows: list[dict], target: str, pool_mode: str | None, seconds: dict) -> bool:
    """Prints the table; true when nothing differs but what is known."""
    known = KNOWN[target] | (KNOWN_IN_TRANSACTION_MODE[target] if pool_mode == "transaction" else {})
    different = [row for row in rows if row["result"] != "equal"]
    unknown = [row for row in different if row["test"] not in known]
    print(f"\n{'test':<34}{'direct':<9}{target:<11}compared")
    for row in rows:
        if row["result"] != "equal" or len(rows) < 60:
            note = f"  known: {known[row['test']]}" if row["result"] != "equal" and row["test"] in known else ""
            print(f"{row['test']:<34}{row['direct']:<9}{row['target']:<11}{row['result']}{note}")
    for row in unknown:
        print(f"\n--- {row['test']}")
        print("\n".join(line[:160] for line in row["diff"][:25]))
    print(f"\n{len(rows) - len(different)} of {len(rows)} equal to direct, {len(different)} differ "
          f"({len(unknown)} of them not known); direct {seconds['direct']:.0f} s, {target} {seconds['target']:.0f} s")
    return not unknown


def target_options(args) -> dict:
    pool = {"pool_mode": args.pool_mode, "pool_size": _POOL_SIZE} if args.pool_mode and args.target != "postgres" else {}
    return TARGET_OPTIONS.get(args.target, {}) | pool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default="bartizan", choices=targets.NAMES)
    parser.add_argument("--pool-mode", choices=("session", "transaction"), help="of the target (default: its own)")
    parser.add_argument("--short", action="store_true", help="thirty tests")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these regression tests, in this order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="for each of the two runs")
    args = parser.parse_args()
    lacking = source.missing_packages() + [r for r in [targets.missing(args.target)] if r]
    if lacking:
        print("missing: " + "; ".join(lacking), file=sys.stderr)
        return 3
    lines = schedule(args)
    workspace = Workspace()
    seconds = {}
    try:
        with targets.cluster_in_own_folder(shared_buffers="128MB") as (folder, cluster):
            fresh_database(cluster)
            direct = cluster.superuser(DATABASE)
            begin = time.monotonic()
            direct_output = run_regression(workspace, direct, "direct", lines, args.limit)
            seconds["direct"] = time.monotonic() - begin
            fresh_database(cluster)
            target = targets.start(args.target, folder, cluster, **target_options(args))
            if args.pool_mode == "transaction" and not target.shares:
                print(f"note: {args.target} shares no server connections here; this is session pooling", file=sys.stderr)
            try:
                target.protect(DATABASE, SUPERUSER, SUPERUSER_PASSWORD)
                begin = time.monotonic()
                through_output = run_regression(workspace, target.endpoint(direct), "target", lines, args.limit)
                seconds["target"] = time.monotonic() - begin
                rows = compare(direct_output, through_output, lines) + run_pipeline(direct, target.endpoint(direct))
            finally:
                target.stop()
        good = report(rows, args.target, args.pool_mode, seconds)
        if args.json:
            args.json.write_text(json.dumps({"target": args.target, "seconds": seconds, "tests": rows}, indent=1))
        return 0 if good else 1
    finally:
        workspace.remove()


if __name__ == "__main__":
    sys.exit(main())
