"""Deadlines, the environment and what a command leaves behind."""

import os
import tempfile
import time
import unittest

from testing import process


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        process.become_subreaper()

    def run_shell(self, script, timeout=20, **options):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            outcome = process.run(["/bin/sh", "-c", script], log, timeout, show=False, **options)
            with open(log, encoding="utf-8") as file:
                self.assertEqual(file.read(), outcome.output)
            return outcome

    def test_output_and_code(self):
        outcome = self.run_shell("echo out; echo err >&2; exit 3")
        self.assertEqual((outcome.code, outcome.output, outcome.left_behind), (3, "out\nerr\n", {}))

    def test_there_is_no_stdin(self):
        self.assertEqual(self.run_shell("cat; echo end").output, "end\n")

    def test_the_environment_has_no_pg_variables(self):
        os.environ["PGHOST"] = os.environ["BARTIZAN_LISTEN"] = os.environ["BARTIZAN_TEST_X"] = "elsewhere"
        try:
            env = process.clean_environment({"ADDED": "1"})
        finally:
            for name in ("PGHOST", "BARTIZAN_LISTEN", "BARTIZAN_TEST_X"):
                del os.environ[name]
        self.assertNotIn("PGHOST", env)
        self.assertNotIn("BARTIZAN_LISTEN", env)
        self.assertEqual((env["BARTIZAN_TEST_X"], env["ADDED"]), ("elsewhere", "1"))

    def test_a_deadline_ends_the_whole_tree(self):
        started = time.monotonic()
        outcome = self.run_shell("sleep 300 & setsid sleep 301 & wait", timeout=1)
        self.assertTrue(outcome.timed_out)
        self.assertLess(time.monotonic() - started, 9)
        self.assertEqual(process.descendants(os.getpid()), {})

    def test_a_forgotten_daemon_is_reported_and_ended(self):
        outcome = self.run_shell("setsid sleep 300 & exit 0")
        self.assertEqual((outcome.code, list(outcome.left_behind.values())), (0, ["sleep"]))
        self.assertEqual(process.descendants(os.getpid()), {})

    def test_a_missing_program_is_an_outcome(self):
        outcome = process.run(["/nonexistent/program"], os.devnull, 1, show=False)
        self.assertEqual(outcome.code, 127)


if __name__ == "__main__":
    unittest.main()
