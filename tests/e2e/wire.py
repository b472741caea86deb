"""A raw PostgreSQL v3 client: any bytes out, decoded messages in, every read under a deadline.

Not a driver: it never retries, never skips a message and never hides one. Used by the differential runs
(same bytes to two servers) and by the hostile tests. One connection belongs to one thread.
"""
from __future__ import annotations

import select
import socket
import ssl
import struct
import time

import wire_messages as m
from endpoint import Endpoint
from wire_messages import DecodeError, Message
from wire_scram import ScramClient, tls_server_end_point

DEFAULT_SECONDS = 15.0
_MAX_MESSAGE = 1 << 30
_READ_BLOCK = 1 << 18


class Eof(Exception):
    """The peer closed the connection (or reset it) where a message was wanted."""


class Timeout(Exception):
    """Nothing complete arrived before the deadline."""


class SignInRefused(Exception):
    """The peer answered the sign-in with an ErrorResponse."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error.error_field('C')}: {error.error_field('M')}")
        self.error = error
        self.sqlstate = error.error_field("C")


def tls_context(ca_file: str, alpn: tuple = (), maximum: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if maximum:
        context.maximum_version = maximum
    return context


def wait_readable(sock: socket.socket, seconds: float) -> None:
    """Like select.select for one socket, but also beyond descriptor 1023."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.poll(max(0, seconds) * 1000)


def _connect(endpoint: Endpoint, seconds: float) -> socket.socket:
    """A host that begins with a slash is the folder of a unix socket, as libpq has it."""
    if endpoint.host.startswith("/"):
        local = socket.socket(socket.AF_UNIX)
        local.settimeout(seconds)
        local.connect(f"{endpoint.host}/.s.PGSQL.{endpoint.port}")
        return local
    connected = socket.create_connection((endpoint.host, endpoint.port), timeout=seconds)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


class Connection:
    """Owns one socket. Sending also drains what the peer sends meanwhile, so that large pipelines in both
    directions cannot lock up."""

    def __init__(self, endpoint: Endpoint, seconds: float = DEFAULT_SECONDS) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        self.socket: socket.socket | ssl.SSLSocket = _connect(endpoint, seconds)
        self.buffer = bytearray()
        self.at_eof = False
        self.pid = 0
        self.key = b""
        self.parameters: dict[str, str] = {}
        self.startup_messages: list[Message] = []

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # ---- bytes ------------------------------------------------------------------------------------------

    def send(self, data: bytes, seconds: float | None = None) -> None:
        """Raises Eof when the peer has gone."""
        end = time.monotonic() + (seconds or self.seconds)
        self.socket.setblocking(False)
        view = memoryview(data)
        while view:
            if time.monotonic() > end:
                raise Timeout(f"{len(view)} bytes not taken")
            try:
                view = view[self.socket.send(view[:_READ_BLOCK]):]
            except (ssl.SSLWantWriteError, BlockingIOError, ssl.SSLWantReadError):
                readable, _, _ = select.select([self.socket], [self.socket], [], 0.2)
                if readable:
                    self.receive_available()
            except (OSError, ssl.SSLError) as error:
                raise Eof(str(error)) from error

    def receive_available(self) -> bool:
        """Takes what is there without waiting; False when nothing was."""
        try:
            block = self.socket.recv(_READ_BLOCK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return False
        except (OSError, ssl.SSLError):
            self.at_eof = True
            return True
        if not block:
            self.at_eof = True
        self.buffer += block
        return True

    def wait_bytes(self, count: int, end: float) -> None:
        """Until `count` bytes are in the buffer; `end` is a time.monotonic()."""
        self.socket.setblocking(False)
        while len(self.buffer) < count:
            if self.receive_available():
                if self.at_eof and len(self.buffer) < count:
                    raise Eof(f"{len(self.buffer)} of {count} bytes had come")
                continue
            left = end - time.monotonic()
            if left <= 0:
                raise Timeout(f"{len(self.buffer)} of {count} bytes had come")
            wait_readable(self.socket, min(left, 1.0))

    def read_bytes(self, count: int, seconds: float | None = None) -> bytes:
        self.wait_bytes(count, time.monotonic() + (seconds or self.seconds))
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    # ---- messages ---------------------------------------------------------------------------------------

    def read_message(self, seconds: float | None = None) -> Message:
        end = time.monotonic() + (seconds or self.seconds)
        self.wait_bytes(5, end)
        kind, length = bytes(self.buffer[:1]), struct.unpack("!I", self.buffer[1:5])[0]
        if length < 4 or length > _MAX_MESSAGE:
            raise DecodeError(f"message {kind!r} with length {length}")
        self.wait_bytes(length + 1, end)
        body = bytes(self.buffer[5:length + 1])
        del self.buffer[:length + 1]
        return m.decode(kind, body)

    def read_until(self, *names: str, seconds: float | None = None) -> list[Message]:
        """Everything up to and including the first message of one of these names."""
        end = time.monotonic() + (seconds or self.seconds)
        seen = []
        while not seen or seen[-1].name not in names:
            seen.append(self.read_message(max(0.01, end - time.monotonic())))
        return seen

    def read_until_ready(self, seconds: float | None = None) -> list[Message]:
        return self.read_until("ReadyForQuery", seconds=seconds)

    def read_to_end(self, seconds: float | None = None) -> list[Message]:
        """Every message until the peer closes. Raises Timeout when it does not."""
        end = time.monotonic() + (seconds or self.seconds)
        seen = []
        try:
            while True:
                seen.append(self.read_message(max(0.01, end - time.monotonic())))
        except Eof:
            return seen

    def query(self, sql: str, seconds: float | None = None) -> list[Message]:
        self.send(m.query(sql))
        return self.read_until_ready(seconds)

    def value(self, sql: str) -> str | None:
        """First column of the first row; raises on an error."""
        replies = self.query(sql)
        for reply in replies:
            if reply.name == "ErrorResponse":
                raise AssertionError(f"{sql}: {reply.fields}")
        rows = [r for r in replies if r.name == "DataRow"]
        return None if not rows or rows[0].fields[0] is None else rows[0].fields[0].decode()

    # ---- opening ----------------------------------------------------------------------------------------

    def start_tls(self, **context_options) -> None:
        """SSLRequest and the handshake, verified against the endpoint's CA and host name."""
        self.send(m.ssl_request())
        answer = self.read_bytes(1)
        if answer != b"S":
            raise AssertionError(f"SSLRequest was answered with {answer!r}")
        self.handshake(**context_options)

    def handshake(self, **context_options) -> None:
        """The TLS handshake alone (direct TLS, or after the answer to an SSLRequest)."""
        if self.buffer:
            raise AssertionError(f"{len(self.buffer)} bytes came in plaintext before the handshake")
        context = tls_context(self.endpoint.ca_file, **context_options)
        self.socket.settimeout(self.seconds)
        self.socket = context.wrap_socket(self.socket, server_hostname=self.endpoint.host)

    def send_startup(self, parameters: dict | None = None, version: int = m.PROTOCOL_3_0) -> None:
        named = {"user": self.endpoint.user, "database": self.endpoint.dbname}
        named.update(parameters or {})
        self.send(m.startup({k: v for k, v in named.items() if v is not None}, version))

    def channel_binding(self) -> bytes:
        return tls_server_end_point(self.socket.getpeercert(binary_form=True))

    def answer_sasl(self, offer: Message, plus: bool | None = None) -> None:
        """Runs SCRAM after AuthenticationSASL; plus=None takes channel binding when it is offered."""
        if plus is None:
            plus = "SCRAM-SHA-256-PLUS" in offer.fields
        scram = ScramClient(self.endpoint.password, self.channel_binding() if plus else None)
        self.send(m.sasl_initial(scram.mechanism, scram.first()))
        server_first = self._authentication("AuthenticationSASLContinue")
        self.send(m.sasl_response(scram.final(server_first.fields[0])))
        server_final = self._authentication("AuthenticationSASLFinal")
        scram.verify(server_final.fields[0])

    def _authentication(self, name: str) -> Message:
        message = self.read_message()
        self.startup_messages.append(message)
        if message.name == "ErrorResponse":
            raise SignInRefused(message)
        if message.name != name:
            raise AssertionError(f"{name} expected, {message} came")
        return message

    def finish_startup(self, plus: bool | None = None) -> None:
        """From the StartupMessage's first reply to ReadyForQuery; raises SignInRefused."""
        while True:
            message = self.read_message()
            self.startup_messages.append(message)
            if message.name == "ErrorResponse":
                raise SignInRefused(message)
            if message.name == "AuthenticationSASL":
                self.answer_sasl(message, plus)
            elif message.name == "ParameterStatus":
                self.parameters[message.fields[0]] = message.fields[1]
            elif message.name == "BackendKeyData":
                self.pid, self.key = message.fields
            elif message.name == "ReadyForQuery":
                return


def sign_in(endpoint: Endpoint, parameters: dict | None = None, *, version: int = m.PROTOCOL_3_0,
            plus: bool | None = None, seconds: float = DEFAULT_SECONDS) -> Connection:
    """A session that is ready for queries, over verified TLS."""
    connection = Connection(endpoint, seconds)
    try:
        if endpoint.sslmode != "disable":
            connection.start_tls()
        connection.send_startup(parameters, version)
        connection.finish_startup(plus)
    except BaseException:
        connection.close()
        raise
    return connection


def send_cancel(endpoint: Endpoint, pid: int, key: bytes, *, tls: bool = True, extra: bytes = b"") -> bytes:
    """A CancelRequest on its own connection; returns what came back, which must be nothing."""
    with Connection(endpoint) as connection:
        if tls and endpoint.sslmode != "disable":
            connection.start_tls()
        connection.send(m.cancel_request(pid, key) + extra)
        try:
            connection.read_bytes(1)
        except Eof:
            return b""
        return bytes(connection.buffer)
