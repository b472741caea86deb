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

_STRICT = "a message that can't be decoded ends the session (08P01); PostgreSQL goes on after an ERROR"
_COPY_FAULT = "a foreign message in a COPY ends the session with one FATAL 08P01; PostgreSQL says ERROR, then FATAL"
_OPTIONS = "faulty options are refused before sign-in, in words that do not repeat them"
_GRANTS = "a database that does not exist and one that is not granted are one answer, with a hint"
_PROTOCOL_3_2 = "PostgreSQL 18 speaks protocol 3.2 as well; Bartizan offers 3.0 alone"
_VERSION = "refused in protocol 3's form, with Bartizan's words"

_MALFORMED = ("parse_without_terminators", "parse_cut_in_oids", "parse_negative_oid_count", "parse_trailing_bytes",
              "parse_empty_body", "bind_empty_body", "describe_bad_kind", "describe_empty_body", "close_bad_kind",
              "execute_cut", "execute_trailing_bytes", "sync_with_body_skipped_until", "flush_with_body",
              "sync_with_body", "function_call_cut")
_FAULTY_OPTIONS = ("empty_name", "no_value", "lonely_c", "unknown_switch", "only_word")

KNOWN: dict[str, dict[str, str]] = {
    "postgres": {},
    "bartizan": {
        **{f"malformed.{name}": _STRICT for name in _MALFORMED},
        "simple.nul_inside_query": _STRICT, "simple.query_without_terminator": _STRICT,
        "copy.in_query_during_copy": _COPY_FAULT, "violation.unknown_type_during_copy_in": _COPY_FAULT,
        **{f"startup.options_{name}": _OPTIONS for name in _FAULTY_OPTIONS},
        "startup.unknown_database": _GRANTS,
        "version.2_0": _VERSION, "version.1_0": _VERSION, "version.0_0": _VERSION,
        "version.ssl_request_inside_tls": _VERSION, "version.3_*": _PROTOCOL_3_2, "version.4_0*": _PROTOCOL_3_2,
    },
    "pgbouncer": {
        "simple.idle_in_transaction_timeout": _CRASHED, "simple.idle_session_timeout": _CRASHED,
        "simple.terminate_own_backend": _CRASHED, "copy.in_query_during_copy": _CRASHED,
        "async.terminated_by_another_while_busy": _CRASHED, "async.terminated_by_another_while_idle": _CRASHED,
        "extended.notify_listen": _NOTIFY_PID, "notify.*": _NOTIFY_PID, "pid.backend_key_is_backend_pid": _NOTIFY_PID,
        "startup.*": _STARTUP, "version.*": _STARTUP, "leave.startup_values_of_another": _STARTUP,
        "violation.*": _VIOLATION,
    },
}


_PID = "BackendKeyData cannot name the server process while it changes"

# What besides may not be as directly where sessions share server connections; it depends on which one they get.
SHARED: dict[str, dict[str, str]] = {
    "postgres": {},
    "bartizan": {"notify.*": _PID, "pid.*": _PID, "extended.notify_listen*": _PID,
                 "startup.guc_*": "pg_settings.source tells the SET by which the gateway has brought it along",
                 "async.terminated_by_another_while_idle": "between two transactions a session has no backend that could be terminated",
                 # Its connection has changed, and nothing can be prepared in a failed transaction.
                 "failed.bind_refused": "the refusal names Parse's routine of PostgreSQL instead of Bind's"},
    "pgbouncer": {},
}


def reason(target: str, scenario: str, shares: bool = False) -> tuple[str | None, bool]:
    """Why the scenario deviates (None: it must not), and whether it has to. `shares`: one server connection serves many."""
    for pattern, why in KNOWN[target].items():
        if fnmatch.fnmatchcase(scenario, pattern):
            return why, not pattern.endswith("*")
    for pattern, why in SHARED[target].items() if shares else ():
        if fnmatch.fnmatchcase(scenario, pattern):
            return why, False
    return None, False
