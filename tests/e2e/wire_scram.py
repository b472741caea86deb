"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677, 5929), client side.

Every part of a message can be replaced by the caller, since hostile tests send wrong ones.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import os

_HASH_BY_SIGNATURE_OID = {  # DER content bytes of the certificate's signature algorithm
    bytes.fromhex("2a8648ce3d040302"): "sha256", bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512", bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384", bytes.fromhex("2a864886f70d01010d"): "sha512",
}


def _der_header(data: bytes, at: int) -> tuple[int, int]:
    """Start and end of the content of the DER element at `at`."""
    first = data[at + 1]
    if first < 0x80:
        return at + 2, at + 2 + first
    count = first & 0x7F
    length = int.from_bytes(data[at + 2:at + 2 + count], "big")
    return at + 2 + count, at + 2 + count + length


def tls_server_end_point(certificate: bytes) -> bytes:
    """RFC 5929 section 4.1: the certificate's hash under its own signature's hash function."""
    tbs_at, _ = _der_header(certificate, 0)
    _, tbs_end = _der_header(certificate, tbs_at)
    algorithm_at, _ = _der_header(certificate, tbs_end)
    oid_at, oid_end = _der_header(certificate, algorithm_at)
    name = _HASH_BY_SIGNATURE_OID.get(certificate[oid_at:oid_end], "sha256")
    return hashlib.new(name, certificate).digest()


class ScramClient:
    """One exchange. Order: first(), final(server_first), verify(server_final)."""

    def __init__(self, password: str, channel_binding: bytes | None = None, gs2_header: str | None = None,
                 nonce: str | None = None) -> None:
        self.password = password
        self.channel_binding = channel_binding
        default = "p=tls-server-end-point,," if channel_binding is not None else "n,,"
        self.gs2_header = default if gs2_header is None else gs2_header
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.first_bare = f"n=,r={self.nonce}"
        self.server_signature = b""
        self.salt = b""
        self.iterations = 0

    @property
    def mechanism(self) -> str:
        return "SCRAM-SHA-256" if self.channel_binding is None else "SCRAM-SHA-256-PLUS"

    def first(self) -> bytes:
        return (self.gs2_header + self.first_bare).encode()

    def final(self, server_first: bytes, **changes: str) -> bytes:
        """`changes` replaces attributes by name: c, r or p; the proof is computed over the changed text."""
        attributes = dict(part.split("=", 1) for part in server_first.decode().split(","))
        self.salt, self.iterations = base64.b64decode(attributes["s"]), int(attributes["i"])
        binding = self.gs2_header.encode() + (self.channel_binding or b"")
        bound = changes.get("c", base64.b64encode(binding).decode())
        without_proof = f"c={bound},r={changes.get('r', attributes['r'])}"
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), self.salt, self.iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        message = f"{self.first_bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        return f"{without_proof},p={changes.get('p', base64.b64encode(proof).decode())}".encode()

    def verify(self, server_final: bytes) -> None:
        if server_final != b"v=" + base64.b64encode(self.server_signature):
            raise ValueError("the server's SCRAM signature is wrong: it does not know the password")
