"""What counts as passed, failed and skipped, on output that the tools really print."""

import tempfile
import unittest

from testing import report, results

_DOCTEST = """[doctest] doctest version is "2.4.9"
===============================================================================
/src/x_test.cpp:5:
TEST CASE:  needs a server

/src/x_test.cpp:6: MESSAGE: SKIPPED: needs a server: no PostgreSQL: found none

===============================================================================
/src/x_test.cpp:8:
TEST CASE:  adds up

/src/x_test.cpp:9: ERROR: CHECK( 1 == 2 ) is NOT correct!
  values: CHECK( 1 == 2 )

===============================================================================
[doctest] test cases: 4 | 3 passed | 1 failed | 2 skipped
[doctest] assertions: 3 | 2 passed | 1 failed |
"""


def written(text):
    file = tempfile.NamedTemporaryFile("w", suffix=".xml")
    file.write(text)
    file.flush()
    return file


class ProgramOutput(unittest.TestCase):
    def test_doctest_cases_are_counted_one_by_one(self):
        tally = results.read_program("x", _DOCTEST, False)
        self.assertEqual(tally.passed, 2, "the case that says SKIPPED has not passed")
        self.assertEqual(tally.failures, ["x: adds up"])
        self.assertIn(("x: needs a server", "no PostgreSQL: found none"), tally.skips)
        self.assertEqual(tally.skipped, 1, "the two of other suites are no skips")

    def test_a_program_that_ends_badly_after_its_cases_passed_has_failed(self):
        text = "[doctest] test cases:  2 |  2 passed | 0 failed | 0 skipped\nLeakSanitizer: detected memory leaks\n"
        self.assertEqual(results.read_program("x", text, False).failed, 1)
        self.assertEqual(results.read_program("x", text, True).failed, 0)

    def test_a_crash_without_summary_is_one_failure(self):
        self.assertEqual(results.read_program("x", "Segmentation fault", False).failures, ["x"])

    def test_a_sanitizer_that_stops_a_program_says_why(self):
        output = "WARNING: ThreadSanitizer\nSUMMARY: ThreadSanitizer: data race a.cpp:3 in f\n"
        self.assertEqual(results.read_program("x", output, False).failures, ["x: ThreadSanitizer: data race a.cpp:3 in f"])

    def test_a_reason_stays_one_short_line(self):
        self.assertEqual(results.with_reason("x", "a\n  b"), "x: a b")
        self.assertLess(len(results.with_reason("x", "y" * 10_000)), 300)

    def test_a_corpus_without_inputs_is_a_skip(self):
        self.assertEqual(results.read_program("r", "0 corpus inputs replayed\n", True).skipped, 1)
        self.assertEqual(results.read_program("r", "7 corpus inputs replayed\n", True).passed, 1)

    def test_a_script_s_closing_line_is_taken_at_its_word(self):
        tally = results.read_program("c", "SKIPPED: a: why not\n28 passed, 1 failed, 1 skipped\n", False)
        self.assertEqual((tally.passed, tally.failed, tally.skips), (28, 1, [("c: a", "why not")]))
        self.assertEqual(results.read_program("c", "3 passed, 0 failed, 0 skipped\n", False).failed, 1)


class JUnitFiles(unittest.TestCase):
    def test_ctest_states(self):
        text = """<testsuite>
          <testcase name="a" status="run"><system-out>ok</system-out></testcase>
          <testcase name="b" status="notrun"><skipped message="Unable to find executable"/></testcase>
          <testcase name="c" status="disabled"/>
          <testcase name="d" status="fail"><system-out>\x1b[31m timeout</system-out></testcase>
        </testsuite>"""
        with written(text) as file:
            tally = results.read_ctest(file.name)
        self.assertEqual((tally.passed, tally.failed, tally.skipped), (1, 2, 1))

    def test_pytest_states(self):
        text = """<testsuites><testsuite>
          <testcase classname="t" name="a"/>
          <testcase classname="t" name="b"><failure message="x"/></testcase>
          <testcase classname="t" name="c"><error message="fixture"/></testcase>
          <testcase classname="t" name="d"><skipped message="no node"/></testcase>
        </testsuite></testsuites>"""
        with written(text) as file:
            tally = results.read_pytest(file.name)
        self.assertEqual((tally.passed, tally.failures, tally.skips), (1, ["t::b: x", "t::c: fixture"], [("t::d", "no node")]))

    def test_a_file_cut_short_is_no_result(self):
        with written("<testsuite><testcase") as file:
            self.assertIsNone(results.read_ctest(file.name))
        self.assertIsNone(results.read_pytest("/nonexistent"))


class ClosingText(unittest.TestCase):
    def render(self, *tiers):
        return report.render([report.settle(tier) for tier in tiers], 1.0)

    def test_the_last_line_is_plain(self):
        tier = report.Tier("a", tally=results.Tally(3, [], [("s", "why")]))
        text, total = self.render(tier, report.Tier("b", state="absent", note="no apps"))
        self.assertEqual(text.splitlines()[-1], "3 passed, 0 failed, 1 skipped")
        self.assertIn("  s: why", text)
        self.assertIn("  b: no apps", text)
        self.assertEqual(report.exit_code(total), 0)

    def test_nothing_ran_is_an_error(self):
        _, total = self.render(report.Tier("b", state="absent"))
        self.assertEqual(report.exit_code(total), 1)

    def test_one_failure_is_an_error(self):
        tier = report.Tier("a", tally=results.Tally(100, ["x"]))
        _, total = self.render(tier)
        self.assertEqual((tier.state, report.exit_code(total)), ("FAILED", 1))


if __name__ == "__main__":
    unittest.main()
