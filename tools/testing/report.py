"""The table at the end of a run, the skips and failures by name, and the closing line."""

import dataclasses

from testing.results import Tally


@dataclasses.dataclass
class Tier:
    """One row: what was built and run, how long it took and what came of it."""

    name: str
    state: str = "ok"  # ok | FAILED | absent | not run
    note: str = ""
    build_seconds: float = 0.0
    test_seconds: float = 0.0
    tally: Tally = dataclasses.field(default_factory=Tally)

    def fail(self, what):
        self.tally.failures.append(f"{self.name}: {what}")


def settle(tier):
    """Gives a tier that did something its final state: one with failures has failed."""
    if tier.tally.failed:
        tier.state = "FAILED"
    return tier


def clock(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def table(tiers):
    head = ("tier", "state", "build", "tests", "passed", "failed", "skipped", "note")
    rows = [head]
    for t in tiers:
        rows.append((t.name, t.state, clock(t.build_seconds) if t.build_seconds else "-",
                     clock(t.test_seconds) if t.test_seconds else "-", str(t.tally.passed), str(t.tally.failed),
                     str(t.tally.skipped), t.note))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in rows:
        cells = [text.ljust(w) if i in (0, 1, 7) else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def render(tiers, total_seconds):
    """The whole closing text. Its last line is 'N passed, N failed, N skipped'."""
    total = Tally()
    for tier in tiers:
        total.add(tier.tally)
    out = ["", table(tiers), f"total {clock(total_seconds)}", ""]
    absent = [f"  {t.name}: {t.note}" for t in tiers if t.state == "absent"]
    if absent:
        out += ["absent (their inputs do not exist yet):"] + absent + [""]
    if total.skips:
        out += ["skipped:"] + [f"  {name}: {reason}" for name, reason in total.skips] + [""]
    if total.failures:
        out += ["failed:"] + [f"  {name}" for name in total.failures] + [""]
    out.append(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return "\n".join(out), total


def exit_code(total):
    """Failing is failing, and so is a run in which nothing ran."""
    return 1 if total.failed or not total.ran else 0
