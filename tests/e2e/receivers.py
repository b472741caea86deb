"""Peers that audit records are shipped to: Debian's rsyslogd (syslog over TLS, RELP over TLS), and an HTTPS server
that takes webhooks and OTLP/HTTP. Each can be stopped and started again with what it had."""
from __future__ import annotations

import http.server
import json
import shutil
import ssl
import threading
from pathlib import Path

from certificates import Certificates
from processes import Child, clean_environment, free_port, give, port_open, wait_for

_RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="256k" net.enableDNS="off"
       defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{cert}" defaultNetstreamDriverKeyFile="{key}")
template(name="as_it_came" type="string" string="%rawmsg%\\n")
ruleset(name="syslog") {{ action(type="omfile" file="{folder}/syslog" template="as_it_came") }}
ruleset(name="relp") {{ action(type="omfile" file="{folder}/relp" template="as_it_came") }}
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="{syslog_port}" address="127.0.0.1" ruleset="syslog")
module(load="imrelp" ruleset="relp")
input(type="imrelp" port="{relp_port}" address="127.0.0.1" maxDataSize="256k" tls="on" tls.caCert="{ca}" tls.myCert="{cert}"
      tls.myPrivKey="{key}" tls.authMode="certvalid")
"""


def rsyslogd() -> str | None:
    return shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")


class Rsyslog:
    """`lines(name)` is what it has written: of "syslog" or "relp", the messages as they came. RELP asks for a certificate
    of its authority; the tests' sender uses the one of `sender`."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.folder = folder
        folder.mkdir()
        give(folder)
        self.syslog_port, self.relp_port = free_port(), free_port()
        self.sender = certificates.client("sender")
        self._config = folder / "rsyslog.conf"
        self._config.write_text(_RSYSLOG.format(
            folder=folder, ca=certificates.ca_file, cert=certificates.server_cert, key=certificates.server_key,
            syslog_port=self.syslog_port, relp_port=self.relp_port))
        self.start()

    def start(self) -> None:
        self.child = Child([rsyslogd(), "-n", "-f", self._config, "-i", self.folder / "pid"], self.folder / "log",
                           unprivileged=True, env=clean_environment())
        wait_for(lambda: port_open(self.syslog_port) and port_open(self.relp_port), 20, "rsyslogd", step=0.1)

    def stop(self) -> None:
        self.child.stop()

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


class Https:
    """POSTs by path. `answers` is the status that it gives."""

    def __init__(self, certificates: Certificates) -> None:
        self.port = free_port()
        self.answers = 200
        self.posts: dict[str, list[tuple[dict, bytes]]] = {}
        self._certificates = certificates
        self._server: http.server.ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answers < 300:
                    receiver.posts.setdefault(self.path, []).append((dict(self.headers), body))
                self.send_response(receiver.answers)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.server_cert, self._certificates.server_key)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def webhook_records(self) -> list[dict]:
        return [json.loads(line) for _, body in self.posts.get("/hook", []) for line in body.splitlines()]

    def otlp_records(self) -> list[dict]:
        return [json.loads(entry["body"]["stringValue"]) for _, body in self.posts.get("/v1/logs", [])
                for resource in json.loads(body)["resourceLogs"] for scope in resource["scopeLogs"]
                for entry in scope["logRecords"]]
