#!/usr/bin/python3
"""The test runner behind `make test` and its siblings; started by tools/test.sh.

Runs tiers one after the other, each with time limits, under one watchdog; prints a table, the
skips by name and reason, and last 'N passed, N failed, N skipped'. Ends with 0 only if nothing
failed and something ran. Needs Python 3.11 and its standard library.
"""

import argparse
import os
import pathlib
import signal
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from testing import process, report  # noqa: E402
from testing.tiers import Tiers  # noqa: E402

# mode: (watchdog in minutes, tiers)
MODES = {
    "default": (80, ["tools", "lint", "asan", "release", "package", "e2e", "conformance_short", "bench_programs", "bench_smoke",
                     "tsan"]),
    "fast": (15, ["fast"]),
    "full": (300, ["tools", "lint", "asan", "release", "package", "e2e_full", "e2e_session", "conformance", "conformance_shared", "bench_programs",
                   "bench_smoke", "tsan_all", "gcc", "fuzz", "versions"]),
    "versions": (90, ["release", "versions"]),
    "conformance": (90, ["release", "conformance", "conformance_shared"]),
    "peers": (60, ["release", "peer_suites"]),
    "bench": (80, ["release", "bench_programs", "bench", "bench_policies"]),
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", default="default", choices=sorted(MODES))
    parser.add_argument("--only", metavar="TIER,...", help="of the mode's tiers only these")
    parser.add_argument("--minutes", type=float, help="the watchdog's time (or BARTIZAN_TEST_MINUTES)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bootstrap-millis", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def stop_run(*_):
    raise KeyboardInterrupt


def start_watchdog(seconds):
    """For the case that the runner itself hangs: ends all children and the program."""

    def bite():
        print("\n!! the watchdog ends the run", flush=True)
        process.end_descendants()
        print("0 passed, 1 failed, 0 skipped", flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, bite)
    timer.daemon = True
    timer.start()


def run_tiers(names, tiers, done):
    for name in names:
        outcome = getattr(tiers, name)()
        for tier in outcome if isinstance(outcome, list) else [outcome]:
            done.append(tier)
            print(f"-- {tier.name}: {tier.state} after {report.clock(tier.build_seconds + tier.test_seconds)}", flush=True)


def main():
    arguments = parse_arguments()
    minutes, names = MODES[arguments.mode]
    minutes = arguments.minutes or float(os.environ.get("BARTIZAN_TEST_MINUTES", minutes))
    if arguments.only:
        wanted = arguments.only.split(",")
        if unknown := [name for name in wanted if name not in names]:
            sys.exit(f"tools/test.py: {arguments.mode} has no tier {', '.join(unknown)}; it has {', '.join(names)}")
        names = [name for name in names if name in wanted]

    started = time.monotonic() - arguments.bootstrap_millis / 1000
    signal.signal(signal.SIGTERM, stop_run)
    signal.signal(signal.SIGHUP, stop_run)
    process.become_subreaper()
    start_watchdog(minutes * 60 + 120)

    done = [report.Tier("bootstrap", build_seconds=arguments.bootstrap_millis / 1000)]
    try:
        run_tiers(names, Tiers(ROOT, arguments.jobs, started + minutes * 60), done)
    except KeyboardInterrupt:
        process.end_descendants()
        interrupted = report.Tier("interrupted", state="FAILED")
        interrupted.fail("the run was stopped from outside")
        done.append(interrupted)
    text, total = report.render(done, time.monotonic() - started)
    print(text, flush=True)
    return report.exit_code(total)


if __name__ == "__main__":
    sys.exit(main())
