"""Root keys that customers hold: a PKCS #11 token, Vault's transit engine, AWS KMS. What they refuse goes dark."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import psycopg
import pytest

import bartizan
from certificates import Certificates
from encrypted import Encrypted
from key_services import Kms, Transit
from processes import Child, clean_environment, wait_for

pytestmark = pytest.mark.gateway

CHECK, OUTAGE = 1, 4
_MODULE = next((path for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                  "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so") if os.path.exists(path)), None)


@pytest.fixture(scope="module")
def world():
    one = Encrypted(tenants=True)
    # The gateway's environment names the token's folder: started again with it.
    (one.folder / "tokens").mkdir()
    (one.folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {one.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    one.gateway.stop()
    _start(one)
    one.command("setting", "set", "keys.check_seconds", str(CHECK))
    one.command("setting", "set", "keys.outage_seconds", str(OUTAGE))
    with one.connect(autocommit=True) as owner:
        owner.execute("create table held (id int primary key, v text)")
    one.encrypt("public.held.v", "--per-tenant")
    with one.connect("ana@north", autocommit=True) as north, one.connect("ana@lake", autocommit=True) as lake:
        north.execute("insert into held values (1, 'of north')")
        lake.execute("insert into held values (2, 'of lake')")
    yield one
    one.stop()


def _start(world) -> None:
    gateway = world.gateway
    gateway.child = Child([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"],
                          world.folder / "up-again.log",
                          env=clean_environment(SOFTHSM2_CONF=str(world.folder / "softhsm2.conf")))
    gateway.state = wait_for(gateway._serving, 120, "bartizan up", step=0.2)


@pytest.fixture(scope="module")
def certificates(world):
    folder = world.folder / "certificates"
    folder.mkdir()
    return Certificates(folder)


def _secret(world, name: str, text: str) -> str:
    path = world.folder / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def is_dark(error: psycopg.Error) -> bool:
    """Refused, or the session ended over a cell. libpq has no code for the latter when it meets the end of the
    connection in the same read."""
    return error.sqlstate in ("42501", "XX001") or "an encrypted value does not open" in str(error)


def readable(world, name: str = "ana@north", row: int = 1) -> bool:
    try:
        with world.connect(name, autocommit=True) as connection:
            return len(connection.execute("select v from held where id = %s", (row,)).fetchall()) == 1
    except psycopg.Error as error:
        assert is_dark(error), error
        return False


def dark_within(world, seconds: float) -> float:
    began = time.monotonic()
    wait_for(lambda: not readable(world), seconds, "the data to go dark", step=0.1)
    return time.monotonic() - began


def give(world, address: str) -> None:
    world.command("key", "create", "--tenant", "north", "--provider", address)
    with world.connect("ana@north", autocommit=True) as north:
        assert north.execute("select v from held where id = 1").fetchall() == [("of north",)]
        north.execute("insert into held values (3, 'new') on conflict (id) do nothing")
    roots = {key["root"].split(":")[0] for key in json.loads(world.command("key", "list", "--json").stdout)
             if key["owner"] == "tenant north" and key["state"] != "destroyed"}
    assert roots == {address.split(":")[0]}


def take_back(world) -> None:
    world.command("key", "create", "--tenant", "north", "--provider", "file")
    assert readable(world)


def _services(world, certificates, service):
    if isinstance(service, Transit):
        token = _secret(world, "transit.token", service.token + "\n")
        return (f"vault:https://localhost:{service.port}/transit/bartizan?token-file={token}"
                f"&ca-file={certificates.ca_file}")
    credentials = _secret(world, "kms.credentials", f"[default]\naws_access_key_id = {service.access_key}\n"
                                                    f"aws_secret_access_key = {service.secret_key}\n")
    return (f"aws-kms:https://localhost:{service.port}/{service.key}?region={service.region}"
            f"&credentials-file={credentials}&ca-file={certificates.ca_file}")


@pytest.mark.parametrize("kind", [Transit, Kms])
def test_what_a_customers_key_service_refuses_goes_dark_and_comes_back(world, certificates, kind):
    service = kind(certificates)
    try:
        give(world, _services(world, certificates, service))
        service.mood = "refuses"
        dark_within(world, CHECK + 3)
        assert readable(world, "ana@lake", 2), "another tenant's data stays"
        held_back = [key for key in json.loads(world.command("key", "status", "--json").stdout)
                     if key["owner"] == "tenant north" and key["state"] == "active"]
        assert held_back and all(key["use"].startswith("held back") for key in held_back)
        service.mood = "well"
        wait_for(lambda: readable(world), CHECK + 3, "the data to come back", step=0.1)
        if kind is Kms:  # the rest is the same for every service
            take_back(world)
            return
        # Silence is borne for a time, and then no longer.
        began = time.monotonic()
        service.mood = "silent"
        took = dark_within(world, OUTAGE + CHECK + 4)
        assert took > (OUTAGE - CHECK) / 2, "an outage of a moment is to be borne"
        assert time.monotonic() - began < OUTAGE + CHECK + 4
        # And at a start, without the service, nothing is open.
        world.gateway.stop()
        _start(world)
        assert not readable(world) and readable(world, "ana@lake", 2)
        service.mood = "well"
        wait_for(lambda: readable(world), CHECK + 3, "the data to come back", step=0.1)
        service.rotate()
        world.command("key", "rotate", "--tenant", "north")
        assert readable(world)
        take_back(world)
    finally:
        service.stop()


def test_a_refusal_waits_for_no_server(world, certificates):
    """A server that answers its sessions and takes no new ones: what is refused goes dark for those all the same."""
    service = Transit(certificates)
    postmaster = int(next((world.data / "postgres").rglob("postmaster.pid")).read_text().split()[0])
    try:
        give(world, _services(world, certificates, service))
        with world.connect("ana@north", autocommit=True) as north:
            assert north.execute("select v from held where id = 1").fetchall() == [("of north",)]
            os.kill(postmaster, signal.SIGSTOP)
            try:
                assert north.execute("select v from held where id = 1").fetchall() == [("of north",)]
                service.mood = "refuses"
                def goes_dark() -> bool:
                    try:
                        north.execute("select v from held where id = 1")
                        return False
                    except psycopg.Error as error:
                        assert is_dark(error), error
                        return True
                wait_for(goes_dark, CHECK + 3, "the open session's data to go dark", step=0.1)
            finally:
                os.kill(postmaster, signal.SIGCONT)
        service.mood = "well"
        wait_for(lambda: readable(world), CHECK + 3, "the data to come back", step=0.1)
        take_back(world)
    finally:
        service.stop()


def test_a_service_that_is_not_the_customers_is_not_asked(world, certificates):
    service = Transit(certificates)
    try:
        address = _services(world, certificates, service)
        stranger = address.replace(str(certificates.ca_file), str(certificates.other_ca_file))
        refused = world.command("key", "create", "--tenant", "north", "--provider", stranger, check=False)
        assert refused.returncode != 0 and service.asked == []
        by_other_name = address.replace("localhost", "127.0.0.2")
        assert world.command("key", "create", "--tenant", "north", "--provider", by_other_name, check=False).returncode != 0
        assert service.asked == []
        _secret(world, "transit.token", "hvs.wrong\n")
        refused = world.command("key", "create", "--tenant", "north", "--provider", address, check=False)
        assert refused.returncode != 0 and "refuses" in refused.stdout + refused.stderr
        assert readable(world), "what did not succeed has changed nothing"
    finally:
        service.stop()


@pytest.mark.skipif(_MODULE is None or shutil.which("softhsm2-util") is None, reason="Debian package softhsm2 is not installed")
def test_a_token_of_the_customers(world):
    environment = clean_environment(SOFTHSM2_CONF=str(world.folder / "softhsm2.conf"))
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "north", "--so-pin", "5678", "--pin", "1234"],
                   env=environment, check=True, capture_output=True)
    world.gateway.stop()  # a module finds tokens that are new at its start
    _start(world)
    pin = _secret(world, "north.pin", "1234\n")
    give(world, f"pkcs11:token=north;object=bartizan?module-path={_MODULE}&pin-source=file:{pin}")
    world.gateway.stop()
    _start(world)
    assert readable(world)
    # The customer takes the key out of the token.
    tokens = world.folder / "tokens"
    kept = world.folder / "tokens-kept"
    shutil.copytree(tokens, kept)
    for file in tokens.rglob("*.object"):
        if not file.name.startswith("token"):
            file.unlink()
    dark_within(world, CHECK + 4)
    assert readable(world, "ana@lake", 2)
