"""The tiers: which tree is built, which tests run in it, under which limits.

Each tier is a method of Tiers that returns a report.Tier. A tier whose inputs do not exist in
this checkout is "absent", which is printed and never counted as passed. A build that fails in
one target does not keep the other targets' tests from running.
"""

import os
import pathlib
import re
import time

from testing import process, results
from testing.report import Tier, settle

# Modules with threads of their own: ThreadSanitizer is for them.
THREADED = ("auditlog", "store", "control", "proxy", "net")

_BUILD_LIMIT = 30 * 60
_CTEST_LIMIT = 12 * 60
_E2E_LIMIT = 55 * 60
_ONE_TEST_LIMIT = 180
_FUZZ_SECONDS = 30

_SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:history_size=4:halt_on_error=1",
    "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19",
    "TSAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19",
}


class Tiers:
    def __init__(self, root, jobs, deadline):
        self.root = pathlib.Path(root)
        self.jobs = jobs
        self.deadline = deadline
        self.logs = self.root / "build" / "test-logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.configured = {}

    # -- pieces ------------------------------------------------------------------------------

    def _left(self):
        return self.deadline - time.monotonic()

    def _run(self, tier, command, limit, label, env=None):
        """Runs a command of a tier; notes a time-out and what it left behind."""
        if self._left() <= 0:
            tier.fail(f"{label}: not run, the watchdog's time is over")
            return process.Outcome(-1, "", 0.0, True, {})
        print(f"\n== {tier.name}: {label}", flush=True)
        log = self.logs / f"{tier.name}-{label.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        outcome = process.run([str(part) for part in command], log, min(limit, self._left()),
                              env=process.clean_environment({**_SANITIZER_OPTIONS, **(env or {})}), cwd=self.root)
        if outcome.timed_out:
            tier.fail(f"{label}: stopped after {outcome.seconds:.0f} s")
        if outcome.left_behind:
            names = ", ".join(f"{name} ({pid})" for pid, name in sorted(outcome.left_behind.items())[:5])
            tier.note = f"{tier.note}; {label} left processes behind: {names}".lstrip("; ")
        return outcome

    def _configure(self, tier, preset):
        if preset not in self.configured:
            outcome = self._run(tier, ["cmake", "--preset", preset], 300, "configure")
            tier.build_seconds += outcome.seconds
            self.configured[preset] = outcome.code == 0
            if outcome.code != 0 and not outcome.timed_out:
                tier.fail(f"configuring the {preset} tree")
        elif not self.configured[preset]:
            tier.fail(f"not run: the {preset} tree is not configured")
        return self.configured[preset]

    def _targets(self, preset, pattern):
        """The targets of a configured tree whose name matches the whole pattern."""
        log = self.logs / f"targets-{preset}.log"
        listing = process.run(["ninja", "-C", f"build/{preset}", "-t", "targets", "all"], log, 60, cwd=self.root, show=False)
        return sorted(set(re.findall(rf"^({pattern}): phony$", listing.output, re.MULTILINE)))

    def _build(self, tier, preset, targets=None):
        """Builds all, or the targets; a failure is noted, and what was built is there."""
        if not self._configure(tier, preset):
            return False
        command = ["ninja", "-C", f"build/{preset}", f"-j{self.jobs}", "-k0", *(targets or [])]
        outcome = self._run(tier, command, _BUILD_LIMIT, "build")
        tier.build_seconds += outcome.seconds
        if outcome.code != 0 and not outcome.timed_out:
            broken = re.findall(r"^FAILED: (\S+)", outcome.output, re.MULTILINE)
            tier.fail(f"build: {len(broken)} step(s) failed: {', '.join(broken[:5])}")
        return not outcome.timed_out

    def _ctest(self, tier, preset, label, names=None):
        """Runs the tests of a tree with the label (a regular expression) and adds them up."""
        junit = self.logs / f"{tier.name}-ctest.xml"
        junit.unlink(missing_ok=True)
        command = ["ctest", "--test-dir", f"build/{preset}", "-L", label, f"-j{self.jobs}", "--output-on-failure",
                   "--no-tests=ignore", "--timeout", _ONE_TEST_LIMIT, "--output-junit", junit,
                   "--test-output-size-passed", 4_000_000, "--test-output-size-failed", 4_000_000]
        if names:
            command += ["-R", names]
        outcome = self._run(tier, command, _CTEST_LIMIT, "ctest")
        tier.test_seconds += outcome.seconds
        tally = results.read_ctest(junit)
        if tally is not None:
            tier.tally.add(tally)
        if outcome.timed_out:
            return
        if tally is None and "No tests were found" not in outcome.output:
            tier.fail("ctest left no report")
        elif outcome.code != 0 and not tier.tally.failed:
            tier.fail(f"ctest ended with {outcome.code}")

    def _pytest(self, tier, path, options=(), env=None, limit=_E2E_LIMIT):
        junit = self.logs / f"{tier.name}-pytest.xml"
        junit.unlink(missing_ok=True)
        command = ["/usr/bin/python3", "-s", "-m", "pytest", "-q", "--tb=short", f"--junitxml={junit}", *options, path]
        outcome = self._run(tier, command, limit, "pytest", env)
        tier.test_seconds += outcome.seconds
        tally = results.read_pytest(junit)
        if tally is not None:
            tier.tally.add(tally)
        elif not outcome.timed_out:
            tier.fail("pytest left no report")
        if outcome.code not in (0, 1, 5) and not outcome.timed_out and not tier.tally.failed:
            tier.fail(f"pytest ended with {outcome.code}")

    def _script(self, tier, command, label, limit, env=None):
        outcome = self._run(tier, command, limit, label, env)
        tier.test_seconds += outcome.seconds
        if not outcome.timed_out:
            tier.tally.add(results.read_program(label, outcome.output, outcome.code == 0))

    def _missing(self, *paths):
        return [path for path in paths if not (self.root / path).exists()]

    @staticmethod
    def _absent(name, missing):
        return Tier(name, state="absent", note=f"no {', '.join(missing)}")

    # -- tiers -------------------------------------------------------------------------------

    def tools(self):
        """The runner's and the linter's own tests."""
        tier = Tier("tools")
        outcome = self._run(tier, ["/usr/bin/python3", "-s", "-m", "unittest", "discover", "-s", "tools", "-t", "tools",
                                   "-p", "*_test.py"], 180, "unittest")
        tier.test_seconds = outcome.seconds
        ran = re.search(r"^Ran (\d+) tests?", outcome.output, re.MULTILINE)
        failures = re.findall(r"^(?:FAIL|ERROR): (.*)$", outcome.output, re.MULTILINE)
        tier.tally.failures += [f"tools: {name}" for name in failures]
        tier.tally.passed = max(0, int(ran[1]) - len(failures)) if ran else 0
        if outcome.code != 0 and not failures and not outcome.timed_out:
            tier.fail(f"unittest ended with {outcome.code}")
        return settle(tier)

    def lint(self):
        """Format, words and file lengths; adds failures only, no passed tests."""
        tier = Tier("lint-quick")
        outcome = self._run(tier, ["tools/lint.sh", "--quick"], 120, "lint")
        tier.test_seconds = outcome.seconds
        broken = re.findall(r"^lint: (\S+) FAILED$", outcome.output, re.MULTILINE)
        tier.tally.failures += [f"lint: {name}" for name in broken]
        if outcome.code != 0 and not broken and not outcome.timed_out:
            tier.fail(f"ended with {outcome.code}")
        return settle(tier)

    def fast(self):
        tier = Tier("dev")
        if self._configure(tier, "dev") and self._build(tier, "dev", self._targets("dev", r"[a-z]+_tests")):
            self._ctest(tier, "dev", "^unit$")
        return settle(tier)

    def asan(self):
        tier = Tier("asan")
        if self._build(tier, "asan"):
            self._ctest(tier, "asan", "^(unit|integration|fuzz-replay)$")
        return settle(tier)

    def gcc(self):
        tier = Tier("gcc")
        if self._build(tier, "gcc"):
            self._ctest(tier, "gcc", "^(unit|integration|fuzz-replay)$")
        return settle(tier)

    def tsan(self, modules=THREADED):
        tier = Tier("tsan", note=" ".join(modules or ["all modules"]))
        names = "|".join(modules) if modules else "[a-z]+"
        if self._configure(tier, "tsan"):
            targets = self._targets("tsan", rf"(?:{names})(?:_[a-z0-9_]+)?_tests")
            if not targets:
                return Tier("tsan", state="absent", note=f"no tests of {names}", build_seconds=tier.build_seconds)
            if self._build(tier, "tsan", targets):
                self._ctest(tier, "tsan", "^(unit|integration)$", rf"^({names})([_.-].*)?$")
        return settle(tier)

    def tsan_all(self):
        return self.tsan(modules=())

    def release(self):
        """The tree that people run, and the benchmarks; its tests are the next tiers."""
        if missing := self._missing("apps/bartizan/CMakeLists.txt"):
            return self._absent("release", missing)
        tier = Tier("release")
        if self._configure(tier, "release"):
            self._build(tier, "release", ["bartizan", "bartizan-verify", "bartizan-witness", "audit_write_log", *self._targets("release", r"[a-z]+_bench")])
        return settle(tier)

    def e2e(self, name="e2e", options=(), env=None, limit=_E2E_LIMIT):
        if missing := self._missing("tests/e2e", "apps/bartizan/CMakeLists.txt"):
            return self._absent(name, missing)
        tier = Tier(name)
        if self._missing("build/release/bin/bartizan"):
            tier.fail("build/release/bin/bartizan was not built")
        else:
            self._pytest(tier, "tests/e2e", options, env, limit)
            if not tier.tally.ran and not tier.tally.skipped:
                tier.fail("no test was collected")
        return settle(tier)

    def e2e_full(self):
        return self.e2e("e2e-full", ("--full",), limit=60 * 60)

    def e2e_session(self):
        """What does not choose a pool mode, in session mode: the default is transaction mode."""
        return self.e2e("e2e-session", ("--pool-mode", "session", "-k", "not pooling and not chaos and not wall"), limit=40 * 60)

    def _with_program(self, name, script, options, limit):
        if missing := self._missing(script, "apps/bartizan/CMakeLists.txt"):
            return self._absent(name, missing)
        tier = Tier(name)
        if self._missing("build/release/bin/bartizan"):
            tier.fail("build/release/bin/bartizan was not built")
        else:
            self._script(tier, ["/usr/bin/python3", "-s", script, *options], name, limit)
        return settle(tier)

    def conformance_short(self):
        return self._with_program("conformance", "tests/conformance/run.py", ["--short", "--pool-mode", "transaction"], 10 * 60)

    def conformance(self):
        return self._with_program("conformance", "tests/conformance/run.py", ["--pool-mode", "session"], 40 * 60)

    def conformance_shared(self):
        """Through server connections that all of the suite's sessions share."""
        return self._with_program("conformance-shared", "tests/conformance/run.py", ["--pool-mode", "transaction"], 40 * 60)

    def peer_suites(self):
        """Drivers' own suites, whose sources are fetched."""
        return self._with_program("peer-suites", "tests/conformance/peer_suites.py", ["--pool-mode", "transaction"], 40 * 60)

    def bench_programs(self):
        """Every Google Benchmark binary once: that it still runs, not how fast."""
        tier = Tier("bench-programs")
        if not self._configure(tier, "release"):
            return settle(tier)
        targets = self._targets("release", r"[a-z]+_bench")
        if not targets:
            return self._absent("bench-programs", ["module with a BENCH source"])
        if self._build(tier, "release", targets):
            self._ctest(tier, "release", "^bench-smoke$")
        return settle(tier)

    def bench_smoke(self):
        return self._with_program("bench-smoke", "tests/bench/bench.py", ["--smoke"], 10 * 60)

    def bench(self):
        return self._with_program("bench", "tests/bench/bench.py", [], 40 * 60)

    def bench_policies(self):
        return self._with_program("bench-policies", "tests/bench/policies.py", [], 20 * 60)

    def package(self):
        """The Debian package of the release program: contents, installing, the same bytes twice."""
        if missing := self._missing("tests/package", "apps/bartizan/CMakeLists.txt"):
            return self._absent("package", missing)
        tier = Tier("package")
        if self._missing("build/release/bin/bartizan"):
            tier.fail("build/release/bin/bartizan was not built")
        else:
            self._pytest(tier, "tests/package")
        return settle(tier)

    def fuzz(self):
        """Each fuzz target for a while, from its corpus; a crash file lands in the logs folder."""
        tier = Tier("fuzz", note=f"{_FUZZ_SECONDS} s a target")
        if not self._configure(tier, "fuzz"):
            return settle(tier)
        targets = self._targets("fuzz", r"[a-z]+_fuzz_[a-z0-9_]+")
        if not targets:
            return self._absent("fuzz", ["module with a FUZZ source"])
        self._build(tier, "fuzz", targets)
        for target in targets:
            found = self.root / "build" / "fuzz" / "found" / target
            found.mkdir(parents=True, exist_ok=True)
            seeds = [path for path in [self.root / "tests" / "corpus" / target] if path.is_dir()]
            outcome = self._run(tier, [f"build/fuzz/bin/{target}", f"-max_total_time={_FUZZ_SECONDS}", "-timeout=10",
                                       "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0",
                                       f"-artifact_prefix={self.logs}/{target}-", found, *seeds],
                                _FUZZ_SECONDS + 180, target)
            tier.test_seconds += outcome.seconds
            if outcome.code == 0:
                tier.tally.passed += 1
            elif not outcome.timed_out:
                tier.fail(target)
        return settle(tier)

    def versions(self):
        """The end-to-end tests once for each other PostgreSQL; BARTIZAN_TEST_MAJORS names them."""
        if missing := self._missing("tests/e2e", "apps/bartizan/CMakeLists.txt"):
            return [self._absent("versions", missing)]
        tiers = []
        for major in os.environ.get("BARTIZAN_TEST_MAJORS", "14 16 17 18").split():
            name = f"postgres-{major}"
            fetched = Tier(name)
            outcome = self._run(fetched, ["tools/fetch-postgres.sh", major], 600, "fetch")
            if outcome.code != 0:
                fetched.fail("its binaries could not be fetched")
                tiers.append(settle(fetched))
                continue
            binaries = outcome.output.strip().splitlines()[-1]
            tiers.append(self.e2e(name, env={
                "BARTIZAN_PG_BIN": binaries, "BARTIZAN_EMBEDDED_POSTGRES_BIN_DIRECTORY": binaries}))
        return tiers
