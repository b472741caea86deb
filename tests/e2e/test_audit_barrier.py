"""The audit barrier from outside: whatever a client has seen has a durable record, whatever has no record did not
happen, and a log that can't be written refuses clearly and recovers by itself."""
from __future__ import annotations

import bisect
import collections
import json
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
from faulty_disk import Disk
from postgres import DATABASE, USER, USER_PASSWORD
from processes import clean_environment, give, run, wait_for

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(240)]

_TABLES = 40
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
    """One client under its own identity, for one life of the gateway: reads and writes, table after table. `seen`
    holds what it has been told, in order."""

    def __init__(self, endpoint, number: int, step: int) -> None:
        super().__init__()
        self.endpoint = endpoint.replace(user=f"witness_{number}", password=USER_PASSWORD)
        self.number, self.step, self.faults = number, step, []
        self.seen: list[tuple[str, str]] = []

    def run(self) -> None:
        try:
            with wire.sign_in(self.endpoint) as connection:
                self.seen.append(("sign_in", ""))
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
                    self.seen.append(("INSERT" if self.step % 3 == 0 else "SELECT", table))
        except (wire.Eof, OSError, wire.SignInRefused):
            return


def _records_by_life(target, ends: list[int]) -> dict[tuple[int, str], list[tuple[str, str]]]:
    """What each identity did in each life of the gateway, in the log's order. A life is told by its time."""
    found: dict[tuple[int, str], list[tuple[str, str]]] = collections.defaultdict(list)
    for record in audit_records.records(target.audit_folder):
        life = bisect.bisect_left(ends, record["time_us"])
        if record["event"] == "sign_in" and record["status"] == "ok":
            found[life, record["identity"]].append(("sign_in", ""))
        for relation in record.get("relations", []):
            found[life, record["identity"]].append((record["tag"], relation["name"]))
    return found


def _kill(target, round_: int) -> None:
    time.sleep(0.3 + 0.05 * (round_ % 7))
    os.kill(target.child.pid, signal.SIGKILL)


def kill_rounds(target, cluster, rounds: int, die=_kill, revive=lambda target: target.start()) -> None:
    """Clients at work in so many lives of the gateway; each ends by `die`, the next begins by `revive`."""
    cluster.admin(";".join(f"drop table if exists barrier_{n}; create table barrier_{n} (witness int)" for n in range(_TABLES)) + ";" +
                  f"grant all on all tables in schema public to {USER}", dbname=DATABASE)
    for number in range(_CLIENTS):
        target.command("identity", "create", f"witness_{number}", "--password-stdin", input=USER_PASSWORD + "\n")
        target.command("grant", "add", "--depot", DATABASE, "--identity", f"witness_{number}", "--login", USER)
    steps = [0] * _CLIENTS
    lives, ends = [], []
    for round_ in range(rounds):
        witnesses = [Witness(target.endpoint(), n, steps[n]) for n in range(_CLIENTS)]
        for witness in witnesses:
            witness.start()
        die(target, round_)
        for n, witness in enumerate(witnesses):
            witness.join(30)
            assert not witness.is_alive() and not witness.faults
            steps[n] = witness.step
        target.child.stop()
        ends.append(time.time_ns() // 1000)
        lives.append([witness.seen for witness in witnesses])
        revive(target)
    target.stop()  # all that is known becomes leaves
    recorded = _records_by_life(target, ends)
    told = 0
    for life, seen in enumerate(lives):
        for n, what in enumerate(seen):
            records = recorded[life, f"witness_{n}"]
            told += len(what)
            # One after the other, so at most one more was under way when the gateway died.
            assert records[:len(what)] == what, f"life {life}, witness {n}: seen and without a record"
            assert len(records) <= len(what) + 1, f"life {life}, witness {n}: more records than it asked for"
    assert told > rounds * _CLIENTS, "the witnesses have seen next to nothing"
    # What took effect, whether or not its client was told; and what nobody knows is said to be unknown.
    written = collections.Counter((who, table) for (_, who), list_ in recorded.items()
                                  for tag, table in list_ if tag == "INSERT")
    for table in range(_TABLES):
        for witness, count in _rows(cluster, f"select witness, count(*) from barrier_{table} group by 1"):
            assert written[f"witness_{witness}", f"barrier_{table}"] >= int(count), f"a row of barrier_{table}"
    assert any(record["status"] == "unknown" for record in audit_records.records(target.audit_folder))
    assert "VERIFIED" in verify(target)


def test_kill_9_loses_no_record_of_what_a_client_has_seen(start_target, cluster):
    kill_rounds(start_target(), cluster, 5)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_kill_9_two_hundred_times(start_target, cluster):
    kill_rounds(start_target(), cluster, 200)


# ---- a disk that is slow, fails or is full ------------------------------------------------------------------

@pytest.fixture
def disk(folder):
    return Disk(folder)


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


def test_a_held_reply_does_not_keep_its_server_connection(start_target, disk):
    """Six sessions read over one server connection while a flush takes half a second. Each waits for its record, and
    none for another's: together they take two flushes' time, not six."""
    target = start_target(environment=disk.environment, pool_mode="transaction", pool_size=1)
    connections = [wire.sign_in(target.endpoint()) for _ in range(6)]
    try:
        for connection in connections:
            connection.query("select 1")
        disk.becomes("slow 500")
        begun = time.monotonic()
        for n, connection in enumerate(connections):
            connection.send(m.query(f"select {n} + 100"))
        for n, connection in enumerate(connections):
            answer = connection.read_until("ReadyForQuery")
            assert time.monotonic() - begun > 0.4, "it has not waited for its record"
            assert [tuple(reply.fields) for reply in answer if reply.name == "DataRow"] == [(str(n + 100).encode(),)]
        assert time.monotonic() - begun < 2.4, "they have waited for each other's records"
        disk.becomes("")
    finally:
        for connection in connections:
            connection.close()


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


class Loader(threading.Thread):
    """One client that reads and writes until told to stop, signing in again whenever its session ends, and keeps what
    it was told: how often each statement answered, and every refusal with its time."""

    def __init__(self, endpoint, number: int, done: threading.Event) -> None:
        super().__init__()
        self.endpoint, self.number, self.done = endpoint, number, done
        self.answered: collections.Counter = collections.Counter()
        self.refusals: list[str] = []
        self.longest, self.faults = 0.0, []

    def run(self) -> None:
        while not self.done.is_set():
            try:
                with wire.sign_in(self.endpoint) as connection:
                    self._load(connection)
            except wire.SignInRefused as refusal:
                self._refused(refusal.sqlstate)
            except (wire.Eof, OSError):
                pass
            time.sleep(0.02)

    def _refused(self, sqlstate: str) -> None:
        self.refusals.append(sqlstate)
        if sqlstate != "58030":
            self.faults.append(sqlstate)

    def _load(self, connection) -> None:
        step = 0
        while not self.done.is_set():
            step += 1
            tag = "INSERT" if step % 2 else "SELECT"
            table = f"loaded_{self.number}"
            begun = time.monotonic()
            connection.send(m.query(f"insert into {table} values ({step})" if step % 2 else f"select 1 from {table}"))
            last = connection.read_until("ErrorResponse", "ReadyForQuery")[-1]
            self.longest = max(self.longest, time.monotonic() - begun)
            if last.name == "ReadyForQuery":
                self.answered[tag] += 1
                continue
            self._refused(last.error_field("C"))
            if last.error_field("S") == "FATAL":
                return
            connection.read_until("ReadyForQuery")
            time.sleep(0.05)  # an application that tries again at leisure


def test_faults_in_the_middle_of_load_fail_closed_and_pass(start_target, cluster, disk):
    """Slow flushes delay; a failing, a read-only and a full disk refuse with 58030; all of it ends by itself."""
    target = start_target(environment=disk.environment, audit='max_wait = "2s"')
    clients = range(6)
    cluster.admin(";".join(f"create table loaded_{n} (a int); grant all on loaded_{n} to {USER}" for n in clients),
                  dbname=DATABASE)
    done = threading.Event()
    loaders = [Loader(target.endpoint(), n, done) for n in clients]

    def answered() -> int:
        return sum(loader.answered.total() for loader in loaders)

    def refused() -> int:
        return sum(len(loader.refusals) for loader in loaders)

    for loader in loaders:
        loader.start()
    try:
        wait_for(lambda: answered() > 100, 20, "load")
        disk.becomes("slow 500")
        before = refused()
        time.sleep(2)
        assert refused() == before, "a slow disk delays, it refuses nothing"
        for fault in ("fail", "readonly", "full"):
            disk.becomes("")
            here = answered()
            wait_for(lambda: answered() > here + 50, 20, f"load before {fault}")
            before = refused()
            disk.becomes(fault)
            wait_for(lambda: refused() > before + 3 * len(loaders), 20, f"refusals while the disk says {fault}")
            stuck = answered()
            time.sleep(0.5)
            assert answered() == stuck, f"answers without a record while the disk says {fault}"
            assert target.child.alive()
        disk.becomes("")
        here = answered()
        wait_for(lambda: answered() > here + 50, 20, "load after it all")
    finally:
        disk.becomes("")
        done.set()
        for loader in loaders:
            loader.join(30)
    assert not any(loader.is_alive() for loader in loaders)
    assert not [fault for loader in loaders for fault in loader.faults]
    assert max(loader.longest for loader in loaders) < 8, "a hang"
    target.stop()
    recorded = collections.Counter((record["tag"], record["relations"][0]["name"])
                                   for record in audit_records.records(target.audit_folder)
                                   if record.get("relations") and record["status"] in ("ok", "unknown"))
    for loader in loaders:
        for tag, count in loader.answered.items():
            assert recorded[tag, f"loaded_{loader.number}"] >= count
        # What was refused has not happened.
        (rows,), = _rows(cluster, f"select count(*) from loaded_{loader.number}")
        assert loader.answered["INSERT"] <= int(rows) <= recorded["INSERT", f"loaded_{loader.number}"]
    assert "VERIFIED" in verify(target)


def test_break_glass_lets_statements_go_on_and_is_on_the_record(start_target, cluster, disk):
    target = start_target(environment=disk.environment, audit='max_wait = "1s"')
    cluster.admin(f"create table broken (a int); grant all on broken to {USER}", dbname=DATABASE)
    endpoint = target.endpoint()

    def glass(*arguments: str, check: bool = True):
        return target.command("audit", "break-glass", *arguments, check=check)

    assert glass("on", "--for", "15m", check=False).returncode != 0, "without a reason"
    assert glass("on", "--for", "9h", "--reason", "x", check=False).returncode != 0, "for too long"
    assert glass("off", check=False).returncode != 0, "it is whole"
    disk.becomes("readonly")
    wait_for(lambda: _told(endpoint, "insert into broken values (1)") == "58030", 10, "the refusal")
    told = json.loads(glass("on", "--for", "15m", "--reason", "ticket 4711", "--json").stdout)
    assert told["broken"] and told["reason"] == "ticket 4711"
    with wire.sign_in(endpoint) as connection:
        assert all(x.name != "ErrorResponse" for x in connection.query("insert into broken values (2)"))
        assert connection.value("select count(*) from broken") == "1"
    status = json.loads(target.command("status", "--json").stdout)["audit"]
    assert not status["healthy"] and status["break_glass"]["reason"] == "ticket 4711"
    assert "BREAK-GLASS" in target.command("doctor", check=False).stdout
    glass("off")
    assert _told(endpoint, "insert into broken values (3)") == "58030", "closed again"
    disk.becomes("")
    wait_for(lambda: _told(endpoint, "select 1") == "00000", 10, "the log to recover", step=0.2)
    target.stop()
    records = audit_records.records(target.audit_folder)
    assert [r["operation"] for r in records if r["event"] == "break_glass"] == ["break-glass.on", "break-glass.off"]
    assert [r["status"] for r in records if r.get("relations") and r["tag"] == "INSERT" and
            r["relations"][0]["name"] == "broken" and r["status"] == "ok"] == ["ok"], "the record came late"
    assert _rows(cluster, "select a from broken") == [("2",)]
    assert "audit.break_glass" in target.child.log_text()
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
