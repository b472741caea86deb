"""A throw-away CA and a server certificate for localhost, made with the openssl program."""
from __future__ import annotations

from pathlib import Path

from processes import give, run


class Certificates:
    """Files of one CA: ca_file, server_cert, server_key, and other_ca_file, which signed none of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_file, ca_key = self._authority("ca")
        self.other_ca_file, _ = self._authority("other_ca")
        self.server_cert = folder / "server.crt"
        self.server_key = folder / "server.key"
        request, extensions = folder / "server.csr", folder / "server.ext"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n"
                              "extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        self._key(self.server_key)
        run(["openssl", "req", "-new", "-key", self.server_key, "-subj", "/CN=localhost", "-out", request])
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", ca_key, "-days", "2",
             "-CAcreateserial", "-sha256", "-extfile", extensions, "-out", self.server_cert])
        self.server_key.chmod(0o600)
        give(self.server_key)
        give(self.server_cert)

    def client(self, name: str, authority: str = "ca", stem: str | None = None) -> tuple[Path, Path]:
        """The files of a client certificate for the common name `name`, and of its key."""
        stem = stem or f"client_{name}_{authority}"
        key, certificate, request = (self.folder / f"{stem}.{suffix}" for suffix in ("key", "crt", "csr"))
        self._key(key)
        run(["openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request])
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.folder / f"{authority}.crt", "-CAkey",
             self.folder / f"{authority}.key", "-days", "2", "-CAcreateserial", "-sha256", "-out", certificate])
        key.chmod(0o600)
        for file in (key, certificate):
            give(file)
        return certificate, key

    def _key(self, path: Path) -> None:
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path])

    def _authority(self, stem: str) -> tuple[Path, Path]:
        key, certificate = self.folder / f"{stem}.key", self.folder / f"{stem}.crt"
        self._key(key)
        run(["openssl", "req", "-x509", "-new", "-key", key, "-subj", f"/CN=bartizan test {stem}", "-days", "2",
             "-sha256", "-out", certificate])
        return certificate, key
