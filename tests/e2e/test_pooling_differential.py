"""All differential scenarios once more, on few server connections that neighbours use without cease: between any two
transactions of a scenario its session may get another server connection, on which anybody may have been before."""
from __future__ import annotations

import difflib

import pytest

import targets
import test_differential
from differential import known
from pooling import Jostlers

_POOL_SIZE = 6   # as many as a scenario may pin at once, and a few that go round
_JOSTLERS = 8    # more clients than server connections: there is always somebody waiting

@pytest.fixture(scope="module")
def pool(target_name, folder, cluster):
    if target_name == "pgbouncer":
        pytest.skip("PgBouncer pins nothing: most scenarios would deviate")
    target = targets.start(target_name, folder, cluster, pool_mode="transaction", pool_size=_POOL_SIZE, queue_timeout="10s")
    jostlers = Jostlers(target.endpoint(), _JOSTLERS)
    yield target
    jostlers.stop()
    target.stop()
    assert jostlers.rounds > 100 and not jostlers.faults, jostlers.faults[:3]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", test_differential.SCENARIOS)
def test_same_replies_on_shared_connections(name, request, target_name, pool, oracle, cluster):
    why, strict = known.reason(target_name, name, pool.shares)
    if why:
        request.applymarker(pytest.mark.xfail(reason=why, strict=strict))
    scenario = test_differential.SCENARIOS[name]
    expected = test_differential.transcript(scenario, oracle, cluster)
    actual = test_differential.transcript(scenario, pool.endpoint(), cluster)
    if actual != expected:
        difference = difflib.unified_diff(expected, actual, "postgres", target_name, n=2, lineterm="")
        pytest.fail("\n".join(line[:600] for line in difference), pytrace=False)
