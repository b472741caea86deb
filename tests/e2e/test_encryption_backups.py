"""Keys that were destroyed stay so: for backups of the databases, and for older copies of the key store. The
certificate of it, and keys that are only revoked."""
from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import bartizan
from encrypted import DEPOT, Encrypted
from processes import Child, clean_environment, wait_for

pytestmark = pytest.mark.gateway

CANARY = "canary-7f31-of-lake"


@pytest.fixture(scope="module")
def world():
    one = Encrypted(tenants=True)
    with one.connect(autocommit=True) as owner:
        owner.execute("create table patients (id int primary key, name text, secret text)")
    one.encrypt("public.patients.secret", "--per-tenant", "--search")
    with one.connect("ana@lake", autocommit=True) as lake, one.connect("ana@north", autocommit=True) as north:
        lake.execute("insert into patients values (1, 'L', %s)", (CANARY,))
        north.execute("insert into patients values (2, 'N', 'stays')")
    yield one
    one.stop()


def start(world) -> None:
    gateway = world.gateway
    gateway.child = Child([bartizan.program(), "up", "--data", gateway.data, "--port", str(gateway.port), "--no-demo"],
                          world.folder / "up-again.log", env=clean_environment())
    gateway.state = wait_for(gateway._serving, 120, "bartizan up", step=0.2)


def secret_of(world, name: str, row: int):
    with world.connect(name, autocommit=True) as connection:
        return connection.execute("select secret from patients where id = %s", (row,)).fetchall()


def is_dark(world) -> None:
    for text, parameters in (("select secret from patients where id = 1", None),
                             ("select secret from patients where secret = %s", (CANARY,)),
                             ("insert into patients values (9, 'L', 'again')", None)):
        with world.connect("ana@lake", autocommit=True) as lake, pytest.raises(psycopg.Error) as refused:
            lake.execute(text, parameters)
        assert refused.value.sqlstate in ("42501", "XX001"), refused.value
    assert secret_of(world, "ana@north", 2) == [("stays",)]


def _pg(world, program: str, *arguments: str) -> bytes:
    folder = world.data / "postgres"
    socket = next(path for path in sorted((folder / "run").glob(".s.PGSQL.*")) if not path.name.endswith(".lock"))
    environment = clean_environment(PGPASSWORD=(folder / "secrets" / "superuser.password").read_text().strip(),
                                    PGHOST=str(socket.parent), PGPORT=socket.name.rsplit(".", 1)[1], PGUSER="postgres")
    binary = os.path.join(os.environ.get("BARTIZAN_PG_BIN", "/usr/lib/postgresql/15/bin"), program)
    done = subprocess.run([binary, *arguments], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


# In their order: revocation first, then destruction, then what was kept of before.

def test_revoked_keys_are_dark_at_once_and_come_back(world):
    lake = world.connect("ana@lake", autocommit=True)
    lake.execute("prepare later as select secret from patients where id = 1")
    assert lake.execute("execute later").fetchall() == [(CANARY,)]
    copying = world.connect("ana@lake", autocommit=True)
    began = time.monotonic()
    with copying.cursor() as cursor:
        with pytest.raises(psycopg.Error) as cut:
            with cursor.copy("copy patients from stdin") as copy:
                copy.write_row((50, "L", "before"))
                time.sleep(0.2)
                world.command("key", "revoke", "--tenant", "lake", "--reason", "invoice 17")
                took = time.monotonic() - began
                for number in range(51, 2000):
                    copy.write_row((number, "L", "after " * 20))
                    time.sleep(0.001)
    assert "no key" in str(cut.value)
    assert took < 10
    for text in ("execute later", "select secret from patients where id = 1"):
        with pytest.raises(psycopg.Error) as refused:
            if lake.closed:
                lake = world.connect("ana@lake", autocommit=True)
            lake.execute(text)
        assert refused.value.sqlstate in ("42501", "XX001"), refused.value
    is_dark(world)
    assert world.command("key", "revoke", "--tenant", "lake", "--reason", "twice", check=False).returncode != 0
    assert {key["use"] for key in json.loads(world.command("key", "status", "--json").stdout)
            if key["owner"] == "tenant lake"} == {"revoked"}
    world.gateway.stop()
    start(world)
    is_dark(world)
    world.command("key", "reinstate", "--tenant", "lake")
    assert secret_of(world, "ana@lake", 1) == [(CANARY,)]
    assert world.command("key", "reinstate", "--tenant", "lake", check=False).returncode != 0


@pytest.fixture(scope="module")
def destroyed(world):
    """Backups of everything from before, by kind, and what destroying the keys has answered."""
    kept = world.folder / "kept"
    kept.mkdir()
    (kept / "crm.sql").write_bytes(_pg(world, "pg_dump", "--table", "patients", "--clean", "--if-exists", DEPOT))
    assert CANARY.encode() not in (kept / "crm.sql").read_bytes()
    _pg(world, "pg_basebackup", "--pgdata", str(kept / "base"), "--checkpoint", "fast", "--wal-method", "stream")
    world.gateway.stop()
    subprocess.run(["cp", "-a", world.data / "postgres", kept / "cluster"], check=True)
    subprocess.run(["cp", "-a", world.data / "keys", kept / "keys"], check=True)
    start(world)
    answer = json.loads(world.command("key", "destroy", "--tenant", "lake", "--reason", "contract ended", "--irrevocably",
                                      "--json").stdout)
    return kept, answer


def test_the_certificate_says_what_when_and_by_whom_and_verifies(world, destroyed):
    _, answer = destroyed
    text, _, signatures = answer["certificate"].partition("\n\n")
    text += "\n"
    lines = text.splitlines()
    assert lines[0] == "bartizan key destruction 1"
    assert any(line.startswith("owner tenant ") for line in lines)
    assert any(line.startswith("authority os:") and "contract ended" in line for line in lines)
    assert any(line.startswith("time 20") for line in lines)
    gone = {key["key"] for key in answer["keys"]}
    assert {int(line.split()[1]) for line in lines if line.startswith("key ")} == gone and len(gone) == 2
    assert {key["state"] for key in answer["keys"]} == {"destroyed"}
    # A signed note (C2SP): name+id+key, and lines "— name base64(id || signature)".
    name, key_id, encoded = answer["verifier"].split("+", 2)
    public = base64.b64decode(encoded)
    dash, signer, signature = signatures.split("\n")[0].split(" ")
    raw = base64.b64decode(signature)
    assert (dash, signer, raw[:4].hex()) == ("—", name, key_id) and public[0] == 1
    key = Ed25519PublicKey.from_public_bytes(public[1:])
    key.verify(raw[4:], text.encode())
    with pytest.raises(Exception):
        key.verify(raw[4:], text.replace("contract ended", "contract kept").encode())
    files = list((world.data / "keys" / "certificates").glob("*.txt"))
    assert [file.read_text() for file in files] == [answer["certificate"]]
    again = world.command("key", "destroy", "--tenant", "lake", "--reason", "again", "--irrevocably", check=False)
    assert again.returncode != 0


def test_a_dump_of_before_is_unreadable(world, destroyed):
    kept, _ = destroyed
    is_dark(world)
    _pg(world, "psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", str(kept / "crm.sql"), DEPOT)
    wait_for(lambda: not world.columns()[0]["error"], 20, "the table to be known again", step=0.3)
    is_dark(world)


@pytest.mark.parametrize("what", ["keyrings", "keys"])
def test_an_older_key_store_revives_nothing(world, destroyed, what):
    """The keyrings alone, then all of the key store: the control database knows what is destroyed."""
    kept, _ = destroyed
    world.gateway.stop()
    for file in (kept / "keys").rglob("*"):
        part = file.relative_to(kept / "keys")
        if file.is_file() and (what == "keys" or part.parts[0] == "keyrings"):
            shutil.copy2(file, world.data / "keys" / part)
    start(world)
    states = {key["state"] for key in json.loads(world.command("key", "status", "--json").stdout)
              if key["owner"] == "tenant lake"}
    assert states == {"destroyed"}
    with world.connect("ana@lake", autocommit=True) as lake, pytest.raises(psycopg.Error) as refused:
        lake.execute("select secret from patients where id = 1")
    assert refused.value.sqlstate in ("42501", "XX001")
    if what == "keys":
        assert secret_of(world, "ana@north", 2) == [("stays",)]


def test_a_copy_of_the_whole_cluster_of_before_is_unreadable(world, destroyed):
    """Control database and all: the tombstones stand in the key store."""
    kept, _ = destroyed
    world.gateway.stop()
    shutil.rmtree(world.data / "postgres")
    subprocess.run(["cp", "-a", kept / "cluster", world.data / "postgres"], check=True)
    start(world)
    is_dark(world)


def test_a_base_backup_of_before_is_unreadable(world, destroyed):
    """By pg_basebackup of the running server, restored in the cluster's place."""
    kept, _ = destroyed
    assert not any(CANARY.encode() in file.read_bytes() for file in (kept / "base").rglob("*") if file.is_file())
    world.gateway.stop()
    cluster = world.data / "postgres" / "pgdata"
    owner = cluster.stat()
    shutil.rmtree(cluster)
    subprocess.run(["cp", "-a", kept / "base", cluster], check=True)
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", cluster], check=True)
    start(world)
    with world.direct() as direct:  # the cell itself is back
        assert direct.execute("select octet_length(secret) from patients where id = 1").fetchone()[0] > 64
    is_dark(world)
