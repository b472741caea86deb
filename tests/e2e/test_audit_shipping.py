"""Records on their way to SIEMs: rsyslogd over TLS and RELP, webhook and OTLP/HTTP receive every record, also after
outages of theirs and a restart of ours, and nobody without the right certificate receives any."""
from __future__ import annotations

import hashlib
import hmac
import json
import re
import time

import pytest

import audit_records
import receivers
import wire
from postgres import DATABASE
from processes import give, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(180)]

_SECRET = "a secret of more than sixteen bytes"
_TOKEN = "token-of-the-collector"
_SYSLOG = re.compile(r"<(\d+)>1 (\S+Z) (\S+) bartizan - (\w+) - (.*)", re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def _private(folder, name: str, text: str):
    file = folder / name
    file.write_text(text)
    file.chmod(0o600)
    give(file)
    return file


@pytest.fixture
def https(cluster):
    server = receivers.Https(cluster.certificates)
    yield server
    server.stop()


@pytest.fixture
def rsyslog(folder, cluster):
    if not receivers.rsyslogd():
        pytest.skip("rsyslog is not installed (packages rsyslog, rsyslog-relp, rsyslog-openssl)")
    daemon = receivers.Rsyslog(folder / f"rsyslog-{time.monotonic_ns()}", cluster.certificates)
    yield daemon
    daemon.stop()


def _http_sections(folder, cluster, https) -> str:
    secret = _private(folder, "hook.secret", _SECRET + "\n")
    headers = _private(folder, "otlp.headers", f"Authorization: Bearer {_TOKEN}\n")
    return (f'\n[ship_webhook]\nurl = "https://localhost:{https.port}/hook"\nca_file = "{cluster.certificates.ca_file}"\n'
            f'secret_file = "{secret}"\n'
            f'[ship_otlp]\nurl = "https://127.0.0.1:{https.port}/v1/logs"\nca_file = "{cluster.certificates.ca_file}"\n'
            f'headers_file = "{headers}"\n')


def _message_sections(cluster, rsyslog, syslog: str = "", relp: str = "") -> str:
    ca = f'ca_file = "{cluster.certificates.ca_file}"\n'
    certificate, key = rsyslog.sender
    relp += f'certificate_file = "{certificate}"\nprivate_key_file = "{key}"\n'
    return (f'\n[ship_syslog]\naddress = "localhost:{rsyslog.syslog_port}"\n{ca}{syslog}'
            f'[ship_relp]\naddress = "127.0.0.1:{rsyslog.relp_port}"\n{ca}{relp}')


def _work(target, statements: int) -> None:
    with wire.sign_in(target.endpoint()) as connection:
        for _ in range(statements):
            connection.query("select 1")


def _recorded(target) -> set[int]:
    return {record["ticket"] for record in audit_records.records(target.audit_folder)}


def _parts(line: str) -> tuple:
    found = _SYSLOG.fullmatch(line)
    assert found, line
    return found.groups()


def _syslog_uids(rsyslog, name: str) -> set[int]:
    return {int(json.loads(_parts(line)[4])["metadata"]["uid"]) for line in rsyslog.lines(name)}


def _shipping(target) -> dict[str, dict]:
    return {sink["sink"]: sink for sink in json.loads(target.command("status", "--json").stdout)["audit"]["shipping"]}


def test_every_peer_receives_everything_after_outages(start_target, folder, cluster, rsyslog, https):
    target = start_target(audit=_http_sections(folder, cluster, https) + _message_sections(cluster, rsyslog))

    def received() -> dict[str, set[int]]:
        return {"syslog": _syslog_uids(rsyslog, "syslog"), "relp": _syslog_uids(rsyslog, "relp"),
                "webhook": {int(r["metadata"]["uid"]) for r in https.webhook_records()},
                "otlp": {int(r["metadata"]["uid"]) for r in https.otlp_records()}}

    def all_have(uids: set[int]):
        wait_for(lambda: all(got >= uids for got in received().values()), 60,
                 "every peer to have every record", step=0.3)

    _work(target, 300)
    wait_for(lambda: len(_recorded(target)) > 300, 10, "checkpoints")
    all_have(_recorded(target))
    # Both are away, one that refuses connections and one that refuses requests; statements go on.
    rsyslog.stop()
    https.answers = 503
    _work(target, 300)
    wait_for(lambda: all(not sink["connected"] and sink["failures"] and sink["error"]
                         for sink in _shipping(target).values()), 30, "the outages to be seen", step=0.3)
    assert "audit shipping" in target.command("doctor", check=False).stdout
    # And what is waiting then outlives a restart of ours.
    target.stop()
    target.start()
    _work(target, 50)
    wait_for(lambda: all(sink["lag_seconds"] >= 1 for sink in _shipping(target).values()), 20, "lag to be told", step=0.3)
    rsyslog.start()
    https.answers = 200
    wait_for(lambda: len(_recorded(target)) > 650, 10, "checkpoints")
    everything = _recorded(target)
    all_have(everything)
    wait_for(lambda: all(sink["connected"] and sink["lag_seconds"] == 0 and sink["dropped"] == 0
                         for sink in _shipping(target).values()), 30, "the status to say so", step=0.3)
    # Each body is the leaf itself.
    leaves = {entry.decode() for tree in (target.audit_folder / "tree").glob("*")
              for entry in audit_records.entries(tree)}
    assert all(_parts(line)[4] in leaves for name in ("syslog", "relp") for line in rsyslog.lines(name))
    assert all(line.decode() in leaves for _, body in https.posts["/hook"] for line in body.splitlines())
    priorities = {_parts(line)[0] for line in rsyslog.lines("relp")}
    assert "110" in priorities and priorities <= {"107", "108", "110"}
    for headers, body in https.posts["/hook"]:
        stamp, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["X-Bartizan-Signature"]).groups()
        expected = hmac.new(_SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert signature == expected and abs(int(stamp) - time.time()) < 300
    assert {headers["Authorization"] for headers, _ in https.posts["/v1/logs"]} == {f"Bearer {_TOKEN}"}
    # No secret is told anywhere.
    told = target.child.log_text() + target.command("status", "--json").stdout
    assert _SECRET not in told and _TOKEN not in told


def test_cef_bodies(start_target, cluster, rsyslog):
    target = start_target(audit=_message_sections(cluster, rsyslog, "cef = true\n", "cef = true\n"))
    _work(target, 3)
    for name in ("syslog", "relp"):
        wait_for(lambda: any("|SELECT|3|" in line for line in rsyslog.lines(name)), 30, f"CEF over {name}", step=0.3)
        line = next(line for line in rsyslog.lines(name) if "|SELECT|3|" in line)
        body = _parts(line)[4]
        assert body.startswith("CEF:0|Bartizan|Bartizan|1|statement|SELECT|3|rt=") and f"cs2={DATABASE} cs2Label=depot" in body


def test_nobody_but_the_receiver_gets_records(start_target, folder, cluster, rsyslog, https):
    """A certificate of another authority, or of another name: nothing is sent, and the status says why."""
    wrong = str(cluster.certificates.other_ca_file)
    right = str(cluster.certificates.ca_file)
    sections = (_http_sections(folder, cluster, https) + _message_sections(cluster, rsyslog)).replace(right, wrong)
    target = start_target(audit=sections)
    _work(target, 3)
    wait_for(lambda: all("certificate" in (sink["error"] or "") for sink in _shipping(target).values()), 30,
             "the refusals", step=0.3)
    assert not rsyslog.lines("syslog") and not rsyslog.lines("relp") and not https.posts


def test_secrets_that_others_can_read_stop_the_start(start_target, folder, cluster, https):
    sections = _http_sections(folder, cluster, https)
    (folder / "hook.secret").chmod(0o644)
    with pytest.raises(RuntimeError, match="mode must be 0600"):
        start_target(audit=sections)
