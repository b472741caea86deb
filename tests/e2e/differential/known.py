"""Deviations that are known and reviewed, by target and scenario, with the reason.

A scenario listed by its whole name must deviate: once it agrees, its line is out of date and the run fails.
A pattern that ends in * only may. Bartizan's list mirrors docs/compatibility.md.
"""
from __future__ import annotations

import fnmatch

_CRASHED = "adds FATAL 'server conn crashed?' after the server's own last words"
_NOTIFY_PID = "its BackendKeyData pid is not the backend's"
_STARTUP = "no SCRAM-SHA-256-PLUS; refuses startup parameters that it does not know"
_VIOLATION = "answers violations in its own words, at once, before the replies that are due"

KNOWN: dict[str, dict[str, str]] = {
    "postgres": {},
    "bartizan": {},
    "pgbouncer": {
        "simple.idle_in_transaction_timeout": _CRASHED, "simple.idle_session_timeout": _CRASHED,
        "simple.terminate_own_backend": _CRASHED, "copy.in_query_during_copy": _CRASHED,
        "async.terminated_by_another_while_busy": _CRASHED, "async.terminated_by_another_while_idle": _CRASHED,
        "extended.notify_listen": _NOTIFY_PID, "notify.*": _NOTIFY_PID, "pid.backend_key_is_backend_pid": _NOTIFY_PID,
        "startup.*": _STARTUP, "version.*": _STARTUP, "leave.startup_values_of_another": _STARTUP,
        "violation.*": _VIOLATION,
    },
}


def reason(target: str, scenario: str) -> tuple[str | None, bool]:
    """Why the scenario deviates (None: it must not), and whether it has to."""
    for pattern, why in KNOWN[target].items():
        if fnmatch.fnmatchcase(scenario, pattern):
            return why, not pattern.endswith("*")
    return None, False
