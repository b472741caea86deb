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

# What cannot be as directly when server connections are shared. A pattern that ends in * may deviate, a name must.
_PID = "BackendKeyData cannot name the server process while it changes"
SHARED: dict[str, dict[str, str]] = {
    "postgres": {},
    "bartizan": {"notify.*": _PID, "pid.*": _PID, "extended.notify_listen*": _PID,
                 "startup.guc_*": "pg_settings.source tells the SET by which the gateway has brought it along",
                 "async.terminated_by_another_while_idle": "between two transactions a session has no backend that could be terminated",
                 # Its connection has changed, and nothing can be prepared in a failed transaction.
                 "failed.bind_refused": "the refusal names Parse's routine of PostgreSQL instead of Bind's"},
    "pgbouncer": {},
}


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
    why, strict = known.reason(target_name, name)
    shared = [reason for pattern, reason in SHARED[target_name].items() if pattern == name or pattern[-1] == "*" and name.startswith(pattern[:-1])]
    if why or shared:
        request.applymarker(pytest.mark.xfail(reason=why or shared[0], strict=strict and not shared))
    scenario = test_differential.SCENARIOS[name]
    expected = test_differential.transcript(scenario, oracle, cluster)
    actual = test_differential.transcript(scenario, pool.endpoint(), cluster)
    if actual != expected:
        difference = difflib.unified_diff(expected, actual, "postgres", target_name, n=2, lineterm="")
        pytest.fail("\n".join(line[:600] for line in difference), pytrace=False)
