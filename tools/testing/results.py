"""What tests report, read into one shape: ctest's and pytest's JUnit files, doctest's closing
lines, and the closing line 'N passed, N failed, N skipped' of our own scripts.

The unit that is counted is the smallest one that has a name: a doctest case, a pytest item, a
fuzz target's corpus, a benchmark binary. A test that could not be run, crashed or left no
summary is a failure.
"""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)  # names
    skips: list = dataclasses.field(default_factory=list)  # (name, reason)

    @property
    def failed(self):
        return len(self.failures)

    @property
    def skipped(self):
        return len(self.skips)

    @property
    def ran(self):
        return self.passed + self.failed

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips


_DOCTEST_CASES = re.compile(r"\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|")
_DOCTEST_SKIP = re.compile(r"(?:MESSAGE|WARNING): SKIPPED: (.+?): (.*)")
_DOCTEST_CASE = re.compile(r"^TEST CASE:  (.*)$")
_REPLAYED = re.compile(r"^(\d+) corpus inputs replayed$", re.MULTILINE)
_CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.MULTILINE)
_SCRIPT_SKIP = re.compile(r"^SKIPPED: (.+?): (.*)$", re.MULTILINE)
_SANITIZER = re.compile(r"^SUMMARY: (.+)$", re.MULTILINE)
_REASON_LENGTH = 240
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def with_reason(name, reason):
    """A failure's name with the first words of why, on one line: the log it stands in may not outlive the run."""
    reason = " ".join(reason.split())
    return f"{name}: {reason[:_REASON_LENGTH]}" if reason else name


def read_xml(path):
    """The root element, or None when there is no such file or it is cut short."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return ElementTree.fromstring(_NOT_XML.sub("?", file.read()))
    except (OSError, ElementTree.ParseError):
        return None


def failed_doctest_cases(output):
    """The names of the cases that an ERROR line follows, in order, each once."""
    names, current = [], None
    for line in output.splitlines():
        if match := _DOCTEST_CASE.match(line):
            current = match[1].strip()
        elif ": ERROR: " in line or ": FATAL ERROR: " in line or line.startswith(("ERROR: ", "FATAL ERROR: ")):
            if current and current not in names:
                names.append(current)
    return names


def read_doctest(name, output, succeeded):
    """The tally of one doctest binary, or None when output is not doctest's."""
    match = _DOCTEST_CASES.search(output)
    if not match:
        return None
    tally = Tally(passed=int(match[2]))
    failed = int(match[3])
    known = failed_doctest_cases(output)[:failed]
    tally.failures = [f"{name}: {case}" for case in known]
    tally.failures += [f"{name}: (case not named)"] * (failed - len(known))
    if not succeeded and not tally.failures:
        tally.failures.append(f"{name}: its cases pass, but the program ends with an error")
    # A case that says SKIPPED and returns has passed in doctest's eyes.
    skips = list(dict.fromkeys((f"{name}: {m[1]}", m[2].strip()) for m in _DOCTEST_SKIP.finditer(output)))
    tally.passed = max(0, tally.passed - len(skips))
    # What doctest itself counts as skipped was left out by --test-suite and runs as another test of ctest:
    # our sources have no skip() (tools/check-words.sh), since nobody would learn of which case and why.
    tally.skips = skips
    return tally


def read_program(name, output, succeeded):
    """The tally of any other program that ctest or the runner started."""
    if doctest := read_doctest(name, output, succeeded):
        return doctest
    if closings := _CLOSING.findall(output):
        passed, failed, skipped = map(int, closings[-1])
        tally = Tally(passed=passed, failures=[f"{name}: see its output"] * failed)
        tally.skips = [(f"{name}: {m[1]}", m[2].strip()) for m in _SCRIPT_SKIP.finditer(output)][:skipped]
        tally.skips += [(f"{name}: (not named)", "see its output")] * (skipped - len(tally.skips))
        if not succeeded and not failed:
            tally.failures.append(f"{name}: ended with an error")
        return tally
    if not succeeded:
        reported = _SANITIZER.search(output)
        return Tally(failures=[with_reason(name, reported[1] if reported else "")])
    if (replayed := _REPLAYED.search(output)) and replayed[1] == "0":
        return Tally(skips=[(name, "its corpus is empty")])
    return Tally(passed=1)


def read_ctest(path):
    """ctest --output-junit. None when the file can't be read."""
    root = read_xml(path)
    if root is None:
        return None
    tally = Tally()
    for case in root.iter("testcase"):
        name, status = case.get("name", "?"), case.get("status", "fail")
        output = case.findtext("system-out") or ""
        if status == "disabled":
            tally.skips.append((name, "disabled in CMake"))
        elif status == "notrun":
            reason = case.find("skipped")
            reason = reason.get("message", "") if reason is not None else ""
            if "SKIP_" in reason:  # SKIP_RETURN_CODE, SKIP_REGULAR_EXPRESSION: the test's own word
                tally.skips.append((name, (output.strip().splitlines() or [reason])[-1]))
            else:
                tally.failures.append(f"{name}: not run: {reason}")
        else:
            tally.add(read_program(name, output, status == "run"))
    return tally


def read_pytest(path):
    """pytest --junitxml. None when the file can't be read."""
    root = read_xml(path)
    if root is None:
        return None
    tally = Tally()
    for case in root.iter("testcase"):
        name = "::".join(part for part in (case.get("classname", ""), case.get("name", "?")) if part)
        skipped = case.find("skipped")
        problem = case.find("failure")
        if problem is None:
            problem = case.find("error")
        if problem is not None:
            tally.failures.append(with_reason(name, problem.get("message", "")))
        elif skipped is not None:
            tally.skips.append((name, " ".join(skipped.get("message", "no reason given").split())))
        else:
            tally.passed += 1
    return tally
