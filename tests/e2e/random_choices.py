"""Where random tests take their decisions from: a seed, or a list of earlier ones that a shorter case is sought in.

A decision beyond the list is 0, and 0 is always the simplest, so that a list with pieces cut out is a smaller case.
"""
from __future__ import annotations

import random


class Choices:
    def __init__(self, seed: int | str | None = None, given: list[int] | None = None) -> None:
        self.random = random.Random(seed) if given is None else None
        self.given = given or []
        self.taken: list[int] = []

    def below(self, count: int) -> int:
        at = len(self.taken)
        value = self.random.randrange(count) if self.random else self.given[at] % count if at < len(self.given) else 0
        self.taken.append(value)
        return value

    def pick(self, options):
        return options[self.below(len(options))]

    def chance(self, percent: int) -> bool:
        return self.below(100) >= 100 - percent

    def some(self, options, least: int, most: int) -> list:
        """So many of them, each at most once, in their order."""
        wanted = min(len(options), least + self.below(most - least + 1))
        left = list(range(len(options)))
        chosen = [left.pop(self.below(len(left))) for _ in range(wanted)]
        return [options[i] for i in sorted(chosen)]


def shortened(taken: list[int], still_fails, tries: int = 300) -> list[int]:
    """A smaller list of decisions for which `still_fails` holds as well."""
    best, size = list(taken), max(1, len(taken) // 2)
    while size and tries > 0:
        at, shrunk = 0, False
        while at < len(best) and tries > 0:
            cut = best[:at] + best[at + size:]
            zeroed = best[:at] + [0] * len(best[at:at + size]) + best[at + size:]
            for candidate in (cut, zeroed):
                if candidate == best:
                    continue
                tries -= 1
                if still_fails(candidate):
                    best, shrunk = candidate, True
                    break
            else:
                at += size
        if not shrunk:
            size //= 2
    return best
