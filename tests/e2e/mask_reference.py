"""What each mask makes of a value, written from docs/reference/policies.md alone: no line of it is the compiler's."""
from __future__ import annotations

import datetime
import hmac
import json
import re
import uuid
from decimal import Decimal


def text_of(value) -> str:
    """What PostgreSQL's cast to text gives."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _token(value, key: bytes) -> bytes:
    return hmac.digest(key, text_of(value).encode(), "sha256")


def _hash(value, arguments, key, length):
    token = _token(value, key)
    if isinstance(value, uuid.UUID):
        made = bytearray(token[:16])
        made[6] = made[6] & 15 | 128
        made[8] = made[8] & 63 | 128
        return uuid.UUID(bytes=bytes(made))
    if isinstance(value, int):
        return int.from_bytes(token[:8], "big") & 0x7FFFFFFFFFFFFFFF
    return token.hex()[:length]


def _bucket_number(value, arguments, key, length):
    reached = [bound for bound in arguments["buckets"] if value >= Decimal(str(bound))]
    return type(value)(str(reached[-1])) if reached else None


def _bucket_date(value, arguments, key, length):
    unit = arguments["precision"]
    is_moment = isinstance(value, datetime.datetime)
    if unit in ("minute", "hour"):
        return value.replace(second=0, microsecond=0, **({"minute": 0} if unit == "hour" else {}))
    day = value.date() if is_moment else value
    if unit == "week":
        day -= datetime.timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    elif unit == "quarter":
        day = day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    elif unit == "year":
        day = day.replace(day=1, month=1)
    return datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc) if is_moment else day


def _rand_pattern(value, arguments, key, length):
    block, used, out = _token(value, key), 0, ""
    for character in arguments["pattern"]:
        if character != "#":
            out += character
            continue
        if used == 32:
            block, used = hmac.digest(key, block, "sha256"), 0
        out += str(block[used] % 10)
        used += 1
    return out


def _partial(value, arguments, key, length):
    first, last, fill = arguments.get("first", 0), arguments.get("last", 0), arguments.get("fill", "***")
    if len(value) <= first + last:
        return fill
    return value[:first] + fill + (value[-last:] if last else "")


def _email(value, arguments, key, length):
    at, first = value.rfind("@"), arguments.get("first", 1)
    if at < 0:
        return "***"
    domain = value[at:] if arguments.get("keep_domain", True) else "@***"
    return (value[:first] if at > first else "") + "***" + domain


def _member(value, edit, key):
    if edit["action"] == "null":
        return None
    if edit["action"] == "redact":
        return edit["replacement"]
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return hmac.digest(key, text.encode(), "sha256").hex()


def _edited(document, path, edit, key):
    step, last = path[0], len(path) == 1
    if isinstance(document, list) and step == "*":
        if last and edit["action"] == "remove":
            return []
        return [_member(one, edit, key) if last else _edited(one, path[1:], edit, key) for one in document]
    if isinstance(document, dict):
        out = {}
        for name, member in document.items():
            if step not in ("*", name):
                out[name] = member
            elif not last:
                out[name] = _edited(member, path[1:], edit, key)
            elif edit["action"] != "remove":
                out[name] = _member(member, edit, key)
        return out
    return document


def _json_path(value, arguments, key, length):
    for edit in arguments["edits"]:
        value = _edited(value, edit["path"], edit, key)
    return value


_MASKS = {
    "hash": _hash, "bucket_number": _bucket_number, "bucket_date": _bucket_date, "rand_pattern": _rand_pattern,
    "partial": _partial, "email": _email, "json_path": _json_path,
    "redact": lambda value, arguments, key, length: arguments["replacement"],
    "constant": lambda value, arguments, key, length: arguments["value"],
    "regex_replace": lambda value, arguments, key, length: re.sub(arguments["pattern"], arguments["replacement"], value),
    "null": lambda value, arguments, key, length: None,
    "pass_through": lambda value, arguments, key, length: value,
}


def masked(value, operator: str, arguments: dict, key: bytes, length: int | None):
    """`length`: of the column's type, in characters. What is told of as text is text for every type."""
    if value is None:
        return None
    return _MASKS[operator](value, arguments, key, length)
