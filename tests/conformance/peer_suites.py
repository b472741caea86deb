#!/usr/bin/python3
"""The test suites of libpqxx and of node-postgres, directly and through a target, compared test by test.

    tools/peer-suites.sh [--suites libpqxx node-postgres] [--target bartizan|pgbouncer] [--pool-mode session|transaction]
                         [--only NAME ...] [--json FILE]

Sources are fetched into the cache folder outside the checkout: libpqxx as Debian's source package (its build takes some
minutes, once), node-postgres from its repository, whose packages on npm hold no tests. BARTIZAN_LIBPQXX names an unpacked
source to take instead, BARTIZAN_NODE_POSTGRES a clone. Exit status: 0 when every test ends as it does directly, 1 when one does not, 3 when something
needed is missing. What ends otherwise for a known reason stands in KNOWN_IN_TRANSACTION_MODE, and no longer doing so fails too.
"""
from __future__ import annotations

import argparse
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
from postgres import SUPERUSER, SUPERUSER_PASSWORD  # noqa: E402
from processes import clean_environment, run  # noqa: E402

_TEST_SECONDS = 60
_NODE_TAG = "pg@8.23.0"
_NODE_REPOSITORY = "https://github.com/brianc/node-postgres"
_NODE_PACKAGES = ("async@2.6.4", "bluebird@3.7.2", "co@4.6.0", "pg-copy-streams@0.3.0")
# No PostgreSQL is needed for them, or they need one on a port of their own.
_NODE_LEFT_OUT = ("configuration-tests.js", "network-partition-tests.js")


class Libpqxx:
    """Two runners, of which each test is started on its own, so that one which hangs takes no other along."""

    def prepare(self) -> None:
        cache = source.cache_folder()
        self.source, build = cache / "libpqxx-source", cache / "libpqxx-build"
        if given := os.environ.get("BARTIZAN_LIBPQXX"):
            self.source, build = Path(given), cache / "libpqxx-build-given"
        if not self.source.exists():
            downloads = cache / "downloads"
            downloads.mkdir(exist_ok=True)
            options = source._apt_options(cache / "apt")
            if not list((cache / "apt/lists").glob("*Sources*")):
                run(["apt-get", *options, "update"], timeout=300)
            run(["apt-get", *options, "source", "--download-only", "libpqxx"], cwd=downloads, timeout=600)
            shutil.rmtree(cache / "unpacking", ignore_errors=True)
            run(["dpkg-source", "-x", sorted(downloads.glob("libpqxx_*.dsc"))[-1], cache / "unpacking"], timeout=300)
            (cache / "unpacking").rename(self.source)
        self.runners = {"test": build / "test/runner", "unit": build / "test/unit/unit_runner"}
        if not all(path.exists() for path in self.runners.values()):
            launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            run(["cmake", "-S", self.source, "-B", build, "-DCMAKE_CXX_FLAGS=-w -O0", *launcher], timeout=120)
            run(["nice", "make", "-C", build, "runner", "unit_runner"], timeout=3600)

    def tests(self) -> dict[str, list]:
        found = {}
        for kind, folder in (("test", self.source / "test"), ("unit", self.source / "test/unit")):
            for path in sorted(folder.glob("*.cxx")):
                for name in re.findall(r"PQXX_REGISTER_TEST\((\w+)\)", path.read_text()):
                    found[f"{kind} {name}"] = [self.runners[kind], name]
        return found

    @staticmethod
    def environment(endpoint: Endpoint, folder: Path) -> dict:
        pass_file = folder / "peer.pass"
        pass_file.write_text(endpoint.pass_file_line() + "\n")
        pass_file.chmod(0o600)
        return clean_environment(PGPASSFILE=str(pass_file), **endpoint.environment())

    folder = None  # that of the run: they leave files behind


class NodePostgres:
    """Each file of the integration tests is a process of its own."""

    def prepare(self) -> None:
        if not shutil.which("node") or not shutil.which("npm"):
            raise FileNotFoundError("node and npm (package nodejs)")
        cache = source.cache_folder() / "node-postgres"
        self.folder = cache / "packages/pg"
        if not self.folder.exists():
            origin = os.environ.get("BARTIZAN_NODE_POSTGRES", _NODE_REPOSITORY)
            part = source.cache_folder() / "node-postgres-part"
            shutil.rmtree(part, ignore_errors=True)
            run(["git", "clone", "-q", "--depth", "1", "--branch", _NODE_TAG, origin, part], timeout=600)
            part.rename(cache)
        if not (self.folder / "node_modules/async").exists():
            # alone, not as part of its workspace, whose other packages come from npm as they were published
            manifest = self.folder / "package.json"
            package = json.loads(manifest.read_text())
            package.pop("devDependencies", None)
            manifest.write_text(json.dumps(package))
            run(["npm", "install", "--no-save", "--no-audit", "--no-fund", "--no-workspaces", "--legacy-peer-deps", *_NODE_PACKAGES],
                cwd=self.folder, timeout=600)

    def tests(self) -> dict[str, list]:
        files = sorted((self.folder / "test/integration").rglob("*-tests.js"))
        return {str(f.relative_to(self.folder / "test/integration")): ["node", f] for f in files if f.name not in _NODE_LEFT_OUT}

    @staticmethod
    def environment(endpoint: Endpoint, folder: Path) -> dict:
        return clean_environment(NODE_EXTRA_CA_CERTS=endpoint.ca_file, PGPASSWORD=endpoint.password, PGTESTNOSSL="true", TEST_TIMEOUT="20000",
                                 SCRAM_TEST_PGUSER=endpoint.user, SCRAM_TEST_PGPASSWORD=endpoint.password, **endpoint.environment())


# Each one is explained in docs/compatibility.md.
KNOWN_IN_TRANSACTION_MODE = {
    "bartizan": {"gh-issues/130-tests.js": "ends an idle session by pg_terminate_backend(), and between two transactions it has no backend"},
}

# 5,000 writes in at most 5 s, each of which waits for its record: in time or not, as the disk is.
SLOW = "gh-issues/1105-tests.js"

SUITES = {"libpqxx": Libpqxx, "node-postgres": NodePostgres}


def outcome(command: list, environment: dict, folder: Path | None) -> tuple[str, str]:
    """ok, failed or hangs, and the end of what it said."""
    try:
        done = subprocess.run([str(c) for c in command], env=environment, cwd=folder, timeout=_TEST_SECONDS, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as stuck:
        return "hangs", (stuck.output or b"").decode(errors="replace")[-1500:]
    return ("ok" if done.returncode == 0 else "failed"), done.stdout.decode(errors="replace")[-1500:]


def compare(name: str, endpoints: dict[str, Endpoint], folder: Path, only: list | None) -> list[dict]:
    suite = SUITES[name]()
    suite.prepare()
    rows = []
    for test, command in suite.tests().items():
        if only and not any(word in test for word in only):
            continue
        row = {"suite": name, "test": test}
        for label, endpoint in endpoints.items():
            row[label], row[f"{label} said"] = outcome(command, suite.environment(endpoint, folder), suite.folder or folder)
        rows.append(row)
    return rows


def without_slow(rows: list[dict], target: str) -> list[dict]:
    kept = [row for row in rows if row["test"] != SLOW or row[target] == "ok"]
    if len(kept) < len(rows):
        print(f"passed over, too slow here: {SLOW}")
    return kept


def report(rows: list[dict], labels: list[str], known: dict[str, str], complete: bool) -> bool:
    """Counts and what differs; true when that is what is known to differ."""
    for suite in dict.fromkeys(row["suite"] for row in rows):
        own = [row for row in rows if row["suite"] == suite]
        counts = ", ".join(f"{label} {sum(row[label] == 'ok' for row in own)}" for label in labels)
        print(f"{suite}: {len(own)} tests, ok: {counts}")
    different = [row for row in rows if row[labels[0]] != row[labels[1]]]
    for row in different:
        if row["test"] in known:
            print(f"{row['suite']} {row['test']}: {row[labels[0]]} directly, {row[labels[1]]} through {labels[1]}; known: {known[row['test']]}")
            continue
        print(f"\n--- {row['suite']} {row['test']}: {row[labels[0]]} directly, {row[labels[1]]} through {labels[1]}")
        print(row[f"{labels[1]} said"].strip()[-800:])
    unknown = {row["test"] for row in different} - set(known)
    gone = set(known) - {row["test"] for row in different} if complete else set()
    print(f"\n{len(rows) - len(different)} of {len(rows)} end as directly, {len(unknown)} of the others are not known")
    if gone:
        print("known to differ, and did not: " + ", ".join(sorted(gone)))
    return not unknown and not gone


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--target", default="bartizan", choices=targets.NAMES)
    parser.add_argument("--pool-mode", choices=("session", "transaction"), default="transaction")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="tests whose name holds one of these")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, with what each test said")
    args = parser.parse_args()
    lacking = targets.missing(args.target)
    if lacking:
        print("missing: " + lacking, file=sys.stderr)
        return 3
    begin = time.monotonic()
    with targets.cluster_in_own_folder() as (folder, cluster):
        options = {"pool_mode": args.pool_mode, "pool_size": 20} if args.target != "postgres" else {}
        target = targets.start(args.target, folder, cluster, **options)
        try:
            target.protect("template1", SUPERUSER, SUPERUSER_PASSWORD)
            direct = cluster.superuser()
            rows = []
            for suite in args.suites:
                rows += compare(suite, {"direct": direct, args.target: target.endpoint(direct)}, folder, args.only)
        except FileNotFoundError as lack:
            print(f"missing: {lack}", file=sys.stderr)
            return 3
        finally:
            target.stop()
    rows = without_slow(rows, args.target)
    known = KNOWN_IN_TRANSACTION_MODE.get(args.target, {}) if args.pool_mode == "transaction" else {}
    good = report(rows, ["direct", args.target], known, complete="node-postgres" in args.suites and not args.only)
    print(f"{time.monotonic() - begin:.0f} s; sharing of server connections: {'yes' if target.shares else 'no'}")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
