"""PostgreSQL protocol 3.0 messages: builders for the frontend's, a strict decoder for the backend's.

Names and fields are those of the manual's chapter "Message Formats". Builders never check what they are
given: hostile tests need wrong messages. The decoder refuses anything that is not exactly well formed.
"""
from __future__ import annotations

import struct
from typing import NamedTuple

PROTOCOL_3_0 = 0x00030000
SSL_REQUEST_CODE = 80877103
GSSENC_REQUEST_CODE = 80877104
CANCEL_REQUEST_CODE = 80877102


# ---- frontend -------------------------------------------------------------------------------------------

def as_bytes(value) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def cstring(value) -> bytes:
    return as_bytes(value) + b"\0"


def raw(kind, body: bytes = b"", length: int | None = None) -> bytes:
    """Any message; `length` states another length than the true one."""
    stated = len(body) + 4 if length is None else length
    return as_bytes(kind) + struct.pack("!I", stated & 0xFFFFFFFF) + body


def untyped(code: int, body: bytes = b"", length: int | None = None) -> bytes:
    stated = len(body) + 8 if length is None else length
    return struct.pack("!II", stated & 0xFFFFFFFF, code) + body


def startup(parameters: dict, version: int = PROTOCOL_3_0) -> bytes:
    body = b"".join(cstring(k) + cstring(v) for k, v in parameters.items())
    return untyped(version, body + b"\0")


def ssl_request() -> bytes:
    return untyped(SSL_REQUEST_CODE)


def gssenc_request() -> bytes:
    return untyped(GSSENC_REQUEST_CODE)


def cancel_request(pid: int, key: bytes) -> bytes:
    return untyped(CANCEL_REQUEST_CODE, struct.pack("!I", pid & 0xFFFFFFFF) + key)


def query(sql) -> bytes:
    return raw("Q", cstring(sql))


def parse(name, sql, oids=()) -> bytes:
    return raw("P", cstring(name) + cstring(sql) + struct.pack("!H", len(oids))
               + b"".join(struct.pack("!I", o) for o in oids))


def _formats(formats) -> bytes:
    return struct.pack("!H", len(formats)) + b"".join(struct.pack("!H", f) for f in formats)


def _values(values) -> bytes:
    parts = [struct.pack("!H", len(values))]
    for value in values:
        if value is None:
            parts.append(struct.pack("!i", -1))
        else:
            data = as_bytes(value)
            parts.append(struct.pack("!i", len(data)) + data)
    return b"".join(parts)


def bind(portal="", statement="", values=(), formats=(), results=()) -> bytes:
    return raw("B", cstring(portal) + cstring(statement) + _formats(formats) + _values(values)
               + _formats(results))


def describe(kind: str, name="") -> bytes:
    return raw("D", as_bytes(kind) + cstring(name))


def execute(portal="", max_rows: int = 0) -> bytes:
    return raw("E", cstring(portal) + struct.pack("!i", max_rows))


def close(kind: str, name="") -> bytes:
    return raw("C", as_bytes(kind) + cstring(name))


def flush() -> bytes:
    return raw("H")


def sync() -> bytes:
    return raw("S")


def terminate() -> bytes:
    return raw("X")


def copy_data(data) -> bytes:
    return raw("d", as_bytes(data))


def copy_done() -> bytes:
    return raw("c")


def copy_fail(reason) -> bytes:
    return raw("f", cstring(reason))


def function_call(oid: int, values=(), formats=(), result_format: int = 0) -> bytes:
    return raw("F", struct.pack("!I", oid) + _formats(formats) + _values(values)
               + struct.pack("!H", result_format))


def password(data) -> bytes:
    return raw("p", as_bytes(data))


def sasl_initial(mechanism, data: bytes | None) -> bytes:
    length = -1 if data is None else len(data)
    return password(cstring(mechanism) + struct.pack("!i", length) + (data or b""))


def sasl_response(data: bytes) -> bytes:
    return password(data)


# ---- backend --------------------------------------------------------------------------------------------

class Message(NamedTuple):
    """A decoded backend message; equal messages compare equal."""
    name: str
    fields: tuple

    def error_field(self, code: str) -> str | None:
        return dict(self.fields).get(code)


class DecodeError(Exception):
    """The peer sent something that is no well-formed backend message."""


class _Body:
    """A cursor over one message body; every read is bounded, done() insists that nothing is left."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise DecodeError(f"{count} bytes wanted, {len(self.data) - self.at} left")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form: str) -> int:
        return struct.unpack("!" + form, self.take(struct.calcsize("!" + form)))[0]

    def count(self, form: str = "h") -> int:
        value = self.number(form)
        if value < 0:
            raise DecodeError(f"a count of {value}")
        return value

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise DecodeError("string without its terminator")
        value = self.data[self.at:end]
        self.at = end + 1
        return value.decode("utf-8", "backslashreplace")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)

    def done(self) -> None:
        if self.at != len(self.data):
            raise DecodeError(f"{len(self.data) - self.at} bytes after the last field")


def _authentication(body: _Body) -> Message:
    kind = body.number("i")
    if kind == 0:
        return Message("AuthenticationOk", ())
    if kind == 3:
        return Message("AuthenticationCleartextPassword", ())
    if kind == 5:
        return Message("AuthenticationMD5Password", (body.take(4),))
    if kind == 10:
        mechanisms = []
        while True:
            mechanism = body.text()
            if not mechanism:
                return Message("AuthenticationSASL", tuple(mechanisms))
            mechanisms.append(mechanism)
    if kind == 11:
        return Message("AuthenticationSASLContinue", (body.rest(),))
    if kind == 12:
        return Message("AuthenticationSASLFinal", (body.rest(),))
    return Message("Authentication", (kind, body.rest()))


def _error_fields(body: _Body) -> tuple:
    fields = []
    while True:
        code = body.take(1)
        if code == b"\0":
            return tuple(fields)
        fields.append((code.decode("latin-1"), body.text()))


def _value(body: _Body):
    length = body.number("i")
    if length == -1:
        return None
    return body.take(length)


def _copy_response(name: str):
    def decode_copy(body: _Body) -> Message:
        overall = body.number("b")
        return Message(name, (overall, tuple(body.number("h") for _ in range(body.count()))))
    return decode_copy


def _row_description(body: _Body) -> Message:
    columns = []
    for _ in range(body.count()):
        columns.append((body.text(), body.number("I"), body.number("h"), body.number("I"),
                        body.number("h"), body.number("i"), body.number("h")))
    return Message("RowDescription", tuple(columns))


def _plain(name: str, *reads):
    return lambda body: Message(name, tuple(read(body) for read in reads))


def _int32(body: _Body) -> int:
    return body.number("i")


def _text(body: _Body) -> str:
    return body.text()


def _texts(body: _Body) -> tuple:
    return tuple(body.text() for _ in range(body.count("i")))


_DECODERS = {
    b"R": _authentication,
    b"K": lambda b: Message("BackendKeyData", (b.number("i"), b.rest())),
    b"1": _plain("ParseComplete"),
    b"2": _plain("BindComplete"),
    b"3": _plain("CloseComplete"),
    b"C": _plain("CommandComplete", _text),
    b"d": lambda b: Message("CopyData", (b.rest(),)),
    b"c": _plain("CopyDone"),
    b"G": _copy_response("CopyInResponse"),
    b"H": _copy_response("CopyOutResponse"),
    b"W": _copy_response("CopyBothResponse"),
    b"D": lambda b: Message("DataRow", tuple(_value(b) for _ in range(b.count()))),
    b"I": _plain("EmptyQueryResponse"),
    b"E": lambda b: Message("ErrorResponse", _error_fields(b)),
    b"N": lambda b: Message("NoticeResponse", _error_fields(b)),
    b"V": _plain("FunctionCallResponse", _value),
    b"v": _plain("NegotiateProtocolVersion", _int32, _texts),
    b"n": _plain("NoData"),
    b"A": _plain("NotificationResponse", _int32, _text, _text),
    b"t": lambda b: Message("ParameterDescription", tuple(b.number("I") for _ in range(b.count()))),
    b"S": _plain("ParameterStatus", _text, _text),
    b"s": _plain("PortalSuspended"),
    b"Z": lambda b: Message("ReadyForQuery", (b.take(1).decode("latin-1"),)),
    b"T": _row_description,
}


def decode(kind: bytes, data: bytes) -> Message:
    """One backend message from its type byte and its body; raises DecodeError."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise DecodeError(f"unknown backend message type {kind!r}")
    body = _Body(data)
    message = decoder(body)
    body.done()
    return message
