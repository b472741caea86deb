"""Whether something that nobody may see is among the bytes that came back, in any clothes.

Secret texts hold QZX7, secret numbers 734519 or 918273, secret dates are days of July 1913 (wall/schema.sql).
"""
from __future__ import annotations

import base64
import datetime
import hashlib
import re
import struct

_WORD = b"qzx7"
_NUMBERS = (b"734519", b"918273")
_DAYS = [datetime.date(1913, 7, day) for day in range(1, 32)]
# numeric's binary form counts in digits of 10,000; date's in days from 2000.
_BINARY = [struct.pack("!HH", 73, 4519), struct.pack("!HH", 91, 8273)] \
    + [struct.pack("!i", (day - datetime.date(2000, 1, 1)).days) for day in _DAYS]
_DIGEST = re.compile(rb"[0-9a-f]{32,64}")


def _in_base64() -> list[bytes]:
    """What each of the word's cases looks like at the three alignments, without the characters that hang on neighbours."""
    found = []
    for word in (b"QZX7", b"qzx7", b"Qzx7"):
        for lead in range(3):
            text = base64.b64encode(b"\0" * lead + word + b"\0\0")
            found.append(text[(lead * 8 + 5) // 6:(lead + len(word)) * 8 // 6])
    return [text for text in found if len(text) >= 4]


def _digests() -> set[bytes]:
    texts = [f"{what}{n}" for n in range(1, 61) for what in ("QZX7NAME", "QZX7SECRET", "QZX7CARD", "QZX7NOTE", "QZX7PIN")]
    texts += [f"aqzx7mail{n}@example.org" for n in range(1, 61)]
    texts += [f"QZX7-{n}-{n * 7 % 10000:04}" for n in range(1, 61)]
    return {hashlib.new(kind, text.encode()).hexdigest().encode()
            for text in texts for kind in ("md5", "sha1", "sha224", "sha256")}


_BASE64 = _in_base64()
_HEX = [word.hex().encode() for word in (b"QZX7", b"qzx7", b"Qzx7")]
_DIGESTS = _digests()
_CODES = [separator.join(str(c) for c in word).encode() for word in (b"QZX7", b"qzx7") for separator in (",", "\n", "\t")]


def found_in(data: bytes, values: list = ()) -> str | None:
    """What leaked in `data`, in words, or None. `values`: the rows' values in order, for secrets that come in pieces."""
    lower = data.lower()
    if _WORD in lower:
        return "the word"
    if _WORD[::-1] in lower:
        return "the word backwards"
    if _WORD in re.sub(rb"[^a-z0-9]", b"", lower):
        return "the word in letters"
    for number in _NUMBERS:
        if number in data or number[::-1] in data:
            return f"the number {number.decode()}"
    if b"1913-07" in data or re.search(rb"0?7[/.-]\d\d?[/.-](19)?13\b", data):
        return "a date"
    for form, patterns in (("hex", _HEX), ("character codes", _CODES)):
        if any(pattern in lower for pattern in patterns):
            return f"the word in {form}"
    if any(pattern in data for pattern in _BASE64):
        return "the word in base64"
    if any(pattern in data or pattern.hex().encode() in lower for pattern in _BINARY):
        return "a number or date in binary"
    if any(digest in _DIGESTS for digest in _DIGEST.findall(lower)):
        return "an unkeyed digest"
    joined = b"".join(value for value in values if value is not None).lower()
    if _WORD in joined:
        return "the word in pieces"
    codes = b",".join(value for value in values if value is not None)
    if any(pattern in codes for pattern in _CODES):
        return "the word in character codes"
    return None
