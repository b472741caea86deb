"""The same bytes to PostgreSQL and to the target; every reply must be the same (differential/normalise.py
lists what may differ, differential/known.py the reviewed deviations)."""
from __future__ import annotations

import difflib

import pytest

from differential import (asynchronous, copying, extended_query, known, large, session_state, simple_query,
                          violations)
from differential.normalise import Normaliser
from differential.script import Run, Scenario

SCENARIOS: dict[str, Scenario] = {}
for _module in (simple_query, extended_query, copying, session_state, asynchronous, violations, large):
    assert not SCENARIOS.keys() & _module.scenarios.keys()
    SCENARIOS.update(_module.scenarios)


def transcript(scenario: Scenario, endpoint, cluster) -> list[str]:
    run = Run(scenario, endpoint, cluster)
    entries = run.execute()
    return Normaliser(run.pids, gateway_answers=scenario.gateway_answers, shows_pid=scenario.shows_pid,
                      silent_end=scenario.silent_end).transcript(entries)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_same_replies(name, request, target_name, target, endpoint, oracle, cluster):
    why, strict = known.reason(target_name, name, target.shares)
    if why:
        request.applymarker(pytest.mark.xfail(reason=why, strict=strict))
    scenario = SCENARIOS[name]
    expected = transcript(scenario, oracle, cluster)
    assert not [line for line in expected if "TIMEOUT" in line or "NEVER TRUE" in line], \
        "the script itself is wrong, PostgreSQL gives:\n" + "\n".join(expected)
    actual = transcript(scenario, endpoint, cluster)
    if actual != expected:
        difference = difflib.unified_diff(expected, actual, "postgres", target_name, n=2, lineterm="")
        pytest.fail("\n".join(line[:600] for line in difference), pytrace=False)
    assert target.child.alive(), "the target died"


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= 120
