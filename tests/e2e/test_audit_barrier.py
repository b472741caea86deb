"""The audit barrier from outside: whatever a client has seen has a durable record, whatever has no record did not
happen, and a log that can't be written refuses clearly and recovers by itself."""
from __future__ import annotations

import collections
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import audit_records
import bartizan
import wire
import wire_messages as m
from postgres import DATABASE, USER, USER_PASSWORD
from processes import clean_environment, give, run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(240)]

_TABLES = 40  # more than a client's statements in flight, so that a lost record is not made up for by a later one
_CLIENTS = 8


@pytest.fixture(scope="module", autouse=True)
def _bartizan_only(target_name):
    if target_name != "bartizan":
        pytest.skip("the audit log is Bartizan's")


def verify(target) -> str:
    """What bartizan-verify says of the target's log; it must be sound."""
    done = run([bartizan.program().parent / "bartizan-verify", "log", "--key", target.audit_key, target.audit_folder],
               check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rows(cluster, sql: str) -> list[tuple]:
    """Past the gateway."""
    with wire.sign_in(cluster.superuser(DATABASE)) as connection:
        return [tuple(field.decode() for field in reply.fields) for reply in connection.query(sql)
                if reply.name == "DataRow"]


# ---- kill -9 ----------------------------------------------------------------------------------------------

class Witness(threading.Thread):
    """One client under its own identity, for one life of the gateway: reads and writes, table after table, and
    counts what it has been told. `read` and `written` go on over all lives."""

    def __init__(self, endpoint, number: int, step: int, seen: collections.Counter) -> None:
        super().__init__()
        self.endpoint = endpoint.replace(user=f"witness_{number}", password=USER_PASSWORD)
        self.number, self.step, self.seen, self.faults = number, step, seen, []

    def run(self) -> None:
        try:
            with wire.sign_in(self.endpoint) as connection:
                self.seen["sign_in"] += 1
                while True:
                    self.step += 1
                    table = f"barrier_{self.step % _TABLES}"
                    if self.step % 3 == 0:
                        answer = connection.query(f"insert into {table} values ({self.number})")
                    else:
                        answer = connection.query(f"select 1 from {table} limit 1")
                    if any(message.name == "ErrorResponse" for message in answer):
                        self.faults.append(str(answer))
                        return
                    self.seen[("INSERT" if self.step % 3 == 0 else "SELECT", table)] += 1
        except (wire.Eof, OSError, wire.SignInRefused):
            return


def _events(target) -> dict[str, collections.Counter]:
    """By identity: how often (tag, table), and sign-ins."""
    found: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for record in audit_records.records(target.audit_folder):
        if record["event"] == "sign_in" and record["status"] == "ok":
            found[record["identity"]]["sign_in"] += 1
        for relation in record.get("relations", []):
            found[record["identity"]][(record["tag"], relation["name"])] += 1
    return found


def _kill_rounds(target, cluster, rounds: int) -> None:
    cluster.admin(";".join(f"create table barrier_{n} (witness int)" for n in range(_TABLES)) + ";" +
                  f"grant all on all tables in schema public to {USER}", dbname=DATABASE)
    for number in range(_CLIENTS):
        target.command("identity", "create", f"witness_{number}", "--password-stdin", input=USER_PASSWORD + "\n")
        target.command("grant", "add", "--depot", DATABASE, "--identity", f"witness_{number}", "--login", USER)
    seen = [collections.Counter() for _ in range(_CLIENTS)]
    steps = [0] * _CLIENTS
    for round_ in range(rounds):
        witnesses = [Witness(target.endpoint(), n, steps[n], seen[n]) for n in range(_CLIENTS)]
        for witness in witnesses:
            witness.start()
        time.sleep(0.3 + 0.05 * (round_ % 7))
        os.kill(target.child.pid, signal.SIGKILL)
        for n, witness in enumerate(witnesses):
            witness.join(30)
            assert not witness.is_alive() and not witness.faults
            steps[n] = witness.step
        target.child.stop()
        target.start()
    target.stop()  # all that is known becomes leaves
    events = _events(target)
    for n in range(_CLIENTS):
        assert sum(seen[n].values()) > rounds, "the witnesses have seen next to nothing"
        missing = {what: (count, events[f"witness_{n}"][what]) for what, count in seen[n].items()
                   if events[f"witness_{n}"][what] < count}
        assert not missing, f"seen and without a record: {missing}"
    # What took effect, whether or not its client was told.
    for table in range(_TABLES):
        stored = _rows(cluster, f"select witness, count(*) from barrier_{table} group by 1")
        for witness, count in stored:
            assert events[f"witness_{witness}"][("INSERT", f"barrier_{table}")] >= int(count), f"a row of barrier_{table}"
    assert "VERIFIED" in verify(target)


def test_kill_9_loses_no_record_of_what_a_client_has_seen(start_target, cluster):
    _kill_rounds(start_target(), cluster, 6)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_kill_9_two_hundred_times(start_target, cluster):
    _kill_rounds(start_target(), cluster, 200)


# ---- a disk that is slow, fails or is full ------------------------------------------------------------------

@pytest.fixture(scope="module")
def faulty_library(folder):
    library = folder / "faulty_disk.so"
    run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "faulty_disk.c", "-ldl"])
    library.chmod(0o755)
    return library


class Disk:
    """Orders to the preloaded library."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "disk.order"
        self.becomes("")
        self.environment = {"LD_PRELOAD": str(library), "FAULTY_DISK": str(self._file), "FAULTY_BELOW": "/audit/"}

    def becomes(self, order: str) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(order)
        beside.chmod(0o644)
        beside.rename(self._file)


@pytest.fixture
def disk(folder, faulty_library):
    return Disk(folder, faulty_library)


def _told(endpoint, statement: str) -> str:
    """The SQLSTATE that the statement ends with, in a session of its own, or of the sign-in."""
    try:
        with wire.sign_in(endpoint) as connection:
            connection.send(m.query(statement))
            last = connection.read_until("ErrorResponse", "ReadyForQuery")[-1]
            return last.error_field("C") if last.name == "ErrorResponse" else "00000"
    except wire.SignInRefused as refusal:
        return refusal.sqlstate


def test_slow_flushes_delay_and_lose_nothing(start_target, disk):
    target = start_target(environment=disk.environment)
    with wire.sign_in(target.endpoint()) as connection:
        connection.query("create temp table slow (a int)")
        disk.becomes("slow 500")
        for statement in ("select 41 + 1", "insert into slow values (1)", "begin", "commit"):
            begun = time.monotonic()
            answer = connection.query(statement)
            took = time.monotonic() - begun
            assert all(message.name != "ErrorResponse" for message in answer), answer
            assert 0.4 < took < 4, f"{statement} took {took:.2f} s: it has not waited for its record"
        disk.becomes("")
        assert connection.value("select count(*) from slow") == "1"


def test_reads_do_not_wait_where_configured(start_target, disk):
    target = start_target(environment=disk.environment, audit='reads = "async"')
    with wire.sign_in(target.endpoint()) as connection:
        connection.query("create temp table slow (a int)")
        disk.becomes("slow 500")
        begun = time.monotonic()
        assert connection.value("select 41 + 1") == "42"
        assert time.monotonic() - begun < 0.4
        begun = time.monotonic()
        connection.query("insert into slow values (1)")
        assert time.monotonic() - begun > 0.4
        disk.becomes("")


def test_failing_disk_refuses_clearly_and_recovers(start_target, cluster, disk):
    target = start_target(environment=disk.environment, audit='max_wait = "1s"')
    cluster.admin(f"create table refused (a int); grant all on refused to {USER}", dbname=DATABASE)
    endpoint = target.endpoint()
    waiting = wire.sign_in(endpoint)
    reading = wire.sign_in(endpoint)
    bystander = wire.sign_in(endpoint)
    disk.becomes("fail")
    begun = time.monotonic()
    # The first to find out wait until their time is over; what they asked for has not happened.
    for connection, statement, told in ((waiting, "insert into refused values (1)", "was not run"),
                                        (reading, "select 1", "withheld")):
        connection.send(m.query(statement))
        last = connection.read_until("ErrorResponse")[-1]
        if last.error_field("S") == "FATAL":
            assert (last.error_field("C"), told in last.error_field("M")) == ("58030", True), last
        else:  # it came once the failure was known
            assert last.error_field("C") == "58030"
    assert time.monotonic() - begun < 8
    refused, = [x for x in bystander.query("insert into refused values (2)") if x.name == "ErrorResponse"]
    assert refused.error_field("C") == "58030" and "audit log" in refused.error_field("M")
    assert _told(endpoint, "select 1") == "58030"
    assert target.child.alive()
    disk.becomes("")
    wait_for(lambda: _told(endpoint, "insert into refused values (3)") == "00000", 10, "the log to recover", step=0.2)
    assert bystander.value("select 42") == "42"
    assert _rows(cluster, "select a from refused") == [("3",)]
    target.stop()
    assert "VERIFIED" in verify(target)


def test_outcome_that_cannot_be_kept_is_told_and_becomes_unknown(start_target, cluster, disk):
    target = start_target(environment=disk.environment, audit='max_wait = "1s"')
    cluster.admin(f"create table doubtful (a int); grant all on doubtful to {USER}", dbname=DATABASE)
    with wire.sign_in(target.endpoint()) as connection:
        connection.send(m.query("insert into doubtful select 1 from pg_sleep(2)"))
        time.sleep(0.5)
        disk.becomes("fail")
        assert _told(target.endpoint(), "select 1") == "58030"
        answer = connection.read_until_ready()
        assert [x.name for x in answer] == ["CommandComplete", "ReadyForQuery"], "the true outcome"
        end, = connection.read_until("ErrorResponse")
        assert (end.error_field("S"), end.error_field("C")) == ("FATAL", "58030")
    os.kill(target.child.pid, signal.SIGKILL)
    target.child.stop()
    disk.becomes("")
    target.start()
    target.stop()
    record, = [r for r in audit_records.records(target.audit_folder) if r.get("relations") and
               r["relations"][0]["name"] == "doubtful"]
    assert record["status"] == "unknown"
    assert _rows(cluster, "select a from doubtful") == [("1",)]
    assert "VERIFIED" in verify(target)


@pytest.fixture
def small_disk(folder):
    """A file system of 24 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    place = folder / "small"
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", str(place)],
                             env=clean_environment(), capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], env=clean_environment(), check=True)


def test_full_disk_refuses_clearly_and_recovers(start_target, small_disk):
    target = start_target(audit_folder=small_disk / "log", audit=(
        'free_floor_bytes = "2MiB"\nsegment_bytes = "1MiB"\nmax_wait = "2s"'))
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (20 << 20))
    give(filler)
    endpoint = target.endpoint()
    many = ";".join(["select 1"] * 500)

    def refused() -> bool:
        begun = time.monotonic()
        state = _told(endpoint, many)
        assert time.monotonic() - begun < 10, "a hang"
        assert state in ("00000", "58030"), state
        return state == "58030"

    wait_for(refused, 60, "the disk to be full", step=0)
    assert target.child.alive()
    filler.unlink()
    wait_for(lambda: _told(endpoint, "select 1") == "00000", 20, "the log to recover", step=0.2)
    target.stop()
    assert "VERIFIED" in verify(target)


# ---- what the program makes of its log ----------------------------------------------------------------------

def test_key_is_private_and_stays(start_target):
    target = start_target(audit='origin = "example.com/prod"')
    key = target.folder / "data" / "keys" / "audit.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    assert "made its key" in target.child.log_text()
    assert target.audit_key.startswith("example.com/prod+")
    target.stop()
    target.start()
    assert key.read_text() == before
    target.stop()
    key.unlink()
    with pytest.raises(RuntimeError, match="put it back"):
        target.start()


def test_one_log_has_one_writer(start_target):
    target = start_target()
    key = target.folder / "data" / "keys" / "audit.key"
    with pytest.raises(RuntimeError, match="held by another process"):
        start_target(audit_folder=target.audit_folder, audit=f'key_file = "{key}"')


def test_log_verifies_while_it_is_written(target, endpoint):
    with wire.sign_in(endpoint) as connection:
        for _ in range(50):
            connection.query("select 1")
    time.sleep(1.5)
    assert "VERIFIED" in verify(target)
