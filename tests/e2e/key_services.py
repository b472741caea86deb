"""Key services of customers, as far as Bartizan speaks with them: the transit engine of Vault and OpenBao, and AWS KMS.

Small and strict: what a real one would refuse is refused here. Each can be told to refuse, to be silent (the
connection is cut) and to be well again."""
from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import re
import secrets
import ssl
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certificates import Certificates


class Refused(Exception):
    def __init__(self, status: int, body: dict) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class _Service:
    def __init__(self, certificates: Certificates) -> None:
        service = self
        self.mood = "well"
        self.asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if service.mood == "silent":
                    self.close_connection = True
                    self.connection.close()
                    return
                try:
                    status, answer = 200, service.answer(self.path, self.headers, body)
                except Refused as refused:
                    status, answer = refused.status, refused.body
                payload = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_args) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server_cert, certificates.server_key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, headers, body: bytes) -> dict:
        raise NotImplementedError

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Transit(_Service):
    """POST /v1/transit/{encrypt,decrypt}/KEY by the token; a key of AEAD in versions."""

    def __init__(self, certificates: Certificates) -> None:
        self.token = "hvs." + secrets.token_urlsafe(24)
        self.keys: dict[str, list[bytes]] = {"bartizan": [secrets.token_bytes(32)]}
        super().__init__(certificates)

    def rotate(self) -> None:
        self.keys["bartizan"].append(secrets.token_bytes(32))

    def answer(self, path: str, headers, body: bytes) -> dict:
        what, key = re.fullmatch(r"/v1/transit/(encrypt|decrypt)/([a-z]+)", path).groups()
        self.asked.append(what)
        if headers["X-Vault-Token"] != self.token or self.mood == "refuses":
            raise Refused(403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
        if key not in self.keys:
            raise Refused(400, {"errors": ["encryption key not found"]})
        versions, given = self.keys[key], json.loads(body)
        place = base64.b64decode(given["associated_data"], validate=True)
        if what == "encrypt":
            nonce = secrets.token_bytes(12)
            sealed = AESGCM(versions[-1]).encrypt(nonce, base64.b64decode(given["plaintext"], validate=True), place)
            text = base64.b64encode(nonce + sealed).decode()
            return {"data": {"ciphertext": f"vault:v{len(versions)}:{text}", "key_version": len(versions)}}
        _, version, text = given["ciphertext"].split(":")
        raw = base64.b64decode(text)
        try:
            opened = AESGCM(versions[int(version[1:]) - 1]).decrypt(raw[:12], raw[12:], place)
        except InvalidTag:
            raise Refused(400, {"errors": ["cipher: message authentication failed"]}) from None
        return {"data": {"plaintext": base64.b64encode(opened).decode()}}


class Kms(_Service):
    """TrentService.Encrypt and Decrypt, the signature of each request checked."""

    access_key, secret_key, region, key = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-test-1", "alias/bartizan"

    def __init__(self, certificates: Certificates) -> None:
        self._material = secrets.token_bytes(32)
        super().__init__(certificates)

    def answer(self, path: str, headers, body: bytes) -> dict:
        operation = headers["X-Amz-Target"].removeprefix("TrentService.")
        self.asked.append(operation)
        self._check_signature(path, headers, body)
        if self.mood == "refuses":
            raise Refused(400, {"__type": "DisabledException", "message": f"{self.key} is disabled."})
        given = json.loads(body)
        if given["KeyId"] != self.key:
            raise Refused(400, {"__type": "NotFoundException"})
        place = json.dumps(given["EncryptionContext"], sort_keys=True).encode()
        if operation == "Encrypt":
            nonce = secrets.token_bytes(12)
            sealed = AESGCM(self._material).encrypt(nonce, base64.b64decode(given["Plaintext"], validate=True), place)
            return {"CiphertextBlob": base64.b64encode(nonce + sealed).decode(), "KeyId": self.key}
        raw = base64.b64decode(given["CiphertextBlob"], validate=True)
        try:
            opened = AESGCM(self._material).decrypt(raw[:12], raw[12:], place)
        except InvalidTag:
            raise Refused(400, {"__type": "InvalidCiphertextException"}) from None
        return {"Plaintext": base64.b64encode(opened).decode(), "KeyId": self.key}

    def _check_signature(self, path: str, headers, body: bytes) -> None:
        stated = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                              r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", headers["Authorization"])
        access, date, region, service, names, signature = stated.groups()
        assert {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(names.split(";"))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{date}/{region}/{service}/aws4_request"
        to_sign = (f"AWS4-HMAC-SHA256\n{headers['X-Amz-Date']}\n{scope}\n"
                   f"{hashlib.sha256(canonical.encode()).hexdigest()}")
        key = b"AWS4" + self.secret_key.encode()
        for part in (date, region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        mine = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        if (access, region, service) != (self.access_key, self.region, "kms") or mine != signature:
            raise Refused(400, {"__type": "InvalidSignatureException"})
