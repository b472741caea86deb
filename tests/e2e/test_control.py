"""What an administrator changes takes effect at once: on running sessions and on the next sign-in. Also the
session commands, reload, configuration faults, and a database of one's own in the embedded PostgreSQL."""
from __future__ import annotations

import datetime
import itertools
import json
import shutil
import signal
import socket
import time

import pytest

import bartizan
import wire
import wire_messages as m
from certificates import Certificates
from postgres import DATABASE, SUPERUSER, SUPERUSER_PASSWORD, USER
from processes import clean_environment, free_port, give, make_folder, remove_folder, run, wait_for

_SECONDS_TO_END = 2.0
_SECONDS_TO_REFUSE = 1.0
_PASSWORD = "control test pässword"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _only_bartizan(target_name):
    if target_name != "bartizan":
        pytest.skip("only Bartizan has these commands")


@pytest.fixture
def person(target):
    """An identity with no grant yet, once it is known."""
    name = f"person{next(_numbers)}"
    _create_identity(target, name)
    wait_for(lambda: _refusal(_as(target, name)).sqlstate == "3D000", _SECONDS_TO_REFUSE, "the identity", step=0.02)
    return name


def _create_identity(target, name: str, *options: str) -> None:
    target.command("identity", "create", name, "--password-stdin", *options, input=_PASSWORD + "\n")


def _grant(target, *who: str, login: str = USER, depot: str = DATABASE, options: tuple = ()) -> str:
    answer = target.command("grant", "add", "--depot", depot, *who, "--login", login, "--json", *options)
    return json.loads(answer.stdout)["id"]


def _as(target, name: str, depot: str = DATABASE):
    return target.endpoint().replace(user=name, password=_PASSWORD, dbname=depot)


def _soon(seconds: float) -> tuple[str, float]:
    """A time that far ahead in RFC 3339, and the same as a time.monotonic()."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), time.monotonic() + seconds


def _refusal(endpoint) -> wire.SignInRefused | None:
    try:
        wire.sign_in(endpoint).close()
    except wire.SignInRefused as refusal:
        return refusal
    return None


def _assert_ended(connection: wire.Connection, since: float) -> None:
    """Nothing but FATAL 57P01 and the end, within two seconds."""
    messages = connection.read_to_end(10)
    took = time.monotonic() - since
    assert [(x.name, x.error_field("S"), x.error_field("C")) for x in messages] == [("ErrorResponse", "FATAL", "57P01")]
    assert took < _SECONDS_TO_END, f"ended after {took:.2f} s"


def _assert_soon_refused(endpoint, *sqlstates: str) -> None:
    started = time.monotonic()
    refusal = wait_for(lambda: _refusal(endpoint), 5, "a refusal", step=0.02)
    assert time.monotonic() - started < _SECONDS_TO_REFUSE
    assert refusal.sqlstate in sqlstates, refusal


def _assert_soon_let_in(endpoint) -> None:
    started = time.monotonic()
    wait_for(lambda: _refusal(endpoint) is None, 5, "a sign-in", step=0.02)
    assert time.monotonic() - started < _SECONDS_TO_REFUSE


# ---- taking away ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_disabled_identity_is_out_until_enabled(target, person, busy):
    _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        if busy:
            connection.send(m.query("select pg_sleep(20)"))
            time.sleep(0.2)
        started = time.monotonic()
        target.command("identity", "disable", person)
        _assert_soon_refused(_as(target, person), "28P01", "3D000")
        _assert_ended(connection, started)
    target.command("identity", "enable", person)
    _assert_soon_let_in(_as(target, person))


def test_deleted_identity_is_out(target, person):
    _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        started = time.monotonic()
        target.command("identity", "delete", person)
        _assert_ended(connection, started)
        _assert_soon_refused(_as(target, person), "28P01")


def test_removed_grant_ends_its_sessions_only(target, person):
    grant = _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection, wire.sign_in(target.endpoint()) as other:
        started = time.monotonic()
        target.command("grant", "remove", grant)
        _assert_ended(connection, started)
        _assert_soon_refused(_as(target, person), "3D000")
        assert other.value("select 1") == "1"


def test_grant_ends_at_its_time(target, person):
    until, end = _soon(3)
    _grant(target, "--identity", person, options=("--valid-until", until))
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        _assert_ended(connection, end)
        assert time.monotonic() > end - 0.05, "ended too early"
        _assert_soon_refused(_as(target, person), "3D000")


def test_identity_ends_at_its_time(target):
    name = f"person{next(_numbers)}"
    until, end = _soon(3)
    _create_identity(target, name, "--valid-until", until)
    _grant(target, "--identity", name)
    _assert_soon_let_in(_as(target, name))
    with wire.sign_in(_as(target, name)) as connection:
        _assert_ended(connection, end)
        assert time.monotonic() > end - 0.05, "ended too early"
        _assert_soon_refused(_as(target, name), "28P01", "3D000")


# ---- grants ---------------------------------------------------------------------------------------------

def test_two_logins_on_one_depot_are_refused_clearly(target, person):
    target.command("depot", "login", DATABASE, SUPERUSER, "--password-stdin", input=SUPERUSER_PASSWORD + "\n")
    _grant(target, "--identity", person)
    second = _grant(target, "--identity", person, login=SUPERUSER)
    _assert_soon_refused(_as(target, person), "22023")
    assert "grant" in _refusal(_as(target, person)).error.error_field("M")
    target.command("grant", "remove", second)
    _assert_soon_let_in(_as(target, person))


def test_grant_by_role(target, person):
    role = f"role_of_{person}"
    target.command("role", "create", role)
    _grant(target, "--role", role)
    assert _refusal(_as(target, person)).sqlstate == "3D000"
    target.command("role", "assign", role, person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        assert connection.value("select current_user") == USER
        started = time.monotonic()
        target.command("role", "unassign", role, person)
        _assert_ended(connection, started)
    _assert_soon_refused(_as(target, person), "3D000")


def test_unknown_and_ungranted_depot_look_the_same(target, person):
    ungranted, unknown = (_refusal(_as(target, person, depot)).error for depot in ("postgres", "nowhere"))
    assert ungranted.error_field("C") == "3D000"
    assert [(code, text.replace("postgres", "nowhere")) for code, text in ungranted.fields] == list(unknown.fields)


# ---- sessions -------------------------------------------------------------------------------------------

def _sessions(target) -> list[dict]:
    return json.loads(target.command("session", "list", "--json").stdout)


def test_session_list_and_kill(target, person):
    _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as first, wire.sign_in(_as(target, person)) as second:
        second.value("begin")
        addresses = {"{}:{}".format(*each.socket.getsockname()[:2]): each for each in (first, second)}
        mine = {s["client"]: s for s in _sessions(target) if s["identity"] == person}
        assert set(mine) == set(addresses)
        assert {s["depot"] for s in mine.values()} == {DATABASE}
        by_connection = {addresses[address]: s for address, s in mine.items()}
        assert by_connection[first]["state"] == "idle"
        assert "transaction" in by_connection[second]["state"]
        table = target.command("session", "list").stdout
        assert person in table and DATABASE in table

        started = time.monotonic()
        target.command("session", "kill", by_connection[second]["id"])
        _assert_ended(second, started)
        assert first.value("select 1") == "1"
        assert [s["id"] for s in _sessions(target) if s["identity"] == person] == [by_connection[first]["id"]]
        assert target.command("session", "kill", by_connection[second]["id"], check=False).returncode == 4


def test_killed_session_cancels_its_statement(target, cluster, person):
    _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        connection.send(m.query(f"select pg_sleep(30) /* {person} sleeps */"))
        running = (f"select count(*) from pg_stat_activity where state = 'active' and query like '%{person} sleeps%'"
                   " and pid <> pg_backend_pid()")
        wait_for(lambda: cluster.admin(running) == "1", 5, "the statement")
        session, = (s for s in _sessions(target) if s["identity"] == person)
        assert session["state"] == "active"
        started = time.monotonic()
        target.command("session", "kill", session["id"])
        _assert_ended(connection, started)
    wait_for(lambda: cluster.admin(running) == "0", 2, "the end of the statement on the server")


@pytest.mark.parametrize("how", ["kill", "disable"])
def test_an_ended_session_commits_nothing_more(target, cluster, person, how):
    table = f"written_by_{person}"
    cluster.admin(f"create table {table} (a int)", f"grant insert on {table} to {USER}")
    _grant(target, "--identity", person)
    _assert_soon_let_in(_as(target, person))
    with wire.sign_in(_as(target, person)) as connection:
        connection.send(m.query(f"insert into {table} select 1 from pg_sleep(3)"))
        time.sleep(0.3)
        session, = (s for s in _sessions(target) if s["identity"] == person)
        target.command(*(("session", "kill", session["id"]) if how == "kill" else ("identity", "disable", person)))
        connection.read_to_end(5)
    time.sleep(3.5)
    assert cluster.admin(f"select count(*) from {table}") == "0", "the statement ran on and was committed"


@pytest.mark.parametrize("unknown", ["999999999", "0", "abc"])
def test_kill_of_an_unknown_session(target, unknown):
    answer = target.command("session", "kill", unknown, check=False)
    assert answer.returncode == (2 if unknown == "abc" else 4), answer


# ---- reload ---------------------------------------------------------------------------------------------

@pytest.fixture
def reloadable(start_target, folder, monkeypatch):
    """A target with certificate files of its own; also the folder of those."""
    own = folder / f"reload{next(_numbers)}"
    own.mkdir()
    give(own)
    certificates = Certificates(own)
    monkeypatch.setenv("BARTIZAN_TLS_CERTIFICATE_FILE", str(certificates.server_cert))
    monkeypatch.setenv("BARTIZAN_TLS_PRIVATE_KEY_FILE", str(certificates.server_key))
    target = start_target()
    _assert_soon_let_in(target.endpoint().replace(ca_file=str(certificates.ca_file)))
    return target, own


def _certificate(target, own) -> bytes:
    with wire.Connection(target.endpoint().replace(ca_file=str(own / "ca.crt"))) as connection:
        connection.start_tls()
        return connection.socket.getpeercert(binary_form=True)


@pytest.mark.parametrize("how", ["command", "SIGHUP"])
def test_reload_takes_new_certificates(reloadable, how):
    target, own = reloadable
    old = _certificate(target, own)
    with wire.sign_in(target.endpoint().replace(ca_file=str(own / "ca.crt"))) as connection:
        Certificates(own)  # a new CA, key and certificate in the same files
        if how == "command":
            target.command("reload")
        else:
            target.child.process.send_signal(signal.SIGHUP)
            wait_for(lambda: _certificate_or_none(target, own), 5, "the new certificate")
        assert _certificate(target, own) != old
        assert connection.value("select 1") == "1"
        with wire.sign_in(target.endpoint().replace(ca_file=str(own / "ca.crt"))) as second:
            assert second.value("select 2") == "2"


def _certificate_or_none(target, own) -> bytes | None:
    try:
        return _certificate(target, own)
    except OSError:
        return None


@pytest.mark.parametrize("fault", ["broken", "missing", "other_key"])
def test_reload_with_a_faulty_certificate_changes_nothing(reloadable, fault):
    target, own = reloadable
    old = _certificate(target, own)
    with wire.sign_in(target.endpoint().replace(ca_file=str(own / "ca.crt"))) as connection:
        if fault == "broken":
            (own / "server.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        elif fault == "missing":
            (own / "server.crt").unlink()
        else:
            shutil.copy(own / "ca.crt", own / "server.crt")  # the CA's certificate, the server's key
        answer = target.command("reload", check=False)
        assert answer.returncode != 0
        assert str(own / ("server.key" if fault == "other_key" else "server.crt")) in answer.stderr, answer.stderr
        assert _certificate(target, own) == old
        assert connection.value("select 1") == "1"
        log = len(target.child.log_text())
        target.child.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "ertificate" in (new := target.child.log_text()[log:]) or "server.crt" in new, 5,
                 "the fault in the log")
        assert _certificate(target, own) == old


def test_reload_tells_what_it_took_over_and_what_needs_a_restart(reloadable):
    target, _ = reloadable
    config = target.folder / "bartizan.toml"
    before = config.read_text()

    def reload() -> dict:
        return json.loads(target.command("reload", "--json").stdout)

    assert (reload()["taken_over"], reload()["needs_restart"]) == ([], [])
    config.write_text(before.replace("[limits]", "[limits]\nidle_timeout = \"1h\"\ndrain_timeout = \"2s\"")
                      .replace("[lockout]\nattempts = 1000", "[lockout]\nattempts = 7")
                      .replace(f"port = {target.port}", f"port = {target.port + 1}", 1))
    answer = reload()
    assert set(answer["taken_over"]) == {"limits.idle_timeout", "limits.drain_timeout", "lockout.attempts"}
    assert answer["needs_restart"] == ["listen.port"]
    assert answer["certificate_not_after"] > "2026"
    # A restart is still needed, the others are no news any more.
    answer = reload()
    assert (answer["taken_over"], answer["needs_restart"]) == ([], ["listen.port"])
    shown = target.command("reload").stdout
    assert "listen.port" in shown
    config.write_text(before + "[lissten]\n")
    assert target.command("reload", check=False).returncode != 0
    config.write_text(before)
    assert set(reload()["taken_over"]) == {"limits.idle_timeout", "limits.drain_timeout", "lockout.attempts"}


def test_reload_takes_new_limits_for_running_sessions(reloadable):
    target, own = reloadable
    Certificates(own)
    config = target.folder / "bartizan.toml"
    before = config.read_text()
    target.command("reload")
    endpoint = target.endpoint().replace(ca_file=str(own / "ca.crt"))
    with wire.sign_in(endpoint) as connection:
        assert connection.value("select 1") == "1"
        config.write_text(before.replace("[limits]", '[limits]\nidle_timeout = "1s"'))
        target.command("reload")
        started = time.monotonic()
        messages = connection.read_to_end(10)
        assert messages[-1].error_field("C") == "57P05", messages
        assert time.monotonic() - started < 5
    config.write_text(before)
    target.command("reload")


# ---- configuration --------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, line, column, words", [
    ("[listen]\nprot = 3\n", 2, 1, "prot"),
    ("[listen]\n  port = \"x\"\n", 2, 10, "port"),
    ("[lissten]\n", 1, None, "lissten"),
    ("[limits]\ndrain_timeout = 5\n", 2, 17, "drain_timeout"),
    ("[limits\n", 1, None, ""),
], ids=["unknown key", "wrong type", "unknown section", "no unit", "no TOML"])
@pytest.mark.parametrize("command", ["check", "serve"])
def test_configuration_faults_are_located(folder, text, line, column, words, command):
    file = folder / f"faulty{next(_numbers)}.toml"
    file.write_text(text)
    arguments = ["config", "check", file] if command == "check" else ["serve", "--config", file]
    answer = run([bartizan.program(), *arguments], check=False, unprivileged=True, timeout=20)
    assert answer.returncode == 3, answer
    said = answer.stdout + answer.stderr
    assert f"{file.name}:{line}:{column}: " in said if column else f"{file.name}:{line}:" in said, said
    assert words in said


# ---- a database of one's own, embedded ------------------------------------------------------------------

_DUMP = """
create table visits (id int primary key, note text);
copy visits (id, note) from stdin;
1\tfirst
2\tsecond
\\.
create view latest as select max(id) from visits;
"""


@pytest.mark.timeout(240)
def test_own_database_in_the_embedded_postgresql():
    """New role and database through Bartizan itself, then a dump loaded with psql by the identity that owns it."""
    folder = make_folder()
    data, port = folder / "data", free_port()
    try:
        run([bartizan.program(), "up", "--data", data, "--port", str(port), "--no-demo", "--detach"], timeout=120)
        try:
            _own_database(data, port)
        finally:
            run([bartizan.program(), "down", "--data", data], check=False)
    finally:
        remove_folder(folder)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "still runs after down"


def _own_database(data, port: int) -> None:
    def command(*arguments, input=None):
        return run([bartizan.program(), *arguments, "--data", data], input=input)

    def psql(depot: str, *arguments, input=None) -> str:
        environment = clean_environment() | {"PGPASSWORD": _PASSWORD}
        return run(["psql", f"host=localhost port={port} user=ann dbname={depot} sslmode=verify-full "
                            f"sslrootcert={data}/tls/ca.crt", "-XAtq", "-v", "ON_ERROR_STOP=1", *arguments],
                   env=environment, input=input).stdout.strip()

    sockets, secrets = data / "postgres" / "run", data / "postgres" / "secrets"
    command("identity", "create", "ann", "--password-stdin", input=_PASSWORD + "\n")
    command("depot", "create", "maintenance", "--host", sockets, "--database", "postgres", "--login", "postgres",
            "--password-stdin", input=(secrets / "superuser.password").read_text())
    command("grant", "add", "--depot", "maintenance", "--identity", "ann", "--login", "postgres")
    time.sleep(0.5)
    psql("maintenance", "-c", "create role clinic_owner login password 'LEAKowner'",
         "-c", "create database clinic owner clinic_owner")
    command("depot", "delete", "maintenance")
    command("depot", "create", "clinic", "--host", sockets, "--login", "clinic_owner", "--password-stdin",
            input="LEAKowner\n")
    command("grant", "add", "--depot", "clinic", "--identity", "ann", "--login", "clinic_owner")
    time.sleep(0.5)
    psql("clinic", "-f", "-", input=_DUMP)
    assert psql("clinic", "-c", "select current_user, count(*), max(note) from visits") == "clinic_owner|2|second"
    assert psql("clinic", "-c", "select * from latest") == "2"
    with pytest.raises(RuntimeError, match="invalid input syntax"):
        psql("clinic", "-c", "select 'LEAKfailing'::int")
    tables = [data / "postgres" / "pgdata" / name for name in ("base", "pg_wal", "global")]
    files = [p for p in data.rglob("*") if p.is_file() and not any(t in p.parents for t in tables)]
    assert any("log" in p.parts for p in files)
    assert not [p for p in files if b"LEAK" in p.read_bytes() or _PASSWORD.encode() in p.read_bytes()]
