"""A PostgreSQL server that misbehaves on demand, to stand behind a gateway.

Ordinarily it relays to the real cluster, so that whatever a gateway asks of its own accord is answered:
it signs the gateway in by SCRAM with the role's real verifier, over TLS with the cluster's certificate. After
misbehave(name) new connections meet that fault during sign-in; a Query that holds `hostile:name` meets it
in its replies. What gateways send is kept in `received`.
"""
from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import select
import socket
import ssl
import struct
import threading

import wire
import wire_messages as m
from endpoint import Endpoint
from postgres import Cluster

SECRET_TEXT = "words-of-an-unverified-peer"


def backend(kind: str, body: bytes = b"", length: int | None = None) -> bytes:
    return m.raw(kind, body, length)


def error_response(**fields: str) -> bytes:
    return backend("E", b"".join(k.encode() + m.cstring(v) for k, v in fields.items()) + b"\0")


_READY = backend("Z", b"I")
_ONE_COLUMN = backend("T", struct.pack("!h", 1) + b"x\0" + struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0))
_DONE = backend("C", b"SELECT 1\0") + _READY


def data_row(text: str) -> bytes:
    return backend("D", struct.pack("!hi", 1, len(text)) + text.encode())


# What a Query with `hostile:<name>` is answered with. None in the middle closes the connection there.
REPLIES: dict[str, list] = {
    "error_without_sqlstate": [error_response(S="ERROR", M="no state"), _READY],
    "error_without_any_field": [backend("E", b"\0"), _READY],
    "error_without_terminator": [backend("E", b"SERROR\0C42601"), _READY],
    "error_with_empty_body": [backend("E"), _READY],
    "field_length_minus_two": [_ONE_COLUMN, backend("D", struct.pack("!hi", 1, -2)), _DONE],
    "field_length_beyond_message": [_ONE_COLUMN, backend("D", struct.pack("!hi", 1, 0x7FFFFFFF)), _DONE],
    "field_count_without_fields": [_ONE_COLUMN, backend("D", struct.pack("!H", 65535)), _DONE],
    "row_description_cut": [backend("T", struct.pack("!h", 500) + b"x\0"), _DONE],
    "message_length_three": [backend("D", b"", 3), _DONE],
    "message_length_negative": [backend("D", b"xxxx", -1), _DONE],
    "message_length_2_gib": [_ONE_COLUMN, backend("D", b"xxxx", 0x7FFFFFFF)],
    "unknown_message": [backend("~", b"what"), _DONE],
    "frontend_message": [backend("Q", b"select 1\0"), _DONE],
    "authentication_again": [backend("R", struct.pack("!i", 3)), _DONE],
    "ready_with_bad_status": [_ONE_COLUMN, data_row("y"), backend("C", b"SELECT 1\0"), backend("Z", b"?")],
    "ready_twice": [_ONE_COLUMN, data_row("mine"), _DONE, _ONE_COLUMN, data_row("poison"), _DONE],
    "unasked_ready": [_READY, _ONE_COLUMN, data_row("poison"), _DONE],
    "close_inside_message": [_ONE_COLUMN, backend("D", b"\0\1", 5000), None],
    "close_without_ready": [_ONE_COLUMN, data_row("y"), None],
}

# Faults in answer to the SSLRequest, in plaintext.
PLAINTEXT = {
    "error_before_tls": b"E" + SECRET_TEXT.encode() + b"\0",
    "error_response_before_tls": error_response(S="FATAL", C="28000", M=SECRET_TEXT),
    "refuses_tls": b"N",
    "nonsense_before_tls": b"?",
    "stuffed_after_s": b"S" + backend("R", struct.pack("!i", 0)) + _READY + _ONE_COLUMN + data_row(SECRET_TEXT) + _DONE,
}

# Faults in the server-first-message of SCRAM: nonce suffix, salt, iterations.
SCRAM_FIRST = {
    "giant_nonce": ("n" * 1_000_000, None, None), "giant_salt": ("n", b"s" * 1_000_000, None),
    "empty_salt": ("n", b"", None), "ten_million_iterations": ("n", None, "10000000"),
    "zero_iterations": ("n", None, "0"), "negative_iterations": ("n", None, "-1"),
    "overflowing_iterations": ("n", None, "99999999999999999999"),
}

SIGN_IN_FAULTS = [*PLAINTEXT, *SCRAM_FIRST, "other_nonce", "wrong_server_signature", "wrong_certificate", "cleartext_password",
                  "md5_password", "giant_mechanism_list", "authentication_length_2_gib", "silent"]


class HostileServer:
    """Listens from construction to stop(); one thread a connection."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.verifiers = cluster.verifiers()
        self.fault: str | None = None
        self.received: list[bytes] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def misbehave(self, fault: str | None) -> None:
        """From now on; what is open is closed, so that the gateway must connect anew."""
        self.fault = fault
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.misbehave(None)
        self._accepting.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        handle = sock.dup()  # wrapping for TLS detaches the original
        with self._lock:
            self._open.add(handle)
        try:
            with contextlib.suppress(OSError, ssl.SSLError, _Ended, wire.Eof, wire.Timeout, ValueError):
                _Session(self, sock).run()
        finally:
            with self._lock:
                self._open.discard(handle)
            handle.close()
            sock.close()


class _Ended(Exception):
    """The gateway has gone, or a script is over."""


class _Session:
    def __init__(self, server: HostileServer, sock: socket.socket) -> None:
        self.server, self.fault = server, server.fault
        self.socket: socket.socket | ssl.SSLSocket = sock
        self.socket.settimeout(60)

    def run(self) -> None:
        try:
            parameters = self._startup()
            if parameters is not None:
                self._sign_in(parameters["user"])
                self._relay(parameters)
        finally:
            with contextlib.suppress(OSError):
                self.socket.close()

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            block = self.socket.recv(count - len(data))
            if not block:
                raise _Ended
            data += block
        self.server.received.append(data)
        return data

    def _read_untyped(self) -> tuple[int, bytes]:
        length, code = struct.unpack("!II", self._read(8))
        return code, self._read(length - 8)

    def _read_message(self) -> bytes:
        length = struct.unpack("!xI", header := self._read(5))[0]
        del header
        return self._read(length - 4)

    def _startup(self) -> dict | None:
        code, body = self._read_untyped()
        if code == m.GSSENC_REQUEST_CODE:
            self.socket.sendall(b"N")
            code, body = self._read_untyped()
        if code != m.SSL_REQUEST_CODE:
            return None
        if self.fault == "silent":
            self._read(1)
        if self.fault in PLAINTEXT:
            self.socket.sendall(PLAINTEXT[self.fault])
            if self.fault != "stuffed_after_s":
                self._read(1)  # whatever a trusting gateway would send now is kept
        else:
            self.socket.sendall(b"S")
        self._handshake()
        code, body = self._read_untyped()
        if code != m.PROTOCOL_3_0 and code >> 16 != 3:
            return None  # a CancelRequest
        words = body.rstrip(b"\0").split(b"\0")
        return {k.decode(): v.decode() for k, v in zip(words[::2], words[1::2])}

    def _handshake(self) -> None:
        certificates = self.server.cluster.certificates
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.fault == "wrong_certificate":
            context.load_cert_chain(certificates.other_ca_file, certificates.folder / "other_ca.key")
        else:
            context.load_cert_chain(certificates.server_cert, certificates.server_key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def _sign_in(self, user: str) -> None:
        if self.fault in ("cleartext_password", "md5_password"):
            kind = struct.pack("!i", 3) if self.fault == "cleartext_password" else struct.pack("!i", 5) + b"salt"
            self.socket.sendall(backend("R", kind))
            self._read_message()
            raise _Ended
        if self.fault == "authentication_length_2_gib":
            self.socket.sendall(backend("R", struct.pack("!i", 10), 0x7FFFFFF0) + b"S" * 100000)
            self._read(1)
        mechanisms = b"SCRAM-SHA-256\0"
        if self.fault == "giant_mechanism_list":
            mechanisms = b"SCRAM-SHA-0\0" * 200_000 + mechanisms
        self.socket.sendall(backend("R", struct.pack("!i", 10) + mechanisms + b"\0"))
        self._scram(self.server.verifiers[user])

    def _scram(self, verifier: str) -> None:
        _, iterations_and_salt, keys = verifier.split("$")
        iterations, salt_text = iterations_and_salt.split(":")
        stored_key, server_key = (base64.b64decode(k) for k in keys.split(":"))
        body = self._read_message()
        client_first = body[body.index(b"\0") + 5:].decode()
        bare = client_first.split(",", 2)[2]
        client_nonce = bare.split("r=", 1)[1].split(",")[0]
        nonce = client_nonce + base64.b64encode(os.urandom(18)).decode()
        if self.fault in SCRAM_FIRST:
            suffix, salt, count = SCRAM_FIRST[self.fault]
            nonce = client_nonce + suffix
            salt_text = salt_text if salt is None else base64.b64encode(salt).decode()
            iterations = count or iterations
        if self.fault == "other_nonce":
            nonce = "x" * 40
        server_first = f"r={nonce},s={salt_text},i={iterations}"
        self.socket.sendall(backend("R", struct.pack("!i", 11) + server_first.encode()))
        final = self._read_message().decode()
        without_proof, proof = final.rsplit(",p=", 1)
        message = f"{bare},{server_first},{without_proof}".encode()
        client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), hmac.digest(stored_key, message, "sha256")))
        if hashlib.sha256(client_key).digest() != stored_key:
            self.socket.sendall(error_response(S="FATAL", V="FATAL", C="28P01", M="password authentication failed"))
            raise _Ended
        signature = hmac.digest(server_key, message, "sha256")
        if self.fault == "wrong_server_signature":
            signature = bytes(32)
        self.socket.sendall(backend("R", struct.pack("!i", 12) + b"v=" + base64.b64encode(signature)))

    def _relay(self, parameters: dict) -> None:
        """Between the gateway and the real server; the sign-in there is our own."""
        base: Endpoint = (self.server.cluster.superuser() if parameters["user"] == "postgres"
                          else self.server.cluster.endpoint())
        with wire.Connection(base) as upstream:
            upstream.start_tls()
            upstream.send_startup(parameters)
            offer = upstream.read_message()
            if offer.name == "AuthenticationSASL":
                upstream.answer_sasl(offer)
            pending = b""
            while not upstream.at_eof:
                if upstream.buffer:
                    self.socket.sendall(bytes(upstream.buffer))
                    upstream.buffer.clear()
                if not self.socket.pending():
                    select.select([self.socket, upstream.socket], [], [], 0.5)
                upstream.socket.setblocking(False)
                upstream.receive_available()
                pending = self._forward(upstream, pending)

    def _forward(self, upstream: wire.Connection, pending: bytes) -> bytes:
        """Whole frontend messages go on, or are answered as their text asks; returns what is left."""
        self.socket.setblocking(False)
        try:
            block = self.socket.recv(65536)
            if not block:
                raise _Ended
            self.server.received.append(block)
            pending += block
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        finally:
            self.socket.settimeout(60)
        while len(pending) >= 5 and len(pending) >= (length := struct.unpack("!I", pending[1:5])[0] + 1):
            message, pending = pending[:length], pending[length:]
            name = message.partition(b"hostile:")[2].split(b"*")[0].split(b"'")[0].decode().strip()
            if name in REPLIES:
                self._answer(REPLIES[name])
            else:
                upstream.send(message)
        return pending

    def _answer(self, parts: list) -> None:
        for part in parts:
            if part is None:
                raise _Ended
            self.socket.sendall(part)
