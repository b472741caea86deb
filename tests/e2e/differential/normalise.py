"""Everything that is allowed to differ between two runs of a scenario. The whole list is in this file.

1. BackendKeyData: pid and key are each server's own. Their presence, place and key length are compared.
2. SCRAM: nonces, salts and proofs in AuthenticationSASLContinue and -Final.
3. ParameterStatus between AuthenticationOk and ReadyForQuery is compared as a set: the order is not
   promised. Later ones are compared in place.
4. NotificationResponse: the pid is compared as "that of session a" where it equals the pid which
   BackendKeyData gave; only scenarios marked shows_pid have other texts with pids in them, where numbers
   that are such a pid are replaced alike.
5. ErrorResponse and NoticeResponse: source file, line and routine (F, L, R), only in scenarios marked
   gateway_answers, where a gateway may have to speak for itself. Severity, SQLSTATE, message, detail, hint,
   position, context and object names are always compared.
6. Oids from 16384 on in RowDescription and ParameterDescription: those of objects made by the run itself.
7. The number in pg_temp_N and pg_toast_temp_N: the backend's slot.
8. The last words: in scenarios marked silent_end PostgreSQL closes without a word; a FATAL 08P01 there is
   welcome, anything else is not.
"""
from __future__ import annotations

import re

from wire_messages import Message

_LOCATION = {"F", "L", "R"}
_FIRST_USER_OID = 16384


class Normaliser:
    def __init__(self, pids: dict[int, str], *, gateway_answers: bool, shows_pid: bool,
                 silent_end: bool) -> None:
        self.pids = pids
        self.gateway_answers = gateway_answers
        self.shows_pid = shows_pid
        self.silent_end = silent_end

    def transcript(self, entries: list[tuple]) -> list[str]:
        """One line an entry."""
        entries = _sort_startup_parameters(entries)
        if self.silent_end:
            entries = [e for i, e in enumerate(entries) if not _is_last_word(entries[i:i + 2])]
        return [f"{session}: {self._entry(entry)}" for session, entry in entries]

    def _entry(self, entry) -> str:
        if not isinstance(entry, Message):
            return str(entry)
        fields = entry.fields
        if entry.name == "BackendKeyData":
            fields = ("<pid>", f"<key of {len(fields[1])} bytes>")
        elif entry.name in ("AuthenticationSASLContinue", "AuthenticationSASLFinal"):
            fields = ("<scram>",)
        elif entry.name == "NotificationResponse":
            fields = (self._pid(fields[0]), *fields[1:])
        elif entry.name in ("ErrorResponse", "NoticeResponse") and self.gateway_answers:
            fields = tuple(f for f in fields if f[0] not in _LOCATION)
        elif entry.name == "RowDescription":
            fields = tuple((c[0], _oid(c[1]), c[2], _oid(c[3]), *c[4:]) for c in fields)
        elif entry.name == "ParameterDescription":
            fields = tuple(_oid(f) for f in fields)
        text = re.sub(r"\b(pg_(?:toast_)?temp_)\d+", r"\1N", f"{entry.name}{fields!r}")
        if self.shows_pid:
            text = re.sub(r"\b\d{2,}\b", lambda found: self._pid_text(found.group()), text)
        return text

    def _pid(self, pid: int) -> str:
        return f"<pid of {self.pids[pid]}>" if pid in self.pids else "<a pid that BackendKeyData never gave>"

    def _pid_text(self, digits: str) -> str:
        return self._pid(int(digits)) if int(digits) in self.pids else digits


def _is_last_word(pair: list[tuple]) -> bool:
    if len(pair) < 2 or pair[1][1] != "EOF" or not isinstance(pair[0][1], Message):
        return False
    fields = dict(pair[0][1].fields) if pair[0][1].name == "ErrorResponse" else {}
    return fields.get("S") == "FATAL" and fields.get("C") == "08P01"


def _oid(oid: int):
    return "<user oid>" if oid >= _FIRST_USER_OID else oid


def _sort_startup_parameters(entries: list[tuple]) -> list[tuple]:
    result, block = [], []
    in_startup: set[str] = set()
    for session, entry in entries:
        name = entry.name if isinstance(entry, Message) else ""
        if name == "ParameterStatus" and session in in_startup:
            block.append((session, entry))
            continue
        if name in ("BackendKeyData", "ReadyForQuery") or not name:
            result.extend(sorted(block, key=lambda pair: pair[1].fields))
            block = []
        if name == "AuthenticationOk":
            in_startup.add(session)
        elif name == "ReadyForQuery":
            in_startup.discard(session)
        result.append((session, entry))
    return result + sorted(block, key=lambda pair: pair[1].fields)
