"""Client certificates: the gateway's own toward a server that asks for one (pg_hba.conf's cert and clientcert),
and those that clients must show the gateway."""
from __future__ import annotations

import itertools
import json
import shutil
import time

import psycopg
import pytest

import wire
from postgres import DATABASE, USER, USER_PASSWORD
from processes import wait_for

pytestmark = pytest.mark.gateway
_PASSWORD = "certificate pässword"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these options")


# ---- toward the server ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def certified(cluster):
    """Roles that the cluster lets in by certificate alone, and by certificate and password."""
    hba = cluster.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("hostssl all cert_alone 127.0.0.1/32 cert\n"
                   "hostssl all cert_too 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n" + before)
    cluster.admin("create role cert_alone login", f"create role cert_too login password '{_PASSWORD}'",
                  f"alter system set ssl_ca_file = '{cluster.certificates.ca_file}'", "select pg_reload_conf()")
    time.sleep(0.5)
    yield cluster
    hba.write_text(before)
    cluster.admin("alter system reset ssl_ca_file", "select pg_reload_conf()")


@pytest.fixture
def through(target, certified):
    """Makes the depot's login and returns the endpoint of a new identity that is granted it."""

    def make(login: str, *options: str, password: str | None = None):
        secret = ("--password-stdin",) if password else ("--no-password",)
        target.command("depot", "login", DATABASE, login, *secret, *options,
                       input=password + "\n" if password else None)
        name = f"certified{next(_numbers)}"
        target.command("identity", "create", name, "--password-stdin", input=_PASSWORD + "\n")
        target.command("grant", "add", "--depot", DATABASE, "--identity", name, "--login", login)
        return target.endpoint().replace(user=name, password=_PASSWORD)

    yield make
    for grant in json.loads(target.command("grant", "list", "--json").stdout):
        if grant["login"].startswith("cert_"):
            target.command("grant", "remove", grant["id"])
    for login in ("cert_alone", "cert_too"):
        target.command("depot", "login", DATABASE, login, "--delete", check=False)


def _files(cluster, name: str, authority: str = "ca") -> tuple[str, ...]:
    certificate, key = cluster.certificates.client(name, authority)
    return "--certificate-file", str(certificate), "--key-file", str(key)


def _refusal(endpoint) -> wire.SignInRefused | None:
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused as refusal:
        return refusal
    return None


_WHO = "select session_user || ' ' || client_dn from pg_stat_ssl where pid = pg_backend_pid()"


@pytest.mark.parametrize("login, password", [("cert_alone", None), ("cert_too", _PASSWORD)])
def test_the_gateway_signs_in_by_certificate(through, certified, login, password):
    endpoint = through(login, *_files(certified, login), password=password)
    wait_for(lambda: _refusal(endpoint) is None, 2, "a sign-in")
    with wire.sign_in(endpoint) as connection:
        assert connection.value(_WHO) == f"{login} /CN={login}"


@pytest.mark.parametrize("login, password, options", [
    ("cert_alone", None, ()),
    ("cert_too", _PASSWORD, ()),
    ("cert_too", "wrong", ("cert_too", "ca")),
    ("cert_alone", None, ("cert_too", "ca")),
    ("cert_alone", None, ("cert_alone", "other_ca")),
], ids=["none", "none beside the password", "wrong password", "another's", "of another authority"])
def test_without_the_right_certificate_the_server_refuses(through, certified, login, password, options):
    endpoint = through(login, *(_files(certified, *options) if options else ()), password=password)
    time.sleep(0.5)
    refusal = _refusal(endpoint)
    assert refusal is not None and refusal.sqlstate in ("08006", "57P03"), refusal


def test_a_new_certificate_is_taken_at_once(through, target, certified):
    endpoint = through("cert_alone", *_files(certified, "cert_alone", "other_ca"))
    wait_for(lambda: _refusal(endpoint).sqlstate in ("08006", "57P03"), 2, "a refusal by the server")
    target.command("depot", "login", DATABASE, "cert_alone", "--no-password", *_files(certified, "cert_alone"))
    wait_for(lambda: _refusal(endpoint) is None, 2, "a sign-in")
    target.command("depot", "login", DATABASE, "cert_alone", "--no-password")  # it stays
    time.sleep(0.5)
    assert _refusal(endpoint) is None
    target.command("depot", "login", DATABASE, "cert_alone", "--no-password", "--no-certificate")
    wait_for(lambda: _refusal(endpoint) is not None, 2, "a refusal")


def test_doctor_and_show_tell_of_the_certificate(through, target, certified):
    through("cert_alone", *_files(certified, "cert_alone"))
    through("cert_too", *_files(certified, "cert_too"), password=_PASSWORD)
    checks = {c["name"]: c for c in json.loads(
        target.command("doctor", "--depot", DATABASE, "--json", check=False).stdout)["checks"]}
    alone, too = (checks[f"depot.{DATABASE}.cert_{which}"] for which in ("alone", "too"))
    assert alone["ok"] and 'hostssl all "cert_alone" 127.0.0.1/32 cert\n' in alone["hint"], alone
    assert too["ok"] and '"cert_too" 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n' in too["hint"], too
    for login in ("cert_alone", "cert_too"):
        assert checks[f"depot.{DATABASE}.{login}.direct"]["ok"]
        expires = checks[f"depot.{DATABASE}.{login}.certificate"]
        assert not expires["ok"] and "depot login" in expires["hint"]  # these live for two days
    shown = target.command("depot", "show", DATABASE, "--json").stdout
    assert "CN=cert_alone" in shown and "PRIVATE" not in shown


def test_doctor_finds_a_login_that_needs_no_proof(through, target, certified):
    hba = certified.data / "pg_hba.conf"
    before = hba.read_text()
    through("cert_alone", *_files(certified, "cert_alone"))
    try:
        hba.write_text("hostssl all cert_alone 127.0.0.1/32 trust\n" + before)
        certified.admin("select pg_reload_conf()")
        time.sleep(0.5)
        answer = target.command("doctor", "--depot", DATABASE, "--json", check=False)
        check, = (c for c in json.loads(answer.stdout)["checks"] if c["name"].endswith("cert_alone.direct"))
        assert not check["ok"] and "without a password or a certificate" in check["detail"]
    finally:
        hba.write_text(before)
        certified.admin("select pg_reload_conf()")
        time.sleep(0.5)


def test_faulty_certificates_are_refused_when_they_are_set(target, cluster, folder):
    (good, key), (_, other) = cluster.certificates.client("a"), cluster.certificates.client("b")
    for certificate, private, words in ((good, other, "is not that of"), (key, key, "no PEM certificate"),
                                        (good, good, "no PEM private key"), (good, folder / "none", "cannot be read")):
        answer = target.command("depot", "login", DATABASE, "nobody", "--no-password", "--certificate-file",
                                str(certificate), "--key-file", str(private), check=False)
        assert answer.returncode != 0 and words in answer.stderr, answer
    assert "nobody" not in target.command("depot", "show", DATABASE, "--json").stdout


# ---- of clients -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def matching(target_name, folder, cluster):
    """A gateway whose clients must show a certificate in their own name."""
    import targets
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BARTIZAN_TLS_CLIENT_CA_FILE", str(cluster.certificates.ca_file))
        environment.setenv("BARTIZAN_TLS_MATCH_CLIENT_CERTIFICATE", "true")
        running = targets.start("bartizan", folder, cluster)
    yield running
    running.stop()


def _sign_in(endpoint, cluster, name: str | None, authority: str = "ca") -> str:
    """`in`, or why not."""
    extra = {}
    if name:
        certificate, key = cluster.certificates.client(name, authority)
        copy = key.with_suffix(".own")  # libpq wants it to be closed to others
        shutil.copy(key, copy)
        copy.chmod(0o600)
        extra = {"sslcert": str(certificate), "sslkey": str(copy)}
    else:
        extra = {"sslcert": "/nonexistent", "sslkey": "/nonexistent"}
    try:
        psycopg.connect(**endpoint.libpq(**extra)).close()
    except psycopg.OperationalError as error:
        return str(error)
    return "in"


def test_a_client_needs_a_certificate_in_its_own_name(matching, cluster):
    endpoint = matching.endpoint()
    wait_for(lambda: _sign_in(endpoint, cluster, USER) == "in", 3, "a sign-in")
    assert "certificate authentication failed" in _sign_in(endpoint, cluster, "somebody")
    # The certificate is asked before the password, so it helps nobody to guess one.
    wrong = endpoint.replace(password="wrong")
    assert "certificate authentication failed" in _sign_in(wrong, cluster, "somebody")
    assert "password authentication failed" in _sign_in(wrong, cluster, USER)
    for name, authority in ((None, "ca"), (USER, "other_ca")):
        said = _sign_in(endpoint, cluster, name, authority)
        assert said != "in" and ("certificate" in said or "unknown ca" in said or "SSL" in said), said
